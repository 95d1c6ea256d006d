/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace events: trace-event-get-state, trace-event-set-state, trace-event, trace-file, info
 * trace-events. */
#include "core/trace_host.h"
#include "hmp.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int unknown(const char *name, struct tn_err *e)
{
    return err_set(e, EINVAL, "unknown event \"%s\"", name);
}

struct finding {
    struct kv_node *list; /* NULL: they are only counted */
    uint32_t n;
};

static int found(void *o, const char *name, uint32_t on)
{
    struct finding *f = o;
    f->n++;
    if (!f->list)
        return 0;
    struct kv_node *n = ret_dict(f->list, NULL);
    ret_str(n, "name", name);
    ret_str(n, "state", on ? "enabled" : "disabled");
    return 0;
}

static int get_state(struct qmp_call *c, struct tn_err *e)
{
    const char *name = arg_str(c, "name");
    struct finding f = {.list = c->ret = kv_new(KV_LIST)};
    tracer_each(c->vm, name, found, &f);
    return f.n || tracer_is_pattern(name) ? 0 : unknown(name, e);
}

/* A pattern also counts for events of devices that are plugged in later. */
static int set_state(struct qmp_call *c, struct tn_err *e)
{
    const char *name = arg_str(c, "name");
    struct finding f = {0};
    tracer_each(c->vm, name, found, &f);
    if (!c->vm->tracer || (!f.n && !tracer_is_pattern(name)))
        return unknown(name, e);
    AUTO_FREE char *pattern = xasprintf("%s%s", arg_bool(c, "enable", 0) ? "" : "-", name);
    return tracer_enable(c->vm, pattern, e);
}

/* ---- HMP ---- */

static int hmp_event(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *name = NULL;
    int on;
    (void)out;
    if (hmp_word(&a, "string", &name) < 0 || hmp_onoff(&a, &on) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    ret_str(args, "name", name);
    ret_bool(args, "enable", on);
    return monitor_run(c, "trace-event-set-state", args, NULL, e);
}

static int print_event(void *o, const char *name, uint32_t on)
{
    buf_printf(o, "%s : state %u\n", name, on);
    return 0;
}

static int info_events(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *name = NULL;
    struct finding f = {0};
    if (hmp_word(&a, NULL, &name) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    tracer_each(c->vm, name ? name : "*", found, &f);
    if (name && !f.n && !tracer_is_pattern(name))
        return unknown(name, e);
    tracer_each(c->vm, name ? name : "*", print_event, out);
    return 0;
}

static void print_file(struct vm *vm, struct buf *out)
{
    const char *path = tracer_file_path(vm);
    buf_printf(out, "Trace file \"%s\" %s.\n", path ? path : "",
               tracer_file_records(vm) ? "on" : "off");
}

static int hmp_file(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *what = NULL, *path = NULL;
    if (hmp_word(&a, NULL, &what) < 0 || hmp_word(&a, NULL, &path) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (!what)
        print_file(c->vm, out);
    else if (strcmp(what, "set") == 0 && path)
        return tracer_file(c->vm, path, e);
    else if (path)
        return err_set(e, EINVAL, "unexpected argument \"%s\"", path);
    else if (strcmp(what, "flush") == 0)
        tracer_file_flush(c->vm);
    else if (strcmp(what, "on") == 0 || strcmp(what, "off") == 0)
        tracer_file_record(c->vm, what[1] == 'n');
    else
        return err_set(e, EINVAL, "unexpected argument \"%s\"", what);
    return 0;
}

struct offer {
    struct buf *out;
    const char *head;
};

static int offer_event(void *o, const char *name, uint32_t on)
{
    const struct offer *f = o;
    (void)on;
    hmp_offer(f->out, f->head, name);
    return 0;
}

static void complete(struct qmp_call *c, const char *line, struct buf *out)
{
    struct offer f = {out, line};
    tracer_each(c->vm, "*", offer_event, &f);
}

/* ---- tables ---- */

static const char *const states[] = {"unavailable", "disabled", "enabled", NULL};
static const struct qmp_member event_info[] = {
    {"name", "str", 0}, {"state", "TraceEventState", 0}, {0}};
static const struct qmp_member get_args[] = {{"name", "str", 0}, {0}};
static const struct qmp_member set_args[] = {
    {"name", "str", 0}, {"enable", "bool", 0}, {"ignore-unavailable", "bool", 1}, {0}};
static const struct qmp_type types[] = {
    {.name = "TraceEventState", .meta = QMP_ENUM, .values = states},
    {.name = "TraceEventInfo", .meta = QMP_OBJECT, .members = event_info},
    {.name = "trace-event-get-state-arg", .meta = QMP_OBJECT, .members = get_args},
    {.name = "trace-event-set-state-arg", .meta = QMP_OBJECT, .members = set_args},
    {0},
};
static const struct qmp_command commands[] = {
    {"trace-event-get-state", "trace-event-get-state-arg", "[TraceEventInfo]", 0, get_state, NULL},
    {"trace-event-set-state", "trace-event-set-state-arg", NULL, 0, set_state, NULL},
    {0},
};
static const struct hmp_command hmp[] = {
    {"trace-event", "name on|off", "switch a trace event, or those that a pattern fits", 0,
     hmp_event, complete},
    {"trace-file", "on|off|flush|set [arg]",
     "open or flush the file that trace events go to, or stop and go on writing them", 0, hmp_file,
     NULL},
    {"trace-events", "[name]", "show trace events and whether they are on (name: a pattern)", 1,
     info_events, complete},
    {0},
};

const struct qmp_module qmp_trace = {.types = types, .commands = commands, .hmp = hmp};
