/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_host.h"

#include "device.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The events of one add(). */
struct event_set {
    struct managed m;
    LIST_ENTRY(event_set) link;
    struct tn_trace_event *ev;
    uint32_t n, stride;
};
struct pattern {
    STAILQ_ENTRY(pattern) link;
    uint32_t on;
    char glob[];
};
struct tracer {
    LIST_HEAD(, event_set) sets;     /* main thread */
    STAILQ_HEAD(, pattern) patterns; /* in the order of their coming: the last that fits decides */
};

struct tracer *tracer_new(struct vm *vm)
{
    struct tracer *t = XNEW(struct tracer);
    (void)vm;
    LIST_INIT(&t->sets);
    STAILQ_INIT(&t->patterns);
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
    free(t);
}

/* ---- switching ---- */

static struct tn_trace_event *event_at(const struct event_set *set, uint32_t i)
{
    return (struct tn_trace_event *)(void *)((char *)set->ev + (uint64_t)i * set->stride);
}

static void apply(struct tn_trace_event *ev, const struct pattern *p)
{
    if (fnmatch(p->glob, ev->name, 0) == 0)
        __atomic_store_n(&ev->enabled, p->on, __ATOMIC_RELAXED);
}

int tracer_enable(struct vm *vm, const char *pattern, struct tn_err *e)
{
    uint32_t on = pattern[0] != '-';
    const char *glob = pattern + !on;
    struct event_set *set;
    if (!*glob)
        return err_set(e, EINVAL, "'%s' is not a pattern of trace events", pattern);
    struct pattern *p = xcalloc(1, sizeof *p + strlen(glob) + 1);
    p->on = on;
    strcpy(p->glob, glob);
    STAILQ_INSERT_TAIL(&vm->tracer->patterns, p, link);
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
    for (uint32_t i = 0; i < n; i++)
        STAILQ_FOREACH(p, &t->patterns, link)
    apply(event_at(set, i), p);
    managed_add(d, &set->m);
}

/* One conversion: c is d, u or x, of 32 bits, or of 64 with the l modifier. */
static void convert(struct buf *out, char c, int is_long, uint64_t v)
{
    if (!is_long)
        v = c == 'd' ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
    if (c == 'd')
        buf_printf(out, "%" PRId64, (int64_t)v);
    else if (c == 'u')
        buf_printf(out, "%" PRIu64, v);
    else
        buf_printf(out, "%" PRIx64, v);
}

/* Length of the conversion at fmt, 0 if it is none. */
static size_t conversion(const char *fmt, char *c, int *is_long)
{
    *is_long = fmt[1] == 'l';
    *c = fmt[1 + *is_long];
    return *c && strchr("dux", *c) ? 2u + (size_t)*is_long : 0;
}

void trace_format(struct buf *out, const char *fmt, const uint64_t *arg, uint32_t n)
{
    uint32_t used = 0;
    for (; *fmt; fmt++) {
        char c;
        int is_long;
        size_t len = *fmt == '%' ? conversion(fmt, &c, &is_long) : 0;
        if (!len) {
            buf_add8(out, (uint8_t)*fmt);
            fmt += fmt[0] == '%' && fmt[1] == '%';
            continue;
        }
        if (used < n)
            convert(out, c, is_long, arg[used++]);
        else
            buf_add8(out, '?');
        fmt += len - 1;
    }
}

static void t_emit(struct tn_dev *d, const struct tn_trace_event *ev, const uint64_t *arg,
                   uint32_t n)
{
    BUF_AUTO line = {0};
    (void)d;
    buf_str(&line, ev->name);
    if (*ev->fmt)
        buf_add8(&line, ' ');
    trace_format(&line, ev->fmt, arg, n);
    log_line(LOG_TRACE, "%s", buf_cstr(&line));
}

const struct tn_trace trace_table = {
    .struct_size = sizeof trace_table, .add = t_add, .emit = t_emit};
