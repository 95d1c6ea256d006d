/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: from any thread to every session, no more often than their table says. */
#include "qmp_impl.h"

#include "core/loop.h"
#include "core/trace_point.h"
#include "qtest.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An event, or one for each value of its key, that was sent less than its interval ago. */
struct monitor_limit {
    LIST_ENTRY(monitor_limit) all;
    struct monitors *ms;
    const struct qmp_event *what;
    char *value;             /* of the key; NULL: there is no key */
    struct kv_node *waiting; /* the newest since; NULL: none */
    struct tn_timer *timer;
};

static struct kv_node *event_new(const char *name, struct kv_node *data)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct kv_node *event = kv_new(KV_DICT), *stamp = ret_dict(event, "timestamp");
    ret_int(stamp, "seconds", now.tv_sec);
    ret_int(stamp, "microseconds", now.tv_nsec / 1000);
    ret_str(event, "event", name);
    if (data)
        kv_add(event, "data", data);
    return event;
}

static void send(struct monitors *ms, struct kv_node *event)
{
    struct monitor *m;
    TAILQ_FOREACH(m, &ms->all, all)
    if (m->ops->event)
        m->ops->event(m, event);
    kv_free(event);
}

/* ---- rates ---- */

static void limit_free(struct monitor_limit *l)
{
    LIST_REMOVE(l, all);
    timer_del(l->timer);
    kv_free(l->waiting);
    free(l->value);
    free(l);
}

/* As in QEMU, a test's clock decides: what it sees does not depend on the machine's speed. */
static uint32_t limit_clock(const struct vm *vm)
{
    return vm->clock.manual ? TN_CLK_VM : TN_CLK_REAL;
}

static void limit_arm(struct monitor_limit *l)
{
    const struct vm *vm = l->ms->vm;
    uint64_t now = clock_now(&vm->clock, limit_clock(vm));
    timer_arm(l->timer, now + (uint64_t)l->what->interval_ms * 1000000);
}

static void limit_over(void *p)
{
    struct monitor_limit *l = p;
    if (!l->waiting) {
        limit_free(l);
        return;
    }
    struct kv_node *event = l->waiting;
    l->waiting = NULL;
    limit_arm(l);
    send(l->ms, event);
}

static struct monitor_limit *limit_find(struct monitors *ms, const struct qmp_event *what,
                                        const char *value)
{
    struct monitor_limit *l;
    LIST_FOREACH(l, &ms->limits, all)
    if (l->what == what && (!value || strcmp(value, l->value) == 0))
        return l;
    return NULL;
}

static void limit_begin(struct monitors *ms, const struct qmp_event *what, const char *value)
{
    struct monitor_limit *l = XNEW(struct monitor_limit);
    l->ms = ms;
    l->what = what;
    l->value = value ? xstrdup(value) : NULL;
    l->timer = timer_new(ms->vm->main, NULL, 0, limit_clock(ms->vm), limit_over, l);
    LIST_INSERT_HEAD(&ms->limits, l, all);
    limit_arm(l);
}

static void emit(struct monitors *ms, struct kv_node *event)
{
    const struct qmp_event *what = qmp_event_find(kv_text(event, "event"));
    if (!what || !what->interval_ms) {
        send(ms, event);
        return;
    }
    const char *value = what->key ? kv_text(kv_get(event, "data"), what->key) : NULL;
    value = what->key && !value ? "" : value;
    struct monitor_limit *l = limit_find(ms, what, value);
    if (l) {
        kv_free(l->waiting);
        l->waiting = event;
        return;
    }
    limit_begin(ms, what, value);
    send(ms, event);
}

/* ---- of other threads ---- */

static struct monitor_late *take_late(struct monitors *ms)
{
    pthread_mutex_lock(&ms->late_lock);
    struct monitor_late *l = TAILQ_FIRST(&ms->late);
    if (l)
        TAILQ_REMOVE(&ms->late, l, all);
    pthread_mutex_unlock(&ms->late_lock);
    return l;
}

static void emit_late(void *p)
{
    struct monitors *ms = p;
    for (struct monitor_late *l; (l = take_late(ms)); free(l))
        emit(ms, l->event);
}

static void add_late(struct monitors *ms, struct kv_node *event)
{
    struct monitor_late *l = XNEW(struct monitor_late);
    l->event = event;
    pthread_mutex_lock(&ms->late_lock);
    TAILQ_INSERT_TAIL(&ms->late, l, all);
    pthread_mutex_unlock(&ms->late_lock);
    bh_kick(ms->late_bh);
}

void monitor_event(struct vm *vm, const char *name, struct kv_node *data)
{
    struct monitors *ms = vm->monitors;
    trace_host(vm, TRACE_QMP_EVENT, name);
    if (!ms || __atomic_load_n(&ms->closed, __ATOMIC_RELAXED)) {
        kv_free(data);
        return;
    }
    struct kv_node *event = event_new(name, data);
    if (!loop_here(vm->main)) {
        add_late(ms, event);
        return;
    }
    emit_late(ms); /* what came before comes before */
    emit(ms, event);
}

void monitor_events_begin(struct monitors *ms)
{
    ms->late_bh = bh_new(ms->vm->main, NULL, 0, emit_late, ms);
}

void monitor_events_flush(struct monitors *ms)
{
    struct monitor_limit *l;
    emit_late(ms);
    while ((l = LIST_FIRST(&ms->limits))) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
        if (l->waiting)
            send(ms, l->waiting);
        l->waiting = NULL;
        limit_free(l);
    }
}

void monitor_events_free(struct monitors *ms)
{
    monitor_events_flush(ms);
    bh_del(ms->late_bh);
}
