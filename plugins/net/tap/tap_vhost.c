/* SPDX-License-Identifier: BSD-2-Clause */
/* vhost=on: the kernel's vhost-net moves packets between the guest's rings and the TAP, one worker
 * for each queue pair. This side tells it where memory and rings are. <linux/vhost.h> */
#include "tap_vhost.h"

#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Features that the one who serves the rings must have; the others are the device's or the TAP's.
 */
static const uint64_t ring_features =
    1ull << VIRTIO_F_NOTIFY_ON_EMPTY | 1ull << VIRTIO_F_ANY_LAYOUT |
    1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_RING_F_EVENT_IDX |
    1ull << VIRTIO_NET_F_MRG_RXBUF | 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED |
    1ull << VIRTIO_F_IN_ORDER | 1ull << 38 /* NOTIFICATION_DATA */ | 1ull << VIRTIO_F_RING_RESET |
    1ull << VIRTIO_F_ACCESS_PLATFORM;

/* ---- memory: a dma listener ---- */

/* The kernel adds what a ring's buffer is at: nothing of this is its own copy of guest memory. */
static int send_table(struct tap_vhost *h)
{
    size_t size = sizeof(struct vhost_memory) + h->nmem * sizeof(struct vhost_memory_region);
    struct vhost_memory *m = calloc(1, size);
    if (!m)
        return -ENOMEM;
    m->nregions = h->nmem;
    if (h->nmem)
        memcpy(m->regions, h->mem, h->nmem * sizeof m->regions[0]);
    int r = 0;
    for (uint32_t i = 0; i < h->n && r == 0; i++)
        if (ioctl(h->fd[i], VHOST_SET_MEM_TABLE, m) < 0)
            r = -errno;
    free(m);
    return r;
}

static int mem_map(void *o, const struct tn_mapping *m)
{
    struct tap_vhost *h = o;
    if (!m->va || (m->flags & (TN_MEM_DEVICE | TN_MEM_WINDOW)))
        return 0;
    if (h->nmem == VHOST_MEM_MOST)
        return -ENOSPC;
    h->mem[h->nmem++] = (struct vhost_memory_region){
        .guest_phys_addr = m->iova, .memory_size = m->len, .userspace_addr = (uintptr_t)m->va};
    return 0;
}

static void mem_unmap(void *o, uint64_t iova, uint64_t len)
{
    struct tap_vhost *h = o;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->nmem; i++)
        if (h->mem[i].guest_phys_addr < iova || h->mem[i].guest_phys_addr - iova >= len)
            h->mem[kept++] = h->mem[i];
    h->nmem = kept;
}

static void mem_begin(void *o)
{
    (void)o;
}

static int mem_commit(void *o, uint64_t token)
{
    (void)token;
    return send_table(o);
}

static const struct tn_dma_listener listener = {
    .struct_size = sizeof listener,
    .begin = mem_begin,
    .map = mem_map,
    .unmap = mem_unmap,
    .commit = mem_commit,
};

/* Where this process has len bytes of the guest's; 0: nowhere in one piece. */
static uint64_t find(const struct tap_vhost *h, uint64_t iova, uint64_t len)
{
    for (uint32_t i = 0; i < h->nmem; i++) {
        uint64_t off = iova - h->mem[i].guest_phys_addr;
        if (iova >= h->mem[i].guest_phys_addr && off < h->mem[i].memory_size &&
            len <= h->mem[i].memory_size - off)
            return h->mem[i].userspace_addr + off;
    }
    return 0;
}

/* ---- rings ---- */

struct ring_sizes {
    uint64_t desc, driver, device;
};

/* Virtio 1.3 2.7 and 2.8; with the event index. */
static struct ring_sizes sizes(const struct tn_vq *q)
{
    if (q->flags & TN_VQ_PACKED)
        return (struct ring_sizes){16ull * q->size, 4, 4};
    return (struct ring_sizes){16ull * q->size, 6 + 2ull * q->size, 6 + 8ull * q->size};
}

static int set_addresses(const struct tap_vhost *h, int fd, const struct tn_vq *q, uint32_t ring)
{
    struct ring_sizes n = sizes(q);
    struct vhost_vring_addr a = {.index = ring,
                                 .desc_user_addr = find(h, q->desc, n.desc),
                                 .avail_user_addr = find(h, q->driver, n.driver),
                                 .used_user_addr = find(h, q->device, n.device)};
    if (!a.desc_user_addr || !a.avail_user_addr || !a.used_user_addr)
        return -EFAULT;
    return ioctl(fd, VHOST_SET_VRING_ADDR, &a) < 0 ? -errno : 0;
}

static int set_up(const struct tap_vhost *h, int fd, const struct tn_vq *q, uint32_t ring, int kick,
                  int call, uint64_t base)
{
    struct vhost_vring_state size = {ring, q->size}, at = {ring, (uint32_t)base},
                             poll = {ring, h->t->poll_us};
    struct vhost_vring_file k = {ring, kick}, c = {ring, call};
    if (ioctl(fd, VHOST_SET_VRING_NUM, &size) < 0 || ioctl(fd, VHOST_SET_VRING_BASE, &at) < 0)
        return -errno;
    int r = set_addresses(h, fd, q, ring);
    if (r < 0)
        return r;
    if (h->t->poll_us && ioctl(fd, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &poll) < 0)
        return -errno;
    return ioctl(fd, VHOST_SET_VRING_KICK, &k) < 0 || ioctl(fd, VHOST_SET_VRING_CALL, &c) < 0
               ? -errno
               : 0;
}

static int set_backend(int fd, uint32_t ring, int tap)
{
    struct vhost_vring_file f = {ring, tap};
    return ioctl(fd, VHOST_NET_SET_BACKEND, &f) < 0 ? -errno : 0;
}

/* The worker of a ring that has started gets the TAP, or loses it. */
static int serve(struct tap_vhost *h, uint32_t q)
{
    return set_backend(h->fd[q / 2], q % 2, h->ring[q].disabled ? -1 : h->t->q[q / 2].fd);
}

/* ---- "tenon.vhost/1" ---- */

static struct tap_vhost *vhost_of(void *v)
{
    return ((struct tap *)v)->vh;
}

static void run_stops(void *s);

static int v_open(void *v, struct tn_dev *d, uint32_t nqueues, const struct tn_vhost_events *ev,
                  void *s, struct tn_err *e)
{
    struct tap_vhost *h = vhost_of(v);
    (void)ev, (void)s; /* the kernel never goes away */
    if (h->owner)
        return tn_fail(d, e, EBUSY, "vhost of '%s' is in use", h->t->d->core->id(h->t->d));
    if (nqueues / 2 > h->n) /* an odd one is the control queue: that is the device's */
        return tn_fail(d, e, EINVAL, "%u queues need more vhost descriptors than %u", nqueues,
                       h->n);
    h->stops = h->t->loop->bh(d, NULL, TN_LF_NOLOCK, run_stops, h);
    if (!h->stops)
        return tn_fail(d, e, ENOMEM, "no memory for vhost");
    h->owner = d;
    h->dma = TN_GET(d, struct tn_dma, TN_DMA_1);
    return 0;
}

static int v_features(void *v, uint64_t *f, uint32_t nwords)
{
    const struct tap_vhost *h = vhost_of(v);
    if (!nwords)
        return -EINVAL;
    f[0] &= ~ring_features | h->features;
    f[0] &= ~(1ull << VIRTIO_F_ACCESS_PLATFORM); /* it would need an IOTLB */
    return 0;
}

static void stop_listening(struct tap_vhost *h)
{
    if (h->as)
        h->dma->unlisten(h->as, h);
    h->as = NULL;
    h->nmem = 0;
}

static int v_negotiated(void *v, const uint64_t *f, uint32_t nwords, struct tn_as *as)
{
    struct tap_vhost *h = vhost_of(v);
    uint64_t acked = nwords ? f[0] & h->features & ring_features : 0;
    for (uint32_t i = 0; i < h->n; i++)
        if (ioctl(h->fd[i], VHOST_SET_FEATURES, &acked) < 0)
            return -errno;
    if (h->as)
        return h->as == as ? 0 : -ENOTSUP; /* without ACCESS_PLATFORM there is one for ever */
    int r = h->dma->listen(as, &listener, h, NULL);
    h->as = r < 0 ? NULL : as;
    return r;
}

static int v_queue_start(void *v, const struct tn_vq *q, int kick, int call, uint64_t base)
{
    struct tap_vhost *h = vhost_of(v);
    uint32_t pair = q->index / 2, ring = q->index % 2;
    if (pair >= h->n)
        return -EINVAL;
    int r = set_up(h, h->fd[pair], q, ring, kick, call, base);
    if (r < 0)
        return r;
    h->ring[q->index].started = 1;
    return serve(h, q->index);
}

/* The ioctl waits for the worker to let go: not in the guest's time, so not here. */
static int v_queue_stop(void *v, uint32_t q, void (*stopped)(void *arg, int err, uint64_t base),
                        void *arg)
{
    struct tap_vhost *h = vhost_of(v);
    if (q / 2 >= h->n)
        return -EINVAL;
    struct vhost_ring *s = &h->ring[q];
    s->fn = stopped;
    s->arg = arg;
    s->started = 0;
    __atomic_store_n(&s->stop_wanted, 1, __ATOMIC_RELEASE);
    h->t->loop->kick(h->stops);
    return TN_PENDING;
}

static void stop_one(struct tap_vhost *h, uint32_t q)
{
    struct vhost_ring *s = &h->ring[q];
    struct vhost_vring_state base = {q % 2, 0};
    int r = set_backend(h->fd[q / 2], q % 2, -1);
    if (ioctl(h->fd[q / 2], VHOST_GET_VRING_BASE, &base) < 0)
        r = -errno;
    s->fn(s->arg, r, base.num);
}

static void run_stops(void *p)
{
    struct tap_vhost *h = p;
    for (uint32_t q = 0; q < 2 * h->n; q++)
        if (__atomic_exchange_n(&h->ring[q].stop_wanted, 0, __ATOMIC_ACQ_REL))
            stop_one(h, q);
}

/* A worker without a TAP leaves its ring alone. Of a multiqueue TAP the kernel spreads packets over
 * the queues that are attached. */
static void v_queue_enable(void *v, uint32_t q, uint32_t on)
{
    struct tap_vhost *h = vhost_of(v);
    if (q / 2 >= h->n)
        return;
    h->ring[q].disabled = !on;
    if (h->ring[q].started)
        serve(h, q);
    if (q / 2 < h->t->nq && q % 2 == 0)
        tap_attach_queue(h->t, q / 2, on);
}

static void v_close(void *v)
{
    struct tap_vhost *h = vhost_of(v);
    for (uint32_t i = 0; i < h->n; i++) {
        set_backend(h->fd[i], 0, -1);
        set_backend(h->fd[i], 1, -1);
    }
    run_stops(h);
    stop_listening(h);
    h->t->loop->bh_del(h->stops);
    h->owner = NULL;
}

static const struct tn_vhost table = {
    .struct_size = sizeof table,
    .open = v_open,
    .features = v_features,
    .negotiated = v_negotiated,
    .queue_start = v_queue_start,
    .queue_stop = v_queue_stop,
    .queue_enable = v_queue_enable,
    .close = v_close,
};

const void *tap_vhost_iface(struct tap *t, const char *id)
{
    return t->vh && strcmp(id, TN_VHOST_1) == 0 ? &table : NULL;
}

int tap_vhost_owns(const struct tap *t)
{
    return t->vh && t->vh->owner;
}

/* ---- life ---- */

void tap_vhost_free(struct tap *t)
{
    if (!t->vh)
        return;
    for (uint32_t i = 0; i < t->vh->n; i++)
        close(t->vh->fd[i]);
    free(t->vh);
    t->vh = NULL;
}

static int open_workers(struct tap *t, struct tn_err *e)
{
    struct tap_vhost *h = t->vh;
    const char *given = t->vhostfd ? t->vhostfd : t->vhostfds;
    if (given) {
        int n = tap_numbers(t, t->vhostfd ? "vhostfd" : "vhostfds", given, h->fd, t->nq, e);
        h->n = n < 0 ? 0 : (uint32_t)n;
        if (n >= 0 && h->n != t->nq)
            return tn_fail(t->d, e, EINVAL, "%u vhost descriptors for %u queues", h->n, t->nq);
        return n < 0 ? n : 0;
    }
    for (; h->n < t->nq; h->n++) {
        int fd = t->os->open(t->d, "/dev/vhost-net", TN_O_READ | TN_O_WRITE, e);
        if (fd < 0)
            return fd;
        h->fd[h->n] = dup(fd);
        t->os->close(t->d, fd);
        if (h->fd[h->n] < 0)
            return tn_fail(t->d, e, errno, "vhost: %s", strerror(errno));
    }
    return 0;
}

static int own_workers(struct tap *t, struct tn_err *e)
{
    struct tap_vhost *h = t->vh;
    for (uint32_t i = 0; i < h->n; i++) {
        if (ioctl(h->fd[i], VHOST_SET_OWNER, NULL) < 0)
            return tn_fail(t->d, e, errno, "vhost_set_owner failed: %s", strerror(errno));
        if (ioctl(h->fd[i], VHOST_GET_FEATURES, &h->features) < 0)
            return tn_fail(t->d, e, errno, "vhost_get_features failed: %s", strerror(errno));
    }
    return 0;
}

static int wanted(const struct tap *t)
{
    return t->vhost == TN_ON ||
           (t->vhost == TN_AUTO && (t->vhostforce || t->vhostfd || t->vhostfds));
}

int tap_vhost_open(struct tap *t, struct tn_err *e)
{
    if (!wanted(t)) {
        if (t->vhost == TN_OFF && (t->vhostfd || t->vhostfds))
            return tn_fail(t->d, e, EINVAL, "vhostfd(s)= is not valid without vhost");
        return 0;
    }
    t->vh = calloc(1, sizeof *t->vh);
    if (!t->vh)
        return tn_fail(t->d, e, ENOMEM, "no memory for vhost");
    t->vh->t = t;
    int fatal = t->vhostforce || t->vhostfd || t->vhostfds;
    int r = open_workers(t, fatal ? e : NULL);
    if (r == 0)
        r = own_workers(t, fatal ? e : NULL);
    if (r == 0 && TN_HAS(t->os, need))
        t->os->need(t->d, "ioctl-vhost");
    if (r == 0)
        return 0;
    tap_vhost_free(t);
    if (!fatal)
        t->d->core->warn(t->d, "vhost-net requested but could not be initialized");
    return fatal ? r : 0;
}
