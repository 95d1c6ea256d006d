/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine on its way in. Its own thread reads; the main loop answers monitors meanwhile, and
 * loads the devices once everything is there and fits. The machine runs only after that, and after
 * the other side was told. */
#include "backend/block_host.h"
#include "backend/net.h"
#include "core/loop.h"
#include "impl.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct incoming {
    struct migration *m;
    struct mig_channel ch;
    struct mig_input in;
    struct helper h;
    struct tn_bh *end;      /* over() */
    struct tn_watch *watch; /* of the listener */
    uint64_t begun_ns, done_ns;
    struct progress progress;
    enum run_state was;    /* where it was saved */
    enum run_state before; /* of what is here */
    uint32_t over;         /* in place of what is here */
    uint32_t show;         /* how far it is, on the terminal */
    uint32_t cancelled, no_way_back;
    int result, loaded;
};

/* ---- what the main loop does for the thread ---- */

struct question {
    struct incoming *in;
    const struct mig_section *s;
};

/* Of what comes by a socket nobody knows how long it is, but how much RAM there is to fill. */
static void begin_progress(struct incoming *in)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < in->in.blocks.n; i++)
        pages += in->in.blocks.pages[i];
    if (in->show && !in->over)
        progress_begin(&in->progress, "receiving the machine", pages * DIRTY_PAGE);
}

static int check_config(void *p, struct tn_err *e)
{
    struct question *q = p;
    struct incoming *in = q->in;
    in->begun_ns = clock_now(&in->m->vm->clock, TN_CLK_REAL);
    if (!in->cancelled)
        mig_set_status(in->m, MIG_ACTIVE);
    int r = mig_config_check(in->m->vm, q->s->data, q->s->len, &in->in.blocks, e);
    if (r == 0)
        begin_progress(in);
    return r;
}

static int ask_check(struct mig_input *input, const struct mig_section *s, struct tn_err *e)
{
    struct question q = {input->o, s};
    return helper_ask(&q.in->h, check_config, &q, e);
}

/* After the last look at a file: from here on the machine that was here is gone. */
static int fits_here(void *p, struct tn_err *e)
{
    struct incoming *in = p;
    int r = mig_machine_fits(in->m->vm, &in->in.parts, e);
    if (r == 0 && in->cancelled)
        r = err_set(e, ECANCELED, "migration was cancelled");
    in->no_way_back = r == 0;
    return r;
}

static int ask_judge(struct mig_input *input, struct tn_err *e)
{
    struct incoming *in = input->o;
    return helper_ask(&in->h, fits_here, in, e);
}

static int load_machine(void *p, struct tn_err *e)
{
    struct incoming *in = p;
    struct vm *vm = in->m->vm;
    mig_set_status(in->m, MIG_DEVICE_STATE);
    int r = mig_machine_fits(vm, &in->in.parts, e);
    if (r == 0 && in->over)
        devices_reset(vm, TN_RESET_COLD);
    if (r == 0)
        r = mig_machine_load(vm, &in->in.parts, &in->was, e);
    if (r == 0 && !in->over)
        r = block_activate(vm, 1, e);
    in->loaded = r == 0;
    return r;
}

/* ---- the end of it ---- */

/* Switches learn where its network cards are now. */
static void announce(const struct migration *m)
{
    const struct mig_params *p = &m->params;
    net_announce(m->vm, &(struct net_announce_params){.initial = (int64_t)p->announce_initial,
                                                      .max = (int64_t)p->announce_max,
                                                      .rounds = (int64_t)p->announce_rounds,
                                                      .step = (int64_t)p->announce_step,
                                                      .id = ""});
}

static void start_machine_here(struct incoming *in)
{
    struct migration *m = in->m;
    struct vm *vm = m->vm;
    m->waits = 0;
    mig_set_status(m, MIG_COMPLETED);
    run_stop(vm, in->was == RUN_RUNNING ? RUN_PAUSED : in->was);
    if (in->was == RUN_RUNNING && m->autostart)
        run_resume(vm);
    announce(m);
}

/* Nothing runs here that is not whole. */
static void give_up(struct migration *m)
{
    mig_set_status(m, MIG_FAILED);
    log_line(LOG_ERROR, "load of migration failed: %s", m->error ? m->error : "");
    if (m->exit_on_error)
        run_end(m->vm, 1);
}

/* The machine that was here is another one now, or what it was, or lost. */
static void replaced(struct incoming *in)
{
    struct migration *m = in->m;
    int lost = in->result < 0 && in->no_way_back;
    if (lost) {
        AUTO_FREE char *why = xasprintf("the machine is lost: %s", m->error);
        mig_set_error(m, why);
        run_stop(m->vm, RUN_INTERNAL_ERROR);
    } else {
        mig_go_on(m->vm, in->result == 0 ? in->was : in->before);
    }
    mig_set_status(m, in->result == 0          ? MIG_COMPLETED
                      : in->cancelled && !lost ? MIG_CANCELLED
                                               : MIG_FAILED);
}

static void over(void *p)
{
    struct incoming *in = p;
    struct migration *m = in->m;
    incoming_info(in, &m->last);
    m->in = NULL;
    progress_end(&in->progress);
    if (in->over)
        replaced(in);
    else if (in->result == 0)
        start_machine_here(in);
    else
        give_up(m);
    incoming_free(in);
    mig_over(m);
}

struct ending {
    struct incoming *in;
    struct tn_err *why;
};

static int finish(void *p, struct tn_err *e)
{
    struct ending *end = p;
    (void)e;
    if (end->in->result < 0)
        mig_set_error(end->in->m, err_text(end->why));
    end->in->done_ns = clock_now(&end->in->m->vm->clock, TN_CLK_REAL);
    bh_kick(end->in->end);
    return 0;
}

/* ---- the thread ---- */

/* What is still on its way is taken and forgotten: closed on, the other side might lose the answer.
 */
static void drain(struct incoming *in)
{
    enum { MOST = 1 << 14, PATIENCE_MS = 2000 };
    uint8_t waste[1 << 14];
    struct pollfd p[] = {{in->ch.in, POLLIN, 0}, {in->ch.wake, POLLIN, 0}};
    shutdown(in->ch.out, SHUT_WR);
    for (int i = 0; i < MOST && poll(p, 2, PATIENCE_MS) > 0 && !p[1].revents; i++)
        if (read(in->ch.in, waste, sizeof waste) <= 0)
            break;
}

static int send_mark(struct mig_input *input, struct tn_err *e)
{
    struct incoming *in = input->o;
    struct mig_writer w = {.io = mig_channel_io(&in->ch)};
    return in->ch.talks ? mig_write_bytes(&w, MIG_MARK, NULL, 0, e) : 0;
}

static int answer(struct incoming *in, const struct tn_err *why, struct tn_err *e)
{
    struct mig_writer w = {.io = mig_channel_io(&in->ch)};
    if (!in->ch.talks || !(in->in.r.flags & MIG_F_ANSWER))
        return 0;
    const char *text = why->err ? err_text(why) : "";
    int refused = why->err != 0;
    int r = mig_write_bytes(&w, refused ? MIG_REFUSED : MIG_OK, text, strlen(text), e);
    if (refused)
        drain(in);
    return r;
}

static void *body(void *p)
{
    struct incoming *in = p;
    ERR_AUTO e = {0}, ignored = {0};
    struct ending end = {in, &e};
    sandbox_enter(in->m->vm, SANDBOX_IOTHREAD, NULL);
    int r = mig_input_read(&in->in, &e);
    if (r == 0)
        r = helper_ask(&in->h, load_machine, in, &e);
    if (r == 0)
        r = answer(in, &e, &e);
    else
        answer(in, &e, &ignored);
    in->result = r;
    helper_ask(&in->h, finish, &end, NULL);
    return NULL;
}

static void went(struct mig_input *input)
{
    struct incoming *in = input->o;
    uint64_t pages = __atomic_load_n(&input->pages, __ATOMIC_RELAXED) * DIRTY_PAGE;
    progress_at(&in->progress, in->over                     ? input->passed + input->r.bytes
                               : pages < in->progress.total ? pages
                                                            : in->progress.total);
}

static int start_thread(struct incoming *in, struct tn_err *e)
{
    in->in.vm = in->m->vm;
    in->in.ch = &in->ch;
    in->in.check = ask_check;
    in->in.judge = ask_judge;
    in->in.mark = send_mark;
    in->in.went = went;
    in->in.o = in;
    in->in.fresh = !in->over;
    return helper_start(&in->h, in->m->vm, "mig/incoming", body, in, e);
}

/* ---- waiting for the other side ---- */

static void came(void *p, uint32_t ev)
{
    struct incoming *in = p;
    ERR_AUTO e = {0};
    (void)ev;
    int r = mig_channel_accept(&in->ch, &e);
    if (r == -EAGAIN)
        return;
    watch_del(in->watch);
    in->watch = NULL;
    if (r == 0)
        r = start_thread(in, &e);
    if (r == 0)
        return;
    struct migration *m = in->m;
    mig_set_error(m, err_text(&e));
    m->in = NULL;
    give_up(m);
    incoming_free(in);
}

/* What is here stands still. A file is read twice. */
static int make_room(struct incoming *in, struct tn_err *e)
{
    struct vm *vm = in->m->vm;
    struct stat st = {0};
    int was_running;
    if (!in->ch.seeks)
        return err_set(e, EINVAL, "a snapshot is loaded from a regular file");
    in->before = run_state(vm);
    in->over = 1;
    if (in->show && fstat(in->ch.in, &st) == 0)
        progress_begin(&in->progress, "loading the machine", 2 * (uint64_t)st.st_size);
    int r = mig_stop(vm, &was_running, e);
    run_stop(vm, RUN_RESTORE_VM);
    return r;
}

int incoming_start(struct migration *m, struct mig_addr *a, uint32_t flags, struct tn_err *e)
{
    struct incoming *in = XNEW(struct incoming);
    in->m = m;
    in->show = flags & MIG_SHOW;
    in->end = bh_new(m->vm->main, NULL, 0, over, in);
    int r = mig_channel_open(&in->ch, m->vm, a, 1, e);
    mig_addr_fini(a);
    m->in = in;
    mig_set_error(m, NULL);
    if (r == 0 && flags & MIG_OVER)
        r = make_room(in, e);
    if (r == 0)
        mig_set_status(m, MIG_SETUP);
    if (r == 0 && in->ch.listener >= 0) {
        in->watch = watch_new(m->vm->main, NULL, 0, in->ch.listener, TN_FD_IN, came, in);
        r = in->watch ? 0 : err_set(e, errno, "watching for a migration: %s", strerror(errno));
    } else if (r == 0) {
        r = start_thread(in, e);
    }
    if (r == 0)
        return 0;
    m->in = NULL;
    mig_set_status(m, MIG_NONE);
    if (in->over)
        mig_go_on(m->vm, in->before);
    in->h.thread = 0;
    incoming_free(in);
    return r;
}

void incoming_cancel(struct incoming *in)
{
    if (!in->over || in->no_way_back)
        return;
    in->cancelled = 1;
    mig_set_status(in->m, MIG_CANCELLING);
    mig_channel_cancel(&in->ch);
}

int incoming_busy(const struct incoming *in)
{
    return in->over || in->m->status == MIG_ACTIVE;
}

void incoming_free(struct incoming *in)
{
    if (!in)
        return;
    if (in->watch)
        watch_del(in->watch);
    if (in->h.thread) {
        mig_channel_cancel(&in->ch);
        helper_join(&in->h);
    }
    bh_del(in->end);
    mig_channel_close(&in->ch);
    mig_input_fini(&in->in);
    free(in);
}

void incoming_info(struct incoming *in, struct mig_info *i)
{
    struct vm *vm = in->m->vm;
    uint64_t now = in->done_ns ? in->done_ns : clock_now(&vm->clock, TN_CLK_REAL);
    *i = (struct mig_info){.incoming = 1,
                           .total_ms = in->begun_ns ? (now - in->begun_ns) / 1000000 : 0,
                           .transferred = in->in.r.bytes,
                           .listens = in->ch.local};
}

/* ---- -incoming ---- */

void migration_expect(struct vm *vm)
{
    struct migration *m = mig_of(vm);
    m->waits = m->deferred = 1;
    m->autostart = !run_options(vm)->paused;
    vm->disks_away = 1;
    sandbox_need(vm, "socket");
    sandbox_need(vm, "unlink"); /* of the socket that was listened at */
}

int migration_await(struct vm *vm, const char *uri, struct tn_err *e)
{
    struct mig_addr a;
    if (strcmp(uri, "defer") == 0)
        return 0;
    int r = mig_addr_uri(&a, uri, e);
    if (r == 0)
        return migration_incoming(vm, &a, MIG_SHOW | MIG_EXIT, e);
    mig_addr_fini(&a);
    return r;
}
