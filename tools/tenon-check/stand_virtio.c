/* SPDX-License-Identifier: BSD-2-Clause */
#include "stand_virtio.h"
#include "host_dma.h"
#include "host_pci.h"
#include "stand_bus.h"
#include "via.h"
#include <linux/virtio_config.h>
#include <sys/eventfd.h>

static struct vport *in(void *p, uint32_t roles, const char *what)
{
    struct vport *v = p;
    if (!v || !v->d)
        violation("virtio.h: p is the handle of core->port", "%s with another handle", what);
    enter(v->d, roles, what);
    return v;
}

static struct vport_queue *queue(struct vport *v, uint32_t q, const char *what)
{
    if (!v->is_setup || q >= v->setup.nqueues)
        violation("virtio.h: struct tn_virtio_port", "%s of queue %u, there are %u", what, q,
                  v->setup.nqueues);
    return &v->q[q];
}

/* ---- what the child calls ---- */

static int p_setup(void *p, const struct tn_virtio_setup *u, struct tn_err *e)
{
    struct vport *v = in(p, R_MAIN, "virtio_port->setup");
    if (v->d->stage != ST_REALIZING || v->is_setup)
        violation("virtio.h: setup: in the child's realize, once",
                  "virtio_port->setup again, or elsewhere");
    if (u->nqueues && !u->max_size)
        violation("virtio.h: struct tn_virtio_setup", "%u queues without sizes", u->nqueues);
    for (uint32_t i = 0; i < u->nqueues; i++)
        if (!u->max_size[i] || u->max_size[i] > 32768)
            violation("virtio.h: max_size; virtio 1.3 2.7", "queue %u has %u descriptors", i,
                      u->max_size[i]);
    int r = inject_err(v->d, e, ENOMEM, "virtio_port->setup");
    if (r == 0 && u->nqueues > VPORT_QUEUES)
        r = err_set(e, EINVAL, "%u queues are more than %d", u->nqueues, VPORT_QUEUES);
    if (r < 0)
        return r;
    v->setup = *u;
    v->q = xcalloc(u->nqueues + 1, sizeof *v->q);
    for (uint32_t i = 0; i < u->nqueues; i++)
        v->q[i] = (struct vport_queue){.max = u->max_size[i], .kick = -1, .call = -1};
    v->is_setup = 1;
    return 0;
}

static uint32_t p_queues_hint(void *p, uint32_t fixed)
{
    (void)fixed;
    in(p, R_MAIN, "virtio_port->queues_hint");
    return 2;
}

static struct tn_as *p_dma(void *p)
{
    struct vport *v = in(p, R_MAIN | R_VCPU, "virtio_port->dma");
    return v->as;
}

static int p_where(void *p, struct tn_pci_where *where, uint64_t *addr)
{
    (void)where;
    in(p, R_MAIN, "virtio_port->where");
    *addr = 0xfeb00000;
    return 1;
}

static uint64_t p_features(void *p, uint32_t word)
{
    struct vport *v = in(p, R_ANY, "virtio_port->features");
    return word < TN_VIRTIO_FEATURE_WORDS ? v->agreed[word] : 0;
}

static uint32_t p_status(void *p)
{
    return in(p, R_ANY, "virtio_port->status")->status;
}

static int lend(struct vport *v, int *fd, const char *what)
{
    if (*fd < 0 && inject(v->d, what))
        return -EMFILE;
    if (*fd < 0)
        *fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return *fd;
}

static int p_kick_fd(void *p, uint32_t q)
{
    struct vport *v = in(p, R_MAIN | R_VCPU, "virtio_port->kick_fd");
    return lend(v, &queue(v, q, "virtio_port->kick_fd")->kick, "virtio_port->kick_fd");
}

static int p_call_fd(void *p, uint32_t q)
{
    struct vport *v = in(p, R_MAIN | R_VCPU, "virtio_port->call_fd");
    return lend(v, &queue(v, q, "virtio_port->call_fd")->call, "virtio_port->call_fd");
}

static void p_notify(void *p, uint32_t q)
{
    struct vport *v = in(p, R_ANY, "virtio_port->notify");
    __atomic_add_fetch(&queue(v, q, "virtio_port->notify")->notified, 1, __ATOMIC_RELAXED);
    irq_raised(v->d->h);
}

static void p_config_changed(void *p)
{
    __atomic_add_fetch(&in(p, R_ANY, "virtio_port->config_changed")->config_changes, 1,
                       __ATOMIC_RELAXED);
}

static void p_broken(void *p, const char *why)
{
    struct vport *v = in(p, R_ANY, "virtio_port->broken");
    if (!why || !*why)
        violation("virtio.h: broken: with why", "virtio_port->broken without a reason");
    if (v->d->h->c->o->verbose && !v->broken)
        check_note(v->d->h->c, "%s: broken: %s", v->d->id, why);
    v->broken = 1;
    __atomic_or_fetch(&v->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_RELAXED);
}

/* "[any] without [dev] held", and never inside what it completes. */
static void completion(struct vport *v, int err, const char *what, const char *of)
{
    if (call_inside(v->d, of))
        violation("base.h: Lock: a completion never runs inside the call that it completes",
                  "%s inside %s", what, of);
    if (call_top() && call_top()->role & R_DEV)
        violation("virtio.h: without [dev] held", "%s with [dev] held", what);
    if (err > 0 || err < -4095)
        violation("virtio.h: err 0 or -errno", "%s with err %d", what, err);
    loop_wake(v->d->h);
}

static void p_queue_stopped(void *p, uint32_t q, int err)
{
    struct vport *v = in(p, R_ANY, "virtio_port->queue_stopped");
    completion(v, err, "virtio_port->queue_stopped", "queue_stop");
    struct vport_queue *k = queue(v, q, "virtio_port->queue_stopped");
    if (!k->stopping)
        violation("virtio.h: queue_stopped",
                  "virtio_port->queue_stopped of queue %u, whose stop is not pending", q);
    __atomic_store_n(&k->stopping, 0, __ATOMIC_RELEASE);
}

static void p_reset_done(void *p, int err)
{
    struct vport *v = in(p, R_ANY, "virtio_port->reset_done");
    completion(v, err, "virtio_port->reset_done", "virtio reset");
    if (!v->resetting)
        violation("virtio.h: reset_done", "virtio_port->reset_done, but no reset is pending");
    __atomic_store_n(&v->resetting, 0, __ATOMIC_RELEASE);
}

static int p_shm(void *p, uint32_t id, uint64_t len, struct tn_err *e)
{
    struct vport *v = in(p, R_MAIN, "virtio_port->shm");
    if (v->d->stage != ST_REALIZING || !len || id > 255)
        violation("virtio.h: shm: in realize", "virtio_port->shm(%u) of %llu bytes", id,
                  (unsigned long long)len);
    return inject_err(v->d, e, ENOSPC, "virtio_port->shm");
}

static int p_shm_map(void *p, uint32_t id, uint64_t off, uint64_t len, int fd, uint64_t fd_off,
                     uint32_t prot)
{
    struct vport *v = in(p, R_MAIN | R_CTX, "virtio_port->shm_map");
    (void)id, (void)prot;
    if (fd < 0 || off % 4096 || len % 4096 || fd_off % 4096)
        violation("virtio.h: shm_map: page-aligned", "virtio_port->shm_map of 0x%llx+0x%llx",
                  (unsigned long long)off, (unsigned long long)len);
    return inject(v->d, "virtio_port->shm_map") ? -ENOSPC : 0;
}

static int p_shm_unmap(void *p, uint32_t id, uint64_t off, uint64_t len)
{
    (void)id, (void)off, (void)len;
    in(p, R_MAIN | R_CTX, "virtio_port->shm_unmap");
    return 0;
}

static int p_doorbell(void *p, uint32_t q, int fd, uint64_t fd_off, uint64_t len)
{
    struct vport *v = in(p, R_MAIN | R_CTX, "virtio_port->doorbell");
    (void)fd, (void)fd_off, (void)len;
    queue(v, q, "virtio_port->doorbell");
    return -ENOTSUP; /* "is normal" */
}

static const struct tn_virtio_port port_ops = {
    .struct_size = sizeof(struct tn_virtio_port),
    .setup = p_setup,
    .queues_hint = p_queues_hint,
    .dma = p_dma,
    .where = p_where,
    .features = p_features,
    .status = p_status,
    .kick_fd = p_kick_fd,
    .call_fd = p_call_fd,
    .notify = p_notify,
    .config_changed = p_config_changed,
    .broken = p_broken,
    .queue_stopped = p_queue_stopped,
    .reset_done = p_reset_done,
    .shm = p_shm,
    .shm_map = p_shm_map,
    .shm_unmap = p_shm_unmap,
    .doorbell = p_doorbell,
};

/* ---- the bus ---- */

static int vbus_attach(void *bus, void *child, struct tn_dev *pub, const void *ops, void *s,
                       struct tn_err *e)
{
    struct vport *v = child;
    const struct tn_virtio_ops *o = ops;
    (void)bus, (void)s, (void)e;
    if (!o || o->struct_size < sizeof *o || !o->features || !o->queue_start || !o->queue_stop ||
        !o->reset || !o->device_id)
        violation("virtio.h: struct tn_virtio_ops",
                  "class->bus_ops lacks a function that every transport calls");
    v->d = dev_of(pub);
    v->ops = o;
    v->as = as_new(v->d->h, v->d, NULL);
    v->d->port_ops = &port_ops;
    return 0;
}

/* Ring and transport features that the user allows (the bus's properties), and VERSION_1; the child
 * says what is offered. */
static int vbus_plugged(void *bus, void *child, struct tn_err *e)
{
    struct vport *v = child;
    int r = 0;
    (void)bus;
    if (!v->is_setup)
        violation("virtio.h: setup: in the child's realize",
                  "realize did not call virtio_port->setup");
    v->offered[0] = v->child.features | (uint64_t)1 << VIRTIO_F_VERSION_1;
    CALL(v->d, R_MAIN | R_DEV, "features",
         r = v->ops->features(v->d->pub.self, v->offered, TN_VIRTIO_FEATURE_WORDS, e));
    return r;
}

static void vbus_detach(void *bus, void *child)
{
    struct vport *v = child;
    (void)bus;
    for (uint32_t i = 0; v->q && i < v->setup.nqueues; i++) {
        close_fd(&v->q[i].kick);
        close_fd(&v->q[i].call);
    }
    free(v->q);
    v->q = NULL;
    v->is_setup = 0;
}

struct child_props {
    struct tn_virtio_child v;
};
static const struct tn_prop bus_props[] = {TN_VIRTIO_BUS_PROPS(struct child_props)};

const struct tn_bus_type virtio_bus_type = {.struct_size = sizeof(struct tn_bus_type),
                                            .max_children = 1,
                                            .name = TN_VIRTIO_BUS,
                                            .child_ops = TN_VIRTIO_DEVICE_1,
                                            .port_ops = TN_VIRTIO_PORT_1,
                                            .props = bus_props,
                                            .nprops = ARRAY_SIZE(bus_props),
                                            .prop_stride = sizeof bus_props[0],
                                            .child_size = sizeof(struct vport),
                                            .attach = vbus_attach,
                                            .plugged = vbus_plugged,
                                            .detach = vbus_detach};

struct vport *vport_on_bus(struct dev *d)
{
    return d->bus && d->bus->type == &virtio_bus_type ? d->child : NULL;
}

struct vport *vport_of(struct dev *d)
{
    return d->inner ? via_port(d) : vport_on_bus(d);
}

static const struct tn_bus_type *declared_bus(const struct check *c, const char *name)
{
    const struct tn_plugin *all[WITH_MAX + 1] = {c->plugin};
    memcpy(all + 1, c->with, WITH_MAX * sizeof all[0]);
    for (uint32_t i = 0; i <= WITH_MAX && all[i]; i++)
        for (const struct tn_bus_type *const *t = all[i]->buses; t && *t; t++)
            if (strcmp((*t)->name, name) == 0)
                return *t;
    return NULL;
}

/* Child data of the virtio-bus begins with what the user allows, whoever provides it. */
static void allow_behind(struct dev *d, uint64_t features)
{
    const struct tn_bus_type *t = declared_bus(d->h->c, TN_VIRTIO_BUS);
    if (!t || t->child_size < sizeof(struct tn_virtio_child))
        return;
    bus_child_data(d, t);
    ((struct tn_virtio_child *)d->child)->features |= features;
}

void vport_allow(struct dev *d, uint64_t features)
{
    if (d->inner) {
        allow_behind(d->inner, features);
        return;
    }
    struct vport *v = XNEW(struct vport);
    props_default((struct prop_rows){bus_props, ARRAY_SIZE(bus_props), sizeof bus_props[0]}, v);
    v->child.features |= features;
    d->child = v;
}
