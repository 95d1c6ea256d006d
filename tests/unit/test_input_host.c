/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend/input_host.h"
#include "fake_host.h"
#include "tap.h"
#include <errno.h>
#include <linux/input.h>

struct sink {
    struct device *dev;
    uint32_t frames, events, active, changes, unlocked;
    struct tn_input_event last[8]; /* of the last frame */
};
static const struct tn_class cls = {.name = "sink", .instance_size = sizeof(struct sink)};

static void on_event(void *s, const struct tn_input_event *v, uint32_t n, uint32_t stride)
{
    struct sink *k = s;
    k->frames++;
    k->events += n;
    k->unlocked |= !domain_held(k->dev->domain);
    for (uint32_t i = 0; i < n && i < 8; i++)
        k->last[i] =
            *(const struct tn_input_event *)(const void *)((const char *)v + (uint64_t)i * stride);
}

static void on_active(void *s, uint32_t on)
{
    struct sink *k = s;
    k->active = on;
    k->changes++;
    k->unlocked |= !domain_held(k->dev->domain);
}

static const struct tn_input_ops ops = {
    .struct_size = sizeof ops, .event = on_event, .active = on_active};

static struct sink *sink(struct vm *vm, const char *id, uint32_t mask)
{
    struct device *d = fake_device(vm, &cls, id);
    struct sink *k = d->pub.self;
    k->dev = d;
    CHECK_EQ(input_table.handler(&d->pub, id, mask, &ops, k, NULL), 0);
    return k;
}

static struct vm *input_vm(void)
{
    struct vm *vm = fake_vm_new();
    vm->inputs = inputs_new(vm);
    return vm;
}

static void end(struct vm *vm)
{
    struct inputs *i = vm->inputs;
    fake_vm_free(vm);
    inputs_free(i);
}

static void run(struct vm *vm)
{
    while (loop_once(vm->main, 0))
        ;
}

static void inject(struct vm *vm, uint32_t type, uint32_t code, int32_t value)
{
    const struct tn_input_event v = {
        .struct_size = sizeof v, .type = type, .code = code, .value = value};
    inputs_inject(vm, &v, 1, sizeof v);
}

static void sync(struct vm *vm)
{
    inject(vm, EV_SYN, SYN_REPORT, 0);
}

TEST(a_frame_comes_whole_with_the_lock_from_the_context)
{
    struct vm *vm = input_vm();
    struct sink *k = sink(vm, "kbd", TN_IN_KEY);
    inject(vm, EV_KEY, KEY_A, 1);
    run(vm);
    CHECK_EQ(k->frames, 0); /* no sync yet */
    inject(vm, EV_KEY, KEY_B, 1);
    sync(vm);
    CHECK_EQ(k->frames, 0); /* not inside inject */
    run(vm);
    CHECK_EQ(k->frames, 1);
    CHECK_EQ(k->events, 3);
    CHECK_EQ(k->last[0].code, KEY_A);
    CHECK_EQ(k->last[1].code, KEY_B);
    CHECK_EQ(k->last[2].type, EV_SYN);
    CHECK_EQ(k->unlocked, 0);
    end(vm);
}

TEST(each_kind_goes_to_who_takes_it)
{
    struct vm *vm = input_vm();
    struct sink *kbd = sink(vm, "kbd", TN_IN_KEY),
                *mouse = sink(vm, "mouse", TN_IN_BTN | TN_IN_REL),
                *tablet = sink(vm, "tablet", TN_IN_BTN | TN_IN_ABS),
                *touch = sink(vm, "touch", TN_IN_MTT);
    inject(vm, EV_KEY, KEY_A, 1);
    inject(vm, EV_KEY, BTN_LEFT, 1);
    inject(vm, EV_KEY, KEY_OK, 1);
    inject(vm, EV_REL, REL_X, -3);
    inject(vm, EV_ABS, ABS_X, 0x7fff);
    inject(vm, EV_ABS, ABS_MT_SLOT, 1);
    sync(vm);
    run(vm);
    CHECK_EQ(kbd->events, 3);
    CHECK_EQ(kbd->last[1].code, KEY_OK);
    CHECK_EQ(mouse->events, 3);
    CHECK_EQ(mouse->last[1].value, (uint64_t)-3);
    CHECK_EQ(tablet->events, 2);
    CHECK_EQ(touch->events, 2);
    end(vm);
}

TEST(the_device_activated_last_gets_the_events)
{
    struct vm *vm = input_vm();
    struct sink *ps2 = sink(vm, "ps2", TN_IN_KEY), *usb = sink(vm, "usb", TN_IN_KEY);
    run(vm);
    CHECK_EQ(ps2->active, 1);
    CHECK_EQ(usb->changes, 0);
    input_table.activate(&usb->dev->pub, 1);
    inject(vm, EV_KEY, KEY_A, 1);
    sync(vm);
    run(vm);
    CHECK_EQ(usb->frames, 1);
    CHECK_EQ(ps2->frames, 0);
    CHECK_EQ(usb->active, 1);
    CHECK_EQ(ps2->active, 0);
    input_table.activate(&usb->dev->pub, 0);
    inject(vm, EV_KEY, KEY_A, 0);
    sync(vm);
    run(vm);
    CHECK_EQ(usb->frames, 1);
    CHECK_EQ(ps2->frames, 1);
    CHECK_EQ(ps2->active, 1);
    end(vm);
}

TEST(another_takes_over_when_a_device_goes)
{
    struct vm *vm = input_vm();
    struct sink *first = sink(vm, "first", TN_IN_KEY), *second = sink(vm, "second", TN_IN_KEY);
    inject(vm, EV_KEY, KEY_A, 1);
    sync(vm);
    fake_device_free(first->dev); /* with a frame waiting */
    run(vm);
    inject(vm, EV_KEY, KEY_A, 0);
    sync(vm);
    run(vm);
    CHECK_EQ(second->frames, 1);
    CHECK_EQ(second->active, 1);
    end(vm);
}

TEST(a_device_that_does_not_keep_up_loses_whole_frames)
{
    struct vm *vm = input_vm();
    struct sink *k = sink(vm, "kbd", TN_IN_KEY);
    for (int i = 0; i < 2000; i++) {
        inject(vm, EV_KEY, KEY_A, 1);
        inject(vm, EV_KEY, KEY_B, 1);
        sync(vm);
    }
    run(vm);
    CHECK(k->frames > 300);
    CHECK(k->frames < 400);
    CHECK_EQ(k->events, 3 * (uint64_t)k->frames);
    inject(vm, EV_KEY, KEY_C, 1);
    sync(vm);
    run(vm);
    CHECK_EQ(k->last[0].code, KEY_C);
    end(vm);
}

static void on_leds(void *o, uint32_t bits)
{
    *(uint32_t *)o += bits;
}

TEST(leds_are_those_of_the_keyboard_that_gets_the_keys)
{
    struct vm *vm = input_vm();
    uint32_t sum = 0;
    struct sink *ps2 = sink(vm, "ps2", TN_IN_KEY), *usb = sink(vm, "usb", TN_IN_KEY);
    inputs_on_leds(vm, on_leds, &sum);
    input_table.leds(&ps2->dev->pub, 2);
    input_table.leds(&ps2->dev->pub, 2);
    input_table.leds(&usb->dev->pub, 4);
    CHECK_EQ(sum, 2);
    CHECK_EQ(inputs_leds(vm), 2);
    end(vm);
}

TEST(a_handler_for_nothing_is_refused)
{
    struct vm *vm = input_vm();
    struct device *d = fake_device(vm, &cls, "d");
    struct tn_err e = {0};
    CHECK_EQ(input_table.handler(&d->pub, "x", 0, &ops, NULL, &e), -EINVAL);
    err_clear(&e);
    end(vm);
}

TEST(events_of_unknown_type_are_dropped)
{
    struct vm *vm = input_vm();
    struct sink *k = sink(vm, "all", TN_IN_KEY | TN_IN_BTN | TN_IN_REL | TN_IN_ABS | TN_IN_MTT);
    inject(vm, EV_SND, 0, 1);
    inject(vm, 0xffffffff, 0, 1);
    sync(vm);
    run(vm);
    CHECK_EQ(k->frames, 0);
    end(vm);
}

int main(void)
{
    RUN(a_frame_comes_whole_with_the_lock_from_the_context);
    RUN(each_kind_goes_to_who_takes_it);
    RUN(the_device_activated_last_gets_the_events);
    RUN(another_takes_over_when_a_device_goes);
    RUN(a_device_that_does_not_keep_up_loses_whole_frames);
    RUN(leds_are_those_of_the_keyboard_that_gets_the_keys);
    RUN(a_handler_for_nothing_is_refused);
    RUN(events_of_unknown_type_are_dropped);
    return tap_done();
}
