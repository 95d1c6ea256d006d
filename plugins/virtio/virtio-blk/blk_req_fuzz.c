/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in any bytes and any pieces, each piece in memory of its own, against disks of any size.
 * What is let through lies within the disk, in whole blocks, and in the driver's pieces. */
#include <stdlib.h>
#include <string.h>

#include "blk_regs.h"
#include "blk_req.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_PIECES = 24 };

struct input {
    const uint8_t *p, *end;
};

static uint32_t next(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

static void expect(bool ok)
{
    if (!ok)
        abort();
}

static struct blk_limits any_disk(struct input *in)
{
    uint32_t shift = next(in) % 4;
    struct blk_limits l = {.block_sectors = 1u << shift,
                           .sectors = (uint64_t)next(in) << (next(in) % 50) << shift,
                           .readonly = next(in) & 1};
    l.discard = (struct blk_range_limit){next(in) << 3, next(in) % 4};
    l.write_zeroes = (struct blk_range_limit){next(in) << 3, next(in) % 4};
    l.secure_erase = (struct blk_range_limit){next(in) << 3, next(in) % 4};
    return l;
}

/* A piece with the next bytes of the input; mostly short ones. */
static struct tn_iov any_piece(struct input *in)
{
    uint32_t len = next(in);
    len = len & 0x80 ? (len & 0x7f) * 32 : len % 24;
    uint8_t *at = malloc(len ? len : 1);
    expect(at != NULL);
    for (uint32_t i = 0; i < len; i++)
        at[i] = (uint8_t)next(in);
    return (struct tn_iov){at, len};
}

static bool inside(const struct blk_limits *l, uint64_t off, uint64_t len)
{
    uint64_t block = (uint64_t)l->block_sectors << BLK_SECTOR_SHIFT;
    return off % block == 0 && len % block == 0 && off >> 9 <= l->sectors &&
           len >> 9 <= l->sectors - (off >> 9);
}

static void check_request(const struct blk_req *r, const struct blk_limits *l)
{
    struct blk_segment s;
    if (r->op == TN_BLK_READ || r->op == TN_BLK_WRITE)
        expect(r->len == r->data_len && inside(l, r->off, r->len));
    expect(!l->readonly || r->op == TN_BLK_READ || r->op == TN_BLK_FLUSH ||
           r->op == BLK_OP_GET_ID || r->op == BLK_OP_NONE);
    for (uint32_t i = 0; r->op != BLK_OP_NONE && i < r->nseg; i++) {
        expect(blk_req_segment(r, l, i, &s) == BLK_S_OK);
        expect(inside(l, s.off, s.len));
    }
}

/* Reads and writes as the back end would, for the address sanitizer to see. */
static void touch(struct blk_req *r)
{
    volatile uint8_t sum = 0;
    uint64_t len = 0;
    for (uint32_t i = 0; i < r->niov; i++) {
        uint8_t *p = r->iov[i].base;
        for (uint64_t k = 0; k < r->iov[i].len; k++)
            sum = (uint8_t)(sum + p[k]);
        len += r->iov[i].len;
    }
    expect(len == r->data_len);
    blk_req_answer(r);
}

static void overwrite(const struct tn_iov *v, uint32_t n, const uint8_t *from, uint32_t len)
{
    for (uint32_t i = 0; i < n && len; i++)
        for (uint64_t k = 0; k < v[i].len && len; k++, len--)
            ((uint8_t *)v[i].base)[k] = *from++;
}

/* Uniform bytes hardly ever make a command: a small type, and small numbers in the segments. */
static void make_plausible(struct input *in, const struct tn_iov *v, uint32_t n)
{
    uint8_t b[BLK_HDR_LEN + 3 * BLK_SEG_LEN] = {0};
    b[BLK_HDR_TYPE] = (uint8_t)(next(in) % 16);
    b[BLK_HDR_SECTOR] = (uint8_t)next(in);
    for (uint32_t at = BLK_HDR_LEN; at < sizeof b; at += BLK_SEG_LEN) {
        b[at + BLK_SEG_SECTOR] = (uint8_t)next(in);
        b[at + BLK_SEG_NUM_SECTORS] = (uint8_t)next(in);
        b[at + BLK_SEG_FLAGS] = next(in) % 8 == 0;
    }
    overwrite(v, n, b, sizeof b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct tn_iov v[2 * MAX_PIECES] = {0};
    void *base[2 * MAX_PIECES];
    struct blk_limits l = any_disk(&in);
    struct blk_req r;
    bool plausible = next(&in) & 1;
    uint32_t nout = next(&in) % MAX_PIECES, nin = next(&in) % MAX_PIECES;
    for (uint32_t i = 0; i < nout + nin; i++) {
        v[i] = any_piece(&in);
        base[i] = v[i].base;
    }
    if (plausible)
        make_plausible(&in, v, nout);
    if (!blk_req_parse(&r, &l, v, nout, nin)) {
        check_request(&r, &l);
        touch(&r);
    }
    for (uint32_t i = 0; i < nout + nin; i++)
        free(base[i]);
    return 0;
}
