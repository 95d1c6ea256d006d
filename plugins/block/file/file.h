/* SPDX-License-Identifier: BSD-2-Clause */
/* A file or a block device of the host as a disk: what its parts share. A request becomes a
 * sequence of steps (file_step.c), each one system call; an engine does the steps: a ring per queue
 * (file_uring.c) or a pool of threads (file_pool.c). */
#ifndef TN_FILE_H
#define TN_FILE_H
#include "../req_list.h"
#include <pthread.h>
#include <sys/uio.h>
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/os.h>

_Static_assert(sizeof(struct tn_iov) == sizeof(struct iovec) &&
                   offsetof(struct tn_iov, base) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct tn_iov, len) == offsetof(struct iovec, iov_len),
               "a tn_iov is an iovec");

enum { AIO_AUTO, AIO_THREADS, AIO_NATIVE, AIO_IO_URING }; /* property aio */
enum { LOCKING_AUTO, LOCKING_ON, LOCKING_OFF };           /* property locking */
enum {
    COPY_MAX = 65536,       /* bytes that are copied while the context waits */
    MAX_TRANSFER = 1 << 30, /* bytes of one request, so that progress fits 32 bits */
    POOL_THREADS = 16,      /* that do everything */
    POOL_HELPERS = 2        /* that do what a ring cannot */
};

struct engine;

/* Threads that do requests, for all queues of a file. */
struct pool {
    pthread_mutex_t lock; /* leaf: all below, and file_queue.returned */
    pthread_cond_t more;
    struct req_list todo;
    uint32_t idle, stop;
    uint32_t want, have; /* threads; [main] */
    uint32_t failed;     /* there are none and will be none: who submits does the work */
    struct tn_thread *thread[POOL_THREADS];
};

struct file {
    struct tn_dev *dev;
    const struct tn_loop *loop;
    const struct tn_os *os;
    const struct tn_blk_feed *feed;
    /* properties */
    struct tn_blk_open open;
    const char *filename;
    uint32_t aio, locking;
    uint64_t max_batch; /* requests submitted at once; 0 = as many as there are */
    uint8_t drop_cache;
    /* found at open; constant from then on, but for the size */
    int fd, lock_fd;
    uint32_t is_device, flags; /* flags: TN_BLKF_* */
    uint64_t size;             /* bytes, as the host has it; info() rounds it up to 512 */
    uint32_t logical, physical, min_io, opt_io, mem_align, discard_align;
    uint32_t in_memory; /* tmpfs */
    uint32_t locked;    /* bytes locked: LOCK_* of file_lock.c */
    const struct engine *engine;
    struct pool pool;
    /* what the kernel has said meanwhile: any thread, relaxed */
    uint32_t no_zero_range, no_punch, no_nowait;
    int32_t sync_error; /* a sync failed, and what it lost nobody knows: so does every later one */
};

/* State for requests of one context. First member of an engine's own. */
struct file_queue {
    struct file *file;
    struct tn_bh *bh;
    uint32_t in_flight;
    uint32_t nheld;
    struct req_list held;     /* for the pool, until the end of the batch; [ctx] */
    struct req_list ended;    /* for the bottom half; [ctx] */
    struct req_list returned; /* from the pool, for the bottom half; pool.lock */
};

/* How requests are done. All as in tn_blk_backend, for a queue of this engine. */
struct engine {
    void *(*queue)(struct file *f, struct tn_ctx *c, struct tn_err *e);
    void (*queue_del)(struct file_queue *q);
    int (*submit)(struct file_queue *q, struct tn_blk_req *r);
    void (*flush_batch)(struct file_queue *q);
    void (*cancel)(struct file_queue *q, struct tn_blk_req *r);
};
extern const struct engine pool_engine, uring_engine;

/* ---- file_step.c ---- */

/* tn_blk_req.own while a request is here. */
struct progress {
    uint32_t done; /* bytes */
    union {
        int32_t stage;  /* what comes next: file_step.c */
        int32_t result; /* of an ended one */
    };
    struct iovec *rest; /* what a short transfer has left over; ours */
    struct file_queue *queue;
    uint64_t next; /* req_list.h */
};
_Static_assert(sizeof(struct progress) == sizeof(((struct tn_blk_req *)0)->own), "own[4]");
_Static_assert(offsetof(struct progress, next) == REQ_NEXT * sizeof(uint64_t), "own[REQ_NEXT]");

static inline struct progress *progress_of(struct tn_blk_req *r)
{
    return (struct progress *)(void *)r->own;
}

enum { STEP_READ, STEP_WRITE, STEP_SYNC, STEP_FALLOCATE, STEP_IOCTL };
struct step {
    uint32_t kind;
    int32_t flags; /* RWF_* of a write, mode of a fallocate */
    uint64_t off, len;
    const struct iovec *iov;
    uint32_t niov;
    unsigned long request; /* of an ioctl */
};

enum { STEP_MORE = 1 };
/* r is new, and of this queue. */
void step_begin(struct file_queue *q, struct tn_blk_req *r);
/* STEP_MORE: *st is to be done, then comes step_result(). Else the request has ended: 0 or -errno.
 * Any thread, one at a time. */
int step_next(struct file *f, struct tn_blk_req *r, struct step *st);
/* res: what the system call said, a count or -errno. Returns as step_next(): STEP_MORE, call that
 * again. */
int step_result(struct file *f, struct tn_blk_req *r, int64_t res);
/* All steps of r here and now. 0 or -errno. May wait. */
int step_run(struct file *f, struct tn_blk_req *r);
/* Of a file in memory: what is small is done here, as it takes less than to wake somebody. The
 * result, or STEP_MORE: nothing has been done. [ctx] */
int step_copy(struct file *f, struct tn_blk_req *r);
/* What the page cache has of a read, without waiting: 0, or STEP_MORE if that was not all. [ctx] */
int step_cached(struct file *f, struct tn_blk_req *r);

/* ---- file_pool.c: the pool, and what both engines' queues do ---- */

/* r has ended: done() from the bottom half. [ctx] */
void queue_end(struct file_queue *q, struct tn_blk_req *r, int err);
/* r goes to the pool's threads with the next queue_flush(). [ctx] */
void queue_hold(struct file_queue *q, struct tn_blk_req *r);
void queue_flush(struct file_queue *q);
/* done() for r: q may be gone afterwards. [ctx], from an event. */
void queue_done(struct file_queue *q, struct tn_blk_req *r, int err);
/* done() for all that has ended or come back. [ctx], from an event. */
void queue_deliver(struct file_queue *q);
/* r, if no thread has begun it yet, ends with -ECANCELED: 1. [ctx] */
int queue_cancel(struct file_queue *q, struct tn_blk_req *r);
/* fn(q) is the queue's bottom half. 0 or -ENOMEM. */
int queue_init(struct file_queue *q, struct file *f, struct tn_ctx *c, void (*fn)(void *));
void queue_fini(struct file_queue *q);

void pool_init(struct pool *p);
void pool_fini(struct pool *p);
/* The first resume: threads, if any are wanted. [main] */
void pool_start(struct file *f);
void pool_stop(struct file *f);

/* ---- file_uring.c ---- */

/* 0, or -errno: this kernel, or a filter around us, has no io_uring that would do. */
int uring_probe(void);

/* ---- file_open.c ---- */

/* Opens f->filename and finds out what it is: fd, lock_fd, size, limits, flags. */
int file_open(struct file *f, struct tn_err *e);
/* Asks for the size again: bytes or -errno. */
int64_t file_length(const struct file *f);

/* ---- file_lock.c ---- */

/* Locks for use as TN_BLKA_*, 0: none. 0 or -errno with e; then the locks are as before. [main] */
int file_lock(struct file *f, uint32_t use, struct tn_err *e);

#endif
