/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#define SERIAL      0x3f8
#define LSR         5
#define LSR_THRE    0x20
#define LINE_MAX    256
#define CMDLINE_MAX 1024

/* Xen public/arch-x86/hvm/start_info.h, version 1 */
struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};
#define START_MAGIC 0x336ec578

struct memory_range memory_map[64];
uint32_t memory_map_len;
uint64_t start_info_rsdp;

static char cmdline[CMDLINE_MAX];
static char line[LINE_MAX];
static uint32_t line_len;
static uint16_t console_port = 0x402; /* 0: serial */
static uint32_t tap_n, tap_bad;

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memset(void *to, int c, size_t n)
{
    void *d = to;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n && *x == *y; x++, y++, n--)
        ;
    return n ? *x - *y : 0;
}

static size_t length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

bool streq(const char *a, const char *b)
{
    size_t n = length(a);
    return n == length(b) && memcmp(a, b, n) == 0;
}

/* A UART has a byte at a time of room; a debug port takes the line in one exit. */
static void flush(void)
{
    if (console_port) {
        outs8(console_port, line, line_len);
    } else {
        for (uint32_t i = 0; i < line_len; i++) {
            while (!(in8(SERIAL + LSR) & LSR_THRE))
                ;
            out8(SERIAL, (uint8_t)line[i]);
        }
    }
    line_len = 0;
}

static void put(char c)
{
    line[line_len++] = c;
    if (c == '\n' || line_len == LINE_MAX)
        flush();
}

static void put_number(uint64_t v, uint32_t base, uint32_t width, char pad)
{
    char digits[24];
    uint32_t n = 0;

    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (width > n && n < sizeof digits)
        digits[n++] = pad;
    while (n)
        put(digits[--n]);
}

static void put_string(const char *s, uint32_t width)
{
    size_t n = length(s);

    while (*s)
        put(*s++);
    for (; n < width; n++)
        put(' ');
}

/* One conversion; p is behind the '%'. Returns where the text goes on. */
static const char *convert(const char *p, va_list *ap)
{
    char pad = *p == '0' ? '0' : ' ';
    uint32_t width = 0;
    bool wide = false;

    for (; *p >= '0' && *p <= '9'; p++)
        width = width * 10 + (uint32_t)(*p - '0');
    for (; *p == 'l'; p++)
        wide = true;
    if (*p == 's') {
        put_string(va_arg(*ap, const char *), width);
    } else if (*p == 'c') {
        put((char)va_arg(*ap, int));
    } else if (*p == 'd') {
        int64_t v = wide ? va_arg(*ap, int64_t) : va_arg(*ap, int);
        if (v < 0)
            put('-');
        put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad);
    } else if (*p == 'u' || *p == 'x') {
        uint64_t v = wide ? va_arg(*ap, uint64_t) : va_arg(*ap, uint32_t);
        put_number(v, *p == 'x' ? 16 : 10, width, pad);
    } else {
        put(*p);
    }
    return p + 1;
}

static void vprint(const char *fmt, va_list *ap)
{
    while (*fmt) {
        if (*fmt == '%')
            fmt = convert(fmt + 1, ap);
        else
            put(*fmt++);
    }
}

#define VPRINT(fmt)        \
    do {                   \
        va_list ap;        \
        va_start(ap, fmt); \
        vprint(fmt, &ap);  \
        va_end(ap);        \
    } while (0)

void print(const char *fmt, ...)
{
    VPRINT(fmt);
}

bool ok(bool pass, const char *fmt, ...)
{
    tap_bad += !pass;
    print("%sok %u - ", pass ? "" : "not ", ++tap_n);
    VPRINT(fmt);
    put('\n');
    return pass;
}

bool ok_eq(uint64_t got, uint64_t want, const char *what)
{
    if (got != want)
        print("# %s: 0x%lx, not 0x%lx\n", what, got, want);
    return ok(got == want, "%s", what);
}

void skip(const char *what, const char *why)
{
    print("ok %u - %s # SKIP %s\n", ++tap_n, what, why);
}

void tap_start_at(uint32_t n)
{
    tap_n = n;
}

static void leave(uint8_t v) __attribute__((noreturn));
static void leave(uint8_t v)
{
    out8((uint16_t)arg_num("exit", 0x501), v);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void guest_exit(void)
{
    print("1..%u\n", tap_n);
    leave(tap_bad != 0);
}

void panic(const char *fmt, ...)
{
    print("Bail out! ");
    VPRINT(fmt);
    put('\n');
    leave(1);
}

const char *arg(const char *key)
{
    static char value[64];
    size_t n = length(key), v = 0;

    for (const char *p = cmdline; *p;) {
        while (*p == ' ')
            p++;
        if (memcmp(p, key, n) == 0 && (p[n] == '=' || p[n] == ' ' || !p[n])) {
            for (p += n + (p[n] == '='); *p && *p != ' ' && v < sizeof value - 1; p++)
                value[v++] = *p;
            value[v] = 0;
            return value;
        }
        while (*p && *p != ' ')
            p++;
    }
    return NULL;
}

static uint32_t digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 99;
}

uint64_t arg_num(const char *key, uint64_t otherwise)
{
    const char *p = arg(key);
    uint32_t base = 10;
    uint64_t v = 0;

    if (!p)
        return otherwise;
    if (p[0] == '0' && (p[1] | 0x20) == 'x') {
        base = 16;
        p += 2;
    }
    for (; digit(*p) < base; p++)
        v = v * base + digit(*p);
    return v;
}

static void take_start_info(const struct start_info *si)
{
    const char *text = (const char *)si->cmdline;
    const struct memory_range *map = (const struct memory_range *)si->memmap;

    for (uint32_t i = 0; text && text[i] && i < CMDLINE_MAX - 1; i++)
        cmdline[i] = text[i];
    if (si->version < 1)
        return;
    for (uint32_t i = 0; i < si->memmap_entries && memory_map_len < 64; i++)
        if (map[i].size) /* QEMU's PVH option ROM leaves an empty last entry */
            memory_map[memory_map_len++] = map[i];
    start_info_rsdp = si->rsdp;
}

static void choose_console(void)
{
    const char *name = arg("console");

    if (name && streq(name, "serial"))
        console_port = 0;
    else
        console_port = (uint16_t)arg_num("console", 0x402);
}

void guest_start(const struct start_info *si);
void guest_start(const struct start_info *si)
{
    if (si->magic != START_MAGIC)
        panic("no PVH start info at 0x%lx", (uint64_t)si);
    take_start_info(si);
    choose_console();
    irq_init();
    lapic_init();
    guest_main();
    guest_exit();
}
