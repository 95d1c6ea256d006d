/* SPDX-License-Identifier: BSD-2-Clause */
/* One QMP client on its chardev: bytes to requests, replies and events to bytes. */
#include "qmp_impl.h"

#include "backend/chardev.h"
#include "cli/json.h"
#include "core/loop.h"
#include "qmp_stream.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOM = 64 << 10,
    QUEUE = 8,                /* requests that wait; more stay in the socket */
    QUEUE_BYTES = 1 << 20,    /* ... unless they are this long together */
    BACKLOG = 1 << 20,        /* of replies: who reads no more is listened to no more */
    BACKLOG_EVENTS = 16 << 20 /* of events: there are no more for who does not read */
};

struct request {
    struct kv_node *tree; /* NULL: it could not be parsed */
    char *error;
    size_t bytes;
};

struct qmp_session {
    struct monitor mon; /* first */
    uint32_t pretty, open, oob, starved;
    uint32_t closing; /* the client has gone; what it asked for before is done */
    enum qmp_mode mode;
    uint32_t client; /* number of the connection: a reply is for who asked */
    struct qmp_stream stream;
    struct buf arrived; /* not looked at yet, from arrived_at on */
    size_t arrived_at;
    struct request queue[QUEUE];
    uint32_t first, count;
    size_t queued_bytes;
    struct buf out;
    size_t sent;
};

static struct qmp_session *session_of(struct monitor *m)
{
    return (struct qmp_session *)(void *)m;
}

/* ---- to the client ---- */

static void flush(struct qmp_session *s)
{
    while (s->sent < s->out.len) {
        int64_t n = chardev_table.write(s->mon.chr, s->out.data + s->sent, s->out.len - s->sent);
        if (n <= 0)
            return; /* writable() will come */
        s->sent += (size_t)n;
    }
    s->sent = s->out.len = 0;
    if (s->out.cap > ROOM)
        buf_free(&s->out);
}

static size_t backlog(const struct qmp_session *s)
{
    return s->out.len - s->sent;
}

static void send(struct qmp_session *s, const struct kv_node *what)
{
    json_print(&s->out, what, s->pretty != 0);
    buf_str(&s->out, "\r\n");
    flush(s);
}

static void send_reply(struct qmp_session *s, struct kv_node *reply)
{
    if (reply && s->open)
        send(s, reply);
    kv_free(reply);
}

static void on_monitor_event(struct monitor *m, const struct kv_node *event)
{
    struct qmp_session *s = session_of(m);
    if (s->open && s->mode == QMP_COMMANDS && backlog(s) < BACKLOG_EVENTS)
        send(s, event);
}

static void greet(struct qmp_session *s)
{
    struct qmp_call c = {.vm = s->mon.vm, .mon = &s->mon};
    KV_AUTO *hello = kv_new(KV_DICT);
    struct kv_node *qmp = ret_dict(hello, "QMP"), *version = NULL;
    ERR_AUTO e = {0};
    if (monitor_run(&c, "query-version", NULL, &version, &e) == 0)
        kv_add(qmp, "version", version);
    ret_str(ret_list(qmp, "capabilities"), NULL, "oob");
    send(s, hello);
}

/* ---- from the client ---- */

static int throttled(const struct qmp_session *s)
{
    return s->count == QUEUE || s->queued_bytes > QUEUE_BYTES || backlog(s) > BACKLOG;
}

static int is_oob(const struct qmp_session *s, const struct kv_node *request)
{
    return s->oob && request && kv_get(request, "exec-oob") && !kv_get(request, "execute");
}

static void enqueue(struct qmp_session *s, struct request r)
{
    if (is_oob(s, r.tree)) {
        send_reply(s, qmp_dispatch(&s->mon, s->mode, 1, r.tree));
        kv_free(r.tree);
        return;
    }
    s->queue[(s->first + s->count++) % QUEUE] = r;
    s->queued_bytes += r.bytes;
    monitor_kick(s->mon.vm);
}

static void take_found(struct qmp_session *s, enum qmp_found found)
{
    struct request r = {.bytes = s->stream.text.len};
    if (found == QMP_VALUE)
        r.tree = json_parse(buf_cstr(&s->stream.text), &r.error);
    else
        r.error = xstrdup(s->stream.error);
    enqueue(s, r);
}

static void parse_arrived(struct qmp_session *s)
{
    enum qmp_found found = QMP_VALUE;
    while (found != QMP_MORE && !throttled(s)) {
        const uint8_t *at = s->arrived.data + s->arrived_at;
        size_t n = s->arrived.len - s->arrived_at;
        if (!n)
            break;
        s->arrived_at += qmp_stream_feed(&s->stream, at, n, &found);
        if (found != QMP_MORE)
            take_found(s, found);
    }
    if (s->arrived_at == s->arrived.len)
        s->arrived.len = s->arrived_at = 0;
}

static int has_room(const struct qmp_session *s)
{
    return !throttled(s) && s->arrived.len < ROOM;
}

static void accept_more(struct qmp_session *s)
{
    parse_arrived(s);
    if (s->starved && has_room(s)) {
        s->starved = 0;
        chardev_table.accept(s->mon.chr);
    }
}

static struct request dequeue(struct qmp_session *s)
{
    struct request r = s->queue[s->first];
    s->first = (s->first + 1) % QUEUE;
    s->count--;
    s->queued_bytes -= r.bytes;
    return r;
}

static void forget_client(struct qmp_session *s)
{
    s->client++;
    s->open = s->closing = 0;
    s->oob = 0;
    s->mode = QMP_NEGOTIATING;
    while (s->count) {
        struct request r = dequeue(s);
        kv_free(r.tree);
        free(r.error);
    }
    qmp_stream_reset(&s->stream);
    buf_free(&s->arrived);
    buf_free(&s->out);
    s->arrived_at = s->sent = 0;
}

/* What has come is done, though the client has gone: printf '...' | nc -U. Where it still listens,
 * it hears all of it. */
static void end_if_done(struct qmp_session *s)
{
    if (s->closing && !s->count && !s->arrived.len && !(s->open && backlog(s)))
        forget_client(s);
}

static int work(struct monitor *m)
{
    struct qmp_session *s = session_of(m);
    if (!s->count || backlog(s) > BACKLOG)
        return 0;
    struct request r = dequeue(s);
    uint32_t client = s->client;
    struct kv_node *reply =
        r.tree ? qmp_dispatch(m, s->mode, (int)s->oob, r.tree) : qmp_error(NULL, NULL, r.error);
    kv_free(r.tree);
    free(r.error);
    if (client == s->client)
        send_reply(s, reply);
    else
        kv_free(reply); /* who asked has gone */
    accept_more(s);
    end_if_done(s);
    return 1;
}

int qmp_session_agree(struct monitor *m, int oob, struct tn_err *e)
{
    struct qmp_session *s = session_of(m);
    if (!m || s->mode != QMP_NEGOTIATING)
        return err_set(e, EINVAL, "there is nothing to negotiate here");
    s->mode = QMP_COMMANDS;
    s->oob = oob != 0;
    return 0;
}

/* ---- the chardev ---- */

/* The end of standard input says nothing about standard output; a socket's next client is somebody
 * else. */
static int output_stays(const struct qmp_session *s)
{
    const struct device *d;
    TAILQ_FOREACH(d, &s->mon.vm->devices, all)
    if (d->handle == s->mon.chr)
        return strcmp(d->entry->name, "stdio") == 0;
    return 0;
}

static uint32_t on_room(void *p)
{
    struct qmp_session *s = p;
    s->starved = !has_room(s);
    return s->starved ? 0 : ROOM;
}

static void on_input(void *p, const uint8_t *data, uint32_t n)
{
    struct qmp_session *s = p;
    buf_add(&s->arrived, data, n);
    parse_arrived(s);
}

static void on_writable(void *p)
{
    struct qmp_session *s = p;
    flush(s);
    accept_more(s);
    if (s->count)
        monitor_kick(s->mon.vm);
    end_if_done(s);
}

static void on_event(void *p, uint32_t ev)
{
    struct qmp_session *s = p;
    if (ev == TN_CHR_OPENED) {
        forget_client(s);
        s->open = 1;
        greet(s);
    } else if (ev == TN_CHR_CLOSED) {
        s->closing = 1;
        s->open = output_stays(s);
        end_if_done(s);
    }
}

static const struct tn_chr_ops chr_ops = {.struct_size = sizeof chr_ops,
                                          .room = on_room,
                                          .input = on_input,
                                          .event = on_event,
                                          .writable = on_writable};

/* ---- life ---- */

/* Who reads slowly has two seconds for the rest, who does not read at all the one that
 * chardev_flush_all() waits. */
static void flush_rest(struct qmp_session *s)
{
    const struct vm *vm = s->mon.vm;
    uint64_t end = clock_now(&vm->clock, TN_CLK_REAL) + 2000000000u;
    size_t before = 0;
    flush(s);
    while (s->open && backlog(s) && backlog(s) != before &&
           clock_now(&vm->clock, TN_CLK_REAL) < end) {
        before = backlog(s);
        chardev_flush_all(s->mon.vm);
        flush(s);
    }
}

static void session_free(struct monitor *m)
{
    struct qmp_session *s = session_of(m);
    flush_rest(s);
    chardev_detach_host(m->chr, &chr_ops, s);
    forget_client(s);
    free(s);
}

static const struct monitor_ops ops = {work, on_monitor_event, session_free};

struct monitor *qmp_session_new(struct vm *vm, struct tn_chr *c, const struct kv_node *opts,
                                struct tn_err *e)
{
    struct qmp_session *s = XNEW(struct qmp_session);
    const char *pretty = kv_text(opts, "pretty");
    s->mon.ops = &ops;
    s->mon.vm = vm;
    s->mon.chr = c;
    s->pretty = pretty && strcmp(pretty, "on") == 0;
    int err = chardev_attach_host(c, &chr_ops, s);
    if (err == 0)
        return &s->mon;
    free(s);
    err_set(e, -err, "the chardev cannot be used: %s", strerror(-err));
    return NULL;
}
