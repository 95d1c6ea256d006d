/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to libnbd's commands and back. */
#include "nbd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- buffers: a command has one ---- */

static void copy(const struct tn_blk_req *r, char *flat, int out)
{
    for (uint32_t i = 0; i < r->niov; i++) {
        memcpy(out ? r->iov[i].base : flat, out ? flat : r->iov[i].base, r->iov[i].len);
        flat += r->iov[i].len;
    }
}

static void *buffer_of(struct tn_blk_req *r)
{
    struct nbd_req *n = nbd_req_of(r);
    if (r->niov == 1)
        return r->iov[0].base;
    if (!n->bounce)
        n->bounce = malloc(r->len);
    if (n->bounce && r->op == TN_BLK_WRITE)
        copy(r, n->bounce, 0);
    return n->bounce;
}

static void drop_buffer(struct tn_blk_req *r, int err)
{
    struct nbd_req *n = nbd_req_of(r);
    if (n->bounce && r->op == TN_BLK_READ && err == 0)
        copy(r, n->bounce, 1);
    free(n->bounce);
    n->bounce = NULL;
}

/* ---- the end ---- */

void io_end(struct conn *c, struct tn_blk_req *r, int err)
{
    drop_buffer(r, err);
    nbd_req_of(r)->result = err;
    req_push(&c->ended, r);
}

/* libnbd, inside one of its functions and with its lock: nothing of it may be called. What the
 * end of a connection has cut off is ENOTCONN, which no server can say: it is sent again. */
static int completed(void *p, int *error)
{
    struct tn_blk_req *r = p;
    struct conn *c = nbd_req_of(r)->q->conn;
    if (*error == ENOTCONN && c->state != CONN_CLOSED)
        req_push(&c->waiting, r);
    else
        io_end(c, r, *error == ENOTCONN ? -EIO : -*error);
    *error = 0;
    return 1; /* the command is not needed any more */
}

/* ---- commands ---- */

static uint32_t flags_of(const struct conn *c, const struct tn_blk_req *r)
{
    uint32_t fua = (r->flags & TN_BLKR_FUA) && (c->disk->export_is.flags & TN_BLKF_FUA)
                       ? (uint32_t)LIBNBD_CMD_FLAG_FUA
                       : 0;
    uint32_t keep = r->op == TN_BLK_WRITE_ZEROES && !(r->flags & TN_BLKR_UNMAP)
                        ? (uint32_t)LIBNBD_CMD_FLAG_NO_HOLE
                        : 0;
    return fua | keep;
}

static int64_t issue(struct conn *c, struct tn_blk_req *r, void *buf)
{
    nbd_completion_callback cb = {.callback = completed, .user_data = r};
    uint32_t flags = flags_of(c, r);
    switch (r->op) {
    case TN_BLK_READ:
        return nbd_aio_pread(c->h, buf, r->len, r->off, cb, 0);
    case TN_BLK_WRITE:
        return nbd_aio_pwrite(c->h, buf, r->len, r->off, cb, flags);
    case TN_BLK_FLUSH:
        return nbd_aio_flush(c->h, cb, 0);
    case TN_BLK_DISCARD:
        return nbd_aio_trim(c->h, r->len, r->off, cb, 0);
    default:
        return nbd_aio_zero(c->h, r->len, r->off, cb, flags);
    }
}

static int has_operation(const struct export *x, uint32_t op)
{
    return op == TN_BLK_READ || op == TN_BLK_WRITE || op == TN_BLK_FLUSH ||
           (op == TN_BLK_DISCARD && (x->flags & TN_BLKF_DISCARD)) ||
           (op == TN_BLK_WRITE_ZEROES && (x->flags & TN_BLKF_WRITE_ZEROES));
}

int io_send(struct conn *c, struct tn_blk_req *r)
{
    const struct export *x = &c->disk->export_is;
    int transfers = r->op == TN_BLK_READ || r->op == TN_BLK_WRITE;
    if (!has_operation(x, r->op))
        return -ENOTSUP;
    if ((r->op == TN_BLK_FLUSH && !x->can_flush) || (transfers && !r->len)) {
        io_end(c, r, 0);
        return 0;
    }
    void *buf = transfers ? buffer_of(r) : NULL;
    if (transfers && !buf)
        return -ENOMEM;
    if (issue(c, r, buf) >= 0)
        return 0;
    int err = nbd_get_errno();
    return nbd_aio_is_ready(c->h) || nbd_aio_is_processing(c->h) ? (err ? -err : -EIO) : -EAGAIN;
}
