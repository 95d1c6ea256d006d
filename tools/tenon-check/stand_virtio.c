/* SPDX-License-Identifier: BSD-2-Clause */
#include "stand_virtio.h"
#include "host_dma.h"
#include "stand_bus.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { F_NOTIFICATION_DATA = 38 };

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

struct vport *vport_of(struct dev *d)
{
    return d->bus && d->bus->type == &virtio_bus_type ? d->child : NULL;
}

void vport_allow(struct dev *d, uint64_t features)
{
    struct vport *v = XNEW(struct vport);
    props_default((struct prop_rows){bus_props, ARRAY_SIZE(bus_props), sizeof bus_props[0]}, v);
    v->child.features |= features;
    d->child = v;
}

/* ---- the driver ---- */

static int agreed(const struct vport *v, int bit)
{
    return (v->agreed[bit / 64] >> bit % 64) & 1;
}

static uint32_t flags_of(const struct vport *v)
{
    return (agreed(v, VIRTIO_F_RING_PACKED) ? TN_VQ_PACKED : 0u) |
           (agreed(v, VIRTIO_RING_F_EVENT_IDX) ? TN_VQ_EVENT_IDX : 0u) |
           (agreed(v, VIRTIO_RING_F_INDIRECT_DESC) ? TN_VQ_INDIRECT : 0u) |
           (agreed(v, VIRTIO_F_ACCESS_PLATFORM) ? TN_VQ_TRANSLATED : 0u) |
           (agreed(v, VIRTIO_F_IN_ORDER) ? TN_VQ_IN_ORDER : 0u);
}

static int negotiated(struct vport *v)
{
    int r = 0;
    v->vq_flags = flags_of(v);
    if (v->ops->negotiated)
        CALL(v->d, R_VCPU | R_DEV, "negotiated",
             r = v->ops->negotiated(v->d->pub.self, v->agreed, TN_VIRTIO_FEATURE_WORDS,
                                    v->vq_flags));
    if (r != 0 && r != -EINVAL)
        violation("virtio.h: negotiated answers 0 or -EINVAL", "negotiated answered %d", r);
    return r;
}

int vport_negotiate(struct vport *v, const uint64_t *wanted)
{
    v->status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        v->agreed[i] = v->offered[i] & wanted[i];
    int r = negotiated(v);
    if (r == 0)
        v->status |= VIRTIO_CONFIG_S_FEATURES_OK;
    return r;
}

int vport_follow(struct vport *to, const struct vport *from)
{
    to->status = from->status;
    memcpy(to->agreed, from->agreed, sizeof to->agreed);
    for (uint32_t q = 0; q < to->setup.nqueues && q < from->setup.nqueues; q++) {
        int kick = to->q[q].kick, call = to->q[q].call;
        to->q[q] = from->q[q];
        to->q[q].kick = kick;
        to->q[q].call = call;
    }
    return negotiated(to);
}

static int start(struct vport *v, uint32_t q, uint32_t flags)
{
    struct vport_queue *k = &v->q[q];
    struct tn_vq vq = {sizeof vq, v->vq_flags | flags, q, k->size, k->desc, k->driver, k->device};
    int r = 0;
    CALL(v->d, R_VCPU | R_DEV, "queue_start", r = v->ops->queue_start(v->d->pub.self, &vq));
    if (r > 0 || r < -4095)
        violation("virtio.h: queue_start: 0 or -errno", "queue_start answered %d", r);
    k->running = r == 0;
    return r;
}

int vport_start(struct vport *v, uint32_t q, uint32_t size, uint64_t desc, uint64_t driver,
                uint64_t device)
{
    struct vport_queue *k = &v->q[q];
    v->status |= VIRTIO_CONFIG_S_DRIVER_OK;
    *k = (struct vport_queue){k->max,  (uint16_t)size, 0,      0,      0,          k->kick,
                              k->call, desc,           driver, device, k->notified};
    return start(v, q, 0);
}

void vport_quiesce(struct vport *v)
{
    for (uint32_t q = 0; v->is_setup && q < v->setup.nqueues; q++) {
        v->q[q].was_running = v->q[q].running;
        vport_stop(v, q);
    }
}

void vport_resume(struct vport *v)
{
    for (uint32_t q = 0; v->is_setup && q < v->setup.nqueues; q++)
        if (v->q[q].was_running) {
            v->q[q].was_running = 0;
            start(v, q, TN_VQ_RESTORE);
        }
}

int vport_start_all(struct vport *v, uint64_t gpa, uint32_t size)
{
    for (uint32_t q = 0; q < v->setup.nqueues; q++) {
        uint32_t n = size < v->q[q].max ? size : v->q[q].max;
        uint64_t driver = gpa + 16 * n, device = (driver + 6 + 2 * n + 4095) & ~(uint64_t)4095;
        uint8_t *p = host_ram(v->d->h, gpa, device + 6 + 8 * n - gpa);
        if (!p)
            return -ENOMEM;
        memset(p, 0, device + 6 + 8 * n - gpa);
        int r = vport_start(v, q, n, gpa, driver, device);
        if (r < 0)
            return r;
        gpa = (device + 6 + 8 * n + 4095) & ~(uint64_t)4095;
    }
    return 0;
}

void vport_kick(struct vport *v, uint32_t q, uint32_t data)
{
    uint64_t one = 1;
    struct vport_queue *k = &v->q[q];
    if (k->kick >= 0 && !agreed(v, F_NOTIFICATION_DATA)) {
        if (write(k->kick, &one, sizeof one) < 0)
            violation("os.h: a pending count", "the kick of queue %u cannot be written", q);
    } else if (v->ops->kick) {
        CALL(v->d, R_VCPU | R_DEV, "kick", v->ops->kick(v->d->pub.self, q, data));
    }
}

static int stopped(void *o)
{
    return !((struct vport_queue *)o)->stopping;
}

int vport_stop(struct vport *v, uint32_t q)
{
    struct vport_queue *k = &v->q[q];
    int r = 0;
    if (!k->running)
        return 0;
    k->running = 0;
    k->stopping = 1; /* the completion may come from elsewhere before we look */
    CALL(v->d, R_VCPU | R_DEV, "queue_stop", r = v->ops->queue_stop(v->d->pub.self, q));
    if (r == TN_PENDING && !host_wait(v->d->h, host_patience(v->d->h), stopped, k))
        violation("base.h: TN_PENDING",
                  "queue_stop answered TN_PENDING, and queue_stopped did not come");
    k->stopping = 0;
    return r < 0 ? r : 0;
}

static int reset_over(void *o)
{
    return !((struct vport *)o)->resetting;
}

void vport_reset(struct vport *v)
{
    int r = 0;
    for (uint32_t q = 0; q < v->setup.nqueues; q++)
        vport_stop(v, q);
    v->resetting = 1;
    CALL(v->d, R_VCPU | R_DEV, "virtio reset", r = v->ops->reset(v->d->pub.self));
    if (r == TN_PENDING && !host_wait(v->d->h, host_patience(v->d->h), reset_over, v))
        violation("base.h: TN_PENDING",
                  "the virtio reset answered TN_PENDING, and reset_done did not come");
    v->resetting = v->broken = 0;
    v->status = 0;
    memset(v->agreed, 0, sizeof v->agreed);
}

void vport_config_read(struct vport *v, uint32_t off, void *buf, uint32_t len)
{
    memset(buf, 0xff, len);
    if (off < v->setup.config_len && len <= v->setup.config_len - off && v->ops->config_read)
        CALL(v->d, R_VCPU | R_DEV, "virtio config_read",
             v->ops->config_read(v->d->pub.self, off, buf, len));
}

void vport_config_write(struct vport *v, uint32_t off, const void *buf, uint32_t len)
{
    if (off < v->setup.config_len && len <= v->setup.config_len - off && v->ops->config_write)
        CALL(v->d, R_VCPU | R_DEV, "virtio config_write",
             v->ops->config_write(v->d->pub.self, off, buf, len));
}
