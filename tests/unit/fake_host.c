/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_host.h"

#include "core/trace_point.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

uint32_t fake_resets;
static const struct class_entry no_entry = {.name = (char *)(uintptr_t) "fake"};

/* Nothing is on, but where the real one is linked. */
__attribute__((weak)) void trace_emit(struct vm *vm, enum trace_point p, const char *text,
                                      const uint64_t *arg, uint32_t n)
{
    (void)vm, (void)p, (void)text, (void)arg, (void)n;
}

struct vm *fake_vm_new(void)
{
    struct vm *vm = XNEW(struct vm);
    TAILQ_INIT(&vm->devices);
    TAILQ_INIT(&vm->buses);
    clock_init(&vm->clock, 1);
    vm->main = loop_new(&vm->clock, "main");
    loop_adopt(vm->main);
    return vm;
}

void fake_vm_free(struct vm *vm)
{
    while (!TAILQ_EMPTY(&vm->devices))
        fake_device_free(TAILQ_LAST(&vm->devices, device_list));
    loop_once(vm->main, 0);
    loop_free(vm->main);
    free(vm);
}

struct device *fake_device(struct vm *vm, const struct tn_class *cls, const char *id)
{
    struct device *d = XNEW(struct device);
    d->pub =
        (struct tn_dev){.host = &vm->host, .cls = cls, .self = xcalloc(1, cls->instance_size + 1)};
    d->vm = vm;
    d->entry = &no_entry;
    d->id = xstrdup(id);
    d->path = xasprintf("/machine/peripheral/%s", id);
    d->stage = DEV_REALIZED;
    TAILQ_INIT(&d->children);
    d->managed.next = d->managed.prev = &d->managed;
    pthread_mutex_init(&d->managed_lock, NULL);
    d->domain = domain_new();
    d->home = vm->main;
    TAILQ_INSERT_TAIL(&vm->devices, d, all);
    return d;
}

void fake_device_free(struct device *d)
{
    pthread_mutex_lock(&d->managed_lock);
    for (struct managed *m = d->managed.next; m != &d->managed; m = m->next)
        if (m->stop)
            m->stop(m);
    pthread_mutex_unlock(&d->managed_lock);
    while (d->managed.next != &d->managed) {
        struct managed *m = d->managed.next;
        m->release(m);
    }
    TAILQ_REMOVE(&d->vm->devices, d, all);
    domain_unref(d->domain);
    pthread_mutex_destroy(&d->managed_lock);
    free(d->pub.self);
    free(d->id);
    free(d->path);
    free(d);
}

/* ---- what the services call in core/device.c ---- */

const char *device_id(const struct device *d)
{
    return d->id;
}

static int provides(const struct tn_class *c, const char *id)
{
    for (const char *const *p = c->provides; p && *p; p++)
        if (strcmp(*p, id) == 0)
            return 1;
    return 0;
}

const void *device_iface(struct device *d, const char *id, void **self)
{
    *self = d->pub.self;
    return provides(d->pub.cls, id) ? d->pub.cls->get_iface(d->pub.self, id) : NULL;
}

struct device *device_providing(struct vm *vm, const char *id)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->stage == DEV_REALIZED && provides(d->pub.cls, id))
        return d;
    return NULL;
}

void device_reset(struct device *d, uint32_t kind)
{
    (void)d;
    (void)kind;
    fake_resets++;
}
