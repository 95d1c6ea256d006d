/* SPDX-License-Identifier: BSD-2-Clause */
/* A device of two queues below a transport that writes down what it is told. The test is the guest
 * and its vCPU; queue 1 may be in an iothread. */
#ifndef TN_TEST_VDEV_RIG_H
#define TN_TEST_VDEV_RIG_H
#include "core/domain.h"
#include "tap.h"
#include "virtio/vdev.h"
#include "vm/iothread.h"
#include "vm_fixture.h"
#include "vq_driver.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { QUEUES = 2, SIZE = 16, RINGS = RIG_BASE, DATA = RIG_BASE + 0x100000 };

/* ---- the transport ---- */

struct transport {
    struct tn_dev *dev;
    struct tn_bus *bus;
    struct tn_dev *child;
    struct tn_as *as;
    uint32_t no_eventfd;
    int kick[QUEUES];
    /* what it was told, atomic */
    uint32_t queues, config_len, notified[QUEUES], stopped[QUEUES], broken, locked;
    const char *why;
};

struct child {
    struct transport *t;
};

static inline int p_setup(void *p, const struct tn_virtio_setup *u, struct tn_err *e)
{
    struct transport *t = ((struct child *)p)->t;
    (void)e;
    t->queues = u->nqueues;
    t->config_len = u->config_len;
    return u->max_size[0] == SIZE && u->max_size[1] == 256 ? 0 : -EINVAL;
}

static inline struct tn_as *p_dma(void *p)
{
    return ((struct child *)p)->t->as;
}

static inline int p_kick_fd(void *p, uint32_t q)
{
    struct transport *t = ((struct child *)p)->t;
    if (t->no_eventfd)
        return -ENOTSUP;
    if (!t->kick[q])
        t->kick[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return t->kick[q];
}

static inline void count(uint32_t *n)
{
    __atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}

static inline void p_notify(void *p, uint32_t q)
{
    count(&((struct child *)p)->t->notified[q]);
}

static inline void p_broken(void *p, const char *why)
{
    ((struct child *)p)->t->why = why;
    count(&((struct child *)p)->t->broken);
}

static inline void p_queue_stopped(void *p, uint32_t q, int err)
{
    struct transport *t = ((struct child *)p)->t;
    if (err || domain_any_held())
        count(&t->locked);
    count(&t->stopped[q]);
}

static const struct tn_virtio_port port = {.struct_size = sizeof port,
                                           .setup = p_setup,
                                           .dma = p_dma,
                                           .kick_fd = p_kick_fd,
                                           .notify = p_notify,
                                           .broken = p_broken,
                                           .queue_stopped = p_queue_stopped};

static inline int attach(void *bus, void *child, struct tn_dev *d, const void *ops, void *s,
                         struct tn_err *e)
{
    struct transport *t = bus;
    (void)ops;
    (void)s;
    (void)e;
    t->child = d;
    ((struct child *)child)->t = t;
    return 0;
}

static const struct tn_bus_type bus_type = {.struct_size = sizeof bus_type,
                                            .max_children = 1,
                                            .name = "vtest-bus",
                                            .port_ops = TN_VIRTIO_PORT_1,
                                            .child_size = sizeof(struct child),
                                            .attach = attach};

static inline int transport_init(void *s, struct tn_dev *d)
{
    ((struct transport *)s)->dev = d;
    return 0;
}

static inline int transport_realize(void *s, struct tn_err *e)
{
    struct transport *t = s;
    t->as = TN_GET(t->dev, struct tn_dma, TN_DMA_1)->system(t->dev);
    return t->dev->core->bus_create(t->dev, &bus_type, "vtest", &port, t, &t->bus, e);
}

static inline void transport_fini(void *s)
{
    struct transport *t = s;
    for (uint32_t i = 0; i < QUEUES; i++)
        if (t->kick[i] > 0)
            close(t->kick[i]);
}

static const struct tn_prop transport_props[] = {
    TN_PROP(struct transport, no_eventfd, "no-eventfd", U32, 0, NULL),
};

static const struct tn_class transport = {.struct_size = sizeof transport,
                                          .name = "transport",
                                          .instance_size = sizeof(struct transport),
                                          .props = transport_props,
                                          .nprops = 1,
                                          .prop_stride = sizeof transport_props[0],
                                          .init = transport_init,
                                          .realize = transport_realize,
                                          .fini = transport_fini};

/* ---- the device: gives every buffer back, at once or when told ---- */

struct echo {
    struct vdev v;           /* first */
    struct tn_ctx *iothread; /* home, where it is named */
    uint32_t apart;          /* queue 1 is in the iothread, without the lock */
    uint32_t hold;           /* keep what comes */
    uint32_t refuse;         /* take nothing */
    struct vq_elem *held[SIZE];
    uint32_t nheld;
    struct tn_bh *finish; /* gives the held ones back, in queue 1's context */
    /* atomic */
    uint32_t handled[QUEUES], stopping, elsewhere;
};

static struct tn_ctx *iothread;
static bool by_hand; /* the test runs the iothread's context, and it polls as long as it may */

static inline void handle(struct vdev_queue *q)
{
    struct echo *s = (struct echo *)q->v;
    struct vq_elem *el;
    struct tn_ctx *home = s->v.loop->home(s->v.d);
    if (!s->v.loop->here(q->ctx ? q->ctx : home) || (q->ctx == NULL) != (domain_any_held() != 0))
        count(&s->elsewhere);
    while (vdev_running(q) && !s->refuse && (el = vq_pop(&q->ring))) {
        if (s->hold)
            s->held[s->nheld++] = el;
        else
            vq_push(&q->ring, el, 0);
    }
    vdev_flush(q);
    count(&s->handled[q->index]);
}

static inline void stopping(struct vdev_queue *q)
{
    count(&((struct echo *)q->v)->stopping);
}

static inline void finish(void *p)
{
    struct echo *s = p;
    while (s->nheld)
        vq_push(&s->v.q[1].ring, s->held[--s->nheld], 0);
    vdev_flush(&s->v.q[1]);
}

static inline int echo_init(void *s, struct tn_dev *d)
{
    vdev_init(s, d);
    return 0;
}

static inline int echo_realize(void *p, struct tn_err *e)
{
    struct echo *s = p;
    int r = vdev_queues(&s->v, QUEUES, sizeof(struct vq_elem), 2, e);
    for (uint32_t i = 0; r == 0 && i < QUEUES; i++) {
        s->v.q[i].handle = handle;
        s->v.q[i].stopping = stopping;
    }
    if (r < 0)
        return r;
    s->v.q[0].max_size = SIZE;
    s->v.q[1].ctx = s->apart ? iothread : NULL;
    s->finish = s->v.loop->bh(s->v.d, s->v.q[1].ctx, s->apart ? TN_LF_NOLOCK : 0, finish, s);
    return vdev_setup(&s->v, 8, e);
}

static inline void echo_unrealize(void *s)
{
    vdev_fini(s);
}

static const struct tn_prop echo_props[] = {
    TN_PROP_REF(struct echo, iothread, "iothread", IOTHREAD, 0, NULL),
    TN_PROP(struct echo, apart, "apart", U32, 0, NULL),
};

static const struct tn_class echo = {.struct_size = sizeof echo,
                                     .flags = TN_C_THREADSAFE,
                                     .name = "echo",
                                     .bus = "vtest-bus",
                                     .instance_size = sizeof(struct echo),
                                     .props = echo_props,
                                     .nprops = 2,
                                     .prop_stride = sizeof echo_props[0],
                                     .init = echo_init,
                                     .realize = echo_realize,
                                     .unrealize = echo_unrealize};

static const struct tn_class *const classes[] = {&transport, &echo, NULL};
static const struct tn_bus_type *const buses[] = {&bus_type, NULL};

static const struct tn_plugin plugin = {.struct_size = sizeof plugin,
                                        .abi_major = TN_ABI_MAJOR,
                                        .abi_minor = TN_ABI_MINOR,
                                        .id = "vdev-test",
                                        .version = "1",
                                        .classes = classes,
                                        .buses = buses};

/* ---- the machine and its guest ---- */

static struct {
    struct vm *vm;
    struct transport *t;
    struct echo *s;
    struct rig rig;
    struct drv drv[QUEUES];
    struct tn_mem *ram[2];
} m;

static inline void machine(const char *transport_options, const char *echo_options)
{
    memset(&m, 0, sizeof m);
    m.vm = fixture_vm_with(&plugin);
    fixture_register(m.vm, &iothread_plugin);
    iothread = fixture_add(m.vm, TN_K_OBJECT, "iothread,id=io")->handle;
    if (by_hand) {
        iothread->polling =
            (struct loop_polling){.max_ns = 1u << 31, .gap_ns = ~(uint64_t)0, .ns = 1u << 31};
        loop_adopt(iothread);
    }
    rig_init(&m.rig, 0);
    for (uint32_t i = 0; i < 2; i++) {
        m.ram[i] = mem_new(m.vm, "ram", m.rig.half[i], RIG_HALF, -1, 0, 0, 12);
        CHECK_EQ(
            memory_map(m.vm, m.ram[i], 0, RIG_BASE + i * (uint64_t)RIG_HALF, RIG_HALF, 0, NULL), 0);
    }
    struct device *t = fixture_add(m.vm, TN_K_DEVICE, transport_options);
    struct device *d = fixture_add(m.vm, TN_K_DEVICE, echo_options);
    if (!t || !d)
        printf("# %s\n", fixture_error);
    CHECK(t && d);
    m.t = device_self(t);
    m.s = device_self(d);
    fixture_start(m.vm);
}

static inline void machine_free(void)
{
    CHECK_EQ(m.t->locked, 0);
    CHECK_EQ(m.s->elsewhere, 0);
    CHECK_EQ(m.s->nheld, 0);
    if (by_hand)
        iothread->has_thread = 0;
    device_free(device_of(m.s->v.d));
    device_free(device_of(m.t->dev));
    for (uint32_t i = 0; i < 2; i++)
        mem_free(m.ram[i]);
    vm_free(m.vm);
    for (uint32_t i = 0; i < QUEUES; i++)
        if (m.drv[i].slot)
            drv_fini(&m.drv[i]);
}

static inline uint32_t told(const uint32_t *n)
{
    return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

/* Lets main run until *n is at least least; false after some seconds. */
static inline bool until(const uint32_t *n, uint32_t least)
{
    for (int i = 0; i < 5000 && told(n) < least; i++)
        loop_once(m.vm->main, 1000000);
    return told(n) >= least;
}

static inline int start(uint32_t q, uint32_t more_flags)
{
    m.drv[q].c.index = q;
    struct tn_vq c = m.drv[q].c;
    c.flags |= more_flags;
    m.s->v.d->core->lock(m.s->v.d);
    int r = vdev_queue_start(m.s, &c);
    m.s->v.d->core->unlock(m.s->v.d);
    return r;
}

static inline int stop(uint32_t q)
{
    m.s->v.d->core->lock(m.s->v.d);
    int r = vdev_queue_stop(m.s, q);
    m.s->v.d->core->unlock(m.s->v.d);
    return r;
}

static inline void fresh(uint32_t q, uint32_t flags)
{
    if (m.drv[q].slot)
        drv_fini(&m.drv[q]);
    drv_init(&m.drv[q], &m.rig, flags, SIZE, RINGS + 0x10000 * (uint64_t)q);
}

static inline void send(uint32_t q, uint64_t token)
{
    struct drv_buf b = {DATA + 64 * token, 64};
    CHECK(drv_add(&m.drv[q], &b, 1, 0, false, token));
    drv_publish(&m.drv[q]);
}

static inline void kick(uint32_t q)
{
    if (m.t->kick[q] > 0)
        CHECK_EQ(write(m.t->kick[q], &(uint64_t){1}, 8), 8);
    else
        vdev_kick(m.s, q, 0);
}

static inline bool got(uint32_t q, uint64_t token)
{
    uint64_t t;
    uint32_t len;
    for (int i = 0; i < 5000; i++) {
        if (drv_get(&m.drv[q], &t, &len))
            return t == token;
        loop_once(m.vm->main, 1000000);
    }
    return false;
}

static inline bool nothing(uint32_t q)
{
    uint64_t t;
    uint32_t len;
    for (int i = 0; i < 20; i++)
        loop_once(m.vm->main, 100000);
    return !drv_get(&m.drv[q], &t, &len);
}

/* ---- tests ---- */

static const char *const places[] = {"echo", "echo,iothread=io", "echo,apart=1"};
enum { PLACES = 3 };

/* 0 or TN_PENDING and its end */
static inline void stop_fully(uint32_t q)
{
    uint32_t before = told(&m.t->stopped[q]);
    int r = stop(q);
    if (r == TN_PENDING)
        CHECK(until(&m.t->stopped[q], before + 1));
    else
        CHECK_EQ(r, 0);
    CHECK_EQ(m.s->v.q[q].state, VDEV_Q_STOPPED);
}

#endif
