/* SPDX-License-Identifier: BSD-2-Clause */
#include "actor.h"

#include "util/alloc.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char actor_log[8192];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void actor_clear(void)
{
    actor_log[0] = 0;
}

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
    va_list ap;
    pthread_mutex_lock(&log_lock);
    size_t at = strlen(actor_log);
    va_start(ap, fmt);
    vsnprintf(actor_log + at, sizeof actor_log - at, fmt, ap);
    va_end(ap);
    at = strlen(actor_log);
    snprintf(actor_log + at, sizeof actor_log - at, " ");
    pthread_mutex_unlock(&log_lock);
}

static const char *tag(const struct actor *a)
{
    return a->tag ? a->tag : a->dev->cls->name;
}

/* ---- life ---- */

static int init(void *s, struct tn_dev *d)
{
    ((struct actor *)s)->dev = d;
    return 0;
}

static int open_shared(void *sh, struct tn_dev *owner, const char *key, struct tn_err *e)
{
    if (strcmp(key, "bad") == 0)
        return tn_fail(owner, e, EIO, "bad on purpose");
    snprintf(sh, 32, "%s", key);
    say("open(%s)", key);
    return 0;
}

static void close_shared(void *sh)
{
    say("close(%s)", (const char *)sh);
}

static void finish(void *s)
{
    struct actor *a = s;
    say("finish(%s)", tag(a));
    if (a->realizing) {
        a->realizing = 0;
        a->dev->core->realized(
            a->dev, a->fail & FAIL_LATE ? tn_fail(a->dev, a->e, EIO, "late on purpose") : 0);
    } else if (a->quiescing) {
        a->quiescing = 0;
        a->dev->core->quiesced(a->dev, a->fail & FAIL_QUIESCE ? -EIO : 0);
    } else {
        a->dev->core->unplugged(a->dev);
    }
}

static int take(struct actor *a, struct tn_err *e)
{
    for (uint32_t i = 0; i < a->shares; i++) {
        char key[16];
        snprintf(key, sizeof key, "s%u", i);
        if (!a->dev->core->shared(a->dev, key, 32, open_shared, close_shared, e))
            return -EIO;
    }
    for (uint32_t i = 0; i < a->kids; i++) {
        char name[16];
        const struct tn_kv kv[] = {{"tag", name, NULL}};
        snprintf(name, sizeof name, "kid%u", i);
        int r = a->dev->core->child(a->dev, a->kid_class ? a->kid_class : "actor", name, a->bus, kv,
                                    1, NULL, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int realize(void *s, struct tn_err *e)
{
    struct actor *a = s;
    const struct tn_loop *loop = TN_GET(a->dev, struct tn_loop, TN_LOOP_1);
    say("realize(%s)", tag(a));
    if (a->fail & FAIL_REALIZE)
        return tn_fail(a->dev, e, EIO, "%s fails on purpose", tag(a));
    a->finish = loop->bh(a->dev, a->iothread, TN_LF_NOLOCK, finish, a);
    int r = take(a, e);
    if (r == 0 && (a->pending & PENDING_REALIZE)) {
        a->realizing = 1;
        a->e = e;
        loop->kick(a->finish);
        return TN_PENDING;
    }
    return r == 0 && (a->fail & FAIL_LATE) ? tn_fail(a->dev, e, EIO, "late on purpose") : r;
}

static int coward_realize(void *s, struct tn_err *e)
{
    struct actor *a = s;
    return tn_fail(a->dev, e, EIO, "cowards never dare");
}

static int hub_realize(void *s, struct tn_err *e)
{
    struct actor *a = s;
    int r = a->dev->core->bus_create(a->dev, &port_bus, NULL, &port_bus, a, &a->bus, e);
    return r < 0 ? r : realize(s, e);
}

static int link_realize(void *s, struct tn_err *e)
{
    struct actor *a = s;
    int r = realize(s, e);
    return r < 0 ? r : a->dev->core->bus_create(a->dev, &link_bus, NULL, &link_bus, a, &a->bus, e);
}

static void reset(void *s, uint32_t kind, uint32_t phase)
{
    say("reset%u.%u(%s)", kind, phase, tag(s));
}

static int quiesce(void *s, uint32_t why, uint32_t flags)
{
    struct actor *a = s;
    say("quiesce%u%s(%s)", why, flags & TN_QF_FORCE ? "!" : "", tag(a));
    a->quiesces++;
    a->forced |= flags & TN_QF_FORCE;
    if (flags & TN_QF_FORCE || !(a->pending & (PENDING_QUIESCE | PENDING_FOREVER)))
        return a->fail & FAIL_QUIESCE && !(flags & TN_QF_FORCE) ? -EIO : 0;
    a->quiescing = 1;
    if (a->pending & PENDING_QUIESCE)
        TN_GET(a->dev, struct tn_loop, TN_LOOP_1)->kick(a->finish);
    return TN_PENDING;
}

static void resume(void *s)
{
    say("resume(%s)", tag(s));
}

static int unplug_request(void *s, struct tn_err *e)
{
    struct actor *a = s;
    if (a->fail & FAIL_UNPLUG)
        return tn_fail(a->dev, e, EBUSY, "%s stays on purpose", tag(a));
    if (!(a->pending & PENDING_UNPLUG))
        return -ENOSYS;
    say("asked(%s)", tag(a));
    return 0;
}

static void unrealize(void *s)
{
    say("unrealize(%s)", tag(s));
}

static void fini(void *s)
{
    say("fini(%s)", tag(s));
}

static int prop_changed(void *s, const char *name, struct tn_err *e)
{
    (void)e;
    say("changed.%s(%s)", name, tag(s));
    return 0;
}

static const char *const provides[] = {"test.actor/1", NULL};

static const void *get_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, provides[0]) == 0 ? provides : NULL;
}

/* ---- buses ---- */

static int check(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e)
{
    struct actor *hub = bus;
    (void)child;
    (void)ops;
    say("check(%s)", tag(d->self));
    return hub->refuse & REFUSE_CHECK ? tn_fail(d, e, EBUSY, "checked on purpose") : 0;
}

static int attach(void *bus, void *child, struct tn_dev *d, const void *ops, void *s,
                  struct tn_err *e)
{
    struct actor *hub = bus;
    void *port = NULL;
    (void)ops;
    (void)s;
    say("attach(%s)", tag(d->self));
    if (!d->core->port(d, &port) || (child && port != child))
        return tn_fail(d, e, EINVAL, "no port");
    return hub->refuse & REFUSE_ATTACH ? tn_fail(d, e, EBUSY, "not attached on purpose") : 0;
}

static int plugged(void *bus, void *child, struct tn_err *e)
{
    struct actor *hub = bus;
    (void)child;
    say("plugged(%s)", tag(hub));
    return hub->refuse & REFUSE_PLUGGED ? tn_fail(hub->dev, e, EBUSY, "not plugged on purpose") : 0;
}

static int bus_changed(void *bus, void *child, const char *name, struct tn_err *e)
{
    struct actor *hub = bus;
    struct port_data *p = child;
    p->changes++;
    say("port-changed.%s(%s)", name, tag(hub));
    return hub->refuse & REFUSE_CHANGE ? tn_fail(hub->dev, e, EBUSY, "port stays on purpose") : 0;
}

static void detach(void *bus, void *child)
{
    (void)child;
    say("detach(%s%s)", tag(bus),
        domain_held(device_of(((struct actor *)bus)->dev)->domain) ? ",locked" : "");
}

static const struct tn_prop port_props[] = {
    TN_PROP_ROW(struct port_data, port, "port", U32, TN_PF_RUNTIME, 0, 1, 0, 0, NULL, NULL, NULL),
};
const struct tn_bus_type port_bus = {.struct_size = sizeof port_bus,
                                     .flags = TN_BUS_ONE_DOMAIN,
                                     .max_children = 3,
                                     .name = "port-bus",
                                     .child_ops = "test.child/1",
                                     .port_ops = "test.port/1",
                                     .props = port_props,
                                     .nprops = 1,
                                     .prop_stride = sizeof port_props[0],
                                     .child_size = sizeof(struct port_data),
                                     .check = check,
                                     .attach = attach,
                                     .plugged = plugged,
                                     .prop_changed = bus_changed,
                                     .detach = detach};
const struct tn_bus_type link_bus = {.struct_size = sizeof link_bus,
                                     .flags = TN_BUS_ONE_DOMAIN,
                                     .max_children = 1,
                                     .name = "link-bus",
                                     .port_ops = "test.link/1",
                                     .check = check,
                                     .attach = attach,
                                     .plugged = plugged,
                                     .detach = detach};

/* ---- classes ---- */

static const struct tn_prop props[] = {
    TN_PROP_STR(struct actor, tag, "tag", NULL, NULL),
    TN_PROP(struct actor, fail, "fail", U32, 0, NULL),
    TN_PROP(struct actor, pending, "pending", U32, 0, NULL),
    TN_PROP(struct actor, refuse, "refuse", U32, 0, NULL),
    TN_PROP(struct actor, shares, "shares", U32, 0, NULL),
    TN_PROP(struct actor, kids, "kids", U32, 0, NULL),
    TN_PROP_STR(struct actor, kid_class, "kid-class", NULL, NULL),
    TN_PROP_ROW(struct actor, value, "value", U32, TN_PF_RUNTIME, 0, 0, 0, 0, NULL, NULL, NULL),
    TN_PROP_REF(struct actor, iothread, "iothread", IOTHREAD, 0, NULL),
};
static const struct tn_prop disk_props[] = {
    TN_PROP(struct actor, fail, "disk-fail", U32, 0, NULL),
    TN_PROP(struct actor, pending, "disk-pending", U32, 0, NULL),
    TN_PROP_ROW(struct actor, value, "sectors", U32, TN_PF_RUNTIME, 0, 63, 0, 0, NULL, NULL, NULL),
};
#define ACTOR(var, nm, fl, bus_, props_, realize_)                             \
    static const struct tn_class var = {.struct_size = sizeof var,             \
                                        .flags = fl,                           \
                                        .name = nm,                            \
                                        .bus = bus_,                           \
                                        .provides = provides,                  \
                                        .instance_size = sizeof(struct actor), \
                                        .props = props_,                       \
                                        .nprops = ARRAY_SIZE(props_),          \
                                        .prop_stride = sizeof props_[0],       \
                                        .bus_ops = props_,                     \
                                        .init = init,                          \
                                        .realize = realize_,                   \
                                        .reset = reset,                        \
                                        .quiesce = quiesce,                    \
                                        .resume = resume,                      \
                                        .unplug_request = unplug_request,      \
                                        .unrealize = unrealize,                \
                                        .fini = fini,                          \
                                        .prop_changed = prop_changed,          \
                                        .get_iface = get_iface}
ACTOR(actor, "actor", TN_C_HOTPLUG, NULL, props, realize);
ACTOR(coward, "coward", TN_C_HOTPLUG, NULL, props, coward_realize);
ACTOR(statue, "statue", 0, NULL, props, realize);
ACTOR(hub, "hub", TN_C_HOTPLUG, NULL, props, hub_realize);
ACTOR(leaf, "leaf", TN_C_HOTPLUG, "port-bus", props, realize);
ACTOR(transport, "link", TN_C_HOTPLUG | TN_C_INTERNAL, NULL, props, link_realize);
ACTOR(disk, "disk", TN_C_HOTPLUG, "link-bus", disk_props, realize);

static const char *const preset[] = {"refuse", "0", "tag", "link", NULL};
static const struct tn_compose via = {.struct_size = sizeof via,
                                      .transport = "link",
                                      .inner_bus = "link-bus",
                                      .suffix = "-via",
                                      .preset = preset,
                                      .child = "backend"};
static const struct tn_class *const classes[] = {&actor, &coward,    &statue, &hub,
                                                 &leaf,  &transport, NULL};
static const struct tn_class *const more_classes[] = {&disk, NULL};
static const struct tn_bus_type *const buses[] = {&port_bus, &link_bus, NULL};
static const struct tn_compose *const composes[] = {&via, NULL};
const struct tn_plugin actors = {.struct_size = sizeof actors,
                                 .abi_major = TN_ABI_MAJOR,
                                 .abi_minor = TN_ABI_MINOR,
                                 .id = "actors",
                                 .version = "1",
                                 .classes = classes,
                                 .buses = buses,
                                 .composes = composes};
const struct tn_plugin more_actors = {.struct_size = sizeof more_actors,
                                      .abi_major = TN_ABI_MAJOR,
                                      .abi_minor = TN_ABI_MINOR,
                                      .id = "more-actors",
                                      .version = "1",
                                      .classes = more_classes};

struct vm *actor_vm(void)
{
    struct vm *vm = fixture_vm_with(&actors);
    fixture_register(vm, &more_actors);
    actor_clear();
    return vm;
}
