/* SPDX-License-Identifier: BSD-2-Clause */
/* The class `nbd`. */
#include "nbd.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/plugin.h>

/* ---- the back end ---- */

static int info(void *self, struct tn_blk_info *out)
{
    const struct export *x = &((struct nbd *)self)->export_is;
    struct tn_blk_info i = {.struct_size = out->struct_size,
                            .flags = x->flags,
                            .size = x->size,
                            .logical = x->minimum,
                            .physical = x->minimum,
                            .min_io = x->preferred,
                            .max_transfer = x->maximum,
                            .max_discard = 1 << 30, /* lengths have 32 bits */
                            .discard_align = x->preferred};
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
    return 0;
}

static int submit(void *p, struct tn_blk_req *r)
{
    struct nbd_queue *q = p;
    *nbd_req_of(r) = (struct nbd_req){.q = q};
    conn_submit(q->conn, r);
    return 0;
}

static void cancel(void *p, struct tn_blk_req *r)
{
    conn_cancel(((struct nbd_queue *)p)->conn, r);
}

/* From a connection whose context is another one. */
static void take_returned(void *p)
{
    struct nbd_queue *q = p;
    struct nbd *s = q->disk;
    pthread_mutex_lock(&q->conn->lock);
    struct req_list now = q->returned;
    q->returned.first = NULL;
    pthread_mutex_unlock(&q->conn->lock);
    for (struct tn_blk_req *r; (r = req_pop(&now));)
        s->feed->done(s->dev, r, (int)nbd_req_of(r)->result);
}

/* The first queue has the first connection come to its context; the others have connections of
 * their own, if the server keeps several of them coherent. */
static struct conn *connection_for(struct nbd *s, struct nbd_queue *q)
{
    if (!s->home_of && conn_move(s->first, q->ctx) == 0) {
        s->home_of = q;
        return s->first;
    }
    struct conn *c = s->export_is.multi ? conn_new(s, q->ctx) : NULL;
    if (c)
        conn_begin(c);
    return c ? c : s->first;
}

static void *queue(void *self, struct tn_ctx *c, struct tn_err *e)
{
    struct nbd *s = self;
    struct nbd_queue *q = calloc(1, sizeof *q);
    if (q) {
        q->disk = s;
        q->ctx = c;
        q->bh = s->loop->bh(s->dev, c, TN_LF_NOLOCK, take_returned, q);
    }
    if (!q || !q->bh) {
        free(q);
        (void)tn_fail(s->dev, e, ENOMEM, "no memory for a queue");
        return NULL;
    }
    q->conn = connection_for(s, q);
    return q;
}

static void queue_del(void *p)
{
    struct nbd_queue *q = p;
    struct nbd *s = q->disk;
    if (q->conn != s->first) {
        conn_close(q->conn);
    } else if (s->home_of == q) {
        s->home_of = NULL;
        conn_move(s->first, s->loop->home(s->dev));
    }
    s->loop->bh_del(q->bh);
    free(q);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    ((struct nbd *)self)->dev = d;
    return 0;
}

static int check_options(struct nbd *s, struct tn_err *e)
{
    if (s->tls_creds || s->tls_hostname)
        return tn_fail(s->dev, e, ENOTSUP, "TLS is not supported here: tls-%s=%s",
                       s->tls_creds ? "creds" : "hostname",
                       s->tls_creds ? s->tls_creds : s->tls_hostname);
    if (s->export && strlen(s->export) > 4096) /* NBD_MAX_STRING */
        return tn_fail(s->dev, e, EINVAL, "export name too long to send to server");
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct nbd *s = self;
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->feed = TN_GET(s->dev, struct tn_blk_feed, TN_BLOCK_FEED_1);
    int r = check_options(s, e);
    if (r < 0 || (r = nbd_resolve(s, e)) < 0)
        return r;
    s->first = conn_new(s, s->loop->home(s->dev));
    if (!s->first)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a connection");
    s->opening = (struct opening){.e = e,
                                  .until = s->loop->now(s->dev, TN_CLK_REAL) +
                                           (uint64_t)s->open_timeout * 1000000000u,
                                  .pending = 1};
    conn_begin(s->first);
    return TN_PENDING;
}

static void unrealize(void *self)
{
    struct nbd *s = self;
    for (struct conn *c = s->all; c; c = c->next)
        conn_close(c);
}

static void fini(void *self)
{
    struct nbd *s = self;
    for (struct conn *c = s->all, *next; c; c = next) {
        next = c->next;
        conn_free(c);
    }
    free(s->where);
}

static const struct tn_prop props[] = {
    TN_PROP_STR(struct nbd, type, "server.type", NULL, "inet or unix"),
    TN_PROP_STR(struct nbd, host, "server.host", NULL, "name or address, of inet"),
    TN_PROP_STR(struct nbd, port, "server.port", NULL, "number or name, of inet"),
    TN_PROP_STR(struct nbd, path, "server.path", NULL, "socket, of unix"),
    TN_PROP_STR(struct nbd, old_host, "host", NULL, "as server.host, of type inet"),
    TN_PROP_STR(struct nbd, old_port, "port", NULL, "as server.port"),
    TN_PROP_STR(struct nbd, old_path, "path", NULL, "as server.path, of type unix"),
    TN_PROP_STR(struct nbd, export, "export", NULL, "name of the export"),
    TN_PROP_STR(struct nbd, tls_creds, "tls-creds", NULL, "refused"),
    TN_PROP_STR(struct nbd, tls_hostname, "tls-hostname", NULL, "refused"),
    TN_PROP(struct nbd, reconnect_delay, "reconnect-delay", U32, 0,
            "seconds that requests wait for a lost server; then they fail"),
    TN_PROP(struct nbd, open_timeout, "open-timeout", U32, 0,
            "seconds that the start waits for a server; 0: one attempt"),
    TN_BLK_OPEN_PROPS(struct nbd, open),
};

static const struct tn_blk_backend backend = {
    .struct_size = sizeof backend,
    .info = info,
    .queue = queue,
    .queue_del = queue_del,
    .submit = submit,
    .cancel = cancel,
};

static const struct tn_class nbd = {
    .struct_size = sizeof nbd,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
    .kind = TN_K_BLOCK,
    .category = TN_CAT_STORAGE,
    .name = "nbd",
    .desc = "an export of an NBD server",
    .instance_size = sizeof(struct nbd),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .bus_ops = &backend,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&nbd, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_BLOCK_FEED_1, NULL};
static const char *const sandbox[] = {"socket", "connect-unix", "connect-inet", NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "nbd",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "disks that NBD servers export",
    .classes = classes,
    .needs = needs,
    .sandbox = sandbox,
};
