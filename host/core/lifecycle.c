/* SPDX-License-Identifier: BSD-2-Clause */
/* Reset, quiesce, resume and unplug, over one device or all of them. */
#include "bus.h"
#include "device_impl.h"
#include "loop.h"
#include "monitor/monitor.h"
#include "pci/pci_host.h"
#include <errno.h>
#include <string.h>

enum { QUIESCE_MS = 30000 }; /* then a back end is cut off */

static uint32_t quiesce_ms(const struct vm *vm)
{
    return vm->quiesce_ms ? vm->quiesce_ms : QUIESCE_MS;
}

static void call_reset(struct device *d, uint32_t kind, uint32_t phase)
{
    if (!d->pub.cls->reset)
        return;
    int entered = domain_enter(d->domain);
    d->pub.cls->reset(d->pub.self, kind, phase);
    domain_leave(d->domain, entered);
}

void devices_reset(struct vm *vm, uint32_t kind)
{
    struct device *d;
    pci_reset_all(vm, kind);
    for (uint32_t phase = TN_RESET_ENTER; phase <= TN_RESET_EXIT; phase++)
        TAILQ_FOREACH(d, &vm->devices, all)
    if (d->stage == DEV_REALIZED)
        call_reset(d, kind, phase);
}

static void reset_phase(struct device *d, uint32_t kind, uint32_t phase)
{
    struct device *c;
    struct tn_bus *b;
    call_reset(d, kind, phase);
    TAILQ_FOREACH(c, &d->children, brother)
    reset_phase(c, kind, phase);
    TAILQ_FOREACH(b, &d->vm->buses, all)
    if (b->owner == d)
        TAILQ_FOREACH(c, &b->children, sibling)
    if (c->parent != d)
        reset_phase(c, kind, phase);
}

void device_reset(struct device *d, uint32_t kind)
{
    pci_reset_function(d, kind);
    for (uint32_t phase = TN_RESET_ENTER; phase <= TN_RESET_EXIT; phase++)
        reset_phase(d, kind, phase);
}

static int ask_quiesce(struct device *d, uint32_t why, uint32_t flags)
{
    if (!d->pub.cls->quiesce)
        return 0;
    __atomic_store_n(&d->quiesced, 2, __ATOMIC_RELEASE);
    int entered = domain_enter(d->domain);
    int r = d->pub.cls->quiesce(d->pub.self, why, flags);
    domain_leave(d->domain, entered);
    return r;
}

static int wait_quiesced(struct device *d)
{
    uint64_t until = clock_now(&d->vm->clock, TN_CLK_REAL) + quiesce_ms(d->vm) * (uint64_t)1000000;
    int r = 0;
    d->busy++;
    while (r == 0 && __atomic_load_n(&d->quiesced, __ATOMIC_ACQUIRE) == 2) {
        if (clock_now(&d->vm->clock, TN_CLK_REAL) >= until)
            r = -ETIMEDOUT;
        else
            loop_once(d->vm->main, 10000000u);
    }
    d->busy--;
    return r < 0 ? r : d->quiesce_result;
}

static int quiesce_one(struct device *d, uint32_t why, struct tn_err *e)
{
    uint32_t now = __atomic_load_n(&d->quiesced, __ATOMIC_ACQUIRE);
    if (now == 1 || d->stage != DEV_REALIZED)
        return 0;
    d->quiesce_result = now == 2 ? d->quiesce_result : 0;
    int r = now == 2
                ? TN_PENDING
                : ask_quiesce(d, why, 0); /* 2: the loop of an outer wait has brought us here */
    if (r == TN_PENDING)
        r = wait_quiesced(d);
    if (r == -ETIMEDOUT)
        r = ask_quiesce(d, why, TN_QF_FORCE);
    __atomic_store_n(&d->quiesced, r < 0 ? 0 : 1, __ATOMIC_RELEASE);
    return r < 0
               ? err_set(e, -r, "Device '%s' does not come to rest: %s", device_id(d), strerror(-r))
               : 0;
}

static void resume_one(struct device *d)
{
    if (d->stage != DEV_REALIZED)
        return;
    __atomic_store_n(&d->quiesced, 0, __ATOMIC_RELEASE);
    if (!d->pub.cls->resume)
        return;
    int entered = domain_enter(d->domain);
    d->pub.cls->resume(d->pub.self);
    domain_leave(d->domain, entered);
}

/* d is top, or goes with it: as a child, or on a bus below it. Every device is made after those
 * above it, so that the order of the VM's list is the order of the tree. */
static int is_below(const struct device *d, const struct device *top)
{
    const struct device *owner = d->bus ? d->bus->owner : NULL;
    return d == top || (d->parent && is_below(d->parent, top)) ||
           (owner && owner != d->parent && is_below(owner, top));
}

static int quiesce_some(struct vm *vm, const struct device *top, uint32_t why, struct tn_err *e)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        int r = !top || is_below(d, top) ? quiesce_one(d, why, e) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static void resume_some(struct vm *vm, const struct device *top)
{
    struct device *d;
    TAILQ_FOREACH_REVERSE(d, &vm->devices, device_list, all)
    if (!top || is_below(d, top))
        resume_one(d);
}

int device_quiesce(struct device *d, uint32_t why, struct tn_err *e)
{
    int r = quiesce_some(d->vm, d, why, e);
    if (r < 0)
        resume_some(d->vm, d);
    return r;
}

void device_resume(struct device *d)
{
    resume_some(d->vm, d);
}

int devices_quiesce(struct vm *vm, uint32_t why, struct tn_err *e)
{
    int r = quiesce_some(vm, NULL, why, e);
    if (r < 0)
        resume_some(vm, NULL);
    return r;
}

void devices_resume(struct vm *vm)
{
    resume_some(vm, NULL);
}

/* ---- unplug ---- */

void device_tell(struct vm *vm, const char *event, const char *id, const char *path)
{
    if (!vm->monitors)
        return;
    struct kv_node *data = kv_new(KV_DICT);
    if (id)
        kv_add(data, "device", kv_scalar(KV_STRING, id));
    kv_add(data, "path", kv_scalar(KV_STRING, path));
    monitor_event(vm, event, data);
}

/* Somebody outside of what goes with d relies on it, or waits for it. */
static int in_use(struct device *d)
{
    struct device *c;
    TAILQ_FOREACH(c, &d->vm->devices, all)
    if ((c->holds || c->busy) && is_below(c, d))
        return 1;
    return 0;
}

static void leave(void *s)
{
    struct device *d = s;
    ERR_AUTO e = {0};
    if (in_use(d)) {
        d->leaving = 0;
        log_line(LOG_ERROR, "Device '%s' is in use and stays", device_id(d));
    } else if (device_quiesce(d, TN_Q_UNPLUG, &e) < 0) {
        d->leaving = 0;
        err_report(&e);
    } else {
        device_free(d);
    }
}

void device_leave(struct device *d)
{
    bh_once_about(d->vm->main, d, leave, d);
}

/* 0 asked, -ENOSYS: it has no opinion, -errno refused. */
static int ask_class(struct device *d, struct tn_err *e)
{
    if (!d->pub.cls->unplug_request)
        return -ENOSYS;
    int entered = domain_enter(d->domain);
    int r = d->pub.cls->unplug_request(d->pub.self, e);
    domain_leave(d->domain, entered);
    return r;
}

/* Of a composite each half may refuse. The class is asked first, then the slot's owner, then the
 * bus. */
static int ask_all(struct device *d, struct tn_err *e)
{
    int r = d->inner ? ask_class(d->inner, e) : -ENOSYS;
    if (r < 0 && r != -ENOSYS)
        return r;
    int outer = ask_class(d, e);
    if (outer != -ENOSYS || r == 0)
        return outer == -ENOSYS ? r : outer;
    if (d->pci && (r = pci_unplug_request(d, e)) != -ENOSYS)
        return r;
    if (!d->bus || !d->bus->type->unplug_request)
        return -ENOSYS;
    int entered = domain_enter(d->domain);
    r = d->bus->type->unplug_request(d->bus->data, d->bus_child, e);
    domain_leave(d->domain, entered);
    return r;
}

/* What is inside of a composite is known by the composite's name, and its own. */
static const char *short_name(const struct tn_bus *b)
{
    const char *slash = strrchr(b->name, '/');
    return slash ? slash + 1 : b->name;
}

static int may_leave(struct device *d, struct tn_err *e)
{
    uint32_t flags = d->pub.cls->flags & (d->inner ? d->inner->pub.cls->flags : ~0u);
    if (d->leaving)
        return err_set(e, EBUSY, "Device %s is already in the process of unplug", device_id(d));
    if (d->bus && !bus_takes_hotplug(d->bus))
        return err_set(e, EBUSY, "Bus '%s' does not support hotplugging", short_name(d->bus));
    if (!(flags & TN_C_HOTPLUG))
        return err_set(e, EBUSY, "Device '%s' does not support hotplugging", d->entry->name);
    if (d->parent)
        return err_set(e, EBUSY, "Device '%s' goes with '%s' only", device_id(d),
                       device_id(d->parent));
    return in_use(d) || d->stage != DEV_REALIZED
               ? err_set(e, EBUSY, "Device '%s' is in use", device_id(d))
               : 0;
}

int device_unplug(struct device *d, struct tn_err *e)
{
    int r = may_leave(d, e);
    if (r < 0)
        return r;
    r = ask_all(d, e);
    if (r == -ENOSYS) {
        d->leaving = 1;
        device_leave(d);
        return 0;
    }
    d->asked |= r >= 0;
    return r < 0 ? r : 0;
}

void device_refused(struct device *d)
{
    d->asked = 0;
    device_tell(d->vm, "DEVICE_UNPLUG_GUEST_ERROR", d->id, d->path);
}

static struct device *first_asked(struct vm *vm)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->asked && d->stage == DEV_REALIZED)
        return d;
    return NULL;
}

/* From the start each time: one may take others along. */
void devices_leave_asked(struct vm *vm)
{
    for (struct device *d; (d = first_asked(vm));) {
        d->asked = 0;
        if (pci_let_go(d) == -ENOSYS)
            leave(d);
    }
}
