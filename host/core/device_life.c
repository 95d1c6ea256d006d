/* SPDX-License-Identifier: BSD-2-Clause */
/* How an instance begins to work, and how it ends. */
#include "device_impl.h"

#include "bus.h"
#include "epoch.h"
#include "loop.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/run.h"
#include "vm/space.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what realize asks for ---- */

static int missing(const struct tn_prop *p, const void *base)
{
    static const uint8_t zero[sizeof(struct tn_list)];
    const char *at = (const char *)base + p->offset;
    if (!(p->flags & TN_PF_REQUIRED))
        return 0;
    return p->type == TN_P_FD ? *(const int32_t *)(const void *)at < 0
                              : memcmp(at, zero, p->size) == 0;
}

static int check_table(struct prop_table t, const void *base, struct tn_err *e)
{
    for (uint32_t i = 0; i < t.n; i++)
        if (missing(prop_at(t, i), base))
            return err_set(e, EINVAL, "%s property not set", prop_at(t, i)->name);
    return 0;
}

static int check_required(struct device *d, struct tn_err *e)
{
    int r = check_table(class_props(d->pub.cls), d->pub.self, e);
    if (r == 0 && d->bus_child)
        r = check_table(bus_props(d->bus_type), d->bus_child, e);
    return r == 0 && d->inner ? check_required(d->inner, e) : r;
}

/* The iothread that a property named becomes the home context, before realize takes anything. */
static void find_home(struct device *d)
{
    struct prop_table t = class_props(d->pub.cls);
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_at(t, i);
        struct tn_ctx *c = p->type == TN_P_IOTHREAD
                               ? *(struct tn_ctx **)(void *)((char *)d->pub.self + p->offset)
                               : NULL;
        if (c)
            d->home = c;
    }
}

/* ---- realize ---- */

static int put_on_bus(struct device *d, struct tn_bus *b, struct tn_err *e)
{
    const struct tn_bus_type *t = b->type;
    if (bus_full(b))
        return err_set(e, ENOSPC, "Bus '%s' is full", b->name);
    TAILQ_INSERT_TAIL(&b->children, d, sibling);
    d->among_siblings = 1;
    b->nchildren++;
    if (t->flags & TN_BUS_ONE_DOMAIN && b->owner) {
        domain_unref(d->domain);
        d->domain = domain_ref(b->owner->domain);
    }
    int entered = domain_enter(d->domain);
    int r = t->check ? t->check(b->data, d->bus_child, &d->pub, d->pub.cls->bus_ops, e) : 0;
    d->on_bus = r >= 0;
    if (r >= 0 && t->attach)
        r = t->attach(b->data, d->bus_child, &d->pub, d->pub.cls->bus_ops, d->pub.self, e);
    domain_leave(d->domain, entered);
    return r;
}

/* Runs the main loop, with no lock held, until *waits is 0. */
static int run_until(struct vm *vm, uint32_t *waits)
{
    while (__atomic_load_n(waits, __ATOMIC_ACQUIRE) && !(vm->run && run_ended(vm)))
        loop_once(vm->main, 100000000u);
    return __atomic_load_n(waits, __ATOMIC_ACQUIRE)
               ? -EINTR
               : 0; /* SIGTERM while a chardev waits for its client */
}

static int call_realize(struct device *d, struct tn_err *e)
{
    if (!d->pub.cls->realize)
        return 0;
    d->realize_waits = 1;
    uint32_t depth = domain_depth();
    int entered = domain_enter(d->domain);
    int r = d->pub.cls->realize(d->pub.self, e);
    domain_unwind(depth); /* realize may have joined another domain: which lock is held now is not
                             ours to guess */
    if (r == TN_PENDING && !entered)
        return err_set(e, EDEADLK, "%s: a device below another cannot realize later",
                       d->entry->name);
    if (r == TN_PENDING) {
        d->busy++;
        int cut = run_until(d->vm, &d->realize_waits);
        d->busy--;
        r = cut < 0 ? cut : d->realize_result;
    }
    d->realize_done = r >= 0;
    if (r < 0 && e && !e->text)
        err_set(e, -r, "%s: %s", d->entry->name, strerror(-r));
    return r < 0 ? r : 0;
}

static struct tn_bus *inner_bus(struct device *d)
{
    struct tn_bus *b;
    TAILQ_FOREACH(b, &d->vm->buses, all)
    if (b->owner == d && bus_type_is(b->type, d->entry->compose->inner_bus))
        return b;
    return NULL;
}

static void *bus_data(const struct tn_bus_type *t)
{
    return t->child_size ? xcalloc(1, t->child_size) : NULL;
}

/* The bus's properties exist from here on, so it is said before they are set. */
int device_meet_bus_type(struct device *d, const struct tn_bus_type *t, struct tn_err *e)
{
    d->bus_type = t;
    d->bus_child = bus_data(t);
    if (d->bus_child)
        props_default(d, bus_props(t), d->bus_child);
    return device_apply_globals(d, e);
}

int device_meet_bus(struct device *d, struct tn_bus *b, struct tn_err *e)
{
    d->bus = b;
    return d->bus_type ? 0 : device_meet_bus_type(d, b->type, e);
}

static int realize_here(struct device *d, struct tn_err *e);

static int realize_inner(struct device *d, struct tn_err *e)
{
    struct tn_bus *b = inner_bus(d);
    if (!b)
        return err_set(e, EINVAL, "%s made no %s", d->entry->cls->name,
                       d->entry->compose->inner_bus);
    int r = device_meet_bus(d->inner, b, e);
    return r < 0 ? r : realize_here(d->inner, e);
}

static int realize_here(struct device *d, struct tn_err *e)
{
    int r = check_required(d, e);
    if (r < 0)
        return r;
    find_home(d);
    d->stage = DEV_REALIZING;
    if (d->bus && (r = put_on_bus(d, d->bus, e)) < 0)
        return r;
    if ((r = call_realize(d, e)) < 0)
        return r;
    if (d->inner && (r = realize_inner(d, e)) < 0)
        return r;
    if (d->bus && d->bus->type->plugged) {
        int entered = domain_enter(d->domain);
        r = d->bus->type->plugged(d->bus->data, d->bus_child, e);
        domain_leave(d->domain, entered);
    }
    return r < 0 ? r : 0;
}

/* What is added to a paused machine is resumed with it. */
static int runs(const struct vm *vm)
{
    return !vm->run || run_state(vm) == RUN_RUNNING;
}

static void set_realized(struct device *d)
{
    struct device *c;
    d->stage = DEV_REALIZED;
    d->flags |= TN_DEV_REALIZED;
    TAILQ_FOREACH(c, &d->children, brother)
    if (c->stage == DEV_REALIZING)
        set_realized(c);
}

int device_realize(struct device *d, struct tn_bus *bus, struct tn_err *e)
{
    int r = bus && !d->bus ? device_meet_bus(d, bus, e) : 0;
    if (r < 0 || (r = realize_here(d, e)) < 0)
        return r;
    if (d->parent && d->parent->stage < DEV_REALIZED)
        return 0; /* it goes live with its parent */
    set_realized(d);
    if (!d->vm->cold)
        device_reset(d, TN_RESET_COLD);
    space_activate(d->vm, d); /* only now can the guest reach it */
    if (!d->vm->cold && runs(d->vm))
        device_resume(d);
    pci_slot_filled(d);
    return 0;
}

/* ---- the end ---- */

/* No way into d or what is below it is left, from the top down: a transport calls its child. */
static void stop_tree(struct device *d)
{
    struct device *c;
    struct tn_bus *b;
    pthread_mutex_lock(&d->managed_lock);
    for (struct managed *m = d->managed.next; m != &d->managed; m = m->next)
        if (m->stop)
            m->stop(m);
    pthread_mutex_unlock(&d->managed_lock);
    space_unstall_all(d);
    TAILQ_FOREACH(c, &d->children, brother)
    stop_tree(c);
    TAILQ_FOREACH(b, &d->vm->buses, all)
    if (b->owner == d)
        TAILQ_FOREACH(c, &b->children, sibling)
    if (c->parent != d)
        stop_tree(c);
}

static void leave_bus(struct device *d)
{
    struct tn_bus *b = d->bus;
    if (d->on_bus && b->type->detach) {
        int entered = domain_enter(d->domain);
        b->type->detach(b->data, d->bus_child);
        domain_leave(d->domain, entered);
    }
    if (d->among_siblings) {
        TAILQ_REMOVE(&b->children, d, sibling);
        b->nchildren--;
    }
    if (d->bus_child)
        props_drop(d, bus_props(d->bus_type), d->bus_child);
}

static void free_memory(struct device *d)
{
    TAILQ_REMOVE(&d->vm->devices, d, all);
    if (d->parent) {
        TAILQ_REMOVE(&d->parent->children, d, brother);
        if (d->parent->inner == d)
            d->parent->inner = NULL;
    }
    domain_unref(d->domain);
    strings_free(&d->strings);
    pthread_mutex_destroy(&d->managed_lock);
    free(d->bus_child);
    free(d->pub.self);
    free(d->id);
    free(d->path);
    free(d->name);
    free(d);
}

static void release_all(struct device *d)
{
    while (d->managed.next != &d->managed) {
        struct managed *m = d->managed.next;
        m->release(m);
        if (d->managed.next == m)
            managed_del(m);
    }
}

static void dismantle(struct device *d);

/* Devices that sit on d's buses without being its children (a disk on a port) go with it. */
static void dismantle_below(struct device *d)
{
    struct tn_bus *b;
    for (int again = 1; again;) {
        again = 0;
        TAILQ_FOREACH(b, &d->vm->buses, all)
        if (b->owner == d && !TAILQ_EMPTY(&b->children)) {
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list */
            dismantle(TAILQ_LAST(&b->children, siblings));
            again = 1;
            break;
        }
    }
    while (!TAILQ_EMPTY(&d->children))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): likewise */
        dismantle(TAILQ_LAST(&d->children, brothers));
}

void devices_drain(struct vm *vm)
{
    struct device *c;
    epoch_wait();
    TAILQ_FOREACH(c, &vm->devices, all)
    if (c->handle_type == TN_P_IOTHREAD)
        loop_drain(c->handle);
}

/* Nothing of d runs any more. */
static void dismantle(struct device *d)
{
    dismantle_below(d);
    int told = d->stage == DEV_REALIZED && d->entry->kind == TN_K_DEVICE;
    d->stage = DEV_GONE;
    if (d->realize_done && d->pub.cls->unrealize)
        d->pub.cls->unrealize(d->pub.self);
    release_all(d);
    leave_bus(d);
    props_drop(d, class_props(d->pub.cls), d->pub.self);
    if (d->inited && d->pub.cls->fini)
        d->pub.cls->fini(d->pub.self);
    struct vm *vm = d->vm;
    AUTO_FREE char *id = d->id, *path = d->path;
    d->id = d->path = NULL;
    free_memory(d);
    if (told)
        device_tell(vm, "DEVICE_DELETED", id, path);
}

void device_free(struct device *d)
{
    struct parked locks; /* a parent's, when a child could not be made: what is waited for below may
                            want them */
    struct vm *vm = d->vm;
    domain_park(&locks);
    stop_tree(d);
    devices_drain(vm);
    dismantle(d);
    domain_unpark(&locks);
}
