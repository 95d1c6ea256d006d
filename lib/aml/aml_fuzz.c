/* SPDX-License-Identifier: BSD-2-Clause */
/* Two targets in one: aml_check() on the input as it is (must not crash), and the writer driven by
 * the input as a program: whatever it nests, each block's length reaches exactly to where the block
 * was closed, and aml_check() accepts the whole. */
#include "aml/aml.h"
#include "aml/resource.h"
#include <stdlib.h>

#define NEST_MAX 40
#define AML_MAX  (2u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct program {
    const uint8_t *p, *end;
    struct aml_block open[NEST_MAX];
    uint8_t raw[NEST_MAX]; /* the block takes raw bytes, no terms */
    uint32_t depth;
    struct buf aml;
};

static uint8_t next(struct program *g)
{
    return g->p < g->end ? *g->p++ : 0;
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* Decoded by hand from 20.2.4, apart from the library. */
static uint32_t length_at(const struct buf *a, size_t at, uint32_t *bytes)
{
    const uint8_t *p = a->data + at;
    *bytes = 1 + (p[0] >> 6);
    switch (*bytes) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 15u) + 16u * p[1];
    case 3:
        return (p[0] & 15u) + 16u * p[1] + 4096u * p[2];
    default:
        return (p[0] & 15u) + 16u * p[1] + 4096u * p[2] + (1u << 20) * p[3];
    }
}

static void close_block(struct program *g)
{
    static const uint32_t minimum[] = {0, 0, 0x40, 0x1000, 0x100000};
    struct aml_block b = g->open[--g->depth];
    uint32_t bytes;
    aml_end(&g->aml, b);
    uint32_t len = length_at(&g->aml, b.at, &bytes);
    require(b.at + len == g->aml.len);
    /* The next shorter form would not have held it. */
    require(bytes == 1 || len > minimum[bytes] - 2);
}

static void opened(struct program *g, struct aml_block b, bool raw)
{
    g->raw[g->depth] = raw;
    g->open[g->depth++] = b;
}

static void open_block(struct program *g, uint8_t what)
{
    struct buf *a = &g->aml;
    switch (what % 9) {
    case 0:
        opened(g, aml_scope(a, "\\_SB.PCI0.ISA_"), false);
        break;
    case 1:
        opened(g, aml_device(a, "DEV"), false);
        break;
    case 2:
        opened(g, aml_method(a, "^MTH", what & 7, what >> 7), false);
        break;
    case 3:
        opened(g, aml_if(a), false);
        break;
    case 4:
        opened(g, aml_else(a), false);
        break;
    case 5:
        opened(g, aml_while(a), false);
        break;
    case 6:
        opened(g, aml_package(a, what * 2u), false);
        break;
    case 7:
        opened(g, aml_buffer_begin(a), true);
        break;
    default:
        opened(g, aml_resources(a), true);
        break;
    }
}

static void fields(struct program *g, uint8_t n)
{
    struct buf *a = &g->aml;
    aml_op_region(a, "REGN", AML_SYSTEM_IO, n, n * 8u);
    struct aml_block f = aml_field(a, "REGN", AML_BYTE_ACC | AML_LOCK | AML_WRITE_AS_ZEROS);
    for (uint32_t i = 0; i < n; i++) {
        aml_field_unit(a, "F", i * i * i);
        aml_field_reserved(a, (uint32_t)next(g) << (n & 15));
    }
    aml_end(a, f);
}

static void term(struct program *g, uint8_t what, uint8_t arg)
{
    struct buf *a = &g->aml;
    switch (what % 8) {
    case 0:
        aml_int(a, (uint64_t)arg << (arg & 56));
        break;
    case 1:
        aml_string(a, "text");
        break;
    case 2:
        aml_buffer(a, NULL, (uint32_t)arg << (arg & 11));
        break;
    case 3:
        aml_op(a, AML_STORE);
        aml_local(a, arg & 7);
        aml_arg(a, arg % 7);
        break;
    case 4:
        fields(g, arg & 15);
        break;
    case 5:
        aml_path(a, arg & 1 ? "\\_SB.A.B.C" : arg & 2 ? "A.B" : "^^_STA");
        break;
    case 6:
        aml_acquire(a, "MTX", arg);
        aml_create_field(a, 4, AML_LOCAL0, arg, "CDW1");
        break;
    default:
        aml_name_eisaid(a, "_HID", "PNP0501");
        break;
    }
}

static void raw_bytes(struct program *g, uint8_t arg)
{
    for (uint32_t i = 0; i <= arg; i++)
        aml_res_memory32_fixed(&g->aml, i & 1, i << 12, 0x1000);
}

static void step(struct program *g)
{
    uint8_t what = next(g), arg = next(g);
    bool raw = g->depth && g->raw[g->depth - 1];
    if (what >= 0xc0 && g->depth)
        close_block(g);
    else if (raw)
        raw_bytes(g, arg);
    else if (what >= 0x60 && g->depth < NEST_MAX)
        open_block(g, arg);
    else
        term(g, what, arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program g = {.p = data, .end = data + size};
    size_t bad = 0;
    require(aml_check(data, size, &bad) == 0 || bad <= size);
    while (g.p < g.end && g.aml.len < AML_MAX)
        step(&g);
    while (g.depth)
        close_block(&g);
    require(aml_check(g.aml.data, g.aml.len, &bad) == 0);
    /* Cut short, it may still be well formed, but is never read past its end. */
    for (size_t cut = 1; cut < 8 && cut < g.aml.len; cut++)
        (void)aml_check(g.aml.data, g.aml.len - cut, &bad);
    buf_free(&g.aml);
    return 0;
}
