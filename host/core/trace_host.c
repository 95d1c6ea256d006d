/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_host.h"

#include "device.h"
#include "trace_file.h"
#include "trace_point.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The events of one add(), or the host's. */
struct event_set {
    struct managed m;
    LIST_ENTRY(event_set) link;
    struct tn_trace_event *ev;
    uint32_t n, stride;
};
struct pattern {
    STAILQ_ENTRY(pattern) link;
    uint32_t on, used;
    char glob[];
};
/* An event by its name, whichever instances have it. tn_trace_event.id is its number. */
struct event_name {
    char *name, *fmt;
};
struct tracer {
    LIST_HEAD(, event_set) sets;
    struct event_set host;
    struct tn_trace_event point[TRACE_POINTS];
    STAILQ_HEAD(, pattern) patterns; /* in the order of their coming: the last that fits decides */
    struct event_name *name;         /* by number; the first number is 1 */
    uint32_t n_names;
    pthread_mutex_t lock; /* leaf: file, stopped */
    struct trace_file *file;
    uint32_t stopped;
};

/* The number of the event that is called so; a new one if it is the first. */
static uint32_t number_of(struct tracer *t, const struct tn_trace_event *ev)
{
    for (uint32_t i = 0; i < t->n_names; i++)
        if (strcmp(t->name[i].name, ev->name) == 0)
            return i + 1;
    t->name = xrealloc(t->name, (t->n_names + 1) * sizeof *t->name);
    t->name[t->n_names++] = (struct event_name){xstrdup(ev->name), xstrdup(ev->fmt)};
    pthread_mutex_lock(&t->lock);
    if (t->file)
        trace_file_name(t->file, t->n_names, ev->name, ev->fmt);
    pthread_mutex_unlock(&t->lock);
    return t->n_names;
}

struct tracer *tracer_new(struct vm *vm)
{
    struct tracer *t = XNEW(struct tracer);
    LIST_INIT(&t->sets);
    STAILQ_INIT(&t->patterns);
    pthread_mutex_init(&t->lock, NULL);
    memcpy(t->point, trace_points(), sizeof t->point);
    for (uint32_t i = 0; i < TRACE_POINTS; i++)
        t->point[i].id = number_of(t, &t->point[i]);
    t->host = (struct event_set){.ev = t->point, .n = TRACE_POINTS, .stride = sizeof t->point[0]};
    LIST_INSERT_HEAD(&t->sets, &t->host, link);
    vm->trace = t->point;
    return t;
}

void tracer_free(struct tracer *t)
{
    if (!t)
        return;
    for (struct pattern *p; (p = STAILQ_FIRST(&t->patterns));) {
        STAILQ_REMOVE_HEAD(&t->patterns, link);
        free(p);
    }
    for (uint32_t i = 0; i < t->n_names; i++) {
        free(t->name[i].name);
        free(t->name[i].fmt);
    }
    free(t->name);
    trace_file_close(t->file);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* ---- switching ---- */

static struct tn_trace_event *event_at(const struct event_set *set, uint32_t i)
{
    return (struct tn_trace_event *)(void *)((char *)set->ev + (uint64_t)i * set->stride);
}

static void apply(struct tn_trace_event *ev, struct pattern *p)
{
    if (fnmatch(p->glob, ev->name, 0))
        return;
    p->used = 1;
    __atomic_store_n(&ev->enabled, p->on, __ATOMIC_RELAXED);
}

/* One that says the same as a former one takes its place: whoever switches for hours adds none. */
static struct pattern *new_pattern(struct tracer *t, const char *glob, uint32_t on)
{
    struct pattern *p;
    STAILQ_FOREACH(p, &t->patterns, link)
    if (strcmp(p->glob, glob) == 0)
        break;
    if (p)
        STAILQ_REMOVE(&t->patterns, p, pattern, link);
    else
        p = xcalloc(1, sizeof *p + strlen(glob) + 1);
    p->on = on;
    strcpy(p->glob, glob);
    STAILQ_INSERT_TAIL(&t->patterns, p, link);
    return p;
}

int tracer_is_pattern(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

int tracer_enable(struct vm *vm, const char *pattern, struct tn_err *e)
{
    uint32_t on = pattern[0] != '-';
    const char *glob = pattern + !on;
    struct event_set *set;
    if (!*glob)
        return err_set(e, EINVAL, "'%s' is not a pattern of trace events", pattern);
    struct pattern *p = new_pattern(vm->tracer, glob, on);
    LIST_FOREACH(set, &vm->tracer->sets, link)
    for (uint32_t i = 0; i < set->n; i++)
        apply(event_at(set, i), p);
    return 0;
}

int tracer_enable_file(struct vm *vm, const char *path, struct tn_err *e)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return err_set(e, errno, "-trace events=%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t cap = 0;
    int r = 0;
    while (r == 0 && getline(&line, &cap, f) > 0) {
        char *word = line + strspn(line, " \t");
        word[strcspn(word, "# \t\r\n")] = 0;
        r = *word ? tracer_enable(vm, word, e) : 0;
    }
    if (r == 0 && ferror(f))
        r = err_set(e, EIO, "-trace events=%s: cannot be read", path);
    free(line);
    fclose(f);
    return r;
}

static int by_name(const void *a, const void *b)
{
    const struct event_name *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static uint32_t is_on(const struct tracer *t, const char *name)
{
    const struct event_set *set;
    LIST_FOREACH(set, &t->sets, link)
    for (uint32_t i = 0; i < set->n; i++)
        if (event_at(set, i)->enabled && strcmp(event_at(set, i)->name, name) == 0)
            return 1;
    return 0;
}

int tracer_each(struct vm *vm, const char *glob, int (*fn)(void *o, const char *name, uint32_t on),
                void *o)
{
    struct tracer *t = vm->tracer;
    int x = 0;
    if (!t || !t->n_names)
        return 0;
    AUTO_FREE struct event_name *v = xcalloc(t->n_names, sizeof *v);
    memcpy(v, t->name, t->n_names * sizeof *v);
    qsort(v, t->n_names, sizeof *v, by_name);
    for (uint32_t i = 0; i < t->n_names && !x; i++)
        if (fnmatch(glob, v[i].name, 0) == 0)
            x = fn(o, v[i].name, is_on(t, v[i].name));
    return x;
}

void tracer_warn_unused(struct vm *vm)
{
    const struct pattern *p;
    if (vm->tracer)
        STAILQ_FOREACH(p, &vm->tracer->patterns, link)
    if (!p->used && !tracer_is_pattern(p->glob))
        log_line(LOG_WARN, "trace event '%s' does not exist", p->glob);
}

/* ---- the file ---- */

int tracer_file(struct vm *vm, const char *path, struct tn_err *e)
{
    struct tracer *t = vm->tracer;
    struct trace_file *f = trace_file_open(path, e), *old;
    if (!f)
        return -EIO;
    for (uint32_t i = 0; i < t->n_names; i++)
        trace_file_name(f, i + 1, t->name[i].name, t->name[i].fmt);
    pthread_mutex_lock(&t->lock);
    old = t->file;
    t->file = f;
    t->stopped = 0;
    pthread_mutex_unlock(&t->lock);
    trace_file_close(old);
    return 0;
}

const char *tracer_file_path(struct vm *vm)
{
    return vm->tracer && vm->tracer->file ? trace_file_path(vm->tracer->file) : NULL;
}

void tracer_file_record(struct vm *vm, uint32_t on)
{
    pthread_mutex_lock(&vm->tracer->lock);
    vm->tracer->stopped = !on;
    pthread_mutex_unlock(&vm->tracer->lock);
}

uint32_t tracer_file_records(struct vm *vm)
{
    return !vm->tracer->stopped;
}

void tracer_file_flush(struct vm *vm)
{
    pthread_mutex_lock(&vm->tracer->lock);
    if (vm->tracer->file)
        trace_file_flush(vm->tracer->file);
    pthread_mutex_unlock(&vm->tracer->lock);
}

/* ---- TN_TRACE_1 ---- */

static void release(struct managed *m)
{
    struct event_set *set = (struct event_set *)m;
    managed_del(m);
    LIST_REMOVE(set, link);
    free(set);
}

static void t_add(struct tn_dev *pub, struct tn_trace_event *ev, uint32_t n, uint32_t stride)
{
    struct device *d = device_of(pub);
    struct tracer *t = d->vm->tracer;
    struct pattern *p;
    if (!t)
        return;
    struct event_set *set = XNEW(struct event_set);
    *set = (struct event_set){.m.release = release, .ev = ev, .n = n, .stride = stride};
    LIST_INSERT_HEAD(&t->sets, set, link);
    for (uint32_t i = 0; i < n; i++) {
        event_at(set, i)->id = number_of(t, event_at(set, i));
        STAILQ_FOREACH(p, &t->patterns, link)
        apply(event_at(set, i), p);
    }
    managed_add(d, &set->m);
}

/* The text is what comes last. */
static void to_log(const struct tn_trace_event *ev, const uint64_t *arg, uint32_t n,
                   const char *text)
{
    BUF_AUTO line = {0};
    AUTO_FREE char *fmt = xstrndup(ev->fmt, strlen(ev->fmt) - (text ? strlen("%s") : 0));
    buf_str(&line, ev->name);
    if (*ev->fmt)
        buf_add8(&line, ' ');
    trace_format(&line, fmt, arg, n);
    log_line(LOG_TRACE, "%s%s", buf_cstr(&line), text ? text : "");
}

static void emit(struct tracer *t, const struct tn_trace_event *ev, const uint64_t *arg, uint32_t n,
                 const char *text)
{
    pthread_mutex_lock(&t->lock);
    int in_file = t->file || t->stopped;
    if (t->file && !t->stopped)
        trace_file_event(t->file, ev->id, arg, n, text);
    pthread_mutex_unlock(&t->lock);
    if (!in_file)
        to_log(ev, arg, n, text);
}

static void t_emit(struct tn_dev *d, const struct tn_trace_event *ev, const uint64_t *arg,
                   uint32_t n)
{
    emit(device_of(d)->vm->tracer, ev, arg, n, NULL);
}

void trace_emit(struct vm *vm, enum trace_point p, const char *text, const uint64_t *arg,
                uint32_t n)
{
    emit(vm->tracer, &vm->trace[p], arg, n, text);
}

const struct tn_trace trace_table = {
    .struct_size = sizeof trace_table, .add = t_add, .emit = t_emit};
