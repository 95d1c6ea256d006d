/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of devices: who is let in, and what goes on while they come, go and move (G01, G04). */
#include "space_rig.h"

/* ---- with devices ---- */

struct probe {
    struct tn_dev *dev;
    struct tn_region *region;
    uint32_t inside, worst, calls;
    uint32_t wait; /* for the other thread to come in too */
};

static uint64_t probe_read(void *s, uint64_t off, uint32_t size)
{
    struct probe *p = s;
    (void)off;
    (void)size;
    uint32_t n = __atomic_add_fetch(&p->inside, 1, __ATOMIC_SEQ_CST);
    if (n > __atomic_load_n(&p->worst, __ATOMIC_RELAXED))
        __atomic_store_n(&p->worst, n, __ATOMIC_RELAXED);
    __atomic_add_fetch(&p->calls, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 200; i++)
        __builtin_ia32_pause();
    for (int i = 0; i < 2000 && __atomic_load_n(&p->wait, __ATOMIC_RELAXED) &&
                    __atomic_load_n(&p->worst, __ATOMIC_RELAXED) < 2;
         i++)
        usleep(1000);
    __atomic_sub_fetch(&p->inside, 1, __ATOMIC_SEQ_CST);
    return 0x42;
}

static const struct tn_region_ops exclusive_ops = {sizeof exclusive_ops, 0,   0, 0, 0, 0,
                                                   probe_read,           NULL};
static const struct tn_region_ops shared_ops = {sizeof shared_ops, TN_RO_NO_LOCK, 0, 0, 0, 0,
                                                probe_read,        NULL};

static int probe_init(void *s, struct tn_dev *d)
{
    ((struct probe *)s)->dev = d;
    return 0;
}

static int probe_realize(void *s, struct tn_err *e)
{
    struct probe *p = s;
    const struct tn_regions *t = TN_GET(p->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = MMIO,
                                    .base = *(const uint64_t *)p->dev->cls->data,
                                    .size = 0x10,
                                    .name = "p"};
    return t->add(p->dev, &q,
                  *(const uint64_t *)p->dev->cls->data == 0x1000 ? &exclusive_ops : &shared_ops, p,
                  &p->region, e);
}

static const uint64_t bases[] = {0x1000, 0x2000};
static const struct tn_class exclusive = {.struct_size = sizeof exclusive,
                                          .flags = TN_C_HOTPLUG,
                                          .name = "exclusive",
                                          .data = &bases[0],
                                          .instance_size = sizeof(struct probe),
                                          .init = probe_init,
                                          .realize = probe_realize};
static const struct tn_class shared = {.struct_size = sizeof shared,
                                       .flags = TN_C_HOTPLUG | TN_C_THREADSAFE,
                                       .name = "shared",
                                       .data = &bases[1],
                                       .instance_size = sizeof(struct probe),
                                       .init = probe_init,
                                       .realize = probe_realize};
FIXTURE_PLUGIN(probes, &exclusive, &shared);

struct hammer {
    struct vm *vm;
    uint64_t addr;
    uint32_t stop, bad, n;
};

static void *hammer(void *p)
{
    struct hammer *h = p;
    while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
        uint64_t v = space_read(h->vm->mmio, h->addr, 1);
        if (v != 0x42 && v != 0xff)
            __atomic_store_n(&h->bad, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&h->n, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Two threads at addr for a while; the most that were in the callback at once. */
static uint32_t worst_at(struct vm *vm, struct device *d, uint64_t addr)
{
    struct hammer h = {vm, addr, 0, 0, 0};
    struct probe *p = device_self(d);
    pthread_t t[2];
    p->wait = addr == 0x2000;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, hammer, &h);
    for (int i = 0; i < 2000 && __atomic_load_n(&p->calls, __ATOMIC_RELAXED) < 2000; i++)
        usleep(1000);
    __atomic_store_n(&h.stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return __atomic_load_n(&p->worst, __ATOMIC_RELAXED);
}

/* G01: exclusive ranges see one access at a time, shared ones as many as there are threads. */
TEST(only_exclusive_ranges_are_serialised)
{
    struct vm *vm = fixture_vm_with(&probes);
    struct device *x = fixture_add(vm, TN_K_DEVICE, "exclusive"),
                  *s = fixture_add(vm, TN_K_DEVICE, "shared");
    CHECK(x && s);
    CHECK_EQ(worst_at(vm, x, 0x1000), 1);
    CHECK_EQ(worst_at(vm, s, 0x2000), 2);
    vm_free(vm);
}

/* A range can be reached only when its device is realized, and no longer when it goes. */
TEST(ranges_are_reachable_while_their_device_is)
{
    struct vm *vm = fixture_vm_with(&probes);
    struct device *d = fixture_add(vm, TN_K_DEVICE, "exclusive");
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0x42);
    CHECK(!fixture_add(vm, TN_K_DEVICE, "exclusive"));
    CHECK(strstr(fixture_error, "overlaps 'p' of /machine/peripheral-anon/device[0]"));
    device_free(d);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 1), 0xff);
    CHECK(fixture_add(vm, TN_K_DEVICE, "exclusive"));
    vm_free(vm);
}

/* G11: two vCPUs at the ranges of devices that come and go, and one that moves. TSan's favourite.
 */
TEST(dispatch_goes_on_while_ranges_come_go_and_move)
{
    struct vm *vm = fixture_vm_with(&probes);
    struct hammer h[2] = {{vm, 0x1000, 0, 0, 0}, {vm, 0x2000, 0, 0, 0}};
    pthread_t t[2];
    fixture_start(vm);
    for (int i = 0; i < 2; i++) {
        pthread_create(&t[i], NULL, hammer, &h[i]);
        while (!__atomic_load_n(&h[i].n, __ATOMIC_RELAXED))
            usleep(100);
    }
    for (int i = 0; i < 100; i++) {
        struct device *x = fixture_add(vm, TN_K_DEVICE, "exclusive"),
                      *s = fixture_add(vm, TN_K_DEVICE, "shared");
        CHECK(x && s);
        for (uint64_t at = 0x5000; at < 0x5004; at++) {
            domain_lock(s->domain);
            region_move(((struct probe *)device_self(s))->region, at == 0x5003 ? 0x1008 : at);
            domain_unlock(s->domain);
            fixture_spin(vm);
        }
        device_free(i % 2 ? x : s);
        device_free(i % 2 ? s : x);
        fixture_spin(vm);
    }
    for (int i = 0; i < 2; i++) {
        __atomic_store_n(&h[i].stop, 1, __ATOMIC_RELEASE);
        pthread_join(t[i], NULL);
        CHECK_EQ(h[i].bad, 0);
    }
    vm_free(vm);
}

/* What a range's owner frees after region_del() is seen by nobody. */
TEST(a_range_is_out_of_reach_when_its_removal_returns)
{
    struct vm *vm = fixture_vm();
    struct hammer h = {vm, 0x1000, 0, 0, 0};
    pthread_t t;
    pthread_create(&t, NULL, hammer, &h);
    for (int i = 0; i < 300; i++) {
        struct probe *p = calloc(1, sizeof *p);
        struct tn_region *r = with_ops(vm, MMIO, 0x1000, 0x10, &shared_ops, p);
        for (int k = 0; k < 1000 && !__atomic_load_n(&p->calls, __ATOMIC_RELAXED); k++)
            usleep(20);
        region_del(r);
        CHECK_EQ(__atomic_load_n(&p->inside, __ATOMIC_SEQ_CST), 0);
        free(p);
        if (i % 3 == 0)
            fixture_spin(vm);
    }
    __atomic_store_n(&h.stop, 1, __ATOMIC_RELEASE);
    pthread_join(t, NULL);
    CHECK_EQ(h.bad, 0);
    vm_free(vm);
}

int main(void)
{
    RUN(only_exclusive_ranges_are_serialised);
    RUN(ranges_are_reachable_while_their_device_is);
    RUN(dispatch_goes_on_while_ranges_come_go_and_move);
    RUN(a_range_is_out_of_reach_when_its_removal_returns);
    return tap_done();
}
