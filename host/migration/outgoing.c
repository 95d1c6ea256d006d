/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine on its way out. Its own thread sends RAM while the guest runs, until what is left can
 * be sent in the time that the guest may stand still; the main loop then stops the machine and asks
 * its devices. Until the other side has said that it has everything, the machine here can go on. */
#include "backend/block_host.h"
#include "converge.h"
#include "core/loop.h"
#include "impl.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_NS = 100000000 }; /* in which bandwidth is measured and limited */

struct outgoing {
    struct migration *m;
    struct mig_channel ch;
    struct mig_output out;
    struct mig_parts parts;
    struct buf config;
    struct helper h;
    struct tn_bh *end; /* over() */
    struct progress progress;
    struct converge converge;
    uint32_t still;     /* the machine stands still from the beginning, and goes on here */
    uint32_t cancelled; /* atomic */
    uint32_t go_on;     /* atomic: pre-switchover is over */
    /* the thread's; 8 bytes are read by others */
    uint64_t begun_ns, setup_ns, stopped_ns, done_ns; /* CLOCK_MONOTONIC; 0 = not yet */
    uint64_t window_ns, window_bytes;                 /* since when, and with how many */
    uint64_t bandwidth;                               /* bytes a second, as last measured */
    uint64_t pass_ns, passes, dirty_rate, page_rate;
    uint64_t found;                     /* pages written to, as known at the end of a pass */
    uint64_t pass_bytes, written, sent; /* of the pass before: by the guest; to the other side */
    uint64_t precopy_bytes;
    uint32_t fast; /* the guest stands still: no limit */
    /* the main thread's */
    enum run_state was;
    int was_running, stopped, result;
};

static uint64_t now_ns(const struct outgoing *o)
{
    return clock_now(&o->m->vm->clock, TN_CLK_REAL);
}

static uint64_t load(const uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void store(uint64_t *p, uint64_t v)
{
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static uint64_t all_bytes(const struct outgoing *o)
{
    uint64_t all = 0;
    for (uint32_t n = 0; n < o->out.blocks.n; n++)
        all += o->out.blocks.pages[n] * DIRTY_PAGE;
    return all;
}

/* ---- pace ---- */

static uint64_t over_limit_until(struct outgoing *o)
{
    uint64_t limit = load(&o->m->params.max_bandwidth), bytes = o->out.w.bytes - o->window_bytes;
    return limit && !o->fast ? o->window_ns + (uint64_t)((double)bytes * 1e9 / (double)limit) : 0;
}

/* The limit may be another one by then. */
static int keep_limit(struct outgoing *o, struct tn_err *e)
{
    enum { STEP_MS = 50 };
    for (uint64_t now, until; (now = now_ns(o)) < (until = over_limit_until(o));) {
        struct pollfd p = {o->ch.wake, POLLIN, 0};
        uint64_t ms = (until - now) / 1000000 + 1;
        if (poll(&p, 1, ms < STEP_MS ? (int)ms : STEP_MS) == 1)
            return err_set(e, ECANCELED, "migration was cancelled");
    }
    return 0;
}

static int hear_answer(struct outgoing *o, uint32_t wanted, struct tn_err *e);

/* Before everything has been sent there is nothing that the other side could say but no. */
static int hear_refusal(struct outgoing *o, struct tn_err *e)
{
    struct pollfd p = {o->ch.in, POLLIN, 0};
    if (!o->ch.talks || poll(&p, 1, 0) != 1)
        return 0;
    int r = hear_answer(o, MIG_OK, e);
    return r < 0 ? r : err_set(e, EPROTO, "the destination says that it has everything");
}

static void measure(struct outgoing *o, uint64_t now)
{
    uint64_t bytes = o->out.w.bytes - o->window_bytes, ns = now - o->window_ns;
    if (ns < WINDOW_NS && o->bandwidth)
        return;
    store(&o->bandwidth, ns ? bytes * 1000000000u / ns : 0);
    store(&o->page_rate, o->bandwidth / DIRTY_PAGE);
    if (ns < WINDOW_NS)
        return;
    o->window_ns = now;
    o->window_bytes = o->out.w.bytes;
}

/* After each section. */
static int pace(struct mig_output *out, struct tn_err *e)
{
    struct outgoing *o = out->o;
    if (__atomic_load_n(&o->cancelled, __ATOMIC_ACQUIRE))
        return err_set(e, ECANCELED, "migration was cancelled");
    if (dirty_blind(o->m->vm))
        return err_set(e, EBUSY,
                       "device '%s' has begun to write to guest memory without saying where",
                       dirty_blind(o->m->vm));
    int r = hear_refusal(o, e);
    if (r == 0)
        r = keep_limit(o, e);
    measure(o, now_ns(o));
    progress_at(&o->progress, all_bytes(o) - load(&o->out.remaining) * DIRTY_PAGE);
    return r;
}

/* ---- the guest runs ---- */

static int tell_pass(void *p, struct tn_err *e)
{
    struct outgoing *o = p;
    struct migration *m = o->m;
    (void)e;
    if (m->status == MIG_SETUP)
        mig_set_status(m, MIG_ACTIVE);
    else
        converge_step(&o->converge, m, o->written, o->sent);
    if (!mig_has(m, CAP_EVENTS) || !m->vm->monitors)
        return 0;
    struct kv_node *data = kv_new(KV_DICT);
    ret_uint(data, "pass", load(&o->passes));
    monitor_event(m->vm, "MIGRATION_PASS", data);
    return 0;
}

static int begin_pass(struct outgoing *o, struct tn_err *e)
{
    uint64_t found = o->found + mig_output_sync(&o->out), now = now_ns(o), ns = now - o->pass_ns;
    if (o->passes && ns)
        store(&o->dirty_rate, found * 1000000000u / ns);
    o->pass_ns = now;
    o->written = found * DIRTY_PAGE;
    o->sent = o->out.w.bytes - o->pass_bytes;
    o->pass_bytes = o->out.w.bytes;
    store(&o->passes, o->passes + 1);
    return helper_ask(&o->h, tell_pass, o, e);
}

static uint64_t rate(const struct outgoing *o)
{
    uint64_t said = load(&o->m->params.switchover_bandwidth);
    return said ? said : load(&o->bandwidth);
}

/* Could what is left be sent while the guest stands still for no longer than it may? */
static int is_near(const struct outgoing *o)
{
    uint64_t left = load(&o->out.remaining) * DIRTY_PAGE;
    return left <= rate(o) / 1000 * load(&o->m->params.downtime_limit);
}

/* Pages that repeat a word are soon sent and take their time over there: the guest must not stand
 * still for what has queued up. */
static int catch_up(struct outgoing *o, struct tn_err *e)
{
    int r = o->ch.talks ? mig_write_bytes(&o->out.w, MIG_MARK, NULL, 0, e) : 0;
    return r < 0 || !o->ch.talks ? r : hear_answer(o, MIG_MARK, e);
}

static int send_live(struct outgoing *o, struct tn_err *e)
{
    int r;
    do {
        r = begin_pass(o, e);
        if (r == 0)
            r = mig_output_ram(&o->out, e);
        if (r == 0)
            r = catch_up(o, e);
        o->found = mig_output_sync(&o->out);
        measure(o, now_ns(o));
    } while (r == 0 && !is_near(o));
    return r;
}

/* ---- the guest stands still ---- */

static int may_wait(const struct outgoing *o)
{
    return mig_has(o->m, CAP_PAUSE_BEFORE_SWITCHOVER) && !o->still;
}

static int stop_machine(void *p, struct tn_err *e)
{
    struct outgoing *o = p;
    store(&o->stopped_ns, now_ns(o));
    o->was = run_state(o->m->vm);
    o->stopped = 1;
    converge_end(&o->converge, o->m);
    int r = mig_stop(o->m->vm, &o->was_running, e);
    if (o->still)
        run_stop(o->m->vm, RUN_SAVE_VM);
    if (r == 0)
        mig_set_status(o->m, o->still      ? MIG_ACTIVE
                             : may_wait(o) ? MIG_PRE_SWITCHOVER
                                           : MIG_DEVICE_STATE);
    return r;
}

/* Disks may be somebody else's from here on; devices have said all they have to say before. */
static int save_machine(void *p, struct tn_err *e)
{
    struct outgoing *o = p;
    if (o->m->status == MIG_CANCELLING)
        return err_set(e, ECANCELED, "migration was cancelled");
    if (!o->still)
        mig_set_status(o->m, MIG_DEVICE_STATE);
    int r = mig_machine_save(o->m->vm, o->was, &o->parts, e);
    return r < 0 || o->still ? r : block_activate(o->m->vm, 0, e);
}

static int wait_for_user(struct outgoing *o, struct tn_err *e)
{
    if (!may_wait(o))
        return 0;
    pthread_mutex_lock(&o->h.lock);
    while (!o->go_on && !o->cancelled && !o->h.quit)
        pthread_cond_wait(&o->h.cond, &o->h.lock);
    pthread_mutex_unlock(&o->h.lock);
    return o->go_on ? 0 : err_set(e, ECANCELED, "migration was cancelled");
}

/* Its words are for a terminal, too, and anybody may be the other side. */
static int refused(const struct mig_section *s, struct tn_err *e)
{
    enum { MOST = 512 };
    char text[MOST];
    size_t n = s->len < MOST ? s->len : MOST;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(s->data[i] < 0x20 || s->data[i] > 0x7e ? '?' : s->data[i]);
    return err_set(e, EREMOTEIO, "the destination refuses it: %.*s", (int)n, text);
}

/* The other side has loaded it and is about to let it run; or why not. */
static int hear_answer(struct outgoing *o, uint32_t wanted, struct tn_err *e)
{
    struct mig_section s;
    struct mig_reader r = {.io = mig_channel_io(&o->ch)};
    int err = o->ch.talks ? mig_read(&r, &s, e) : 0;
    if (err == 0 && o->ch.talks && s.type != wanted)
        err = refused(&s, e);
    else if (err == -ENODATA || err == -ECONNRESET) {
        err_clear(e);
        err = err_set(e, ECONNRESET, "the destination has gone before it had everything");
    }
    mig_reader_fini(&r);
    return err;
}

static int send_rest(struct outgoing *o, struct tn_err *e)
{
    o->fast = 1;
    o->precopy_bytes = o->out.w.bytes;
    if (!o->still)
        mig_output_sync(&o->out);
    store(&o->passes, o->passes + 1);
    mig_output_late(&o->out);
    int r = mig_output_ram(&o->out, e);
    if (r == 0)
        r = mig_output_end(&o->out, &o->parts, e);
    if (r == 0)
        r = hear_answer(o, MIG_OK, e);
    if (r == 0)
        r = mig_channel_finish(&o->ch, e);
    store(&o->done_ns, now_ns(o));
    return r;
}

/* ---- the whole of it ---- */

static int begin(struct outgoing *o, struct tn_err *e)
{
    o->out.w.io = mig_channel_io(&o->ch);
    o->window_ns = o->pass_ns = now_ns(o);
    int r = mig_channel_connected(&o->ch, e);
    if (r == 0)
        r = mig_output_begin(&o->out, o->ch.talks ? MIG_F_ANSWER : 0, &o->config, e);
    store(&o->setup_ns, now_ns(o));
    return r;
}

struct ending {
    struct outgoing *o;
    struct tn_err *why;
};

/* Goes on here, where it stood. */
static void take_back(struct outgoing *o)
{
    ERR_AUTO e = {0};
    if (!o->stopped)
        return;
    if (block_activate(o->m->vm, 1, &e) < 0)
        err_report(&e);
    mig_go_on(o->m->vm, o->was);
}

static void over(void *p)
{
    struct outgoing *o = p;
    struct migration *m = o->m;
    outgoing_info(o, &m->last);
    m->out = NULL;
    converge_end(&o->converge, m);
    dirty_stop(m->vm);
    progress_end(&o->progress);
    if (o->result == 0 && !o->still)
        run_stop(m->vm, RUN_POSTMIGRATE);
    else
        take_back(o);
    mig_set_status(m, o->result == 0 ? MIG_COMPLETED : o->cancelled ? MIG_CANCELLED : MIG_FAILED);
    outgoing_free(o);
    mig_over(m);
}

static int finish(void *p, struct tn_err *e)
{
    struct ending *end = p;
    (void)e;
    if (end->o->result < 0 && !end->o->cancelled) {
        mig_set_error(end->o->m, err_text(end->why));
        if (!end->o->still) /* who asked for a file is told */
            log_line(LOG_ERROR, "migration: %s", err_text(end->why));
    }
    bh_kick(end->o->end); /* the thread is still waiting for this */
    return 0;
}

static void *body(void *p)
{
    struct outgoing *o = p;
    ERR_AUTO e = {0};
    struct ending end = {o, &e};
    int r = begin(o, &e);
    if (r == 0 && !o->still)
        r = send_live(o, &e);
    if (r == 0)
        r = helper_ask(&o->h, stop_machine, o, &e);
    if (r == 0)
        r = wait_for_user(o, &e);
    if (r == 0)
        r = helper_ask(&o->h, save_machine, o, &e);
    if (r == 0)
        r = send_rest(o, &e);
    o->result = r;
    helper_ask(&o->h, finish, &end, NULL);
    return NULL;
}

int outgoing_start(struct migration *m, struct mig_addr *a, uint32_t flags, struct tn_err *e)
{
    struct outgoing *o = XNEW(struct outgoing);
    o->m = m;
    o->still = (flags & MIG_STILL) != 0;
    o->out.pace = pace;
    o->out.o = o;
    o->out.skip_shared = mig_has(m, CAP_X_IGNORE_SHARED) && !o->still;
    o->begun_ns = now_ns(o);
    o->ch.wake = o->ch.in = o->ch.out = o->ch.listener = o->ch.program = -1;
    o->end = bh_new(m->vm->main, NULL, 0, over, o);
    int r = mig_channel_open(&o->ch, m->vm, a, 0, e);
    mig_addr_fini(a);
    if (r == 0)
        r = mig_output_init(&o->out, m->vm, e);
    if (r == 0)
        r = mig_config_save(m->vm, &o->out.blocks, &o->config, e);
    if (r == 0 && !o->still)
        r = dirty_start(m->vm, e);
    if (r == 0 && flags & MIG_SHOW)
        progress_begin(&o->progress, o->still ? "saving the machine" : "sending the machine",
                       all_bytes(o));
    if (r == 0) {
        m->out = o;
        mig_set_status(m, MIG_SETUP);
        r = helper_start(&o->h, m->vm, "migration", body, o, e);
    }
    if (r == 0)
        return 0;
    m->out = NULL;
    dirty_stop(m->vm);
    mig_set_error(m, err_text(e));
    mig_set_status(m, MIG_FAILED);
    o->h.thread = 0;
    outgoing_free(o);
    return r;
}

void outgoing_cancel(struct outgoing *o)
{
    if (o->m->status != MIG_SETUP && o->m->status != MIG_ACTIVE &&
        o->m->status != MIG_PRE_SWITCHOVER && o->m->status != MIG_DEVICE_STATE)
        return;
    pthread_mutex_lock(&o->h.lock);
    __atomic_store_n(&o->cancelled, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&o->h.cond);
    pthread_mutex_unlock(&o->h.lock);
    mig_channel_cancel(&o->ch);
    mig_set_status(o->m, MIG_CANCELLING);
}

int outgoing_continue(struct outgoing *o)
{
    pthread_mutex_lock(&o->h.lock);
    o->go_on = 1;
    pthread_cond_broadcast(&o->h.cond);
    pthread_mutex_unlock(&o->h.lock);
    return 0;
}

void outgoing_free(struct outgoing *o)
{
    if (!o)
        return;
    if (o->h.thread) {
        if (o->ch.wake >= 0)
            mig_channel_cancel(&o->ch);
        helper_join(&o->h);
    }
    bh_del(o->end);
    mig_channel_close(&o->ch);
    mig_output_fini(&o->out);
    mig_parts_fini(&o->parts);
    buf_free(&o->config);
    free(o);
}

/* ---- what it says of itself ---- */

static uint64_t ms_between(uint64_t from, uint64_t to)
{
    return to > from ? (to - from) / 1000000 : 0;
}

void outgoing_info(struct outgoing *o, struct mig_info *i)
{
    uint64_t now = load(&o->done_ns) ? load(&o->done_ns) : now_ns(o);
    *i = (struct mig_info){.total_ms = ms_between(o->begun_ns, now),
                           .setup_ms = ms_between(o->begun_ns, load(&o->setup_ns)),
                           .transferred = load(&o->out.bytes),
                           .remaining = load(&o->out.remaining) * DIRTY_PAGE,
                           .total = all_bytes(o),
                           .duplicate = load(&o->out.duplicate),
                           .normal = load(&o->out.normal),
                           .dirty_rate = load(&o->dirty_rate),
                           .page_rate = load(&o->page_rate),
                           .passes = load(&o->passes),
                           .throttle = __atomic_load_n(&o->converge.percent, __ATOMIC_RELAXED),
                           .mbps = (double)load(&o->bandwidth) * 8 / 1e6};
    uint64_t bandwidth = load(&o->bandwidth);
    i->expected_ms = bandwidth ? i->remaining * 1000 / bandwidth : 0;
    i->downtime_ms = load(&o->stopped_ns) ? ms_between(load(&o->stopped_ns), now) : 0;
    i->precopy_bytes = load(&o->stopped_ns) ? o->precopy_bytes : i->transferred;
    i->downtime_bytes = i->transferred > i->precopy_bytes ? i->transferred - i->precopy_bytes : 0;
}
