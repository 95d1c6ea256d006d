/* SPDX-License-Identifier: BSD-2-Clause */
#include "blk_req.h"

#include <string.h>

#include "blk_regs.h"
#include "util/bytes.h"

/* ---- pieces ---- */

/* The pieces without the first len bytes, which are copied to buf. Pieces that are used up are left
 * as they are; of one that is not, *cut bytes are cut off. False: there are fewer. */
static bool take_front(struct tn_iov **v, uint32_t *n, void *buf, uint64_t len, uint32_t *cut)
{
    uint8_t *to = buf;
    while (len) {
        if (!*n)
            return false;
        uint64_t part = (*v)->len < len ? (*v)->len : len;
        memcpy(to, (*v)->base, part);
        to += part;
        len -= part;
        if (part == (*v)->len) {
            (*v)++;
            (*n)--;
        } else {
            (*v)->base = (uint8_t *)(*v)->base + part;
            (*v)->len -= part;
            *cut = (uint32_t)part;
        }
    }
    return true;
}

/* Cuts off the last byte. The piece that it was in; NULL: there is none. */
static struct tn_iov *take_last(struct tn_iov *v, uint32_t *n)
{
    while (*n && !v[*n - 1].len)
        (*n)--;
    if (!*n)
        return NULL;
    struct tn_iov *last = &v[*n - 1];
    last->len--;
    if (!last->len)
        (*n)--;
    return last;
}

static uint64_t total(const struct tn_iov *v, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += v[i].len;
    return sum;
}

static void copy_out(const struct tn_iov *v, uint32_t n, uint64_t skip, uint8_t *to, uint64_t len)
{
    for (uint32_t i = 0; i < n && len; i++) {
        uint64_t from = skip < v[i].len ? skip : v[i].len;
        uint64_t part = v[i].len - from < len ? v[i].len - from : len;
        memcpy(to, (const uint8_t *)v[i].base + from, part);
        skip -= from;
        to += part;
        len -= part;
    }
}

/* ---- ranges ---- */

static bool range_ok(const struct blk_limits *l, uint64_t sector, uint64_t n)
{
    uint64_t sectors = __atomic_load_n(&l->sectors, __ATOMIC_RELAXED);
    return sector % l->block_sectors == 0 && n % l->block_sectors == 0 && sector <= sectors &&
           n <= sectors - sector;
}

static const struct blk_range_limit *limit_of(const struct blk_limits *l, uint32_t op)
{
    return op == TN_BLK_DISCARD        ? &l->discard
           : op == TN_BLK_WRITE_ZEROES ? &l->write_zeroes
                                       : &l->secure_erase;
}

uint8_t blk_req_segment(const struct blk_req *r, const struct blk_limits *l, uint32_t i,
                        struct blk_segment *out)
{
    uint8_t raw[BLK_SEG_LEN];
    copy_out(r->iov, r->niov, (uint64_t)i * BLK_SEG_LEN, raw, sizeof raw);
    uint64_t sector = get_le64(raw + BLK_SEG_SECTOR);
    uint32_t n = get_le32(raw + BLK_SEG_NUM_SECTORS), flags = get_le32(raw + BLK_SEG_FLAGS);
    if (flags & ~(r->op == TN_BLK_WRITE_ZEROES ? BLK_SEG_UNMAP : 0))
        return BLK_S_UNSUPP;
    if (n > limit_of(l, r->op)->max_sectors || !range_ok(l, sector, n))
        return BLK_S_IOERR;
    *out = (struct blk_segment){.off = sector << BLK_SECTOR_SHIFT,
                                .len = (uint64_t)n << BLK_SECTOR_SHIFT,
                                .flags = flags ? TN_BLKR_UNMAP : 0};
    return BLK_S_OK;
}

uint8_t blk_req_check_segments(const struct blk_req *r, const struct blk_limits *l)
{
    struct blk_segment s;
    uint8_t status = BLK_S_OK;
    for (uint32_t i = 0; i < r->nseg && status == BLK_S_OK; i++)
        status = blk_req_segment(r, l, i, &s);
    return status;
}

/* ---- the commands ---- */

static uint8_t parse_transfer(struct blk_req *r, const struct blk_limits *l, uint64_t sector)
{
    if (r->op == TN_BLK_WRITE && l->readonly)
        return BLK_S_IOERR;
    if (r->data_len % BLK_SECTOR || !range_ok(l, sector, r->data_len >> BLK_SECTOR_SHIFT))
        return BLK_S_IOERR;
    r->off = sector << BLK_SECTOR_SHIFT;
    r->len = r->data_len;
    return BLK_S_OK;
}

static uint8_t parse_ranges(struct blk_req *r, const struct blk_limits *l)
{
    const struct blk_range_limit *most = limit_of(l, r->op);
    if (!most->max_seg)
        return BLK_S_UNSUPP;
    if (l->readonly || !r->data_len || r->data_len % BLK_SEG_LEN ||
        r->data_len / BLK_SEG_LEN > most->max_seg)
        return BLK_S_IOERR;
    r->nseg = (uint32_t)(r->data_len / BLK_SEG_LEN);
    return blk_req_check_segments(r, l);
}

static uint32_t op_of(uint32_t type)
{
    switch (type & ~BLK_T_BARRIER) {
    case BLK_T_IN:
        return TN_BLK_READ;
    case BLK_T_OUT:
        return TN_BLK_WRITE;
    case BLK_T_FLUSH:
    case BLK_T_FLUSH_OUT:
        return TN_BLK_FLUSH;
    case BLK_T_GET_ID:
        return BLK_OP_GET_ID;
    case BLK_T_DISCARD:
        return TN_BLK_DISCARD;
    case BLK_T_WRITE_ZEROES:
        return TN_BLK_WRITE_ZEROES;
    case BLK_T_SECURE_ERASE:
        return TN_BLK_SECURE_ERASE;
    default: /* SCSI commands, lifetime, zones */
        return BLK_OP_NONE;
    }
}

static uint8_t parse_command(struct blk_req *r, const struct blk_limits *l, uint64_t sector)
{
    switch (r->op) {
    case TN_BLK_READ:
    case TN_BLK_WRITE:
        return parse_transfer(r, l, sector);
    case TN_BLK_FLUSH:
    case BLK_OP_GET_ID:
        return BLK_S_OK;
    case BLK_OP_NONE:
        return BLK_S_UNSUPP;
    default:
        return parse_ranges(r, l);
    }
}

/* What the device writes to is data of these; all others carry theirs to the device. */
static bool answers(uint32_t op)
{
    return op == TN_BLK_READ || op == BLK_OP_GET_ID || op == BLK_OP_NONE;
}

const char *blk_req_parse(struct blk_req *r, const struct blk_limits *l, struct tn_iov *v,
                          uint32_t nout, uint32_t nin)
{
    uint8_t header[BLK_HDR_LEN];
    struct tn_iov *in = v + nout;
    uint32_t cut = 0;
    if (!take_front(&v, &nout, header, sizeof header, &cut))
        return "a request without a header";
    struct tn_iov *last = take_last(in, &nin);
    if (!last)
        return "a request without room for a status";
    uint32_t op = op_of(get_le32(header + BLK_HDR_TYPE));
    *r = (struct blk_req){.op = op,
                          .status_at = (uint8_t *)last->base + last->len,
                          .first = v,
                          .last = last,
                          .cut = cut,
                          .in_len = total(in, nin),
                          .iov = answers(op) ? in : v,
                          .niov = answers(op) ? nin : nout};
    r->data_len = total(r->iov, r->niov);
    r->status = parse_command(r, l, get_le64(header + BLK_HDR_SECTOR));
    if (r->status != BLK_S_OK) {
        r->refused = r->op;
        r->op = BLK_OP_NONE;
    }
    return NULL;
}

void blk_req_undo(struct blk_req *r)
{
    r->last->len++;
    if (r->cut) {
        r->first->base = (uint8_t *)r->first->base - r->cut;
        r->first->len += r->cut;
    }
}

/* The driver may be watching: whatever it is told of is written before. */
void blk_req_answer(struct blk_req *r)
{
    __atomic_store_n(r->status_at, r->status, __ATOMIC_RELEASE);
    blk_req_undo(r);
}

uint32_t blk_req_used(const struct blk_req *r, uint64_t data)
{
    uint64_t used = data == r->in_len ? data + 1 : data;
    return used < UINT32_MAX ? (uint32_t)used : UINT32_MAX;
}
