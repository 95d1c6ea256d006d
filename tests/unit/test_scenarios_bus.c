/* SPDX-License-Identifier: BSD-2-Clause */
/* What hard consumers asked of the ABI, one test each: composites under fire, locks of buses,
 * overlays. */
#include "scenario_rig.h"

/* ---- a composite under fire (gap G3) ---- */

struct wire {
    struct tn_dev *dev;
    struct tn_bus *bus;
    struct tn_region *region;
    struct lamp *lamp;
};

struct lamp {
    struct tn_dev *dev;
    uint32_t *level; /* allocated: who uses it after fini is caught */
};

static uint64_t wire_read(void *s, uint64_t off, uint32_t size)
{
    struct wire *w = s;
    (void)off;
    (void)size;
    return w->lamp ? *w->lamp->level : 0;
}

static const struct tn_region_ops wire_ops = {sizeof wire_ops, 0, 0, 0, 0, 0, wire_read, NULL};

static int lamp_attach(void *bus, void *child, struct tn_dev *d, const void *ops, void *s,
                       struct tn_err *e)
{
    (void)child;
    (void)d;
    (void)ops;
    (void)e;
    ((struct wire *)bus)->lamp = s;
    return 0;
}

static void lamp_detach(void *bus, void *child)
{
    (void)child;
    ((struct wire *)bus)->lamp = NULL;
}

static const struct tn_bus_type lamp_bus = {.struct_size = sizeof lamp_bus,
                                            .flags = TN_BUS_ONE_DOMAIN,
                                            .name = "lamp-bus",
                                            .attach = lamp_attach,
                                            .detach = lamp_detach};

static int wire_init(void *s, struct tn_dev *d)
{
    ((struct wire *)s)->dev = d;
    return 0;
}

static int wire_realize(void *s, struct tn_err *e)
{
    struct wire *w = s;
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x1000,
                                    .size = 0x10,
                                    .name = "wire"};
    int r = w->dev->core->bus_create(w->dev, &lamp_bus, NULL, NULL, w, &w->bus, e);
    return r < 0 ? r
                 : TN_GET(w->dev, struct tn_regions, TN_REGION_1)
                       ->add(w->dev, &q, &wire_ops, w, &w->region, e);
}

static int lamp_init(void *s, struct tn_dev *d)
{
    struct lamp *l = s;
    l->dev = d;
    l->level = calloc(1, sizeof *l->level);
    return l->level ? 0 : -ENOMEM;
}

static void lamp_fini(void *s)
{
    free(((struct lamp *)s)->level);
}

static const struct tn_class wire_class = {.struct_size = sizeof wire_class,
                                           .flags = TN_C_HOTPLUG | TN_C_INTERNAL,
                                           .name = "wire",
                                           .instance_size = sizeof(struct wire),
                                           .init = wire_init,
                                           .realize = wire_realize};

static const struct tn_class lamp_class = {.struct_size = sizeof lamp_class,
                                           .flags = TN_C_HOTPLUG,
                                           .name = "lamp",
                                           .bus = "lamp-bus",
                                           .instance_size = sizeof(struct lamp),
                                           .init = lamp_init,
                                           .fini = lamp_fini};

static const struct tn_compose wired = {.struct_size = sizeof wired,
                                        .transport = "wire",
                                        .inner_bus = "lamp-bus",
                                        .suffix = "-wired",
                                        .child = "lamp-backend"};

static const struct tn_class *const wire_classes[] = {&wire_class, NULL};
static const struct tn_compose *const wire_composes[] = {&wired, NULL};

static const struct tn_plugin wires = {.struct_size = sizeof wires,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "wires",
                                       .version = "1",
                                       .classes = wire_classes,
                                       .composes = wire_composes};

FIXTURE_PLUGIN(lamps, &lamp_class);

/* The transport's registers call its child: they must be out of reach before the child goes. */
TEST(g3_no_access_reaches_a_child_that_goes)
{
    struct vm *vm = fixture_vm_with(&wires);
    fixture_register(vm, &lamps);
    struct hammer h = {vm, 0x1000, 0};
    pthread_t t;
    fixture_start(vm);
    pthread_create(&t, NULL, hammer, &h);
    for (int i = 0; i < 100; i++) {
        struct device *d = fixture_add(vm, TN_K_DEVICE, "lamp-wired,id=w");
        CHECK(d);
        usleep(100);
        device_free(d);
        fixture_spin(vm);
    }
    store(&h.stop, 1);
    pthread_join(t, NULL);
    vm_free(vm);
}

TEST(g3_a_composite_is_one_device_of_two_plugins)
{
    struct vm *vm = actor_vm();
    struct device *d = fixture_add(vm, TN_K_DEVICE, "disk-via,id=d0,sectors=7,value=3");
    CHECK(d && d->inner);
    CHECK_STR(actor_log, "realize(link) check(disk) attach(disk) realize(disk) plugged(link) ");
    CHECK_EQ(actor_of(d->inner)->value, 7); /* properties of both go through it */
    CHECK_EQ(actor_of(d)->value, 3);
    CHECK_STR(d->inner->path, "/machine/peripheral/d0/backend");
    CHECK_STR(host_core_table.id(&d->inner->pub), "d0"); /* so that a bus below is d0.0 */
    CHECK_STR(d->inner->bus->name, "d0/link-bus");
    CHECK(d->inner->domain == d->domain);
    const void *ops;
    void *self;
    CHECK_EQ(d->pub.core->query(&d->pub, &d->pub, "test.actor/1", &ops, &self), 0);
    actor_clear();
    device_free(d);
    CHECK_STR(actor_log,
              "unrealize(disk) detach(link,locked) fini(disk) unrealize(link) fini(link) ");
    vm_free(vm);
}

TEST(g3_a_failing_half_leaves_nothing)
{
    struct vm *vm = actor_vm();
    CHECK(!fixture_add(vm, TN_K_DEVICE, "disk-via,disk-fail=1"));
    CHECK_STR(actor_log, "realize(link) check(disk) attach(disk) realize(disk) detach(link,locked) "
                         "fini(disk) unrealize(link) fini(link) ");
    CHECK(TAILQ_EMPTY(&vm->devices) && TAILQ_EMPTY(&vm->buses));
    actor_clear();
    CHECK(!fixture_add(vm, TN_K_DEVICE, "disk-via,fail=1"));
    CHECK_STR(actor_log, "realize(link) fini(disk) fini(link) ");
    CHECK(!fixture_add(vm, TN_K_DEVICE, "disk-via,bogus=1"));
    CHECK_STR(fixture_error, "Property 'disk-via.bogus' not found");
    CHECK(TAILQ_EMPTY(&vm->devices));
    vm_free(vm);
}

TEST(g3_both_halves_may_refuse_to_leave)
{
    struct vm *vm = actor_vm();
    struct device *a = fixture_add(vm, TN_K_DEVICE, "disk-via,disk-fail=8"),
                  *b = fixture_add(vm, TN_K_DEVICE, "disk-via,fail=8");
    fixture_start(vm);
    ERR_AUTO e = {0}, e2 = {0};
    CHECK_EQ(device_unplug(a, &e), -EBUSY);
    CHECK_STR(err_text(&e), "disk stays on purpose");
    CHECK_EQ(device_unplug(b, &e2), -EBUSY);
    CHECK_STR(err_text(&e2), "link stays on purpose");
    vm_free(vm);
}

/* ---- the lock of a bus (gaps 13, 18) ---- */

struct waiter {
    struct domain *domain;
    struct vm *vm;
    uint32_t stop, n;
};

static void *want_lock(void *p)
{
    struct waiter *w = p;
    while (!load(&w->stop)) {
        (void)space_read(w->vm->mmio, 0x1000, 4);
        __atomic_add_fetch(&w->n, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static uint64_t zero(void *s, uint64_t off, uint32_t size)
{
    (void)s;
    (void)off;
    (void)size;
    return 0;
}

/* A child fails inside its parent's realize, with the lock of the bus held that a vCPU waits for
 * inside an access: the grace period of the child must not wait for that vCPU with the lock in
 * hand. */
TEST(a_failing_child_does_not_lock_out_a_vcpu_of_its_bus)
{
    static const struct tn_region_ops ops = {sizeof ops, 0, 0, 0, 0, 0, zero, NULL};
    struct vm *vm = actor_vm();
    struct device *h = fixture_add(vm, TN_K_DEVICE, "hub,id=h");
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x1000,
                                    .size = 0x10,
                                    .name = "hub"};
    struct tn_region *r;
    struct waiter w = {h->domain, vm, 0, 0};
    pthread_t t;
    CHECK_EQ(region_table.add(&h->pub, &q, &ops, NULL, &r, NULL),
             0); /* live at once: its device is realized */
    fixture_start(vm);
    pthread_create(&t, NULL, want_lock, &w);
    for (int i = 0; i < 100; i++) {
        uint32_t before = load(&w.n);
        CHECK(!fixture_add(vm, TN_K_DEVICE, "leaf,kids=1,kid-class=coward"));
        CHECK_STR(fixture_error, "cowards never dare");
        CHECK(!fixture_add(vm, TN_K_DEVICE, "leaf,kids=2,kid-class=actor,fail=2"));
        while (load(&w.n) == before)
            usleep(10);
    }
    store(&w.stop, 1);
    pthread_join(t, NULL);
    CHECK(device_find(vm, TN_K_DEVICE, "h"));
    vm_free(vm);
}

/* ---- overlays (gap G8) ---- */

struct window {
    struct vm *vm;
    uint32_t stop, bad, memory, trapped;
};

static uint64_t trap(void *s, uint64_t off, uint32_t size)
{
    (void)s;
    (void)off;
    (void)size;
    return 0x11111111;
}

static void *look_through(void *p)
{
    struct window *w = p;
    while (!load(&w->stop)) {
        uint64_t v = space_read(w->vm->mmio, 0x11000, 4);
        __atomic_add_fetch(v == 0x5a5a5a5a   ? &w->memory
                           : v == 0x11111111 ? &w->trapped
                                             : &w->bad,
                           1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST(g8_an_overlay_goes_while_a_vcpu_reads_through_it)
{
    static const struct tn_region_ops ops = {sizeof ops, 0, 0, 0, 0, 0, trap, NULL};
    struct vm *vm = fixture_vm();
    struct window w = {.vm = vm};
    struct tn_region *r;
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x10000,
                                    .size = 0x4000,
                                    .name = "w"};
    CHECK_EQ(region_add(vm->mmio, NULL, &q, &ops, NULL, 0, &r, NULL), 0);
    int fd = memfd_create("w", MFD_CLOEXEC);
    uint8_t page[4096];
    memset(page, 0x5a, sizeof page);
    CHECK_EQ(write(fd, page, sizeof page), sizeof page);
    pthread_t t;
    pthread_create(&t, NULL, look_through, &w);
    for (int i = 0; i < 5000 && (i < 200 || !load(&w.memory) || !load(&w.trapped)); i++) {
        CHECK_EQ(region_overlay(r, 0x1000, 0x1000, fd, 0, PROT_READ, NULL), 0);
        usleep(20);
        CHECK_EQ(region_overlay_del(r, 0x1000, 0x1000),
                 0); /* unmapped on return: a reader left in it would crash */
        usleep(20);
    }
    store(&w.stop, 1);
    pthread_join(t, NULL);
    CHECK_EQ(w.bad, 0);
    CHECK(w.memory && w.trapped);
    region_del(r);
    close(fd);
    vm_free(vm);
}

static void *ring_bell(void *p)
{
    struct window *w = p;
    while (!load(&w->stop))
        space_write(w->vm->mmio, 0x10010, 7, 2);
    return NULL;
}

/* Fewer queues after a reset: bells go while the guest still rings, and their numbers are used
 * again at once. */
TEST(g8_a_bell_goes_while_a_vcpu_rings_it)
{
    static const struct tn_region_ops none = {.struct_size = sizeof none};
    struct vm *vm = fixture_vm();
    struct window w = {.vm = vm};
    struct tn_region *r;
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x10000,
                                    .size = 0x100,
                                    .name = "b"};
    CHECK_EQ(region_add(vm->mmio, NULL, &q, &none, NULL, 0, &r, NULL), 0);
    pthread_t t;
    pthread_create(&t, NULL, ring_bell, &w);
    for (int i = 0; i < 300; i++) {
        int fd = eventfd(0, EFD_NONBLOCK), next;
        CHECK_EQ(region_ioeventfd(r, 0x10, 2, 1, 7, fd), 0);
        usleep(10);
        CHECK_EQ(region_ioeventfd_del(r, 0x10, 2, 1, 7, fd), 0);
        close(fd);
        next = eventfd(0, EFD_NONBLOCK);
        usleep(10);
        uint64_t n;
        CHECK_EQ(read(next, &n, sizeof n), (uint64_t)-1); /* nobody rang the new one */
        close(next);
        fixture_spin(vm);
    }
    store(&w.stop, 1);
    pthread_join(t, NULL);
    region_del(r);
    vm_free(vm);
}

int main(void)
{
    RUN(g3_no_access_reaches_a_child_that_goes);
    RUN(g3_a_composite_is_one_device_of_two_plugins);
    RUN(g3_a_failing_half_leaves_nothing);
    RUN(g3_both_halves_may_refuse_to_leave);
    RUN(a_failing_child_does_not_lock_out_a_vcpu_of_its_bus);
    RUN(g8_an_overlay_goes_while_a_vcpu_reads_through_it);
    RUN(g8_a_bell_goes_while_a_vcpu_rings_it);
    return tap_done();
}
