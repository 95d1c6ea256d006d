/* SPDX-License-Identifier: BSD-2-Clause */
/* One request of the driver: what it asks for, checked against what the disk is
 * (VIRTIO 1.3, 5.2.6). Knows no host and no queue. The header and the status may lie in any number
 * of pieces (2.7.4); what the driver wrote is read once. */
#ifndef TN_BLK_REQ_H
#define TN_BLK_REQ_H
#include <stdbool.h>
#include <stdint.h>
#include <tenon/base.h>
#include <tenon/block.h>

/* Beside TN_BLK_*: what needs no back end. */
enum {
    BLK_OP_NONE = 0, /* decided already: the status says how */
    BLK_OP_GET_ID = 0x100
};

/* Of one of the three commands that name ranges of sectors. */
struct blk_range_limit {
    uint32_t max_sectors; /* of one segment */
    uint32_t max_seg;     /* 0: the command is not offered */
};
/* What a request is checked against. */
struct blk_limits {
    uint64_t sectors;       /* capacity; may change while requests are read */
    uint32_t block_sectors; /* of a logical block: 1 for 512 bytes */
    bool readonly;
    struct blk_range_limit discard, write_zeroes, secure_erase;
};

struct blk_req {
    uint32_t op;                 /* TN_BLK_* or BLK_OP_* */
    uint32_t refused;            /* what op was, where it cannot be; or BLK_OP_* */
    uint8_t status;              /* BLK_S_*: OK, until something fails */
    uint8_t *status_at;          /* last byte that the device may write */
    struct tn_iov *first, *last; /* the pieces that header and status were cut off */
    uint32_t cut;                /* bytes of the header in first */
    uint64_t off, len;           /* READ, WRITE: bytes */
    struct tn_iov *iov;          /* data: those of the caller */
    uint32_t niov;
    uint64_t data_len; /* bytes of iov */
    uint64_t in_len;   /* bytes that the device may write, without the status */
    uint32_t nseg;     /* DISCARD, WRITE_ZEROES, SECURE_ERASE: segments in the data */
};

/* Reads the request that lies in v: nout pieces to read, then nin to write. v is changed in place,
 * and r->iov points into it. Returns NULL, or a constant text why this is no request at all (no
 * header, no room for a status): the device is to be broken then. With op BLK_OP_NONE, status is
 * the answer. */
const char *blk_req_parse(struct blk_req *r, const struct blk_limits *l, struct tn_iov *v,
                          uint32_t nout, uint32_t nin);

/* Makes the pieces whole again: r is to be parsed anew. */
void blk_req_undo(struct blk_req *r);
/* Writes the status, and makes the pieces whole again. */
void blk_req_answer(struct blk_req *r);

/* One segment of a request, in bytes. */
struct blk_segment {
    uint64_t off, len;
    uint32_t flags; /* TN_BLKR_UNMAP, or 0 */
};
/* Reads segment i (below r->nseg) and checks it. BLK_S_*. */
uint8_t blk_req_segment(const struct blk_req *r, const struct blk_limits *l, uint32_t i,
                        struct blk_segment *out);
/* Checks all. The driver may change them afterwards: whoever uses one checks it again. BLK_S_*. */
uint8_t blk_req_check_segments(const struct blk_req *r, const struct blk_limits *l);

/* The used length of r (2.7.8.2): bytes from the first writable one on that were written, data
 * bytes of data among them; the status counts if all before it was written. */
uint32_t blk_req_used(const struct blk_req *r, uint64_t data);

#endif
