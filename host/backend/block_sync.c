/* SPDX-License-Identifier: BSD-2-Clause */
/* The host as a front end: requests that are waited for. Main thread. */
#include "block_impl.h"

#include <errno.h>

struct waiting {
    uint32_t ended;
    int err;
};

static void woken(void *p, int err)
{
    struct waiting *w = p;
    w->err = err;
    w->ended = 1;
}

static int wait_for(struct vm *vm, struct waiting *w)
{
    while (!w->ended)
        loop_once(vm->main, 100000000u);
    return w->err;
}

static int do_now(struct tn_blk *b, uint32_t op, uint64_t off, void *buf, uint64_t len)
{
    ERR_AUTO e = {0};
    struct vm *vm = b->dev->vm;
    struct tn_blkq *q = blkq_new(b, NULL, vm->main, TN_LF_NOLOCK, &e);
    if (!q)
        return -e.err;
    struct waiting w = {0};
    struct tn_iov v = {buf, len};
    int r = blkq_submit(q, op, off, len, buf ? &v : NULL, buf != NULL, 0, woken, &w);
    if (r == 0) {
        blkq_flush(q);
        r = wait_for(vm, &w);
    }
    blkq_free(q);
    return r;
}

int block_read_now(struct tn_blk *b, uint64_t off, void *buf, uint64_t len)
{
    return do_now(b, TN_BLK_READ, off, buf, len);
}

int block_flush_now(struct tn_blk *b)
{
    return do_now(b, TN_BLK_FLUSH, 0, NULL, 0);
}
