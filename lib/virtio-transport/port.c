/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.virtio-port/1": what the child gets from its transport. */
#include "virtio-transport/transport.h"
#include <errno.h>
#include <stdlib.h>

static struct vt *vt_of(void *p)
{
    return ((struct vt_child *)p)->vt;
}

/* ---- in realize ---- */

static int p_setup(void *p, const struct tn_virtio_setup *u, struct tn_err *e)
{
    struct vt *v = vt_of(p);
    if (v->q)
        return tn_fail(v->d, e, EBUSY, "the device was set up already");
    if (!u->nqueues || u->nqueues > VIRTIO_MAX_QUEUES)
        return tn_fail(v->d, e, EINVAL, "%u queues are not 1 to %u", u->nqueues, VIRTIO_MAX_QUEUES);
    if (!(v->q = calloc(u->nqueues, sizeof *v->q)))
        return tn_fail(v->d, e, ENOMEM, "no memory for %u queues", u->nqueues);
    for (uint32_t i = 0; i < u->nqueues; i++) {
        if (u->max_size[i] > VIRTIO_MAX_QUEUE_SIZE)
            return tn_fail(v->d, e, EINVAL, "queue %u of %u descriptors", i, u->max_size[i]);
        v->q[i] = (struct vt_queue){.max = u->max_size[i], .kick_fd = -1, .call_fd = -1};
        vt_clear_queue(&v->q[i]);
    }
    v->nqueues = u->nqueues;
    v->config_len = u->config_len;
    v->device_id = u->device_id ? u->device_id : v->ops->device_id;
    v->class_rev = u->pci_class_rev ? u->pci_class_rev : v->ops->pci_class_rev;
    return 0;
}

static uint32_t p_queues_hint(void *p, uint32_t fixed)
{
    struct vt *v = vt_of(p);
    return v->hooks->queues_hint(v->t, fixed);
}

static int p_where(void *p, struct tn_pci_where *where, uint64_t *addr)
{
    struct vt *v = vt_of(p);
    return v->hooks->where(v->t, where, addr);
}

/* Each region lies at a multiple of its own size: large pages stay possible. */
static int p_shm(void *p, uint32_t id, uint64_t len, struct tn_err *e)
{
    struct vt *v = vt_of(p);
    uint64_t at = 0;
    if (!v->hooks->shm_map)
        return tn_fail(v->d, e, ENOTSUP, "this transport has no shared memory regions");
    if (!len || (len & 4095) || len > (uint64_t)1 << 46 || id > 255 || v->nshm == VT_MAX_SHM)
        return tn_fail(v->d, e, EINVAL, "shared memory region %u of 0x%llx bytes", id,
                       (unsigned long long)len);
    for (uint32_t i = 0; i < v->nshm; i++) {
        if (v->shm[i].id == id)
            return tn_fail(v->d, e, EEXIST, "shared memory region %u is there already", id);
        at = v->shm[i].off + v->shm[i].len;
    }
    uint64_t align = 4096;
    while (align < len && align < (uint64_t)1 << 30)
        align *= 2;
    v->shm[v->nshm++] = (struct vt_shm){id, len, (at + align - 1) & ~(align - 1)};
    return 0;
}

/* ---- any time ---- */

static struct tn_as *p_dma(void *p)
{
    struct vt *v = vt_of(p);
    return v->hooks->dma(v->t, vt_has(v, VIRTIO_F_ACCESS_PLATFORM));
}

static uint64_t p_features(void *p, uint32_t word)
{
    struct vt *v = vt_of(p);
    return word < TN_VIRTIO_FEATURE_WORDS ? __atomic_load_n(&v->agreed[word], __ATOMIC_RELAXED) : 0;
}

static uint32_t p_status(void *p)
{
    return vt_status(vt_of(p));
}

/* The descriptors are the device's, not the driver's: a reset keeps them, and a driver that comes
 * back with fewer queues finds the others as they were. */
static int lend(struct vt *v, int32_t *fd)
{
    if (*fd < 0)
        *fd = v->os->eventfd(v->d);
    return *fd;
}

static int p_kick_fd(void *p, uint32_t q)
{
    struct vt *v = vt_of(p);
    return q < v->nqueues ? lend(v, &v->q[q].kick_fd) : -EINVAL;
}

static int p_call_fd(void *p, uint32_t q)
{
    struct vt *v = vt_of(p);
    if (q >= v->nqueues)
        return -EINVAL;
    int known = v->q[q].call_fd >= 0, fd = lend(v, &v->q[q].call_fd);
    int r = known || fd < 0 ? 0 : v->hooks->call_fd(v->t, q);
    if (r == 0)
        return fd;
    v->os->close(v->d, fd);
    v->q[q].call_fd = -1;
    return r;
}

static void p_notify(void *p, uint32_t q)
{
    struct vt *v = vt_of(p);
    if (q < v->nqueues)
        v->hooks->queue_interrupt(v->t, q);
}

/* The generation moves first: who reads the new bytes sees it moved (2.5.3). No notification before
 * DRIVER_OK (3.1.1). */
static void p_config_changed(void *p)
{
    struct vt *v = vt_of(p);
    __atomic_add_fetch(&v->generation, 1, __ATOMIC_ACQ_REL);
    if (vt_status(v) & VIRTIO_CONFIG_S_DRIVER_OK)
        v->hooks->config_interrupt(v->t);
}

static void p_broken(void *p, const char *why)
{
    vt_broken(vt_of(p), why);
}

static void p_queue_stopped(void *p, uint32_t q, int err)
{
    struct vt *v = vt_of(p);
    uint32_t was = VT_Q_STOPPING;
    if (q >= v->nqueues)
        return;
    if (err < 0)
        v->d->core->warn(v->d, "queue %u did not stop cleanly: error %d", q, -err);
    if (__atomic_compare_exchange_n(&v->q[q].state, &was, VT_Q_STOPPED, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        v->loop->kick(v->progress);
}

static void p_reset_done(void *p, int err)
{
    struct vt *v = vt_of(p);
    if (err < 0)
        v->d->core->warn(v->d, "the device did not reset cleanly: error %d", -err);
    __atomic_store_n(&v->child_reset, 1, __ATOMIC_RELEASE);
    v->loop->kick(v->progress);
}

/* ---- shared memory ---- */

static const struct vt_shm *find(const struct vt *v, uint32_t id, uint64_t off, uint64_t len)
{
    for (uint32_t i = 0; i < v->nshm; i++)
        if (v->shm[i].id == id)
            return len && off < v->shm[i].len && len <= v->shm[i].len - off ? &v->shm[i] : NULL;
    return NULL;
}

static int p_shm_map(void *p, uint32_t id, uint64_t off, uint64_t len, int fd, uint64_t fd_off,
                     uint32_t prot)
{
    struct vt *v = vt_of(p);
    const struct vt_shm *m = find(v, id, off, len);
    return m ? v->hooks->shm_map(v->t, m->off + off, len, fd, fd_off, prot) : -EINVAL;
}

static int p_shm_unmap(void *p, uint32_t id, uint64_t off, uint64_t len)
{
    struct vt *v = vt_of(p);
    const struct vt_shm *m = find(v, id, off, len);
    return m ? v->hooks->shm_unmap(v->t, m->off + off, len) : -EINVAL;
}

static int p_doorbell(void *p, uint32_t q, int fd, uint64_t fd_off, uint64_t len)
{
    (void)p;
    (void)q;
    (void)fd;
    (void)fd_off;
    (void)len;
    return -ENOTSUP;
}

const struct tn_virtio_port vt_port = {
    .struct_size = sizeof vt_port,
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
