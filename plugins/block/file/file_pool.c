/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"
#include <errno.h>
#include <stdlib.h>

/* ---- a queue's ends of requests ---- */

void queue_done(struct file_queue *q, struct tn_blk_req *r, int err)
{
    struct file *f = q->file;
    free(progress_of(r)->rest);
    q->in_flight--;
    f->feed->done(f->dev, r, err);
}

void queue_end(struct file_queue *q, struct tn_blk_req *r, int err)
{
    progress_of(r)->result = err;
    req_push(&q->ended, r);
    q->file->loop->kick(q->bh);
}

/* What is there now; what these ends bring is for the next round. */
void queue_deliver(struct file_queue *q)
{
    struct pool *p = &q->file->pool;
    struct req_list now = q->ended;
    q->ended.first = NULL;
    pthread_mutex_lock(&p->lock);
    req_splice(&now, &q->returned);
    pthread_mutex_unlock(&p->lock);
    for (struct tn_blk_req *r; (r = req_pop(&now));)
        queue_done(q, r, progress_of(r)->result);
}

int queue_init(struct file_queue *q, struct file *f, struct tn_ctx *c, void (*fn)(void *))
{
    q->file = f;
    q->bh = f->loop->bh(f->dev, c, TN_LF_NOLOCK, fn, q);
    return q->bh ? 0 : -ENOMEM;
}

/* A thread that has handed back the last request may still hold the pool's lock and kick. */
void queue_fini(struct file_queue *q)
{
    struct pool *p = &q->file->pool;
    pthread_mutex_lock(&p->lock);
    pthread_mutex_unlock(&p->lock);
    if (q->bh)
        q->file->loop->bh_del(q->bh);
}

/* ---- to the threads and back ---- */

void queue_hold(struct file_queue *q, struct tn_blk_req *r)
{
    req_push(&q->held, r);
    q->nheld++;
}

static void do_it_here(struct file_queue *q)
{
    for (struct tn_blk_req *r; (r = req_pop(&q->held));)
        queue_end(q, r, step_run(q->file, r));
}

void queue_flush(struct file_queue *q)
{
    struct pool *p = &q->file->pool;
    if (!q->nheld)
        return;
    pthread_mutex_lock(&p->lock);
    uint32_t wake = q->nheld < p->idle ? q->nheld : p->idle;
    q->nheld = 0;
    int failed = p->failed != 0;
    if (!failed)
        req_splice(&p->todo, &q->held);
    for (; wake; wake--)
        pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
    if (failed)
        do_it_here(q);
}

int queue_cancel(struct file_queue *q, struct tn_blk_req *r)
{
    struct pool *p = &q->file->pool;
    int held = req_remove(&q->held, r), waiting = 0;
    q->nheld -= (uint32_t)held;
    pthread_mutex_lock(&p->lock);
    if (!held)
        waiting = req_remove(&p->todo, r);
    pthread_mutex_unlock(&p->lock);
    if (held || waiting)
        queue_end(q, r, -ECANCELED);
    return held || waiting;
}

/* The lock is held until after the kick: the queue cannot go before. */
static void hand_back(struct file *f, struct tn_blk_req *r, int err)
{
    struct file_queue *q = progress_of(r)->queue;
    int first = !q->returned.first;
    progress_of(r)->result = err;
    req_push(&q->returned, r);
    if (first)
        f->loop->kick(q->bh);
}

static void work_off(struct file *f)
{
    struct pool *p = &f->pool;
    for (struct tn_blk_req *r; (r = req_pop(&p->todo));) {
        pthread_mutex_unlock(&p->lock);
        int err = step_run(f, r);
        pthread_mutex_lock(&p->lock);
        hand_back(f, r, err);
    }
}

static void work(void *s)
{
    struct file *f = s;
    struct pool *p = &f->pool;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        work_off(f);
        if (p->stop)
            break;
        p->idle++;
        pthread_cond_wait(&p->more, &p->lock);
        p->idle--;
    }
    pthread_mutex_unlock(&p->lock);
}

/* ---- threads ---- */

void pool_init(struct pool *p)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
}

void pool_fini(struct pool *p)
{
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
}

/* Requests have to end all the same. */
static void do_without(struct file *f)
{
    f->dev->core->warn(f->dev, "no thread for file I/O: it waits in its context instead");
    pthread_mutex_lock(&f->pool.lock);
    f->pool.failed = 1;
    work_off(f);
    pthread_mutex_unlock(&f->pool.lock);
}

void pool_start(struct file *f)
{
    struct pool *p = &f->pool;
    const char *profile = f->is_device ? "block-device-io" : "block-io";
    while (p->have < p->want) {
        struct tn_thread *t = f->os->thread(f->dev, "file I/O", profile, work, f, NULL);
        if (!t)
            break;
        p->thread[p->have++] = t;
    }
    if (p->want && !p->have && !p->failed)
        do_without(f);
    p->want = p->have;
}

void pool_stop(struct file *f)
{
    struct pool *p = &f->pool;
    pthread_mutex_lock(&p->lock);
    p->stop = 1;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    while (p->have)
        f->os->join(p->thread[--p->have]);
}

/* ---- the engine ---- */

static void deliver(void *q)
{
    queue_deliver(q);
}

static void *pool_queue(struct file *f, struct tn_ctx *c, struct tn_err *e)
{
    struct file_queue *q = calloc(1, sizeof *q);
    if (q && queue_init(q, f, c, deliver) == 0)
        return q;
    free(q);
    (void)tn_fail(f->dev, e, ENOMEM, "no memory for a queue");
    return NULL;
}

static void pool_queue_del(struct file_queue *q)
{
    queue_fini(q);
    free(q);
}

static void pool_cancel(struct file_queue *q, struct tn_blk_req *r)
{
    queue_cancel(q, r);
}

static int pool_submit(struct file_queue *q, struct tn_blk_req *r)
{
    step_begin(q, r);
    q->in_flight++;
    int res = step_copy(q->file, r);
    if (res == STEP_MORE)
        res = step_cached(q->file, r);
    if (res != STEP_MORE) {
        queue_end(q, r, res);
        return 0;
    }
    queue_hold(q, r);
    if (q->file->max_batch && q->nheld >= q->file->max_batch)
        queue_flush(q);
    return 0;
}

const struct engine pool_engine = {
    .queue = pool_queue,
    .queue_del = pool_queue_del,
    .submit = pool_submit,
    .flush_batch = queue_flush,
    .cancel = pool_cancel,
};
