/* SPDX-License-Identifier: BSD-2-Clause */
/* Reset, quiesce, resume and unplug, over one device or all of them. */
#include "bus.h"
#include "device.h"
#include "loop.h"
#include "pci/pci_host.h"
#include <errno.h>
#include <string.h>

enum { QUIESCE_MS = 30000 }; /* then a back end is cut off */

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
    uint64_t until = clock_now(&d->vm->clock, TN_CLK_REAL) + QUIESCE_MS * (uint64_t)1000000;
    while (__atomic_load_n(&d->quiesced, __ATOMIC_ACQUIRE) == 2) {
        if (clock_now(&d->vm->clock, TN_CLK_REAL) >= until)
            return -ETIMEDOUT;
        loop_once(d->vm->main, 10000000u);
    }
    return d->realize_result;
}

int device_quiesce(struct device *d, uint32_t why, struct tn_err *e)
{
    if (d->quiesced)
        return 0;
    d->realize_result = 0;
    int r = ask_quiesce(d, why, 0);
    if (r == TN_PENDING)
        r = wait_quiesced(d);
    if (r == -ETIMEDOUT)
        r = ask_quiesce(d, why, TN_QF_FORCE);
    __atomic_store_n(&d->quiesced, r < 0 ? 0 : 1, __ATOMIC_RELEASE);
    return r < 0 ? err_set(e, -r, "Device '%s' does not come to rest: %s", device_id(d), strerror(-r)) : 0;
}

void device_resume(struct device *d)
{
    struct device *c;
    TAILQ_FOREACH(c, &d->children, brother)
        device_resume(c);
    if (d->stage != DEV_REALIZED)
        return;
    __atomic_store_n(&d->quiesced, 0, __ATOMIC_RELEASE);
    if (!d->pub.cls->resume)
        return;
    int entered = domain_enter(d->domain);
    d->pub.cls->resume(d->pub.self);
    domain_leave(d->domain, entered);
}

int devices_quiesce(struct vm *vm, uint32_t why, struct tn_err *e)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all) {
        int r = d->stage == DEV_REALIZED ? device_quiesce(d, why, e) : 0;
        if (r < 0) {
            devices_resume(vm);
            return r;
        }
    }
    return 0;
}

void devices_resume(struct vm *vm)
{
    struct device *d;
    TAILQ_FOREACH_REVERSE(d, &vm->devices, device_list, all)
        if (!d->parent)
            device_resume(d);
}

static void go_now(void *s)
{
    struct device *d = s;
    device_free(d);
}

int device_unplug(struct device *d, struct tn_err *e)
{
    if (!(d->pub.cls->flags & TN_C_HOTPLUG) || d->holds)
        return err_set(e, EBUSY, d->holds ? "Device '%s' is in use" : "Device '%s' does not support hotunplugging", device_id(d));
    int entered = domain_enter(d->domain), r = -ENOSYS;
    if (d->pub.cls->unplug_request)
        r = d->pub.cls->unplug_request(d->pub.self, e);
    domain_leave(d->domain, entered);
    if (r != -ENOSYS)
        return r;
    if (d->pci && (r = pci_unplug_request(d, e)) != -ENOSYS)
        return r;
    if (d->bus && d->bus->type->unplug_request)
        return d->bus->type->unplug_request(d->bus->data, d->bus_child, e);
    if ((r = device_quiesce(d, TN_Q_UNPLUG, e)) < 0)
        return r;
    bh_once(d->vm->main, NULL, go_now, d);
    return 0;
}
