/* SPDX-License-Identifier: BSD-2-Clause */
/* All sessions of a VM, and whose request is next: one at a time, in turn. */
#include "monitor_impl.h"

#include "backend/chardev.h"
#include "cli/options.h"
#include "core/loop.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct monitor *after(struct monitors *ms, struct monitor *m)
{
    struct monitor *next = m ? TAILQ_NEXT(m, all) : NULL;
    return next ? next : TAILQ_FIRST(&ms->all);
}

/* A round of the main loop runs one request: timers and devices have their turn in between. While
 * one waits, and lets the loop run, this finds busy set. */
static void next_request(void *p)
{
    struct monitors *ms = p;
    struct monitor *m = ms->last, *start;
    if (ms->busy || run_acting(ms->vm) || !ms->begun || ms->closed || TAILQ_EMPTY(&ms->all))
        return;
    ms->busy = 1;
    start = m = after(ms, m);
    int ran;
    while (!(ran = m->ops->work(m)) && (m = after(ms, m)) != start)
        ;
    ms->last = m;
    ms->busy = 0;
    if (ran)
        bh_kick(ms->bh);
}

void monitor_kick(struct vm *vm)
{
    bh_kick(vm->monitors->bh);
}

void monitors_begin(struct vm *vm, int preconfig)
{
    struct monitors *ms = vm->monitors;
    if (!ms)
        return;
    ms->preconfig = preconfig != 0;
    ms->begun = 1;
    bh_kick(ms->bh);
}

void monitors_end_preconfig(struct vm *vm)
{
    vm->monitors->preconfig = vm->monitors->begun = 0;
}

int monitors_preconfig(const struct vm *vm)
{
    return vm->monitors && vm->monitors->preconfig;
}

static int add(struct vm *vm, const struct kv_node *opts, struct tn_err *e)
{
    const char *id = kv_text(opts, "chardev"), *mode = kv_text(opts, "mode");
    struct tn_chr *c = chardev_find(vm, id ? id : "");
    if (!c)
        return err_set(e, ENOENT, "chardev \"%s\" not found", id ? id : "");
    int control = mode && strcmp(mode, "control") == 0;
    struct monitor *m = control ? qmp_session_new(vm, c, opts, e) : hmp_session_new(vm, c, opts, e);
    if (!m)
        return -e->err;
    m->chardev = id;
    TAILQ_INSERT_TAIL(&vm->monitors->all, m, all);
    return 0;
}

/* The one that -nographic has by itself need not be: HMP may be left out of the program. */
static int add_option(struct vm *vm, const struct cli_item *item, struct tn_err *e)
{
    ERR_AUTO why = {0};
    int r = add(vm, item->kv, &why);
    if (r == 0 || (r == -ENOTSUP && !item->where.text))
        return 0;
    err_prefix(&why, "%s: ", item->where.text ? item->where.text : "-mon");
    return err_move(e, &why);
}

static struct monitors *monitors_new(struct vm *vm)
{
    struct monitors *ms = XNEW(struct monitors);
    ms->vm = vm;
    TAILQ_INIT(&ms->all);
    TAILQ_INIT(&ms->late);
    LIST_INIT(&ms->limits);
    pthread_mutex_init(&ms->late_lock, NULL);
    ms->bh = bh_new(vm->main, NULL, 0, next_request, ms);
    return ms;
}

int monitors_add(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    int r = 0;
    if (!o->mons.n)
        return 0;
    vm->monitors = monitors_new(vm);
    monitor_events_begin(vm->monitors);
    for (size_t i = 0; i < o->mons.n && r == 0; i++)
        r = add_option(vm, &o->mons.v[i], e);
    if (r == 0 && TAILQ_EMPTY(&vm->monitors->all))
        monitors_free(vm);
    else if (r == 0)
        sandbox_need_monitor(vm);
    return r;
}

void monitors_close(struct vm *vm)
{
    struct monitors *ms = vm->monitors;
    struct monitor *m;
    if (!ms || ms->closed)
        return;
    monitor_events_flush(ms);
    ms->closed = 1;
    while ((m = TAILQ_FIRST(&ms->all))) {
        TAILQ_REMOVE(&ms->all, m, all);
        m->ops->free(m);
    }
}

void monitors_free(struct vm *vm)
{
    struct monitors *ms = vm->monitors;
    if (!ms)
        return;
    monitors_close(vm);
    jobs_free(ms->jobs);
    monitor_events_free(ms);
    bh_del(ms->bh);
    pthread_mutex_destroy(&ms->late_lock);
    free(ms);
    vm->monitors = NULL;
}
