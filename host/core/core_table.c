/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.core/1" and "tenon.loop/1": thin layers from the public tables to the host's modules. */
#include "bus.h"
#include "device.h"
#include "loop.h"
#include "services.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include "vm/space.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

static void t_fail(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    (void)file;
    (void)line;
    va_start(ap, fmt);
    err_vset(e, err, fmt, ap);
    va_end(ap);
}

static void t_hint(struct tn_err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_vhint(e, fmt, ap);
    va_end(ap);
}

/* A guest can make these as fast as it likes: at most a handful a second are written, all are
 * counted. */
static int may_speak(struct device *d)
{
    uint64_t now = clock_now(&d->vm->clock, TN_CLK_REAL);
    __atomic_add_fetch(&d->guest_errors, 1, __ATOMIC_RELAXED);
    uint64_t last = __atomic_load_n(&d->last_error_ns, __ATOMIC_RELAXED);
    if (last && now - last < 200000000u) {
        __atomic_add_fetch(&d->muted, 1, __ATOMIC_RELAXED);
        return 0;
    }
    __atomic_store_n(&d->last_error_ns, now, __ATOMIC_RELAXED);
    return 1;
}

static void t_guest_error(struct tn_dev *pub, const char *fmt, ...)
{
    struct device *d = device_of(pub);
    if (!log_guest_errors() || !may_speak(d))
        return;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    uint64_t muted = __atomic_exchange_n(&d->muted, 0, __ATOMIC_RELAXED);
    if (muted)
        log_line(LOG_INFO, "%s: guest error: %s (and %llu more before)", device_id(d), text,
                 (unsigned long long)muted);
    else
        log_line(LOG_INFO, "%s: guest error: %s", device_id(d), text);
}

static void t_warn(struct tn_dev *pub, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log_line(LOG_WARN, "%s: %s", device_id(device_of(pub)), text);
}

static const char *t_id(struct tn_dev *d)
{
    return device_id(device_of(d));
}

/* ---- locks, buses ---- */

static void t_lock(struct tn_dev *d)
{
    domain_lock(device_of(d)->domain);
}

static void t_unlock(struct tn_dev *d)
{
    domain_unlock(device_of(d)->domain);
}

static int t_bus_create(struct tn_dev *d, const struct tn_bus_type *t, const char *name,
                        const void *port_ops, void *bus, struct tn_bus **out, struct tn_err *e)
{
    struct device *dev = device_of(d);
    if (dev->stage != DEV_REALIZING)
        return err_set(e, EBUSY, "%s: a bus is made in realize only", device_id(dev));
    *out = bus_new(dev->vm, dev, t, name, port_ops, bus, e);
    return *out ? 0 : -EEXIST;
}

static const void *t_port(struct tn_dev *d, void **port)
{
    struct device *dev = device_of(d);
    if (!dev->bus || !dev->bus->port_ops)
        return NULL;
    *port = dev->bus_child ? dev->bus_child : dev->bus->data;
    return dev->bus->port_ops;
}

static struct tn_dev *t_owner(struct tn_bus *b)
{
    return b->owner ? &b->owner->pub : NULL;
}

/* ---- completions ---- */

static void t_quiesced(struct tn_dev *d, int err)
{
    struct device *dev = device_of(d);
    uint32_t pending = 2;
    if (__atomic_load_n(&dev->quiesced, __ATOMIC_ACQUIRE) != pending)
        return; /* too late: it was cut off */
    dev->quiesce_result = err;
    __atomic_compare_exchange_n(&dev->quiesced, &pending, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    loop_wake(dev->vm->main);
}

static void t_realized(struct tn_dev *d, int err)
{
    struct device *dev = device_of(d);
    if (!__atomic_load_n(&dev->realize_waits, __ATOMIC_ACQUIRE))
        return;
    dev->realize_result = err;
    __atomic_store_n(&dev->realize_waits, 0, __ATOMIC_RELEASE);
    loop_wake(dev->vm->main);
}

static void t_unplugged(struct tn_dev *d)
{
    struct device *top = device_top(device_of(d));
    __atomic_store_n(&top->leaving, 1, __ATOMIC_RELAXED);
    device_leave(top);
}

static void wants_out(void *s)
{
    ERR_AUTO e = {0};
    if (device_unplug(device_top(s), &e) < 0)
        err_report(&e);
}

static void t_unplug(struct tn_dev *d, const char *why)
{
    log_line(LOG_INFO, "%s: wants to be unplugged: %s", device_id(device_of(d)), why);
    bh_once_about(device_of(d)->vm->main, device_of(d), wants_out, device_of(d));
}

static int t_stall(struct tn_dev *d, uint64_t *token)
{
    return space_stall(device_of(d), token);
}

static void t_unstall(struct tn_dev *d, uint64_t token)
{
    space_unstall(device_of(d), token);
}

/* ---- objects that several devices of a plugin share ---- */

struct shared {
    LIST_ENTRY(shared) all;
    struct device *owner;
    const struct tn_plugin *plugin;
    char *key;
    void *obj;
    void (*close)(void *);
    uint32_t refs;
};
struct share {
    struct managed m;
    struct shared *sh;
};

static const struct tn_class owner_class = {.struct_size = sizeof owner_class,
                                            .flags = TN_C_INTERNAL,
                                            .kind = TN_K_OBJECT,
                                            .name = "shared-owner"};
static const struct class_entry owner_entry = {
    .name = (char *)(uintptr_t) "shared-owner", .kind = TN_K_OBJECT, .cls = &owner_class};

static void shared_put(struct shared *sh)
{
    if (--sh->refs)
        return;
    LIST_REMOVE(sh, all);
    if (sh->close)
        sh->close(sh->obj);
    sh->owner->holds--;
    device_free(sh->owner);
    free(sh->obj);
    free(sh->key);
    free(sh);
}

static void release_share(struct managed *m)
{
    struct share *s = (struct share *)m;
    managed_del(m);
    shared_put(s->sh);
    free(s);
}

static struct shared *shared_find(struct vm *vm, const struct tn_plugin *p, const char *key)
{
    struct shared *sh;
    LIST_FOREACH(sh, &vm->shared, all)
    if (sh->plugin == p && strcmp(sh->key, key) == 0)
        return sh;
    return NULL;
}

static struct shared *shared_open(struct device *d, const char *key, uint64_t size,
                                  int (*open)(void *, struct tn_dev *, const char *,
                                              struct tn_err *),
                                  void (*close)(void *), struct tn_err *e)
{
    AUTO_FREE char *name = xasprintf("%s:%s", d->entry->file->plugin->id, key);
    struct device *owner = device_new(d->vm, &owner_entry, NULL, NULL, name, e);
    void *obj = owner ? calloc(1, size ? size : 1) : NULL;
    int r = !obj ? -ENOMEM : open ? open(obj, &owner->pub, key, e) : 0;
    if (r < 0) {
        if (owner)
            device_free(owner); /* what open() took through it calls into obj */
        free(obj);
        if (e && !e->text)
            err_set(e, -r, "%s: %s", key, strerror(-r));
        return NULL;
    }
    struct shared *sh = XNEW(struct shared);
    *sh = (struct shared){.owner = owner,
                          .plugin = d->entry->file->plugin,
                          .key = xstrdup(key),
                          .obj = obj,
                          .close = close};
    owner->holds++; /* it goes with the object, not with the VM's devices */
    LIST_INSERT_HEAD(&d->vm->shared, sh, all);
    return sh;
}

static void *t_shared(struct tn_dev *pub, const char *key, uint64_t size,
                      int (*open)(void *sh, struct tn_dev *owner, const char *key,
                                  struct tn_err *e),
                      void (*close)(void *sh), struct tn_err *e)
{
    struct device *d = device_of(pub);
    if (!d->entry->file) { /* an owner itself */
        err_set(e, EINVAL, "'%s': an owner of a shared object shares nothing", key);
        return NULL;
    }
    struct shared *sh = shared_find(d->vm, d->entry->file->plugin, key);
    if (!sh && !(sh = shared_open(d, key, size, open, close, e)))
        return NULL;
    struct share *s = XNEW(struct share);
    *s = (struct share){.m.release = release_share, .sh = sh};
    sh->refs++;
    managed_add(d, &s->m);
    return sh->obj;
}

/* ---- others ---- */

static uint32_t t_vcpus(struct tn_dev *d)
{
    return machine_max_cpus(device_of(d)->vm);
}

static uint32_t t_flags(struct tn_dev *d)
{
    return device_of(d)->flags;
}

static int t_query(struct tn_dev *d, struct tn_dev *other, const char *id, const void **ops,
                   void **self)
{
    (void)d;
    *ops = device_iface(device_of(other), id, self);
    return *ops ? 0 : -ENOENT;
}

static int t_query_bus(struct tn_dev *d, struct tn_bus *b, const char *id, const void **ops,
                       void **self)
{
    if (b->type->port_ops && strcmp(b->type->port_ops, id) == 0 && b->port_ops) {
        *ops = b->port_ops;
        *self = b->data;
        return 0;
    }
    return b->owner ? t_query(d, &b->owner->pub, id, ops, self) : -ENOENT;
}

static struct tn_dev *t_find(struct tn_dev *d, const char *id)
{
    struct device *other = device_providing(device_of(d)->vm, id);
    return other ? &other->pub : NULL;
}

static int t_each(struct tn_dev *d, const char *id, int (*fn)(void *o, struct tn_dev *other),
                  void *o)
{
    struct device *other, *next;
    int r = 0;
    for (other = TAILQ_FIRST(&device_of(d)->vm->devices); other && !r; other = next) {
        next = TAILQ_NEXT(other, all);
        if (other->stage == DEV_REALIZED && device_has_iface(other, id))
            r = fn(o, &other->pub);
    }
    return r;
}

static int set_kv(struct device *c, const struct tn_kv *kv, uint32_t n, struct tn_err *e)
{
    for (uint32_t i = 0; i < n; i++) {
        int r = kv[i].handle ? device_set_handle(c, kv[i].key, kv[i].handle, e)
                             : device_set(c, kv[i].key, kv[i].str, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int t_child(struct tn_dev *d, const char *cls, const char *name, struct tn_bus *b,
                   const struct tn_kv *kv, uint32_t n, struct tn_dev **out, struct tn_err *e)
{
    struct device *dev = device_of(d);
    uint32_t kind = registry_peek(dev->vm->registry, TN_K_OBJECT, cls) ? TN_K_OBJECT : TN_K_DEVICE;
    const struct class_entry *c = registry_class(dev->vm->registry, kind, cls, e);
    if (!c)
        return -ENOENT;
    if (c->cls->bus && !b)
        return err_set(e, EINVAL, "a %s needs a %s bus", cls, c->cls->bus);
    struct device *child = device_new(dev->vm, c, NULL, dev, name, e);
    if (!child)
        return -EINVAL;
    int r = set_kv(child, kv, n, e);
    if (r == 0)
        r = device_realize(child, b, e);
    if (r < 0) {
        device_free(child);
        return r;
    }
    if (out)
        *out = &child->pub;
    return 0;
}

static void t_drop(struct tn_dev *d, struct tn_dev *child)
{
    ERR_AUTO e = {0};
    struct parked locks; /* of the caller: what the child waits for may want them */
    (void)d;
    domain_park(&locks);
    if (device_quiesce(device_of(child), TN_Q_UNPLUG, &e) < 0)
        err_report(&e);
    device_free(device_of(child));
    domain_unpark(&locks);
}

static int t_reparent(struct tn_dev *pub, struct tn_bus *b, struct tn_err *e)
{
    struct device *d = device_of(pub);
    if (!d->bus || strcmp(b->type->name, d->bus->type->name) != 0 ||
        b->type->child_size != d->bus->type->child_size)
        return err_set(e, EINVAL, "Device '%s' can't go on %s bus", device_id(d), b->type->name);
    if (b != d->bus && bus_full(b))
        return err_set(e, ENOSPC, "Bus '%s' is full", b->name);
    TAILQ_REMOVE(&d->bus->children, d, sibling);
    d->bus->nchildren--;
    d->bus = b;
    TAILQ_INSERT_TAIL(&b->children, d, sibling);
    b->nchildren++;
    return 0;
}

static int t_join(struct tn_dev *pub, struct tn_dev *other, struct tn_err *e)
{
    struct device *d = device_of(pub), *o = device_of(other);
    if (d->stage != DEV_REALIZING || d->managed.next != &d->managed)
        return err_set(e, EBUSY, "%s joins a lock domain too late", device_id(d));
    domain_swap_held(d->domain, o->domain); /* realize goes on under the one it joins */
    domain_unref(d->domain);
    d->domain = domain_ref(o->domain);
    return 0;
}

const struct tn_core host_core_table = {
    .struct_size = sizeof(struct tn_core),
    .rev = 1,
    .fail = t_fail,
    .hint = t_hint,
    .guest_error = t_guest_error,
    .warn = t_warn,
    .id = t_id,
    .lock = t_lock,
    .unlock = t_unlock,
    .bus_create = t_bus_create,
    .quiesced = t_quiesced,
    .unplugged = t_unplugged,
    .port = t_port,
    .realized = t_realized,
    .unplug = t_unplug,
    .stall = t_stall,
    .unstall = t_unstall,
    .shared = t_shared,
    .vcpus = t_vcpus,
    .flags = t_flags,
    .query = t_query,
    .query_bus = t_query_bus,
    .owner = t_owner,
    .find = t_find,
    .each = t_each,
    .child = t_child,
    .drop = t_drop,
    .reparent = t_reparent,
    .join = t_join,
    .tell = device_said,
};

/* ---- "tenon.loop/1" ---- */

static struct tn_ctx *ctx_of(struct tn_dev *d, struct tn_ctx *c)
{
    return c ? c : device_of(d)->home;
}

static uint64_t l_now(struct tn_dev *d, uint32_t clk)
{
    return clock_now(&device_of(d)->vm->clock, clk);
}

static struct tn_timer *l_timer(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, uint32_t clk,
                                void (*fn)(void *), void *s)
{
    return clk >= TN_CLK_VM && clk <= TN_CLK_REAL
               ? timer_new(ctx_of(d, c), device_of(d), flags & TN_LF_NOLOCK, clk, fn, s)
               : NULL;
}

static struct tn_watch *l_fd(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, int fd,
                             uint32_t ev, void (*fn)(void *, uint32_t), void *s)
{
    return watch_new(ctx_of(d, c), device_of(d), flags & TN_LF_NOLOCK, fd, ev, fn, s);
}

static struct tn_bh *l_bh(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, void (*fn)(void *),
                          void *s)
{
    return bh_new(ctx_of(d, c), device_of(d), flags & TN_LF_NOLOCK, fn, s);
}

static struct tn_poll *l_poll(struct tn_dev *d, struct tn_ctx *c, uint32_t flags,
                              const struct tn_poll_ops *o, void *s)
{
    return poll_new(ctx_of(d, c), device_of(d), flags & TN_LF_NOLOCK, o, s);
}

static struct tn_ctx *l_home(struct tn_dev *d)
{
    return device_of(d)->home;
}

static uint32_t l_here(struct tn_ctx *c)
{
    return (uint32_t)loop_here(c);
}

const struct tn_loop loop_table = {
    .struct_size = sizeof(struct tn_loop),
    .rev = 1,
    .now = l_now,
    .timer = l_timer,
    .arm = timer_arm,
    .disarm = timer_disarm,
    .fd = l_fd,
    .fd_mask = watch_mask,
    .bh = l_bh,
    .kick = bh_kick,
    .home = l_home,
    .here = l_here,
    .timer_del = timer_del,
    .fd_del = watch_del,
    .bh_del = bh_del,
    .poll = l_poll,
    .poll_del = poll_del,
};
