/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands. One that is wrong is answered by FAIL and has changed nothing. */
#include "qtest_impl.h"

#include "core/loop.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/space.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct words {
    char *v[QTEST_WORDS];
    uint32_t n; /* without the verb */
};

/* The first n words as numbers of at most max[i]. Answers FAIL and returns 0 if one is not. */
static int numbers(struct qtest *q, const struct words *w, uint32_t n, const uint64_t *max,
                   uint64_t *v)
{
    for (uint32_t i = 0; i < n; i++)
        if (!qtest_number(w->v[i], max[i], &v[i])) {
            qtest_reply(q, "FAIL '%.40s' is not a number up to 0x%" PRIx64, w->v[i], max[i]);
            return 0;
        }
    return 1;
}

/* ADDR LEN, of at most max bytes and within the address space. */
static int range(struct qtest *q, const struct words *w, uint64_t max, uint64_t *v)
{
    const uint64_t limit[] = {UINT64_MAX, max};
    if (!numbers(q, w, 2, limit, v))
        return 0;
    if (!v[1] || v[0] <= UINT64_MAX - (v[1] - 1))
        return 1;
    qtest_reply(q, "FAIL the range leaves the address space");
    return 0;
}

static void *room_for(struct qtest *q, uint64_t len)
{
    void *p = calloc(1, len + 1); /* the test chose the size: not xcalloc */
    if (!p)
        qtest_reply(q, "FAIL no memory for %" PRIu64 " bytes", len);
    return p;
}

/* ---- ports and single accesses ---- */

static void out_port(struct qtest *q, const struct words *w, uint32_t size)
{
    const uint64_t max[] = {0xffff, UINT64_MAX};
    uint64_t v[2];
    if (!numbers(q, w, 2, max, v))
        return;
    space_write(q->vm->pio, v[0], v[1] & ones(size), size);
    qtest_reply(q, "OK");
}

static void in_port(struct qtest *q, const struct words *w, uint32_t size)
{
    const uint64_t max[] = {0xffff};
    uint64_t port;
    if (numbers(q, w, 1, max, &port))
        qtest_reply(q, "OK 0x%04" PRIx64, space_read(q->vm->pio, port, size));
}

static int last_byte_exists(struct qtest *q, uint64_t addr, uint32_t size)
{
    if (addr <= UINT64_MAX - (size - 1))
        return 1;
    qtest_reply(q, "FAIL the range leaves the address space");
    return 0;
}

static void store(struct qtest *q, const struct words *w, uint32_t size)
{
    const uint64_t max[] = {UINT64_MAX, UINT64_MAX};
    uint64_t v[2];
    if (!numbers(q, w, 2, max, v) || !last_byte_exists(q, v[0], size))
        return;
    qtest_mem_store(q->vm, v[0], v[1] & ones(size), size);
    qtest_reply(q, "OK");
}

static void load(struct qtest *q, const struct words *w, uint32_t size)
{
    const uint64_t max[] = {UINT64_MAX};
    uint64_t addr;
    if (numbers(q, w, 1, max, &addr) && last_byte_exists(q, addr, size))
        qtest_reply(q, "OK 0x%016" PRIx64, qtest_mem_load(q->vm, addr, size));
}

/* ---- many bytes ---- */

static void read_with(struct qtest *q, const struct words *w, const char *head,
                      void (*encode)(struct buf *, const uint8_t *, size_t))
{
    uint64_t v[2];
    if (!range(q, w, QTEST_DATA_MAX, v))
        return;
    AUTO_FREE uint8_t *p = room_for(q, v[1]);
    if (!p)
        return;
    BUF_AUTO b = {0};
    qtest_mem_read(q->vm, v[0], p, v[1]);
    buf_str(&b, head);
    encode(&b, p, v[1]);
    qtest_reply_text(q, buf_cstr(&b), b.len);
}

static void read_hex(struct qtest *q, const struct words *w, uint32_t size)
{
    (void)size;
    read_with(q, w, "OK 0x", qtest_hex);
}

static void read_base64(struct qtest *q, const struct words *w, uint32_t size)
{
    (void)size;
    read_with(q, w, "OK ", qtest_base64);
}

static void write_hex(struct qtest *q, const struct words *w, uint32_t size)
{
    uint64_t v[2];
    (void)size;
    if (!range(q, w, QTEST_DATA_MAX, v))
        return;
    AUTO_FREE uint8_t *p = room_for(q, v[1]);
    if (!p)
        return;
    if (qtest_unhex(w->v[2], p, v[1]) < 0) {
        qtest_reply(q, "FAIL the data are not 0x and pairs of hexadecimal digits");
        return;
    }
    qtest_mem_write(q->vm, v[0], p, v[1]);
    qtest_reply(q, "OK");
}

/* Less data than LEN says: what there is is written. */
static void write_base64(struct qtest *q, const struct words *w, uint32_t size)
{
    uint64_t v[2];
    (void)size;
    if (!range(q, w, QTEST_DATA_MAX, v))
        return;
    AUTO_FREE uint8_t *p = room_for(q, v[1]);
    int64_t n = p ? qtest_unbase64(w->n > 2 ? w->v[2] : "", p, v[1]) : -ENOMEM;
    if (!p)
        return;
    if (n < 0) {
        qtest_reply(q, "FAIL the data are not base64");
        return;
    }
    qtest_mem_write(q->vm, v[0], p, (uint64_t)n);
    qtest_reply(q, "OK");
}

static void set_memory(struct qtest *q, const struct words *w, uint32_t size)
{
    const struct words value = {{w->v[2]}, 1};
    const uint64_t max[] = {UINT64_MAX};
    uint64_t v[2], byte;
    uint8_t block[4096];
    (void)size;
    if (!range(q, w, QTEST_FILL_MAX, v) || !numbers(q, &value, 1, max, &byte))
        return;
    memset(block, (uint8_t)byte, sizeof block);
    for (uint64_t n; v[1]; v[0] += n, v[1] -= n) {
        n = v[1] < sizeof block ? v[1] : sizeof block;
        qtest_mem_write(q->vm, v[0], block, n);
    }
    qtest_reply(q, "OK");
}

/* ---- time ---- */

static uint64_t now(const struct qtest *q)
{
    return clock_now(&q->vm->clock, TN_CLK_VM);
}

static void warp_and_answer(struct qtest *q, uint64_t ns)
{
    qtest_warp(q->vm, ns);
    qtest_reply(q, "OK %" PRIu64, now(q));
}

static void clock_step(struct qtest *q, const struct words *w, uint32_t size)
{
    const uint64_t max[] = {INT64_MAX};
    uint64_t ns = 0, to = qtest_deadline(q->vm);
    (void)size;
    if (w->n && !numbers(q, w, 1, max, &ns))
        return;
    if (w->n)
        to = ns > INT64_MAX - now(q) ? INT64_MAX : now(q) + ns;
    warp_and_answer(q, to == ~(uint64_t)0 ? now(q) : to);
}

static void clock_set_to(struct qtest *q, const struct words *w, uint32_t size)
{
    const uint64_t max[] = {INT64_MAX};
    uint64_t ns;
    (void)size;
    if (numbers(q, w, 1, max, &ns))
        warp_and_answer(q, ns);
}

/* ---- interrupts ---- */

/* The wires that the test means are the inputs of the I/O APIC, whatever the machine's tree calls
 * the way to it. */
static int is_ioapic(struct qtest *q, const char *path)
{
    static const char name[] = "ioapic";
    size_t len = strlen(path), n = strlen(name);
    if (len >= n && strcmp(path + len - n, name) == 0)
        return 1;
    qtest_reply(q, "FAIL Unknown device '%.80s'", path);
    return 0;
}

/* [any] leaf. ISA interrupt 0 is another input of the I/O APIC than its number says; tests know it
 * by its number. */
static void on_wire(void *o, uint32_t gsi, uint32_t level)
{
    struct qtest *q = o;
    qtest_reply(q, "IRQ %s %u", level ? "raise" : "lower", gsi == irq_isa_gsi(0) ? 0 : gsi);
    bh_kick(q->bh); /* nobody may be about to answer a command */
}

static void intercept_in(struct qtest *q, const struct words *w, uint32_t size)
{
    (void)size;
    if (!is_ioapic(q, w->v[0]))
        return;
    if (!q->intercepting)
        irq_intercept(q->vm, on_wire, q);
    q->intercepting = 1;
    qtest_reply(q, "OK");
}

static void intercept_out(struct qtest *q, const struct words *w, uint32_t size)
{
    (void)w;
    (void)size;
    qtest_reply(q,
                "FAIL outputs of devices cannot be intercepted, only the inputs of the I/O APIC");
}

static struct tn_line *input_line(struct qtest *q, uint32_t n)
{
    ERR_AUTO e = {0};
    uint32_t gsi = n == 0 ? irq_isa_gsi(0) : n;
    if (!q->input[n])
        q->input[n] = irq_line_new(q->vm, NULL, gsi, TN_LINE_SHARED, &e);
    if (!q->input[n])
        qtest_reply(q, "FAIL %s", err_text(&e));
    return q->input[n];
}

/* set_irq_in PATH NAME N LEVEL */
static void set_irq_in(struct qtest *q, const struct words *w, uint32_t size)
{
    const struct words num = {{w->v[2], w->v[3]}, 2};
    const uint64_t max[] = {IRQ_IOAPIC_PINS - 1, INT32_MAX};
    uint64_t v[2];
    (void)size;
    if (!is_ioapic(q, w->v[0]) || !numbers(q, &num, 2, max, v))
        return;
    struct tn_line *l = input_line(q, (uint32_t)v[0]);
    if (!l)
        return;
    irq_set(l, v[1] != 0);
    qtest_reply(q, "OK");
}

void qtest_release_inputs(struct qtest *q)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(q->input); i++)
        if (q->input[i])
            irq_line_free(q->input[i]);
}

/* ---- the rest ---- */

static void endianness(struct qtest *q, const struct words *w, uint32_t size)
{
    (void)w;
    (void)size;
    qtest_reply(q, "OK little");
}

static void not_here(struct qtest *q, const struct words *w, uint32_t size)
{
    (void)w;
    (void)size;
    qtest_reply(q, "FAIL this machine has no such thing");
}

struct verb {
    const char *name;
    uint32_t min, max; /* words */
    uint32_t size;     /* bytes of one access */
    void (*run)(struct qtest *q, const struct words *w, uint32_t size);
};

static const struct verb verbs[] = {
    {"endianness", 0, 0, 0, endianness},
    {"outb", 2, 2, 1, out_port},
    {"outw", 2, 2, 2, out_port},
    {"outl", 2, 2, 4, out_port},
    {"inb", 1, 1, 1, in_port},
    {"inw", 1, 1, 2, in_port},
    {"inl", 1, 1, 4, in_port},
    {"writeb", 2, 2, 1, store},
    {"writew", 2, 2, 2, store},
    {"writel", 2, 2, 4, store},
    {"writeq", 2, 2, 8, store},
    {"readb", 1, 1, 1, load},
    {"readw", 1, 1, 2, load},
    {"readl", 1, 1, 4, load},
    {"readq", 1, 1, 8, load},
    {"read", 2, 2, 0, read_hex},
    {"write", 3, 3, 0, write_hex},
    {"b64read", 2, 2, 0, read_base64},
    {"b64write", 2, 3, 0, write_base64},
    {"memset", 3, 3, 0, set_memory},
    {"clock_step", 0, 1, 0, clock_step},
    {"clock_set", 1, 1, 0, clock_set_to},
    {"irq_intercept_in", 1, 1, 0, intercept_in},
    {"irq_intercept_out", 1, 2, 0, intercept_out},
    {"set_irq_in", 4, 4, 0, set_irq_in},
    {"module_load", 2, 2, 0, not_here},
    {"rtas", 0, QTEST_WORDS, 0, not_here},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* What follows the verb, cut at single spaces. 0 if there are more words than any verb has. */
static int split(char *rest, struct words *w)
{
    while (rest) {
        if (w->n == QTEST_WORDS)
            return 0;
        w->v[w->n++] = rest;
        rest = strchr(rest, ' ');
        if (rest)
            *rest++ = 0;
    }
    return 1;
}

void qtest_command(struct qtest *q, char *line)
{
    struct words w = {.n = 0};
    char *rest = strchr(line, ' ');
    if (rest)
        *rest++ = 0;
    const struct verb *v = find_verb(line);
    if (!v)
        qtest_reply(q, "FAIL Unknown command '%.40s'", line);
    else if (!split(rest, &w) || w.n < v->min || w.n > v->max)
        qtest_reply(q, "FAIL %s: wrong number of words", v->name);
    else
        v->run(q, &w, v->size);
}
