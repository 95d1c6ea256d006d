/* SPDX-License-Identifier: BSD-2-Clause */
/* core->stall: accesses whose answer takes time, from a vCPU and from the main thread (qtest). Gap
 * G1. */
#include "tap.h"
#include "vm_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* Reads and writes stall until `ready`; what then happens is counted. */
struct slow {
    struct tn_dev *dev;
    struct tn_region *region;
    uint64_t token, second;
    uint32_t ready, stalled, reads, writes;
    int busy;
};

static void stall(struct slow *d)
{
    if (__atomic_load_n(&d->ready, __ATOMIC_ACQUIRE) || d->dev->core->stall(d->dev, &d->token) < 0)
        return;
    d->busy = d->dev->core->stall(d->dev, &d->second);
    __atomic_store_n(&d->stalled, 1, __ATOMIC_RELEASE);
}

static uint64_t on_read(void *s, uint64_t off, uint32_t size)
{
    struct slow *d = s;
    (void)off;
    (void)size;
    d->reads++;
    stall(d);
    return __atomic_load_n(&d->ready, __ATOMIC_ACQUIRE) ? 0x77 : 0;
}

static void on_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct slow *d = s;
    (void)off;
    (void)v;
    (void)size;
    d->writes++;
    stall(d);
}

static const struct tn_region_ops ops = {sizeof ops, 0, 1, 8, 1, 4, on_read, on_write};

static int init(void *s, struct tn_dev *d)
{
    ((struct slow *)s)->dev = d;
    return 0;
}

static int realize(void *s, struct tn_err *e)
{
    struct slow *d = s;
    const struct tn_region_req q = {.struct_size = sizeof q,
                                    .space = TN_SPACE_MMIO,
                                    .base = 0x1000,
                                    .size = 0x100,
                                    .name = "slow"};
    return TN_GET(d->dev, struct tn_regions, TN_REGION_1)->add(d->dev, &q, &ops, d, &d->region, e);
}

static const struct tn_class slow = {.struct_size = sizeof slow,
                                     .flags = TN_C_HOTPLUG,
                                     .name = "slow",
                                     .instance_size = sizeof(struct slow),
                                     .init = init,
                                     .realize = realize};
FIXTURE_PLUGIN(slows, &slow);

struct vcpu {
    struct vm *vm;
    uint64_t value;
    uint32_t size, write, done;
    pthread_t thread;
};

static void *access_once(void *p)
{
    struct vcpu *c = p;
    if (c->write)
        space_write(c->vm->mmio, 0x1000, 1, c->size);
    else
        c->value = space_read(c->vm->mmio, 0x1000, c->size);
    __atomic_store_n(&c->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static struct slow *start(struct vm *vm, struct vcpu *c, struct device **dev)
{
    *dev = fixture_add(vm, TN_K_DEVICE, "slow");
    struct slow *d = device_self(*dev);
    fixture_start(vm);
    pthread_create(&c->thread, NULL, access_once, c);
    return fixture_until(vm, &d->stalled) ? d : NULL;
}

static void finish(struct slow *d)
{
    __atomic_store_n(&d->ready, 1, __ATOMIC_RELEASE);
    d->dev->core->unstall(d->dev, d->token);
}

TEST(a_stalled_read_is_called_again_and_answers_then)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct vcpu c = {.vm = vm, .size = 4};
    struct device *dev;
    struct slow *d = start(vm, &c, &dev);
    CHECK(d);
    CHECK_EQ(d->busy, -EBUSY); /* one access, one stall */
    usleep(2000);
    CHECK_EQ(__atomic_load_n(&c.done, __ATOMIC_ACQUIRE), 0);
    domain_lock(dev->domain); /* is free meanwhile: would hang */
    domain_unlock(dev->domain);
    finish(d);
    pthread_join(c.thread, NULL);
    CHECK_EQ(c.value, 0x77);
    CHECK_EQ(d->reads, 2);
    vm_free(vm);
}

TEST(a_stalled_write_is_not_called_again)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct vcpu c = {.vm = vm, .size = 4, .write = 1};
    struct device *dev;
    struct slow *d = start(vm, &c, &dev);
    finish(d);
    pthread_join(c.thread, NULL);
    CHECK_EQ(d->writes, 1);
    vm_free(vm);
}

/* Eight bytes for a device that takes four: the first half stalls, the second follows. */
TEST(the_rest_of_a_split_write_follows_the_stall)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct vcpu c = {.vm = vm, .size = 8, .write = 1};
    struct device *dev;
    struct slow *d = start(vm, &c, &dev);
    CHECK_EQ(d->writes, 1);
    finish(d);
    pthread_join(c.thread, NULL);
    CHECK_EQ(d->writes, 2);
    vm_free(vm);
}

/* What the access waits for may need a grace period itself: a BAR that moves, a device that goes.
 */
TEST(main_changes_the_address_space_while_an_access_is_stalled)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct vcpu c = {.vm = vm, .size = 4};
    struct device *dev;
    struct slow *d = start(vm, &c, &dev);
    for (uint64_t at = 0x2000; at < 0x2010; at++) {
        CHECK_EQ(region_move(d->region, at), 0);
        fixture_spin(vm); /* frees the old view, after a grace period */
    }
    finish(d);
    pthread_join(c.thread, NULL);
    CHECK_EQ(c.value, 0x77); /* it has begun before the range moved */
    vm_free(vm);
}

TEST(a_device_that_goes_lets_its_stalled_accesses_go)
{
    struct vm *vm = fixture_vm_with(&slows);
    for (uint32_t write = 0; write < 2; write++) {
        struct vcpu c = {.vm = vm, .size = 4, .write = write};
        struct device *dev;
        CHECK(start(vm, &c, &dev));
        device_free(dev);
        pthread_join(c.thread, NULL);
        CHECK_EQ(c.value, write ? 0 : 0xffffffff);
    }
    vm_free(vm);
}

/* Eight bytes for a device that takes four: there is nobody left to ask for the second half. */
TEST(the_rest_of_a_split_read_does_not_reach_a_device_that_went)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct vcpu c = {.vm = vm, .size = 8};
    struct device *dev;
    CHECK(start(vm, &c, &dev));
    device_free(dev);
    pthread_join(c.thread, NULL);
    CHECK_EQ(c.value, ~(uint64_t)0);
    vm_free(vm);
}

TEST(tokens_that_are_not_waited_for_are_ignored)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct vcpu c = {.vm = vm, .size = 4};
    struct device *dev;
    struct slow *d = start(vm, &c, &dev);
    d->dev->core->unstall(d->dev, d->token + 1);
    d->dev->core->unstall(d->dev, 0);
    usleep(2000);
    CHECK_EQ(__atomic_load_n(&c.done, __ATOMIC_ACQUIRE), 0);
    finish(d);
    pthread_join(c.thread, NULL);
    finish(d); /* twice */
    uint64_t token;
    CHECK_EQ(d->dev->core->stall(d->dev, &token), -EBUSY); /* this is no access */
    vm_free(vm);
}

/* ---- the main thread is the guest ---- */

static void answer(void *s)
{
    finish(s);
}

static void look(void *s)
{
    struct vm *vm = s;
    (void)space_read(vm->mmio, 0x8000, 1); /* an access of its own, while the other waits */
}

TEST(the_main_loop_goes_on_below_a_stalled_access_of_the_main_thread)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct device *dev = fixture_add(vm, TN_K_DEVICE, "slow");
    struct slow *d = device_self(dev);
    fixture_start(vm);
    struct tn_bh *b = bh_new(vm->main, NULL, 0, answer, d),
                 *other = bh_new(vm->main, NULL, 0, look, vm);
    bh_kick(other);
    bh_kick(b);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 4), 0x77);
    CHECK_EQ(d->reads, 2);
    CHECK_EQ(space_misses(vm->mmio), 1);
    bh_del(b);
    bh_del(other);
    vm_free(vm);
}

static void unplug_now(void *s)
{
    device_free(s);
}

TEST(the_device_goes_below_a_stalled_access_of_the_main_thread)
{
    struct vm *vm = fixture_vm_with(&slows);
    struct device *dev = fixture_add(vm, TN_K_DEVICE, "slow");
    fixture_start(vm);
    bh_once_about(vm->main, dev, unplug_now, dev);
    CHECK_EQ(space_read(vm->mmio, 0x1000, 4), 0xffffffff);
    vm_free(vm);
}

int main(void)
{
    RUN(a_stalled_read_is_called_again_and_answers_then);
    RUN(a_stalled_write_is_not_called_again);
    RUN(the_rest_of_a_split_write_follows_the_stall);
    RUN(main_changes_the_address_space_while_an_access_is_stalled);
    RUN(a_device_that_goes_lets_its_stalled_accesses_go);
    RUN(the_rest_of_a_split_read_does_not_reach_a_device_that_went);
    RUN(tokens_that_are_not_waited_for_are_ignored);
    RUN(the_main_loop_goes_on_below_a_stalled_access_of_the_main_thread);
    RUN(the_device_goes_below_a_stalled_access_of_the_main_thread);
    return tap_done();
}
