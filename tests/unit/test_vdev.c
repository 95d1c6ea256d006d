/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/virtio on the real host: a device of two queues below a transport that writes down what it is
 * told. The test is the guest and its vCPU; queue 1 may be in an iothread. */
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

static int p_setup(void *p, const struct tn_virtio_setup *u, struct tn_err *e)
{
    struct transport *t = ((struct child *)p)->t;
    (void)e;
    t->queues = u->nqueues;
    t->config_len = u->config_len;
    return u->max_size[0] == SIZE && u->max_size[1] == 256 ? 0 : -EINVAL;
}

static struct tn_as *p_dma(void *p)
{
    return ((struct child *)p)->t->as;
}

static int p_kick_fd(void *p, uint32_t q)
{
    struct transport *t = ((struct child *)p)->t;
    if (t->no_eventfd)
        return -ENOTSUP;
    if (!t->kick[q])
        t->kick[q] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return t->kick[q];
}

static void count(uint32_t *n)
{
    __atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}

static void p_notify(void *p, uint32_t q)
{
    count(&((struct child *)p)->t->notified[q]);
}

static void p_broken(void *p, const char *why)
{
    ((struct child *)p)->t->why = why;
    count(&((struct child *)p)->t->broken);
}

static void p_queue_stopped(void *p, uint32_t q, int err)
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

static int attach(void *bus, void *child, struct tn_dev *d, const void *ops, void *s,
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

static int transport_init(void *s, struct tn_dev *d)
{
    ((struct transport *)s)->dev = d;
    return 0;
}

static int transport_realize(void *s, struct tn_err *e)
{
    struct transport *t = s;
    t->as = TN_GET(t->dev, struct tn_dma, TN_DMA_1)->system(t->dev);
    return t->dev->core->bus_create(t->dev, &bus_type, "vtest", &port, t, &t->bus, e);
}

static void transport_fini(void *s)
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

static void handle(struct vdev_queue *q)
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

static void stopping(struct vdev_queue *q)
{
    count(&((struct echo *)q->v)->stopping);
}

static void finish(void *p)
{
    struct echo *s = p;
    while (s->nheld)
        vq_push(&s->v.q[1].ring, s->held[--s->nheld], 0);
    vdev_flush(&s->v.q[1]);
}

static int echo_init(void *s, struct tn_dev *d)
{
    vdev_init(s, d);
    return 0;
}

static int echo_realize(void *p, struct tn_err *e)
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

static void echo_unrealize(void *s)
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

static void machine(const char *transport_options, const char *echo_options)
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

static void machine_free(void)
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

static uint32_t told(const uint32_t *n)
{
    return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

/* Lets main run until *n is at least least; false after some seconds. */
static bool until(const uint32_t *n, uint32_t least)
{
    for (int i = 0; i < 5000 && told(n) < least; i++)
        loop_once(m.vm->main, 1000000);
    return told(n) >= least;
}

static int start(uint32_t q, uint32_t more_flags)
{
    m.drv[q].c.index = q;
    struct tn_vq c = m.drv[q].c;
    c.flags |= more_flags;
    m.s->v.d->core->lock(m.s->v.d);
    int r = vdev_queue_start(m.s, &c);
    m.s->v.d->core->unlock(m.s->v.d);
    return r;
}

static int stop(uint32_t q)
{
    m.s->v.d->core->lock(m.s->v.d);
    int r = vdev_queue_stop(m.s, q);
    m.s->v.d->core->unlock(m.s->v.d);
    return r;
}

static void fresh(uint32_t q, uint32_t flags)
{
    if (m.drv[q].slot)
        drv_fini(&m.drv[q]);
    drv_init(&m.drv[q], &m.rig, flags, SIZE, RINGS + 0x10000 * (uint64_t)q);
}

static void send(uint32_t q, uint64_t token)
{
    struct drv_buf b = {DATA + 64 * token, 64};
    CHECK(drv_add(&m.drv[q], &b, 1, 0, false, token));
    drv_publish(&m.drv[q]);
}

static void kick(uint32_t q)
{
    if (m.t->kick[q] > 0)
        CHECK_EQ(write(m.t->kick[q], &(uint64_t){1}, 8), 8);
    else
        vdev_kick(m.s, q, 0);
}

static bool got(uint32_t q, uint64_t token)
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

static bool nothing(uint32_t q)
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

TEST(a_device_tells_its_transport_what_it_has)
{
    machine("transport", "echo");
    CHECK_EQ(m.t->queues, QUEUES);
    CHECK_EQ(m.t->config_len, 8);
    machine_free();
}

static void serves(const char *transport_options, const char *echo_options, uint32_t flags)
{
    machine(transport_options, echo_options);
    fresh(1, flags);
    send(1, 1); /* there before the start */
    CHECK_EQ(start(1, 0), 0);
    CHECK(got(1, 1));
    CHECK(until(&m.t->notified[1], 1));
    for (uint64_t i = 2; i < 50; i++) {
        drv_interrupts(&m.drv[1], 1);
        send(1, i);
        kick(1);
        CHECK(got(1, i));
        CHECK(until(&m.t->notified[1], (uint32_t)i));
    }
    CHECK_EQ(m.t->notified[0], 0);
    machine_free();
}

TEST(kicks_reach_the_handler_in_its_context)
{
    for (uint32_t p = 0; p < PLACES; p++)
        for (uint32_t e = 0; e < 2; e++) {
            serves(e ? "transport,no-eventfd=1" : "transport", places[p], 0);
            serves(e ? "transport,no-eventfd=1" : "transport", places[p],
                   TN_VQ_PACKED | TN_VQ_EVENT_IDX);
        }
}

/* 0 or TN_PENDING and its end */
static void stop_fully(uint32_t q)
{
    uint32_t before = told(&m.t->stopped[q]);
    int r = stop(q);
    if (r == TN_PENDING)
        CHECK(until(&m.t->stopped[q], before + 1));
    else
        CHECK_EQ(r, 0);
    CHECK_EQ(m.s->v.q[q].state, VDEV_Q_STOPPED);
}

TEST(an_idle_queue_at_home_stops_at_once)
{
    machine("transport", "echo");
    fresh(1, 0);
    CHECK_EQ(start(1, 0), 0);
    send(1, 1);
    kick(1);
    CHECK(got(1, 1));
    CHECK_EQ(stop(1), 0);
    CHECK_EQ(stop(1), 0);
    send(1, 2);
    kick(1);
    vdev_kick(m.s, 1, 0);
    CHECK(nothing(1));
    CHECK_EQ(m.t->stopped[1], 0);
    machine_free();
}

TEST(a_queue_goes_on_where_it_stood)
{
    static const uint32_t formats[] = {0, TN_VQ_PACKED};
    for (uint32_t p = 0; p < PLACES; p++)
        for (uint32_t f = 0; f < 2; f++) {
            machine("transport", places[p]);
            fresh(1, formats[f]);
            CHECK_EQ(start(1, 0), 0);
            for (uint64_t i = 0; i < 100; i++) {
                send(1, i);
                kick(1);
                CHECK(got(1, i));
                stop_fully(1);
                CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
            }
            stop_fully(1);
            machine_free();
        }
}

TEST(a_stop_waits_for_what_is_in_flight)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        machine("transport", places[p]);
        fresh(1, 0);
        m.s->hold = 1;
        CHECK_EQ(start(1, 0), 0);
        send(1, 1);
        kick(1);
        CHECK(until(&m.s->handled[1], 2) || m.s->nheld);
        while (!told(&m.s->nheld))
            loop_once(m.vm->main, 1000000);
        CHECK_EQ(stop(1), TN_PENDING);
        CHECK_EQ(stop(1), TN_PENDING);
        send(1, 2);
        kick(1); /* while it stops */
        CHECK(until(&m.s->stopping, 1));
        CHECK(nothing(1));
        CHECK_EQ(told(&m.t->stopped[1]), 0);
        bh_kick(m.s->finish);
        CHECK(until(&m.t->stopped[1], 1));
        CHECK(got(1, 1));
        CHECK(nothing(1)); /* the second was not taken */
        CHECK_EQ(told(&m.t->stopped[1]), 1);
        CHECK_EQ(told(&m.s->stopping), 1);
        m.s->hold = 0;
        CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
        CHECK(got(1, 2));
        stop_fully(1);
        machine_free();
    }
}

TEST(a_stop_does_not_wait_for_what_is_parked)
{
    machine("transport", "echo");
    fresh(1, 0);
    m.s->hold = 1;
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK(until(&m.s->nheld, 1));
    CHECK_EQ(stop(1), TN_PENDING);
    vdev_park(&m.s->v.q[1], 1);
    CHECK(until(&m.t->stopped[1], 1));
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    vdev_park(&m.s->v.q[1], -1);
    bh_kick(m.s->finish);
    CHECK(got(1, 1));
    stop_fully(1);
    machine_free();
}

TEST(a_stop_shows_what_was_not_flushed)
{
    machine("transport", "echo");
    fresh(1, 0);
    m.s->hold = 1;
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK(until(&m.s->nheld, 1));
    vq_push(&m.s->v.q[1].ring, m.s->held[--m.s->nheld], 0);
    CHECK_EQ(stop(1), 0);
    CHECK_EQ(m.t->notified[1], 1);
    CHECK(got(1, 1));
    machine_free();
}

TEST(a_stop_before_the_first_turn_of_the_handler)
{
    machine("transport", "echo");
    fresh(1, 0);
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK_EQ(stop(1), 0);
    CHECK(nothing(1));
    CHECK_EQ(m.s->handled[1], 0);
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    CHECK(got(1, 1));
    machine_free();
}

TEST(starts_and_stops_race_with_an_iothread)
{
    machine("transport", "echo,apart=1");
    fresh(1, TN_VQ_EVENT_IDX);
    uint64_t sent = 0, token;
    uint32_t len, back = 0;
    for (uint32_t i = 0; i < 500; i++) {
        CHECK_EQ(start(1, i ? TN_VQ_RESTORE : 0), 0);
        if (m.drv[1].room) {
            send(1, sent++);
            kick(1);
        }
        if (i % 3 == 0)
            usleep(50);
        stop_fully(1);
        while (drv_get(&m.drv[1], &token, &len))
            CHECK_EQ(token, back++);
    }
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    for (; back < sent; back++)
        CHECK(got(1, back));
    stop_fully(1);
    machine_free();
}

TEST(a_broken_ring_is_reported_once)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        machine("transport", places[p]);
        fresh(1, 0);
        CHECK_EQ(start(1, 0), 0);
        uint16_t *idx = (uint16_t *)(void *)rig_at(&m.rig, m.drv[1].c.driver + 2);
        __atomic_store_n(idx, SIZE + 1, __ATOMIC_RELAXED);
        kick(1);
        CHECK(until(&m.t->broken, 1));
        CHECK_STR(m.t->why, "the available index jumps further than the queue is long (2.7.6)");
        kick(1);
        CHECK(nothing(1));
        CHECK_EQ(told(&m.t->broken), 1);
        stop_fully(1);
        machine_free();
    }
}

TEST(a_ring_that_cannot_be_is_refused)
{
    machine("transport", "echo");
    fresh(1, 0);
    m.drv[1].c.size = 3;
    CHECK_EQ(start(1, 0), -EINVAL);
    m.drv[1].c.size = SIZE;
    m.drv[1].c.index = QUEUES;
    CHECK_EQ(vdev_queue_start(m.s, &m.drv[1].c), -EINVAL);
    CHECK_EQ(vdev_queue_stop(m.s, QUEUES), 0);
    vdev_kick(m.s, QUEUES, 0);
    CHECK_EQ(stop(1), 0);
    machine_free();
}

TEST(a_reset_forgets_places_and_features)
{
    machine("transport", "echo");
    const uint64_t f[] = {(uint64_t)1 << 32 | 1};
    vdev_negotiated(m.s, f, 1, TN_VQ_PACKED);
    CHECK(vdev_has(&m.s->v, 32) && vdev_has(&m.s->v, 0) && !vdev_has(&m.s->v, 64));
    for (uint32_t q = 0; q < QUEUES; q++) {
        fresh(q, TN_VQ_PACKED);
        CHECK_EQ(start(q, 0), 0);
        send(q, 1);
        kick(q);
        CHECK(got(q, 1));
        CHECK_EQ(stop(q), 0);
    }
    CHECK_EQ(vdev_reset(m.s), 0);
    CHECK(!vdev_has(&m.s->v, 32));
    fresh(1, TN_VQ_PACKED); /* only one of them this time, and from the start */
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    send(1, 2);
    kick(1);
    CHECK(got(1, 2));
    CHECK_EQ(m.s->v.q[0].state, VDEV_Q_STOPPED);
    machine_free();
}

TEST(legacy_drivers_are_told_when_the_queue_ran_empty)
{
    machine("transport", "echo");
    vdev_negotiated(m.s, (uint64_t[]){1 << 24}, 1, TN_VQ_LEGACY);
    fresh(1, 0);
    drv_interrupts(&m.drv[1], 0);
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK(got(1, 1));
    CHECK(until(&m.t->notified[1], 1));
    machine_free();
}

TEST(a_device_goes_with_running_queues)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        machine("transport", places[p]);
        fresh(1, 0);
        send(1, 1);
        CHECK_EQ(start(1, 0), 0);
        machine_free();
    }
}

enum { SHORT_NS = 1000 };

/* As send(); returns whether the device wants a kick. */
static bool offer(uint32_t q, uint64_t token)
{
    struct drv_buf b = {DATA + 64 * token, 64};
    CHECK(drv_add(&m.drv[q], &b, 1, 0, false, token));
    return drv_publish(&m.drv[q]);
}

static void until_quiet(void)
{
    while (loop_once(iothread, SHORT_NS))
        ;
}

static void polled(const char *options, uint32_t flags)
{
    by_hand = true;
    machine("transport", options);
    fresh(1, flags);
    CHECK_EQ(start(1, 0), 0);
    until_quiet();
    CHECK(offer(1, 1)); /* no kick is sent in any case: polling finds it */
    CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
    CHECK(got(1, 1));
    for (uint64_t i = 2; i < 6; i++) {
        bool wanted = offer(1, i);
        CHECK(!wanted || flags & TN_VQ_EVENT_IDX); /* that may still pass where it was armed */
        CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
        CHECK(got(1, i));
    }
    CHECK(!offer(1, 6));
    until_quiet();
    CHECK(got(1, 6));
    CHECK(offer(1, 7)); /* the context is about to wait: kicks again */
    kick(1);
    until_quiet();
    CHECK(got(1, 7));
    machine_free();
    by_hand = false;
}

TEST(a_polled_queue_needs_no_kicks)
{
    static const uint32_t formats[] = {0, TN_VQ_EVENT_IDX, TN_VQ_PACKED,
                                       TN_VQ_PACKED | TN_VQ_EVENT_IDX};
    for (uint32_t p = 1; p < PLACES; p++)
        for (uint32_t f = 0; f < 4; f++)
            polled(places[p], formats[f]);
}

TEST(a_handler_that_takes_nothing_is_not_polled)
{
    by_hand = true;
    machine("transport", places[1]);
    fresh(1, 0);
    CHECK_EQ(start(1, 0), 0);
    until_quiet();
    m.s->refuse = 1;
    uint32_t before = told(&m.s->handled[1]);
    offer(1, 1);
    until_quiet(); /* ends: what stays there does not count as found */
    until_quiet();
    CHECK_EQ(told(&m.s->handled[1]), before + 1);
    m.s->refuse = 0;
    CHECK(offer(1, 2)); /* kicks are on */
    kick(1);
    until_quiet();
    CHECK(got(1, 1));
    CHECK(got(1, 2));
    offer(1, 3); /* and so is polling */
    CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
    CHECK(got(1, 3));
    machine_free();
    by_hand = false;
}

TEST(a_polled_queue_stops_and_starts)
{
    by_hand = true;
    machine("transport", places[1]);
    fresh(1, 0);
    for (uint64_t i = 1; i < 20; i++) {
        CHECK_EQ(start(1, i > 1 ? TN_VQ_RESTORE : 0), 0);
        if (i % 2)
            until_quiet();
        offer(1, i);
        CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
        CHECK(got(1, i));
        CHECK_EQ(stop(1), 0);
        if (i % 3)
            until_quiet();
    }
    machine_free();
    by_hand = false;
}

int main(void)
{
    RUN(a_device_tells_its_transport_what_it_has);
    RUN(kicks_reach_the_handler_in_its_context);
    RUN(an_idle_queue_at_home_stops_at_once);
    RUN(a_queue_goes_on_where_it_stood);
    RUN(a_stop_waits_for_what_is_in_flight);
    RUN(a_stop_does_not_wait_for_what_is_parked);
    RUN(a_stop_shows_what_was_not_flushed);
    RUN(a_stop_before_the_first_turn_of_the_handler);
    RUN(starts_and_stops_race_with_an_iothread);
    RUN(a_broken_ring_is_reported_once);
    RUN(a_ring_that_cannot_be_is_refused);
    RUN(a_reset_forgets_places_and_features);
    RUN(legacy_drivers_are_told_when_the_queue_ran_empty);
    RUN(a_device_goes_with_running_queues);
    RUN(a_polled_queue_needs_no_kicks);
    RUN(a_handler_that_takes_nothing_is_not_polled);
    RUN(a_polled_queue_stops_and_starts);
    return tap_done();
}
