/* SPDX-License-Identifier: BSD-2-Clause */
/* One io_uring per queue: io_uring_setup(2), io_uring_enter(2). The ring's own descriptor is
 * watched, so that an end of requests costs no read of an eventfd. Submissions whose end is there
 * at once, from the page cache, are seen by the bottom half of the same round, without a wait. */
#include "file.h"
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ENTRIES = 256,
    CANCELS = 8,              /* of which so many may be cancellations */
    ROOM = ENTRIES - CANCELS, /* requests in flight: each has one entry at most */
    ROUNDS = 8,
    MAX_RW_BYTES = 0x7ffff000, /* of one read or write: the kernel's limit, read(2) */
};

struct uring_queue {
    struct file_queue q; /* first */
    struct io_uring ring;
    struct tn_watch *watch;
    struct tn_poll *poll; /* or NULL */
    uint32_t cancels;     /* under way */
    uint32_t disabled;    /* until the context's thread comes: it may be the single issuer then */
    uint32_t fixed;       /* the file is registered, as number 0 */
};

/* ---- rings ---- */

/* Not DEFER_TASKRUN: a poll of such a ring's descriptor does not see work that is deferred. */
static const uint32_t ring_flags[] = {
    /* Linux 6.0; single issuer: the thread that enables the ring */
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED,
    /* Linux 5.19 */
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
        IORING_SETUP_R_DISABLED,
    /* Linux 5.10 */
    IORING_SETUP_R_DISABLED,
    0,
};

static const uint8_t operations[] = {IORING_OP_READ,        IORING_OP_WRITE,     IORING_OP_READV,
                                     IORING_OP_WRITEV,      IORING_OP_FALLOCATE, IORING_OP_FSYNC,
                                     IORING_OP_ASYNC_CANCEL};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* The best ring that this kernel has. Returns the flags, or -errno. */
static int64_t make_ring(struct io_uring *ring, uint32_t entries)
{
    int r = -EINVAL;
    for (size_t i = 0; i < sizeof ring_flags / sizeof ring_flags[0] && r == -EINVAL; i++) {
        struct io_uring_params p = {.flags = ring_flags[i]};
        r = io_uring_queue_init_params(entries, ring, &p);
        if (r == 0)
            return p.flags;
    }
    return r;
}

static int has_operations(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    int all = probe != NULL;
    for (uint32_t i = 0; all && i < OPERATIONS; i++)
        all = io_uring_opcode_supported(probe, operations[i]);
    io_uring_free_probe(probe);
    return all;
}

/* What liburing 2.3 declares and does not export. Returns 0 or -errno. */
static int register_with(const struct io_uring *ring, uint32_t op, const void *arg, uint32_t n)
{
    return syscall(SYS_io_uring_register, ring->ring_fd, op, arg, n) < 0 ? -errno : 0;
}

/* Whoever gets hold of a ring's descriptor shall not open files with it, past the system calls that
 * its thread has. While the ring is disabled; a kernel that cannot do that has no such ring. */
static int restrict_ring(struct io_uring *ring)
{
    struct io_uring_restriction rules[OPERATIONS + 1] = {
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_FIXED_FILE}};
    for (uint32_t i = 0; i < OPERATIONS; i++)
        rules[i + 1] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP,
                                                     .sqe_op = operations[i]};
    return register_with(ring, IORING_REGISTER_RESTRICTIONS, rules, OPERATIONS + 1);
}

int uring_probe(void)
{
    struct io_uring ring;
    int r = io_uring_queue_init(1, &ring, 0);
    if (r < 0)
        return r;
    r = has_operations(&ring) ? 0 : -ENOSYS;
    io_uring_queue_exit(&ring);
    return r;
}

/* ---- submission ---- */

static int target_fd(const struct uring_queue *u)
{
    return u->fixed ? 0 : u->q.file->fd;
}

static uint32_t clamp(uint64_t len)
{
    return len < MAX_RW_BYTES ? (uint32_t)len : MAX_RW_BYTES;
}

static void prepare_rw(struct io_uring_sqe *sqe, int fd, const struct step *st)
{
    const struct iovec *v = st->iov;
    if (st->kind == STEP_READ && st->niov == 1)
        io_uring_prep_read(sqe, fd, v->iov_base, clamp(v->iov_len), st->off);
    else if (st->kind == STEP_READ)
        io_uring_prep_readv(sqe, fd, v, st->niov, st->off);
    else if (st->niov == 1)
        io_uring_prep_write(sqe, fd, v->iov_base, clamp(v->iov_len), st->off);
    else
        io_uring_prep_writev(sqe, fd, v, st->niov, st->off);
    sqe->rw_flags = st->flags;
}

static void prepare(struct uring_queue *u, struct tn_blk_req *r, const struct step *st)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring); /* there is one: ROOM */
    int fd = target_fd(u);
    if (st->kind == STEP_SYNC)
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    else if (st->kind == STEP_FALLOCATE)
        io_uring_prep_fallocate(sqe, fd, st->flags, (off_t)st->off, (off_t)st->len);
    else
        prepare_rw(sqe, fd, st);
    sqe->flags |= u->fixed ? IOSQE_FIXED_FILE : 0;
    io_uring_sqe_set_data(sqe, r);
}

/* The next step of r into the ring, or to the threads. */
static void issue(struct uring_queue *u, struct tn_blk_req *r)
{
    struct step st;
    int res = step_next(u->q.file, r, &st);
    if (res != STEP_MORE)
        queue_end(&u->q, r, res);
    else if (st.kind == STEP_IOCTL)
        queue_hold(&u->q, r);
    else
        prepare(u, r, &st);
}

/* The kernel will never take what is in the submission queue: empty it. */
static void fail_queued(struct uring_queue *u, int err)
{
    struct io_uring_sq *sq = &u->ring.sq;
    unsigned head = *sq->khead;
    u->q.file->dev->core->warn(u->q.file->dev, "io_uring_enter: error %d", -err);
    for (unsigned i = head; i != sq->sqe_tail; i++) {
        struct tn_blk_req *r = (void *)(uintptr_t)sq->sqes[i & sq->ring_mask].user_data;
        if (r)
            queue_end(&u->q, r, -EIO);
        else
            u->cancels--;
    }
    sq->sqe_head = sq->sqe_tail = head;
    *sq->ktail = head;
}

static int enter(struct uring_queue *u)
{
    if (u->disabled) {
        u->disabled = 0;
        (void)register_with(&u->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0); /* or enter fails */
    }
    return io_uring_submit(&u->ring);
}

static int passes(int err)
{
    return err == -EAGAIN || err == -EBUSY || err == -EINTR;
}

/* All that has been prepared goes to the kernel; the bottom half sees what has ended at once, and
 * tries again what the kernel had no room for. */
static void push(struct uring_queue *u)
{
    queue_flush(&u->q);
    if (!io_uring_sq_ready(&u->ring))
        return;
    int r = enter(u);
    if (r < 0 && !passes(r))
        fail_queued(u, r);
    if (r < 0 || io_uring_cq_ready(&u->ring))
        u->q.file->loop->kick(u->q.bh);
}

/* ---- completion ---- */

static void completed(struct uring_queue *u, struct tn_blk_req *r, int32_t res)
{
    if (!r) {
        u->cancels--;
        return;
    }
    int end = step_result(u->q.file, r, res);
    if (end == STEP_MORE)
        issue(u, r);
    else
        queue_done(&u->q, r, end);
}

/* As many as are there now: a front end that submits again and again must not keep the context to
 * itself. */
static void reap(struct uring_queue *u)
{
    struct io_uring_cqe *cqe;
    uint32_t n = io_uring_peek_cqe(&u->ring, &cqe) == 0 ? io_uring_cq_ready(&u->ring) : 0;
    for (; n && io_uring_peek_cqe(&u->ring, &cqe) == 0; n--) {
        struct tn_blk_req *r = io_uring_cqe_get_data(cqe);
        int32_t res = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        completed(u, r, res);
    }
    push(u);
}

/* What the page cache has is there at once, and so is what follows it: some rounds without asking
 * for other events, which costs a system call each. */
static void reap_on(struct uring_queue *u)
{
    reap(u);
    for (int i = 0; i < ROUNDS && io_uring_cq_ready(&u->ring); i++)
        reap(u);
    if (io_uring_cq_ready(&u->ring))
        u->q.file->loop->kick(u->q.bh);
}

static void on_bottom_half(void *p)
{
    struct uring_queue *u = p;
    queue_deliver(&u->q);
    reap_on(u);
}

static void on_ring(void *p, uint32_t events)
{
    (void)events;
    reap_on(p);
}

/* Ends that are there, or that are made by a system call. */
static uint32_t poll_ring(void *p)
{
    struct uring_queue *u = p;
    unsigned flags = IO_URING_READ_ONCE(*u->ring.sq.kflags);
    if (!io_uring_cq_ready(&u->ring) && !(flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)))
        return 0;
    reap_on(u);
    return 1;
}

static const struct tn_poll_ops poll_ops = {.struct_size = sizeof poll_ops, .poll = poll_ring};

/* ---- the engine ---- */

static int start(struct uring_queue *u, struct file *f, struct tn_ctx *c)
{
    int64_t flags = make_ring(&u->ring, ENTRIES);
    if (flags < 0)
        return (int)flags;
    u->disabled = (flags & IORING_SETUP_R_DISABLED) != 0;
    u->fixed = io_uring_register_files(&u->ring, &f->fd, 1) == 0;
    int r = u->disabled ? restrict_ring(&u->ring) : 0;
    if (r == 0)
        u->watch = f->loop->fd(f->dev, c, TN_LF_NOLOCK, u->ring.ring_fd, TN_FD_IN, on_ring, u);
    if (r == 0)
        r = u->watch ? queue_init(&u->q, f, c, on_bottom_half) : -ENOMEM;
    if (r < 0) {
        if (u->watch)
            f->loop->fd_del(u->watch);
        io_uring_queue_exit(&u->ring);
    } else if (TN_HAS(f->loop, poll)) {
        u->poll = f->loop->poll(f->dev, c, TN_LF_NOLOCK, &poll_ops, u);
    }
    return r;
}

static void *uring_queue(struct file *f, struct tn_ctx *c, struct tn_err *e)
{
    struct uring_queue *u = calloc(1, sizeof *u);
    int r = u ? start(u, f, c) : -ENOMEM;
    if (r == 0)
        return u;
    free(u);
    (void)tn_fail(f->dev, e, -r, "no io_uring for one more queue: error %d", -r);
    return NULL;
}

static void uring_queue_del(struct file_queue *q)
{
    struct uring_queue *u = (struct uring_queue *)q;
    q->file->loop->fd_del(u->watch);
    if (u->poll)
        q->file->loop->poll_del(u->poll);
    queue_fini(q);
    io_uring_queue_exit(&u->ring);
    free(u);
}

static int uring_submit(struct file_queue *q, struct tn_blk_req *r)
{
    struct uring_queue *u = (struct uring_queue *)q;
    if (q->in_flight == ROOM)
        return -EAGAIN;
    step_begin(q, r);
    q->in_flight++;
    int res = step_copy(q->file, r);
    if (res == STEP_MORE)
        issue(u, r);
    else
        queue_end(q, r, res);
    if (q->file->max_batch && io_uring_sq_ready(&u->ring) >= q->file->max_batch)
        push(u);
    return 0;
}

static void uring_flush_batch(struct file_queue *q)
{
    push((struct uring_queue *)q);
}

static void uring_cancel(struct file_queue *q, struct tn_blk_req *r)
{
    struct uring_queue *u = (struct uring_queue *)q;
    if (queue_cancel(q, r) || u->cancels == CANCELS)
        return;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    io_uring_prep_cancel(sqe, r, 0);
    io_uring_sqe_set_data(sqe, NULL);
    u->cancels++;
    push(u);
}

const struct engine uring_engine = {
    .queue = uring_queue,
    .queue_del = uring_queue_del,
    .submit = uring_submit,
    .flush_batch = uring_flush_batch,
    .cancel = uring_cancel,
};
