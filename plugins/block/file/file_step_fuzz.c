/* SPDX-License-Identifier: BSD-2-Clause */
/* Any request, and any answer of the kernel to each of its steps: no step leaves the request, its
 * buffers are where they belong, and it ends. */
#include "file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES = 6, PIECE_MAX = 4096, STEPS_MAX = 100000 };

struct input {
    const uint8_t *at, *end;
};

static uint32_t take(struct input *in, uint32_t below)
{
    uint32_t v = 0;
    for (int i = 0; i < 2 && in->at < in->end; i++)
        v = v << 8 | *in->at++;
    return v % below;
}

static void must(int ok)
{
    if (!ok)
        abort();
}

/* What is left of the request, byte for byte, as file_step.c says it. */
static void check_transfer(const struct tn_blk_req *r, const struct step *st, uint64_t done)
{
    uint64_t sum = 0, skip = done;
    uint32_t i = 0;
    must(st->off == r->off + done && st->len == r->len - done && st->niov > 0);
    while (i < r->niov && skip >= r->iov[i].len)
        skip -= r->iov[i++].len;
    must(st->iov[0].iov_base == (char *)r->iov[i].base + skip ||
         (!done && st->iov == (const struct iovec *)(const void *)r->iov));
    for (uint32_t k = 0; k < st->niov; k++)
        sum += st->iov[k].iov_len;
    must(sum == st->len);
}

static void check_step(const struct tn_blk_req *r, const struct step *st, uint64_t done)
{
    if (st->kind == STEP_READ || st->kind == STEP_WRITE)
        check_transfer(r, st, done);
    else if (st->kind != STEP_SYNC)
        must(st->off == r->off && st->len == r->len);
}

/* What the kernel may say to st. */
static int64_t answer(struct input *in, const struct step *st)
{
    static const int errors[] = {EIO,        ENOSPC, EINTR,  EAGAIN, EINVAL,
                                 EOPNOTSUPP, ENOSYS, ENODEV, EFBIG,  ENOTTY};
    int transfers = st->kind == STEP_READ || st->kind == STEP_WRITE;
    if (in->at >= in->end)
        return -EIO; /* and an end */
    if (take(in, 3) == 0)
        return -errors[take(in, sizeof errors / sizeof errors[0])];
    return transfers ? take(in, (uint32_t)st->len + 1) : 0;
}

static int run(struct file *f, struct tn_blk_req *r, struct input *in)
{
    struct step st;
    uint64_t done = 0;
    int res, n = 0;
    while ((res = step_next(f, r, &st)) == STEP_MORE) {
        check_step(r, &st, done);
        int64_t said = answer(in, &st);
        done += said > 0 ? (uint64_t)said : 0;
        res = step_result(f, r, said);
        must(n++ < STEPS_MAX);
        if (res != STEP_MORE)
            break;
    }
    return res;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char memory[PIECES * PIECE_MAX];
    struct input in = {data, data + size};
    struct file f = {.is_device = take(&in, 2),
                     .flags = take(&in, 2) ? (uint32_t)TN_BLKF_SECURE_ERASE : 0,
                     .open.direct = (uint8_t)take(&in, 2),
                     .open.no_flush = (uint8_t)take(&in, 2)};
    struct file_queue q = {.file = &f};
    for (int round = 0; round < 8; round++) { /* what is learned stays */
        struct tn_iov v[PIECES];
        struct tn_blk_req r = {.op = take(&in, 8), .off = 512 * take(&in, 100), .iov = v};
        r.flags = take(&in, 4);
        r.niov = take(&in, PIECES + 1);
        for (uint32_t i = 0; i < r.niov; i++) {
            v[i] = (struct tn_iov){memory + i * PIECE_MAX, take(&in, PIECE_MAX + 1)};
            r.len += v[i].len;
        }
        step_begin(&q, &r);
        must(run(&f, &r, &in) <= 0);
        free(progress_of(&r)->rest);
    }
    return 0;
}
