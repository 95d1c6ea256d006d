/* SPDX-License-Identifier: BSD-2-Clause */
/* What a request is in system calls, one after the other. */
#include "file.h"
#include <errno.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* fcntl.h and linux/falloc.h do not go together in every libc */
int fallocate(int fd, int mode, off_t offset, off_t len);

enum stage {
    TRANSFER,
    PUNCH,      /* the range reads as zeroes and has no blocks */
    ALLOCATE,   /* after PUNCH, where the blocks were to stay */
    ZERO_RANGE, /* the range reads as zeroes and keeps its blocks */
    COMMAND,    /* a block device's own */
    SYNC,
    NOTHING,
    REFUSED
};

static int said(const uint32_t *flag)
{
    return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

/* ---- stages ---- */

static int may_punch(const struct file *f, const struct tn_blk_req *r)
{
    return !said(&f->no_punch) && (!f->is_device || (r->flags & TN_BLKR_UNMAP));
}

static enum stage first_of_zeroes(const struct file *f, const struct tn_blk_req *r)
{
    if ((r->flags & TN_BLKR_UNMAP) && !said(&f->no_punch))
        return PUNCH;
    if (!said(&f->no_zero_range))
        return ZERO_RANGE;
    return may_punch(f, r) ? PUNCH : REFUSED;
}

static enum stage first_stage(const struct file *f, const struct tn_blk_req *r)
{
    switch (r->op) {
    case TN_BLK_READ:
    case TN_BLK_WRITE:
        return r->len ? TRANSFER : NOTHING;
    case TN_BLK_FLUSH:
        return f->open.no_flush ? NOTHING : SYNC;
    case TN_BLK_DISCARD:
        return f->is_device ? COMMAND : said(&f->no_punch) ? REFUSED : PUNCH;
    case TN_BLK_WRITE_ZEROES:
        return first_of_zeroes(f, r);
    case TN_BLK_SECURE_ERASE:
        return f->flags & TN_BLKF_SECURE_ERASE ? COMMAND : REFUSED;
    default:
        return REFUSED;
    }
}

static int go_on(struct tn_blk_req *r, enum stage next)
{
    progress_of(r)->stage = next;
    return STEP_MORE;
}

static int zeroes_written(const struct file *f, struct tn_blk_req *r)
{
    int sync = r->op == TN_BLK_WRITE_ZEROES && (r->flags & TN_BLKR_FUA) && !f->open.no_flush;
    return sync ? go_on(r, SYNC) : 0;
}

/* ---- transfers ---- */

/* The buffers from byte done on; in out, which has room for all of them. Returns how many. */
static uint32_t skip(const struct tn_blk_req *r, uint64_t done, struct iovec *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->niov; i++) {
        uint64_t gone = done < r->iov[i].len ? done : r->iov[i].len;
        done -= gone;
        if (gone < r->iov[i].len)
            out[n++] = (struct iovec){(char *)r->iov[i].base + gone, r->iov[i].len - gone};
    }
    return n;
}

static int rest_of(struct tn_blk_req *r, struct step *st)
{
    struct progress *p = progress_of(r);
    if (!p->rest)
        p->rest = malloc(r->niov * sizeof *p->rest);
    if (!p->rest)
        return -ENOMEM;
    st->niov = skip(r, p->done, p->rest);
    st->iov = p->rest;
    return STEP_MORE;
}

static int transfer(const struct file *f, struct tn_blk_req *r, struct step *st)
{
    const struct progress *p = progress_of(r);
    int fua = r->op == TN_BLK_WRITE && (r->flags & TN_BLKR_FUA) && !f->open.no_flush;
    *st = (struct step){.kind = r->op == TN_BLK_READ ? STEP_READ : STEP_WRITE,
                        .flags = fua ? RWF_DSYNC : 0,
                        .off = r->off + p->done,
                        .len = r->len - p->done,
                        .iov = (const struct iovec *)(const void *)r->iov,
                        .niov = r->niov};
    int res = p->done ? rest_of(r, st) : STEP_MORE;
    st->niov = st->niov < IOV_MAX ? st->niov : IOV_MAX; /* the rest as after a short one */
    return res;
}

/* Behind the end of the file, where the device goes on. */
static void read_zeroes(struct tn_blk_req *r)
{
    uint64_t done = progress_of(r)->done;
    for (uint32_t i = 0; i < r->niov; i++) {
        uint64_t kept = done < r->iov[i].len ? done : r->iov[i].len;
        memset((char *)r->iov[i].base + kept, 0, r->iov[i].len - kept);
        done -= kept;
    }
}

static int transferred(const struct file *f, struct tn_blk_req *r, int64_t res)
{
    struct progress *p = progress_of(r);
    if (res == -EINTR || res == -EAGAIN)
        return STEP_MORE;
    /* Past the cache a file may end within a block, where the next read must not begin. */
    if (res == -EINVAL && f->open.direct && r->op == TN_BLK_READ && p->done)
        res = 0;
    if (res < 0)
        return (int)res;
    if (res == 0 && r->op == TN_BLK_WRITE)
        return -ENOSPC;
    if (res == 0) {
        read_zeroes(r);
        return 0;
    }
    p->done += (uint32_t)res;
    return p->done < r->len ? STEP_MORE : 0;
}

/* ---- fallocate, sync, commands ---- */

static int allocation(const struct tn_blk_req *r, struct step *st, int mode)
{
    *st = (struct step){.kind = STEP_FALLOCATE, .flags = mode, .off = r->off, .len = r->len};
    return STEP_MORE;
}

static int unsupported(int64_t res)
{
    return res == -EOPNOTSUPP || res == -ENOSYS || res == -ENODEV;
}

static int punched(struct file *f, struct tn_blk_req *r, int64_t res)
{
    if (res == 0)
        return r->op == TN_BLK_WRITE_ZEROES && !(r->flags & TN_BLKR_UNMAP) ? go_on(r, ALLOCATE)
                                                                           : zeroes_written(f, r);
    if (!unsupported(res))
        return res == -EINVAL ? -ENOTSUP : (int)res; /* it does not like the alignment */
    __atomic_store_n(&f->no_punch, 1, __ATOMIC_RELAXED);
    return go_on(r, first_stage(f, r));
}

static int zeroed(struct file *f, struct tn_blk_req *r, int64_t res)
{
    if (res == 0)
        return zeroes_written(f, r);
    if (!unsupported(res))
        return res == -EINVAL ? -ENOTSUP : (int)res;
    __atomic_store_n(&f->no_zero_range, 1, __ATOMIC_RELAXED);
    return go_on(r, first_stage(f, r));
}

static int sync_step(const struct file *f, struct step *st)
{
    *st = (struct step){.kind = STEP_SYNC};
    int err = __atomic_load_n(&f->sync_error, __ATOMIC_RELAXED);
    return err ? err : STEP_MORE;
}

/* The kernel reports lost pages once and counts them as clean from then on: no later success may
 * hide them. */
static int synced(struct file *f, int64_t res)
{
    if (res < 0 && res != -EINTR && !f->open.direct)
        __atomic_store_n(&f->sync_error, (int32_t)res, __ATOMIC_RELAXED);
    return res == -EINTR ? STEP_MORE : (int)res;
}

static int command(const struct tn_blk_req *r, struct step *st)
{
    *st = (struct step){.kind = STEP_IOCTL,
                        .off = r->off,
                        .len = r->len,
                        .request = r->op == TN_BLK_DISCARD ? BLKDISCARD : BLKSECDISCARD};
    return STEP_MORE;
}

/* ---- the sequence ---- */

void step_begin(struct file_queue *q, struct tn_blk_req *r)
{
    *progress_of(r) = (struct progress){.stage = first_stage(q->file, r), .queue = q};
}

int step_next(struct file *f, struct tn_blk_req *r, struct step *st)
{
    switch ((enum stage)progress_of(r)->stage) {
    case TRANSFER:
        return transfer(f, r, st);
    case PUNCH:
        return allocation(r, st, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    case ALLOCATE:
        return allocation(r, st, 0);
    case ZERO_RANGE:
        return allocation(r, st, FALLOC_FL_ZERO_RANGE);
    case COMMAND:
        return command(r, st);
    case SYNC:
        return sync_step(f, st);
    case NOTHING:
        return 0;
    case REFUSED:
        break;
    }
    return -ENOTSUP;
}

int step_result(struct file *f, struct tn_blk_req *r, int64_t res)
{
    enum stage stage = (enum stage)progress_of(r)->stage;
    if (stage == TRANSFER)
        return transferred(f, r, res);
    if (res == -EINTR)
        return STEP_MORE;
    switch (stage) {
    case PUNCH:
        return punched(f, r, res);
    case ALLOCATE:
        return res < 0 ? (int)res : zeroes_written(f, r);
    case ZERO_RANGE:
        return zeroed(f, r, res);
    case SYNC:
        return synced(f, res);
    default:
        return unsupported(res) || res == -ENOTTY ? -ENOTSUP : (int)res;
    }
}

static int64_t perform(const struct file *f, const struct step *st)
{
    uint64_t range[2] = {st->off, st->len};
    switch (st->kind) {
    case STEP_READ:
        return preadv2(f->fd, st->iov, (int)st->niov, (off_t)st->off, st->flags);
    case STEP_WRITE:
        return pwritev2(f->fd, st->iov, (int)st->niov, (off_t)st->off, st->flags);
    case STEP_SYNC:
        return fdatasync(f->fd);
    case STEP_FALLOCATE:
        return fallocate(f->fd, st->flags, (off_t)st->off, (off_t)st->len);
    default:
        return ioctl(f->fd, st->request, range);
    }
}

int step_run(struct file *f, struct tn_blk_req *r)
{
    struct step st;
    int res;
    while ((res = step_next(f, r, &st)) == STEP_MORE) {
        int64_t got = perform(f, &st);
        res = step_result(f, r, got < 0 ? -errno : got);
        if (res != STEP_MORE)
            break;
    }
    return res;
}

/* ---- without waiting ---- */

int step_copy(struct file *f, struct tn_blk_req *r)
{
    int small = r->op <= TN_BLK_WRITE ? r->len <= COPY_MAX : r->op == TN_BLK_FLUSH;
    return f->in_memory && small ? step_run(f, r) : STEP_MORE;
}

int step_cached(struct file *f, struct tn_blk_req *r)
{
    struct step st;
    if (r->op != TN_BLK_READ || f->open.direct || said(&f->no_nowait) ||
        step_next(f, r, &st) != STEP_MORE)
        return STEP_MORE;
    st.flags = RWF_NOWAIT;
    int64_t got = perform(f, &st);
    if (got < 0 && errno == EOPNOTSUPP)
        __atomic_store_n(&f->no_nowait, 1, __ATOMIC_RELAXED);
    return got > 0 ? step_result(f, r, got) : STEP_MORE; /* else it is asked again, properly */
}
