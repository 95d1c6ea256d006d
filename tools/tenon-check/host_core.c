/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_CORE_1. */
#include "parts.h"
#include "services.h"
#include <stdarg.h>

static void core_fail(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    char text[256];
    enter(NULL, R_ANY, "core->fail");
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (err <= 0 || err > 4095)
        violation("core.h: fail: err is a positive errno value", "core->fail(%d) at %s:%d", err,
                  file ? file : "?", line);
    if (!text[0])
        violation("core.h: fail: with a text", "core->fail without a text at %s:%d",
                  file ? file : "?", line);
    if (e && e->err)
        violation("core.h: fail: fill e once", "e said \"%s\" and is filled again with \"%s\"",
                  e->text, text);
    err_set(e, err, "%s", text);
}

static void core_hint(struct tn_err *e, const char *fmt, ...)
{
    va_list ap;
    enter(NULL, R_ANY, "core->hint");
    if (!e)
        return;
    if (!e->err)
        violation("core.h: hint: a second line", "core->hint before core->fail");
    va_start(ap, fmt);
    vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
}

/* Text for the log: what the plugin passes is formatted, so that a wrong format crashes here. */
static void remark(struct dev *d, const char *kind, const char *fmt, va_list ap)
{
    char text[512];
    vsnprintf(text, sizeof text, fmt, ap);
    if (d->h->c->o->verbose && d->h->log.warnings + d->h->log.guest_errors < 20)
        check_note(d->h->c, "%s: %s: %s", d->id, kind, text);
}

static void core_guest_error(struct tn_dev *pub, const char *fmt, ...)
{
    struct dev *d = dev_of(pub);
    va_list ap;
    enter(d, R_ANY, "core->guest_error");
    va_start(ap, fmt);
    remark(d, "guest error", fmt, ap);
    va_end(ap);
    __atomic_add_fetch(&d->guest_errors, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&d->h->log.guest_errors, 1, __ATOMIC_RELAXED);
}

static void core_warn(struct tn_dev *pub, const char *fmt, ...)
{
    struct dev *d = dev_of(pub);
    va_list ap;
    enter(d, R_ANY, "core->warn");
    va_start(ap, fmt);
    remark(d, "warning", fmt, ap);
    va_end(ap);
    __atomic_add_fetch(&d->h->log.warnings, 1, __ATOMIC_RELAXED);
}

static const char *core_id(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->id");
    return d->id;
}

static int core_bus_create(struct tn_dev *pub, const struct tn_bus_type *t, const char *name,
                           const void *port_ops, void *bus, struct tn_bus **out, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "core->bus_create");
    int r = inject_err(d, e, ENOMEM, "core->bus_create");
    if (r < 0)
        return r;
    if (!t || !t->name || t->struct_size < offsetof(struct tn_bus_type, path))
        violation("bus.h: struct tn_bus_type", "core->bus_create with a type of %u bytes",
                  t ? t->struct_size : 0);
    *out = bus_new(d->h, d, t, name, port_ops, bus);
    return 0;
}

/* ---- completions ---- */

/* The rule Lock of base.h: never inside what it completes. */
static void complete(struct dev *d, int err, const char *completion, const char *of)
{
    if (call_inside(d, of))
        violation("base.h: Lock: a completion never runs inside the call that it completes",
                  "%s inside %s", completion, of);
    if (!d->pending)
        violation("core.h: completions", "%s, but no %s is pending", completion, of);
    if (err > 0 || err < -4095)
        violation("core.h: err 0 or -errno", "%s with err %d", completion, err);
    d->pending_err = err;
    __atomic_store_n(&d->pending, 0, __ATOMIC_RELEASE);
    loop_wake(d->h);
}

static void core_quiesced(struct tn_dev *pub, int err)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->quiesced");
    complete(d, err, "core->quiesced", "quiesce");
}

static void core_realized(struct tn_dev *pub, int err)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "core->realized");
    complete(d, err, "core->realized", "realize");
}

static void core_unplugged(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->unplugged");
    if (call_inside(d, "unplug_request"))
        violation("base.h: Lock: a completion never runs inside the call that it completes",
                  "core->unplugged inside unplug_request");
    d->unplug_done = 1;
}

static const void *core_port(struct tn_dev *pub, void **port)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "core->port");
    if (!d->bus)
        violation("core.h: port: from attach on", "core->port of a device that is on no bus yet");
    if (port)
        *port = d->port;
    return d->port_ops;
}

static void core_unplug(struct tn_dev *pub, const char *why)
{
    enter(dev_of(pub), R_ANY, "core->unplug");
    if (!why)
        violation("core.h: unplug", "core->unplug without a reason");
}

/* ---- stalling a vCPU ---- */

static int core_stall(struct tn_dev *pub, uint64_t *token)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->stall");
    if (!call_top() || !(call_top()->role & R_VCPU) || d->stalled)
        return -EBUSY;
    *token = d->stalled = ++d->h->stalls;
    return 0;
}

static void core_unstall(struct tn_dev *pub, uint64_t token)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->unstall");
    if (!token || d->stalled != token)
        violation("core.h: unstall",
                  "core->unstall of a token that core->stall did not give, or twice");
    d->stalled = 0;
}

/* ---- shared objects ---- */

struct shared {
    struct shared *next;
    char *key;
    void *sh;
    void (*close)(void *sh);
    uint32_t users;
};

struct shared_use {
    struct res r;
    struct shared *s;
};

static void shared_put(struct res *r)
{
    struct shared *s = ((struct shared_use *)(void *)r)->s, **at = &r->d->h->parts->shared;
    if (--s->users)
        return;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (s->close)
        CALL(r->d, R_MAIN, "shared close", s->close(s->sh));
    free(s->sh);
    free(s->key);
    free(s);
}

static struct shared *shared_find(struct host *h, const char *key)
{
    struct shared *s = h->parts->shared;
    while (s && strcmp(s->key, key) != 0)
        s = s->next;
    return s;
}

static void *core_shared(struct tn_dev *pub, const char *key, uint64_t size,
                         int (*open)(void *, struct tn_dev *, const char *, struct tn_err *),
                         void (*close)(void *), struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "core->shared");
    if (inject_err(d, e, ENOMEM, "core->shared"))
        return NULL;
    struct shared *s = shared_find(d->h, key);
    if (!s) {
        int r = 0;
        s = XNEW(struct shared);
        *s = (struct shared){NULL, xstrdup(key), xcalloc(1, size), close, 0};
        if (open)
            CALL(d, R_MAIN, "shared open", r = open(s->sh, pub, key, e));
        if (r < 0) {
            free(s->sh);
            free(s->key);
            free(s);
            return NULL;
        }
        s->next = d->h->parts->shared;
        d->h->parts->shared = s;
    }
    struct shared_use *u = res_new(d, "shared object", sizeof *u, shared_put);
    u->s = s;
    s->users++;
    return s->sh;
}

static uint32_t core_vcpus(struct tn_dev *pub)
{
    enter(dev_of(pub), R_MAIN, "core->vcpus");
    return 2;
}

static uint32_t core_flags(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "core->flags");
    return (d->hotplugged ? TN_DEV_HOTPLUGGED : 0) |
           (d->stage >= ST_REALIZED && d->stage < ST_UNREALIZING ? TN_DEV_REALIZED : 0);
}

/* ---- other devices ---- */

static int provides(const struct tn_class *c, const char *id)
{
    for (const char *const *p = c->provides; p && *p; p++)
        if (strcmp(*p, id) == 0)
            return 1;
    return 0;
}

static int iface(struct dev *o, const char *id, const void **ops, void **self)
{
    const void *t = NULL;
    if (!provides(o->pub.cls, id) || !o->pub.cls->get_iface)
        return -ENOENT;
    CALL(o, R_MAIN, "get_iface", t = o->pub.cls->get_iface(o->pub.self, id));
    if (!t)
        violation("class.h: get_iface answers what provides names",
                  "get_iface(\"%s\") answered NULL", id);
    *ops = t;
    *self = o->pub.self;
    return 0;
}

static int core_query(struct tn_dev *pub, struct tn_dev *other, const char *id, const void **ops,
                      void **self)
{
    enter(dev_of(pub), R_MAIN, "core->query");
    return iface(dev_of(other), id, ops, self);
}

static int core_query_bus(struct tn_dev *pub, struct tn_bus *b, const char *id, const void **ops,
                          void **self)
{
    enter(dev_of(pub), R_MAIN, "core->query_bus");
    if (b->type->port_ops && strcmp(b->type->port_ops, id) == 0) {
        *ops = b->port_ops;
        *self = b->self;
        return 0;
    }
    return b->r.d ? iface(b->r.d, id, ops, self) : -ENOENT;
}

static struct tn_dev *core_owner(struct tn_bus *b)
{
    enter(NULL, R_ANY, "core->owner");
    return b->r.d ? &b->r.d->pub : NULL;
}

static int core_each(struct tn_dev *pub, const char *id, int (*fn)(void *, struct tn_dev *),
                     void *o)
{
    struct dev *d = dev_of(pub), *x;
    int r = 0;
    enter(d, R_MAIN, "core->each");
    TAILQ_FOREACH(x, &d->h->devs, link)
    if (x->stage >= ST_REALIZED && x->stage < ST_UNREALIZING && provides(x->pub.cls, id)) {
        r = fn(o, &x->pub); /* the caller's own function: its thread, its lock */
        if (r)
            break;
    }
    return r;
}

static int first(void *o, struct tn_dev *d)
{
    *(struct tn_dev **)o = d;
    return 1;
}

static struct tn_dev *core_find(struct tn_dev *pub, const char *id)
{
    struct tn_dev *found = NULL;
    core_each(pub, id, first, &found);
    return found;
}

static const struct tn_class *find_class(struct host *h, const char *name)
{
    const struct tn_class *c;
    for (uint32_t i = 0; (c = check_class(h->c, i)); i++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int child_realize(struct dev *x, struct tn_bus *b, const struct tn_kv *kv, uint32_t n,
                         struct tn_err *e)
{
    for (uint32_t i = 0; i < n; i++) {
        int r = dev_set_kv(x, &kv[i], e);
        if (r < 0)
            return r;
    }
    x->want_bus = b;
    return dev_realize(x, e);
}

static int core_child(struct tn_dev *pub, const char *cls, const char *name, struct tn_bus *b,
                      const struct tn_kv *kv, uint32_t n, struct tn_dev **out, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "core->child");
    int r = inject_err(d, e, ENOMEM, "core->child");
    if (r < 0)
        return r;
    const struct tn_class *c = find_class(d->h, cls);
    if (!c)
        return err_set(e, ENOENT, "'%s' is not a class of this plugin, and no other is loaded",
                       cls);
    struct dev *x = dev_new(d->h, c, name);
    if (!x)
        return err_set(e, ENOMEM, "no memory for '%s'", cls);
    x->parent = d;
    r = child_realize(x, b, kv, n, e);
    if (r < 0)
        dev_free(x);
    else if (out)
        *out = &x->pub;
    return r;
}

static void core_drop(struct tn_dev *pub, struct tn_dev *child)
{
    struct dev *d = dev_of(pub), *x = dev_of(child);
    enter(d, R_MAIN, "core->drop");
    if (x->parent != d)
        violation("core.h: drop",
                  "core->drop of a device that core->child did not make for this one");
    dev_free(x);
}

static int core_reparent(struct tn_dev *pub, struct tn_bus *b, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "core->reparent");
    int r = inject_err(d, e, EBUSY, "core->reparent");
    if (r == 0)
        d->parent = b->r.d;
    return r;
}

static int core_join(struct tn_dev *pub, struct tn_dev *other, struct tn_err *e)
{
    struct dev *d = dev_of(pub), *o = dev_of(other);
    enter_realize(d, "core->join");
    if (res_count(d, "region"))
        violation("core.h: join: before any region", "core->join after a region was added");
    int r = inject_err(d, e, EBUSY, "core->join");
    if (r == 0)
        domain_join(d, o);
    return r;
}

static void core_tell(struct tn_dev *pub, uint32_t what, uint64_t value)
{
    (void)value;
    enter(dev_of(pub), R_ANY, "core->tell");
    if (what != TN_TELL_PORT_OPEN)
        violation("core.h: tell", "core->tell(%u): there is no such thing to tell", what);
}

const struct tn_core core_table = {
    .struct_size = sizeof(struct tn_core),
    .fail = core_fail,
    .hint = core_hint,
    .guest_error = core_guest_error,
    .warn = core_warn,
    .id = core_id,
    .lock = core_lock,
    .unlock = core_unlock,
    .bus_create = core_bus_create,
    .quiesced = core_quiesced,
    .unplugged = core_unplugged,
    .port = core_port,
    .realized = core_realized,
    .unplug = core_unplug,
    .stall = core_stall,
    .unstall = core_unstall,
    .shared = core_shared,
    .vcpus = core_vcpus,
    .flags = core_flags,
    .query = core_query,
    .query_bus = core_query_bus,
    .owner = core_owner,
    .find = core_find,
    .each = core_each,
    .child = core_child,
    .drop = core_drop,
    .reparent = core_reparent,
    .join = core_join,
    .tell = core_tell,
};
