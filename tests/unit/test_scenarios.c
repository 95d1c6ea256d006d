/* SPDX-License-Identifier: BSD-2-Clause */
/* What hard consumers asked of the ABI, one test each: disks with iothreads, unplug, time, two
 * machines. */
#include "scenario_rig.h"

extern const struct tn_plugin iothread_plugin;

/* ---- a disk whose I/O runs in an iothread ---- */

enum { REG_STATUS = 0, REG_DOORBELL = 8, REG_LEGACY_RESET = 16 };

static uint64_t disk_read(void *s, uint64_t off, uint32_t size)
{
    struct disk *d = s;
    (void)size;
    return off == REG_STATUS ? d->status : 0;
}

static void disk_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct disk *d = s;
    (void)v;
    (void)size;
    if (off == REG_DOORBELL) {
        d->status = 1;
        d->in_flight++;
        TN_GET(d->dev, struct tn_loop, TN_LOOP_1)->kick(d->io);
    } else if (off == REG_STATUS) { /* modern reset: the driver polls until it reads 0 */
        d->stopping = d->in_flight != 0;
        d->status = d->stopping;
    } else if (d->in_flight &&
               d->dev->core->stall(d->dev, &d->token) == 0) { /* legacy: it does not poll */
        d->stopping = d->stalled = 1;
    }
}

static const struct tn_region_ops disk_ops = {sizeof disk_ops, 0,         0, 0, 0, 0,
                                              disk_read,       disk_write};

static int disk_init(void *s, struct tn_dev *d)
{
    ((struct disk *)s)->dev = d;
    return 0;
}

static int disk_realize(void *s, struct tn_err *e)
{
    struct disk *d = s;
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x1000,
                                    .size = 0x100,
                                    .name = "disk"};
    d->io = TN_GET(d->dev, struct tn_loop, TN_LOOP_1)->bh(d->dev, NULL, 0, backend, d);
    return TN_GET(d->dev, struct tn_regions, TN_REGION_1)
        ->add(d->dev, &q, &disk_ops, d, &d->region, e);
}

static int disk_quiesce(void *s, uint32_t why, uint32_t flags)
{
    struct disk *d = s;
    (void)why;
    if (!d->in_flight || (flags & TN_QF_FORCE))
        return 0;
    d->quiescing = 1;
    return TN_PENDING;
}

static const struct tn_prop disk_props[] = {
    TN_PROP_REF(struct disk, iothread, "iothread", IOTHREAD, 0, NULL)};

static const struct tn_class disk_class = {.struct_size = sizeof disk_class,
                                           .flags = TN_C_HOTPLUG,
                                           .name = "slow-disk",
                                           .instance_size = sizeof(struct disk),
                                           .props = disk_props,
                                           .nprops = 1,
                                           .prop_stride = sizeof disk_props[0],
                                           .init = disk_init,
                                           .realize = disk_realize,
                                           .quiesce = disk_quiesce};

FIXTURE_PLUGIN(disks, &disk_class);

struct rig {
    struct vm *vm;
    struct device *dev;
    struct disk *disk;
    pthread_t vcpu;
    uint32_t polls, done;
};

static struct rig disk_rig(void)
{
    struct rig r = {.vm = fixture_vm_with(&disks)};
    fixture_register(r.vm, &iothread_plugin);
    if (!fixture_add(r.vm, TN_K_OBJECT, "iothread,id=io"))
        abort();
    r.dev = fixture_add(r.vm, TN_K_DEVICE, "slow-disk,iothread=io");
    if (!r.dev)
        abort();
    r.disk = device_self(r.dev);
    fixture_start(r.vm);
    space_write(r.vm->mmio, 0x1000 + REG_DOORBELL, 1, 4);
    return r;
}

static void *poll_reset(void *p)
{
    struct rig *r = p;
    space_write(r->vm->mmio, 0x1000 + REG_STATUS, 0, 4);
    while (space_read(r->vm->mmio, 0x1000 + REG_STATUS, 4))
        __atomic_add_fetch(&r->polls, 1, __ATOMIC_SEQ_CST);
    store(&r->done, 1);
    return NULL;
}

/* Gap G1: reset with I/O in flight. The write returns at once, the guest polls, and reads 0 only
 * when the I/O is over. */
TEST(g1_reset_with_io_in_flight_completes_later)
{
    struct rig r = disk_rig();
    pthread_create(&r.vcpu, NULL, poll_reset, &r);
    for (int i = 0; i < 5000 && load(&r.polls) < 100; i++)
        usleep(1000);
    CHECK(load(&r.polls) >= 100);
    CHECK_EQ(load(&r.done), 0);
    store(&r.disk->may_complete, 1);
    pthread_join(r.vcpu, NULL);
    CHECK_EQ(r.disk->completed, 1);
    vm_free(r.vm);
}

static void *legacy_reset(void *p)
{
    struct rig *r = p;
    space_write(r->vm->mmio, 0x1000 + REG_LEGACY_RESET, 0, 4);
    store(&r->done, 1);
    return NULL;
}

/* Gap G1, old drivers: the vCPU stays out of the guest until the back end is done; main goes on
 * meanwhile. */
TEST(g1_legacy_reset_stalls_the_vcpu_and_nobody_else)
{
    struct rig r = disk_rig();
    pthread_create(&r.vcpu, NULL, legacy_reset, &r);
    usleep(5000);
    for (uint64_t at = 0x3000; at < 0x3004; at++) {
        domain_lock(r.dev->domain);
        region_move(r.disk->region, at);
        domain_unlock(r.dev->domain);
        fixture_spin(r.vm);
    }
    CHECK_EQ(load(&r.done), 0);
    store(&r.disk->may_complete, 1);
    pthread_join(r.vcpu, NULL);
    CHECK_EQ(r.disk->completed, 1);
    vm_free(r.vm);
}

static void *complete_soon(void *p)
{
    struct rig *r = p;
    usleep(5000);
    store(&r->disk->may_complete, 1);
    return NULL;
}

/* Pausing and saving wait for I/O in an iothread, without a lock, and hear of its end from there.
 */
TEST(g1_quiesce_waits_for_the_iothread)
{
    struct rig r = disk_rig();
    pthread_create(&r.vcpu, NULL, complete_soon, &r);
    CHECK_EQ(devices_quiesce(r.vm, TN_Q_SAVE, NULL), 0);
    CHECK_EQ(r.disk->completed, 1);
    pthread_join(r.vcpu, NULL);
    devices_resume(r.vm);
    vm_free(r.vm);
}

/* Gap G15: a back end that hangs is cut off after the deadline. */
TEST(g15_a_hanging_back_end_does_not_hold_the_machine)
{
    struct rig r = disk_rig();
    r.vm->quiesce_ms = 20;
    CHECK_EQ(devices_quiesce(r.vm, TN_Q_SAVE, NULL), 0);
    CHECK_EQ(r.disk->completed, 0);
    store(&r.disk->may_complete, 1);
    vm_free(r.vm);
}

/* Unplug while the iothread works for the device, over and over. */
TEST(unplug_with_io_in_flight_drains_it)
{
    for (int i = 0; i < 5; i++) {
        struct rig r = disk_rig();
        pthread_create(&r.vcpu, NULL, complete_soon, &r);
        CHECK_EQ(device_unplug(r.dev, NULL), 0);
        fixture_spin(r.vm);
        pthread_join(r.vcpu, NULL);
        vm_free(r.vm);
    }
}

/* ---- callbacks under way ---- */

struct busy {
    struct tn_dev *dev;
    struct tn_ctx *iothread;
    struct tn_bh *bh;
    struct tn_timer *timer;
    struct tn_region *region;
    uint32_t inside, gone, bad, calls;
};

/* What every callback does: it must never run, nor still be running, once unrealize has been
 * called. */
static void work(struct busy *b)
{
    __atomic_add_fetch(&b->inside, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&b->calls, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 500; i++)
        __builtin_ia32_pause();
    if (load(&b->gone))
        store(&b->bad, 1);
    __atomic_sub_fetch(&b->inside, 1, __ATOMIC_SEQ_CST);
}

static void busy_bh(void *s)
{
    struct busy *b = s;
    work(b);
    TN_GET(b->dev, struct tn_loop, TN_LOOP_1)->kick(b->bh);
}

static void busy_timer(void *s)
{
    struct busy *b = s;
    work(b);
    TN_GET(b->dev, struct tn_loop, TN_LOOP_1)->arm(b->timer, 0);
}

static uint64_t busy_read(void *s, uint64_t off, uint32_t size)
{
    (void)off;
    (void)size;
    work(s);
    return 0;
}

static const struct tn_region_ops busy_locked = {sizeof busy_locked, 0,   0, 0, 0, 0,
                                                 busy_read,          NULL};

static const struct tn_region_ops busy_free = {sizeof busy_free, TN_RO_NO_LOCK, 0, 0, 0, 0,
                                               busy_read,        NULL};

static int busy_init(void *s, struct tn_dev *d)
{
    ((struct busy *)s)->dev = d;
    return 0;
}

static int busy_realize(void *s, struct tn_err *e)
{
    struct busy *b = s;
    const struct tn_loop *loop = TN_GET(b->dev, struct tn_loop, TN_LOOP_1);
    const struct tn_regions *regions = TN_GET(b->dev, struct tn_regions, TN_REGION_1);
    struct tn_region_req q = {.struct_size = sizeof q,
                              .space = TN_SPACE_MMIO,
                              .base = 0x1000,
                              .size = 0x100,
                              .name = "busy"};
    b->bh = loop->bh(b->dev, NULL, TN_LF_NOLOCK, busy_bh, b);
    b->timer = loop->timer(b->dev, NULL, 0, TN_CLK_VM, busy_timer, b);
    int r = regions->add(b->dev, &q, &busy_locked, b, &b->region, e);
    q.base = 0x2000;
    return r < 0 ? r : regions->add(b->dev, &q, &busy_free, b, &b->region, e);
}

static void busy_resume(void *s)
{
    struct busy *b = s;
    const struct tn_loop *loop = TN_GET(b->dev, struct tn_loop, TN_LOOP_1);
    loop->kick(b->bh);
    loop->arm(b->timer, 0);
}

static uint32_t busy_bad, busy_calls;

static void busy_unrealize(void *s)
{
    struct busy *b = s;
    if (load(&b->inside))
        store(&b->bad, 1);
    store(&b->gone, 1);
    usleep(100);
}

static void busy_fini(void *s)
{
    struct busy *b = s;
    busy_bad |= load(&b->bad);
    busy_calls += load(&b->calls);
}

static const struct tn_prop busy_props[] = {
    TN_PROP_REF(struct busy, iothread, "iothread", IOTHREAD, 0, NULL)};

static const struct tn_class busy_class = {.struct_size = sizeof busy_class,
                                           .flags = TN_C_HOTPLUG | TN_C_THREADSAFE,
                                           .name = "busy",
                                           .instance_size = sizeof(struct busy),
                                           .props = busy_props,
                                           .nprops = 1,
                                           .prop_stride = sizeof busy_props[0],
                                           .init = busy_init,
                                           .realize = busy_realize,
                                           .resume = busy_resume,
                                           .unrealize = busy_unrealize,
                                           .fini = busy_fini};

static const struct tn_class busy_leaf = {.struct_size = sizeof busy_leaf,
                                          .flags = TN_C_HOTPLUG | TN_C_THREADSAFE,
                                          .name = "busy-leaf",
                                          .bus = "port-bus",
                                          .instance_size = sizeof(struct busy),
                                          .props = busy_props,
                                          .nprops = 1,
                                          .prop_stride = sizeof busy_props[0],
                                          .init = busy_init,
                                          .realize = busy_realize,
                                          .resume = busy_resume,
                                          .unrealize = busy_unrealize,
                                          .fini = busy_fini};

FIXTURE_PLUGIN(busies, &busy_class, &busy_leaf);

/* A busy device, alone or on the bus of a provider. Returns what goes. */
static struct device *busy_device(struct vm *vm, int on_bus)
{
    if (!on_bus)
        return fixture_add(vm, TN_K_DEVICE, "busy,iothread=io");
    struct device *hub = fixture_add(vm, TN_K_DEVICE, "hub");
    return fixture_add(vm, TN_K_DEVICE, "busy-leaf,iothread=io") ? hub : NULL;
}

/* class.h, unrealize: "no callback is running or will run". Two vCPUs, an iothread and main are in
 * the device. */
TEST(unplug_waits_for_the_callbacks_of_every_thread)
{
    struct vm *vm = actor_vm();
    fixture_register(vm, &busies);
    fixture_register(vm, &iothread_plugin);
    struct device *io = fixture_add(vm, TN_K_OBJECT, "iothread,id=io");
    struct hammer h[2] = {{vm, 0x1000, 0}, {vm, 0x2000, 0}};
    pthread_t t[2];
    CHECK(io);
    fixture_start(vm);
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, hammer, &h[i]);
    for (int i = 0; i < 40; i++) {
        struct device *d = busy_device(vm, i % 2);
        CHECK(d);
        usleep(i % 4 * 300);
        loop_once(vm->main, 0);
        device_free(d);
        CHECK_EQ(io->holds, 0);
    }
    for (int i = 0; i < 2; i++) {
        store(&h[i].stop, 1);
        pthread_join(t[i], NULL);
    }
    CHECK_EQ(busy_bad, 0);
    CHECK(busy_calls > 0);
    vm_free(vm);
}

/* ---- time ---- */

static void set_flag(void *s)
{
    store(s, 1);
}

/* A timer of guest time in an iothread, armed while the machine was stopped, runs once it goes on.
 */
TEST(guest_timers_of_iothreads_wake_with_the_machine)
{
    struct vm *vm = vm_new(0);
    fixture_register(vm, &iothread_plugin);
    vm->memory = memory_new(vm);
    struct device *io = fixture_add(vm, TN_K_OBJECT, "iothread,id=io");
    uint32_t flag = 0;
    CHECK(io);
    fixture_start(vm); /* the thread sleeps, and guest time stands */
    struct tn_timer *t = timer_new(io->handle, NULL, 0, TN_CLK_VM, set_flag, &flag);
    timer_arm(t, 1000);
    usleep(20000);
    CHECK_EQ(load(&flag), 0);
    clock_start(&vm->clock);
    devices_resume(vm);
    CHECK(fixture_until(vm, &flag));
    timer_del(t);
    loop_drain(io->handle);
    vm_free(vm);
}

/* ---- two machines in one process ---- */

static uint64_t answer(void *s, uint64_t off, uint32_t size)
{
    (void)off;
    (void)size;
    return (uint64_t)(uintptr_t)s;
}

TEST(two_machines_do_not_see_each_other)
{
    static const struct tn_region_ops ops = {sizeof ops, 0, 0, 0, 0, 0, answer, NULL};
    struct vm *a = actor_vm(), *b = actor_vm();
    struct tn_region *ra, *rb;
    const struct tn_region_req q = {
        .struct_size = sizeof q, .space = TN_SPACE_PIO, .base = 0x100, .size = 4, .name = "x"};
    CHECK_EQ(region_add(a->pio, NULL, &q, &ops, (void *)1, 0, &ra, NULL), 0);
    CHECK_EQ(region_add(b->pio, NULL, &q, &ops, (void *)2, 0, &rb, NULL), 0);
    for (int i = 0; i < 10; i++) { /* one thread, the same address, in turn */
        CHECK_EQ(space_read(a->pio, 0x100, 1), 1);
        CHECK_EQ(space_read(b->pio, 0x100, 1), 2);
    }
    CHECK(fixture_add(a, TN_K_DEVICE, "hub,id=h") && fixture_add(a, TN_K_DEVICE, "leaf"));
    CHECK(!fixture_add(b, TN_K_DEVICE, "leaf")); /* the bus is the other's */
    CHECK(fixture_add(b, TN_K_DEVICE, "hub,id=h"));
    CHECK(!b->host.get(&b->host, "test.none/1"));
    vm_serve(a, "test.none/1", &ops);
    CHECK(a->host.get(&a->host, "test.none/1") == &ops);
    CHECK(!b->host.get(&b->host, "test.none/1"));
    devices_reset(a, TN_RESET_COLD);
    region_del(ra);
    CHECK_EQ(space_read(a->pio, 0x100, 1), 0xff);
    CHECK_EQ(space_read(b->pio, 0x100, 1), 2);
    vm_free(a);
    CHECK_EQ(space_read(b->pio, 0x100, 1), 2);
    region_del(rb);
    vm_free(b);
}

int main(void)
{
    RUN(g1_reset_with_io_in_flight_completes_later);
    RUN(g1_legacy_reset_stalls_the_vcpu_and_nobody_else);
    RUN(g1_quiesce_waits_for_the_iothread);
    RUN(g15_a_hanging_back_end_does_not_hold_the_machine);
    RUN(unplug_with_io_in_flight_drains_it);
    RUN(unplug_waits_for_the_callbacks_of_every_thread);
    RUN(guest_timers_of_iothreads_wake_with_the_machine);
    RUN(two_machines_do_not_see_each_other);
    return tap_done();
}
