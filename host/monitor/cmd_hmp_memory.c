/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: memory, ports and numbers. */
#include "hmp_cpu.h"
#include "hmp_impl.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DUMP = 1 << 20, PAGE = 4096 }; /* bytes */

/* ---- reading ---- */

struct look {
    uint64_t gpa;
    int claimed;
};

static int covers(void *o, const struct tn_region *r, uint64_t first, uint64_t last)
{
    struct look *l = o;
    (void)r;
    l->claimed = l->gpa >= first && l->gpa <= last;
    return l->claimed;
}

/* What is no RAM is read as a processor would, if somebody answers there. */
static int read_physical(struct vm *vm, uint64_t gpa, uint8_t *p, uint32_t n)
{
    struct look l = {gpa, 0};
    if (vm->memory && memory_read(vm, gpa, p, n) == 0)
        return 0;
    if (!vm->mmio)
        return -EFAULT;
    space_each(vm->mmio, covers, &l);
    if (!l.claimed)
        return -EFAULT;
    for (uint32_t at = 0, size; at < n; at += size) {
        uint8_t v[8];
        for (size = 8; size > n - at || (gpa + at) % size; size /= 2)
            ;
        put_le64(v, space_read(vm->mmio, gpa + at, size));
        memcpy(p + at, v, size);
    }
    return 0;
}

/* A run of bytes may lie on two pages. */
static int read_virtual(struct qmp_call *c, uint64_t va, uint8_t *p, uint32_t n)
{
    for (uint32_t part; n; n -= part, p += part, va += part) {
        uint64_t gpa;
        part = (uint32_t)(PAGE - va % PAGE);
        part = part < n ? part : n;
        if (hmp_cpu_translate(c->vm, c->mon->cpu, va, &gpa) < 0 ||
            read_physical(c->vm, gpa, p, part) < 0)
            return -EFAULT;
    }
    return 0;
}

/* ---- x, xp ---- */

static void print_character(struct buf *out, uint64_t v)
{
    uint8_t ch = (uint8_t)v;
    if (ch == '\'' || ch == '\\')
        buf_printf(out, "'\\%c'", ch);
    else if (ch == '\n' || ch == '\r')
        buf_printf(out, "'\\%c'", ch == '\n' ? 'n' : 'r');
    else if (ch >= 32 && ch <= 126)
        buf_printf(out, "'%c'", ch);
    else
        buf_printf(out, "'\\x%02x'", ch);
}

static void print_value(struct buf *out, const struct hmp_format *f, uint64_t v)
{
    int bits = 8 * (int)f->size;
    switch (f->format) {
    case 'o':
        buf_printf(out, "%#*" PRIo64, (bits + 2) / 3, v);
        break;
    case 'u':
        buf_printf(out, "%*" PRIu64, (bits * 10 + 32) / 33, v);
        break;
    case 'd':
        buf_printf(out, "%*" PRId64, (bits * 10 + 32) / 33, (int64_t)v);
        break;
    case 'c':
        print_character(out, v);
        break;
    default:
        buf_printf(out, "0x%0*" PRIx64, bits / 4, v);
    }
}

static uint64_t load(const uint8_t *p, uint32_t size)
{
    uint8_t wide[8] = {0};
    memcpy(wide, p, size);
    return get_le64(wide);
}

struct dump {
    int (*read)(struct qmp_call *c, uint64_t at, uint8_t *p, uint32_t n);
    uint64_t at;
    struct hmp_format f;
};

static int read_xp(struct qmp_call *c, uint64_t at, uint8_t *p, uint32_t n)
{
    return read_physical(c->vm, at, p, n);
}

static void dump(struct qmp_call *c, struct dump *d, struct buf *out)
{
    uint8_t row[16];
    uint32_t most = d->f.size == 1 && d->f.format != 'c' ? 8 : 16;
    for (uint32_t left = d->f.count * d->f.size, n; left; left -= n, d->at += n) {
        n = left < most ? left : most;
        buf_printf(out, "%016" PRIx64 ":", d->at);
        if (d->read(c, d->at, row, n) < 0) {
            buf_str(out, " Cannot access memory\n");
            return;
        }
        for (uint32_t i = 0; i < n; i += d->f.size) {
            buf_str(out, " ");
            print_value(out, &d->f, load(row + i, d->f.size));
        }
        buf_str(out, "\n");
    }
}

static int examine(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e,
                   struct dump *d)
{
    struct hmp_args a = {c, line, e};
    if (hmp_format(&a, &d->f) < 0 || hmp_number(&a, &d->at) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (d->f.format == 'i') {
        buf_str(out, "there is no disassembler here: /x shows the bytes\n");
        return 0;
    }
    if (d->f.format == 'c')
        d->f.size = 1;
    if (d->f.count > MAX_DUMP / d->f.size)
        return err_set(e, E2BIG, "at most %u bytes at once", MAX_DUMP);
    dump(c, d, out);
    return 0;
}

static int x(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct dump d = {.read = read_virtual};
    if (hmp_cpu_exists(c->vm, c->mon->cpu))
        return examine(c, line, out, e, &d);
    buf_str(out, "Can not dump without CPU\n");
    return 0;
}

static int xp(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct dump d = {.read = read_xp};
    return examine(c, line, out, e, &d);
}

/* ---- p, sum ---- */

static int print(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct hmp_format f;
    uint64_t v;
    if (hmp_format(&a, &f) < 0 || hmp_number(&a, &v) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    switch (f.format) {
    case 'o':
        buf_printf(out, "%#" PRIo64, v);
        break;
    case 'x':
        buf_printf(out, "%#" PRIx64, v);
        break;
    case 'c':
        print_character(out, v);
        break;
    case 'u':
        buf_printf(out, "%" PRIu64, v);
        break;
    default:
        buf_printf(out, "%" PRId64, (int64_t)v);
    }
    buf_str(out, "\n");
    return 0;
}

/* BSD's checksum, as cksum(1) -o1: what is no RAM counts as zeros. */
static int sum(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint64_t start;
    uint32_t size;
    uint16_t total = 0;
    if (hmp_number(&a, &start) < 0 || hmp_u32(&a, "sum", &size) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    for (uint8_t page[PAGE]; size;) {
        uint32_t n = size < PAGE ? size : PAGE;
        if (!c->vm->memory || memory_read(c->vm, start, page, n) < 0)
            memset(page, 0, n);
        for (uint32_t i = 0; i < n; i++)
            total = (uint16_t)((total >> 1 | total << 15) + page[i]);
        start += n;
        size -= n;
    }
    buf_printf(out, "%05d\n", total);
    return 0;
}

/* ---- i, o ---- */

static int size_letter(const struct hmp_format *f)
{
    return f->size == 1 ? 'b' : f->size == 2 ? 'w' : 'l';
}

static int ports(struct qmp_call *c, struct tn_err *e)
{
    return c->vm->pio ? 0 : err_set(e, ENODEV, "this machine has no ports");
}

static uint32_t width(const struct hmp_format *f)
{
    return f->size < 4 ? f->size : 4;
}

static int in(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct hmp_format f;
    uint32_t port;
    if (hmp_format(&a, &f) < 0 || hmp_u32(&a, "addr", &port) < 0 || hmp_end(&a) < 0 ||
        ports(c, e) < 0)
        return -EINVAL;
    port &= 0xffff;
    buf_printf(out, "port%c[0x%04x] = 0x%0*" PRIx64 "\n", size_letter(&f), port, (int)width(&f) * 2,
               space_read(c->vm->pio, port, width(&f)));
    return 0;
}

static int out_port(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct hmp_format f;
    uint32_t port, v;
    (void)out;
    if (hmp_format(&a, &f) < 0 || hmp_u32(&a, "addr", &port) < 0 || hmp_u32(&a, "val", &v) < 0 ||
        hmp_end(&a) < 0 || ports(c, e) < 0)
        return -EINVAL;
    space_write(c->vm->pio, port & 0xffff, v & ones(width(&f)), width(&f));
    return 0;
}

/* ---- addresses ---- */

static int gva2gpa(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint64_t va, gpa;
    if (hmp_number(&a, &va) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (!hmp_cpu_exists(c->vm, c->mon->cpu))
        buf_str(out, "No cpu\n");
    else if (hmp_cpu_translate(c->vm, c->mon->cpu, va, &gpa) < 0)
        buf_str(out, "Unmapped\n");
    else
        buf_printf(out, "gpa: %#" PRIx64 "\n", gpa);
    return 0;
}

static const struct hmp_command commands[] = {
    {"gva2gpa", "addr", "print the guest physical address corresponding to a guest virtual address",
     0, gva2gpa, NULL},
    {"i", "/fmt addr", "I/O port read", 0, in, NULL},
    {"o", "/fmt addr value", "I/O port write", 0, out_port, NULL},
    {"print|p", "/fmt expr", "print expression value (use $reg for CPU register access)", 0, print,
     NULL},
    {"sum", "addr size", "compute the checksum of a memory region", 0, sum, NULL},
    {"x", "/fmt addr", "virtual memory dump starting at 'addr'", 0, x, NULL},
    {"xp", "/fmt addr", "physical memory dump starting at 'addr'", 0, xp, NULL},
    {0},
};

const struct qmp_module qmp_hmp_memory = {.hmp = commands};
