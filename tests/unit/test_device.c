/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an instance: docs/abi.md's picture, step by step. Gaps 7, 8, 13. */
#include "device_rig.h"

static void global(const char *cls, const char *prop, const char *value)
{
    vm->globals = xrealloc(vm->globals, (vm->nglobals + 1) * sizeof *vm->globals);
    vm->globals[vm->nglobals++] = (struct global){xstrdup(cls), xstrdup(prop), xstrdup(value), 0};
}

/* 1 if the words come in this order in the log. */
static int in_order(const char *const *words)
{
    const char *at = actor_log;
    for (; *words; words++) {
        const char *hit = strstr(at, *words);
        if (!hit) {
            printf("# no %s in: %s\n", *words, actor_log);
            return 0;
        }
        at = hit + strlen(*words);
    }
    return 1;
}

#define IN_ORDER(...) in_order((const char *const[]){__VA_ARGS__, NULL})

/* ---- from init to fini ---- */

TEST(a_cold_device_is_realized_then_reset_then_resumed_then_taken_apart)
{
    vm = actor_vm();
    struct device *d = add("actor,tag=a");
    CHECK_STR(actor_log, "realize(a) ");
    fixture_start(vm);
    CHECK_STR(actor_log, "realize(a) reset1.1(a) reset1.2(a) reset1.3(a) resume(a) ");
    actor_clear();
    device_free(d);
    CHECK_STR(actor_log, "unrealize(a) fini(a) ");
    vm_free(vm);
}

TEST(a_hotplugged_device_is_reset_before_it_can_be_reached)
{
    vm = actor_vm();
    fixture_start(vm);
    struct device *d = add("actor,tag=a");
    CHECK_STR(actor_log, "realize(a) reset1.1(a) reset1.2(a) reset1.3(a) resume(a) ");
    CHECK_EQ(d->flags, TN_DEV_HOTPLUGGED | TN_DEV_REALIZED);
    vm_free(vm);
}

TEST(classes_that_cannot_come_late_do_not)
{
    vm = actor_vm();
    CHECK(add("statue"));
    fixture_start(vm);
    CHECK(!add("statue"));
    CHECK_STR(fixture_error, "Device 'statue' does not support hotplugging");
    CHECK(!add("link"));
    CHECK_STR(fixture_error, "Parameter 'driver' expects a pluggable device type");
    vm_free(vm);
}

/* docs/abi.md: a failed realize is the same without unrealize; resources go back newest first. */
TEST(a_failing_realize_gives_everything_back_newest_first)
{
    vm = actor_vm();
    CHECK(!add("actor,tag=a,shares=3,fail=2"));
    CHECK_STR(fixture_error, "late on purpose");
    CHECK_STR(actor_log,
              "realize(a) open(s0) open(s1) open(s2) close(s2) close(s1) close(s0) fini(a) ");
    CHECK(TAILQ_EMPTY(&vm->devices));
    CHECK(LIST_EMPTY(&vm->shared));
    actor_clear();
    CHECK(!add("actor,tag=a,fail=1"));
    CHECK_STR(actor_log, "realize(a) fini(a) ");
    vm_free(vm);
}

TEST(a_device_that_never_got_to_realize_has_fini_only)
{
    vm = actor_vm();
    CHECK(!add("actor,tag=a,bogus=1"));
    CHECK_STR(actor_log, "fini(a) ");
    CHECK(TAILQ_EMPTY(&vm->devices));
    CHECK(!add("actor,id=1bad"));
    CHECK_STR(fixture_error, "Parameter 'id' expects an identifier, not '1bad'");
    CHECK(add("actor,id=x"));
    CHECK(!add("actor,id=x"));
    CHECK_STR(fixture_error, "Duplicate device ID 'x'");
    CHECK(!add("nope"));
    CHECK_STR(fixture_error, "'nope' is not a valid device model name");
    vm_free(vm);
}

static int bad_init(void *s, struct tn_dev *d)
{
    (void)s;
    (void)d;
    return -ENOMEM;
}

static void must_not(void *s)
{
    (void)s;
    abort();
}

TEST(an_init_that_fails_is_followed_by_nothing)
{
    static const struct tn_class stillborn = {.struct_size = sizeof stillborn,
                                              .name = "stillborn",
                                              .instance_size = 8,
                                              .init = bad_init,
                                              .unrealize = must_not,
                                              .fini = must_not};
    FIXTURE_PLUGIN(stillborns, &stillborn);
    vm = fixture_vm_with(&stillborns);
    CHECK(!add("stillborn"));
    CHECK(TAILQ_EMPTY(&vm->devices));
    vm_free(vm);
}

static int silent_realize(void *s, struct tn_err *e)
{
    (void)s;
    (void)e;
    return -ENODEV;
}

TEST(a_realize_that_says_nothing_is_given_a_text)
{
    static const struct tn_class silent = {.struct_size = sizeof silent,
                                           .name = "silent",
                                           .instance_size = 8,
                                           .realize = silent_realize};
    FIXTURE_PLUGIN(silents, &silent);
    vm = fixture_vm_with(&silents);
    CHECK(!add("silent"));
    CHECK_STR(fixture_error, "silent: No such device");
    vm_free(vm);
}

/* Gap G15: realize TN_PENDING, completed from the loop. */
TEST(a_realize_may_take_its_time)
{
    vm = actor_vm();
    struct device *d = add("actor,tag=a,pending=1");
    CHECK(d && d->stage == DEV_REALIZED);
    CHECK_STR(actor_log, "realize(a) finish(a) ");
    actor_clear();
    CHECK(!add("actor,tag=b,pending=1,fail=2,shares=1"));
    CHECK_STR(fixture_error, "late on purpose");
    CHECK_STR(actor_log, "realize(b) open(s0) finish(b) close(s0) fini(b) ");
    vm_free(vm);
}

/* ---- reset ---- */

TEST(each_reset_phase_runs_over_all_devices_first)
{
    vm = actor_vm();
    CHECK(add("actor,tag=a") && add("actor,tag=b"));
    actor_clear();
    devices_reset(vm, TN_RESET_WARM);
    CHECK_STR(actor_log,
              "reset2.1(a) reset2.1(b) reset2.2(a) reset2.2(b) reset2.3(a) reset2.3(b) ");
    vm_free(vm);
}

TEST(the_reset_of_one_device_covers_what_is_below_it)
{
    vm = actor_vm();
    struct device *h = add("hub,tag=h,id=h,kids=1,kid-class=leaf");
    CHECK(add("leaf,tag=l,bus=h.0") && add("actor,tag=other"));
    actor_clear();
    device_reset(h, TN_RESET_BUS);
    CHECK(IN_ORDER("reset3.1(h)", "reset3.1(kid0)", "reset3.1(l)", "reset3.2(h)", "reset3.3(l)"));
    CHECK(!strstr(actor_log, "other"));
    vm_free(vm);
}

/* ---- quiesce ---- */

TEST(providers_come_to_rest_first_and_go_on_last)
{
    vm = actor_vm();
    CHECK(add("hub,tag=h,id=h") && add("leaf,tag=l") && add("disk-via,id=d"));
    fixture_start(vm);
    actor_clear();
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, NULL), 0);
    CHECK_STR(actor_log, "quiesce1(h) quiesce1(l) quiesce1(link) quiesce1(disk) ");
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, NULL), 0); /* they are already */
    devices_resume(vm);
    CHECK_STR(actor_log, "quiesce1(h) quiesce1(l) quiesce1(link) quiesce1(disk) resume(disk) "
                         "resume(link) resume(l) resume(h) ");
    vm_free(vm);
}

TEST(a_device_may_come_to_rest_later)
{
    vm = actor_vm();
    CHECK(add("actor,tag=a,pending=2") && add("actor,tag=b"));
    fixture_start(vm);
    actor_clear();
    CHECK_EQ(devices_quiesce(vm, TN_Q_RESET, NULL), 0);
    CHECK_STR(actor_log, "quiesce2(a) finish(a) quiesce2(b) ");
    vm_free(vm);
}

TEST(one_that_fails_to_rest_lets_the_others_go_on)
{
    vm = actor_vm();
    CHECK(add("actor,tag=a") && add("actor,tag=b,fail=4,id=b"));
    fixture_start(vm);
    actor_clear();
    ERR_AUTO e = {0};
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), -EIO);
    CHECK_STR(err_text(&e), "Device 'b' does not come to rest: Input/output error");
    CHECK_STR(actor_log, "quiesce1(a) quiesce1(b) resume(b) resume(a) ");
    vm_free(vm);
}

/* Gap G15: the deadline, then FORCE; what comes after that is too late to count. */
TEST(a_device_that_hangs_is_cut_off)
{
    vm = actor_vm();
    vm->quiesce_ms = 20;
    struct device *d = add("actor,tag=a,pending=4");
    fixture_start(vm);
    actor_clear();
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, NULL), 0);
    CHECK_STR(actor_log, "quiesce1(a) quiesce1!(a) ");
    devices_resume(vm);
    d->pub.core->quiesced(&d->pub, -EIO); /* the daemon is back, late */
    actor_of(d)->pending = 0;
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, NULL), 0);
    CHECK(IN_ORDER("resume(a)", "quiesce1(a)")); /* it was asked again */
    vm_free(vm);
}

/* ---- globals ---- */

TEST(globals_come_before_the_users_own)
{
    vm = actor_vm();
    global("actor", "value", "5");
    global("leaf", "port", "7");
    global("leaf", "value", "8");
    CHECK(add("hub"));
    struct device *a = add("actor"), *b = add("actor,value=6"), *l = add("leaf"),
                  *m = add("leaf,port=2");
    CHECK_EQ(actor_of(a)->value, 5);
    CHECK_EQ(actor_of(b)->value, 6);
    CHECK_EQ(((struct port_data *)l->bus_child)->port, 7);
    CHECK_EQ(((struct port_data *)m->bus_child)->port, 2);
    CHECK_EQ(actor_of(l)->value, 8);
    vm_free(vm);
}

TEST(globals_that_do_not_fit_are_refused_before_the_machine_runs)
{
    vm = actor_vm();
    ERR_AUTO e = {0}, text = {0};
    global("actor", "bogus", "1");
    CHECK(!device_new(vm, registry_class(vm->registry, TN_K_DEVICE, "actor", &e), NULL, NULL, NULL,
                      &text));
    CHECK_STR(err_text(&text),
              "can't apply global actor.bogus=1: Property 'actor.bogus' not found");
    fixture_start(vm);
    CHECK(add("actor")); /* plugged into a running machine: a warning */
    vm_free(vm);
}

/* Gap G3: -global works on both names of a composite, and never against what the user gave. */
TEST(globals_reach_both_halves_of_a_composite)
{
    vm = actor_vm();
    global("disk", "sectors", "11");
    global("disk-via", "value", "12");
    struct device *a = add("disk-via"), *b = add("disk-via,sectors=13,value=14");
    CHECK_EQ(actor_of(a->inner)->value, 11);
    CHECK_EQ(actor_of(a)->value, 12);
    CHECK_EQ(actor_of(b->inner)->value, 13);
    CHECK_EQ(actor_of(b)->value, 14);
    global("disk-via", "sectors", "15"); /* the composite's name is the nearer one */
    CHECK_EQ(actor_of(add("disk-via")->inner)->value, 15);
    vm_free(vm);
}

/* ---- unplug ---- */

TEST(a_device_without_an_opinion_goes_soon)
{
    vm = actor_vm();
    struct device *d = add("actor,tag=a,id=a");
    fixture_start(vm);
    actor_clear();
    CHECK_EQ(device_unplug(d, NULL), 0);
    CHECK_STR(actor_log, "");
    ERR_AUTO e = {0};
    CHECK_EQ(device_unplug(d, &e), -EBUSY);
    CHECK_STR(err_text(&e), "Device a is already in the process of unplug");
    fixture_spin(vm);
    CHECK_STR(actor_log, "quiesce3(a) unrealize(a) fini(a) ");
    vm_free(vm);
}

TEST(a_class_refuses_or_asks_the_guest)
{
    vm = actor_vm();
    struct device *d = add("actor,tag=a,id=a,fail=8"), *g = add("actor,tag=g,id=g,pending=8"),
                  *s = add("statue,id=s");
    fixture_start(vm);
    ERR_AUTO e = {0}, e2 = {0};
    CHECK_EQ(device_unplug(d, &e), -EBUSY);
    CHECK_STR(err_text(&e), "a stays on purpose");
    CHECK_EQ(device_unplug(s, &e2), -EBUSY);
    CHECK_STR(err_text(&e2), "Device 'statue' does not support hotplugging");
    actor_clear();
    CHECK_EQ(device_unplug(g, NULL), 0);
    CHECK_EQ(device_unplug(g, NULL), 0); /* the guest did not listen: asked again */
    fixture_spin(vm);
    CHECK_STR(actor_log, "asked(g) asked(g) ");
    g->pub.core->unplugged(&g->pub);
    g->pub.core->unplugged(&g->pub); /* twice is once */
    fixture_spin(vm);
    CHECK_STR(actor_log, "asked(g) asked(g) quiesce3(g) unrealize(g) fini(g) ");
    vm_free(vm);
}

TEST(what_others_hold_stays)
{
    vm = actor_vm();
    fixture_register(vm, &joiners);
    struct device *h = add("hub,id=h"), *l = add("leaf,id=l"), *j = add("joiner,other=l");
    ERR_AUTO e = {0}, e2 = {0};
    fixture_start(vm);
    CHECK_EQ(device_unplug(l, &e), -EBUSY);
    CHECK_EQ(device_unplug(h, &e2), -EBUSY); /* the leaf would go with it */
    l->pub.core->unplugged(&l->pub);         /* not even if the guest is done with it */
    fixture_spin(vm);
    CHECK(device_find(vm, TN_K_DEVICE, "l") == l);
    device_free(j);
    CHECK_EQ(device_unplug(h, NULL), 0);
    fixture_spin(vm);
    CHECK(TAILQ_EMPTY(&vm->devices));
    vm_free(vm);
}

/* Gap G17: the back end is gone for good. */
TEST(a_device_may_want_to_leave)
{
    vm = actor_vm();
    struct device *d = add("disk-via,id=a");
    fixture_start(vm);
    actor_clear();
    d->inner->pub.core->unplug(&d->inner->pub, "its daemon died");
    fixture_spin(vm);
    CHECK(IN_ORDER("quiesce3(link)", "quiesce3(disk)", "unrealize(disk)", "unrealize(link)"));
    CHECK(TAILQ_EMPTY(&vm->devices));
    vm_free(vm);
}

TEST(requests_about_a_device_that_is_gone_are_forgotten)
{
    vm = actor_vm();
    struct device *d = add("actor,id=a");
    fixture_start(vm);
    d->pub.core->unplugged(&d->pub);
    d->pub.core->unplug(&d->pub, "on purpose");
    device_free(d);
    fixture_spin(vm);
    vm_free(vm);
}

int main(void)
{
    RUN(a_cold_device_is_realized_then_reset_then_resumed_then_taken_apart);
    RUN(a_hotplugged_device_is_reset_before_it_can_be_reached);
    RUN(classes_that_cannot_come_late_do_not);
    RUN(a_failing_realize_gives_everything_back_newest_first);
    RUN(a_device_that_never_got_to_realize_has_fini_only);
    RUN(an_init_that_fails_is_followed_by_nothing);
    RUN(a_realize_that_says_nothing_is_given_a_text);
    RUN(a_realize_may_take_its_time);
    RUN(each_reset_phase_runs_over_all_devices_first);
    RUN(the_reset_of_one_device_covers_what_is_below_it);
    RUN(providers_come_to_rest_first_and_go_on_last);
    RUN(a_device_may_come_to_rest_later);
    RUN(one_that_fails_to_rest_lets_the_others_go_on);
    RUN(a_device_that_hangs_is_cut_off);
    RUN(globals_come_before_the_users_own);
    RUN(globals_that_do_not_fit_are_refused_before_the_machine_runs);
    RUN(globals_reach_both_halves_of_a_composite);
    RUN(a_device_without_an_opinion_goes_soon);
    RUN(a_class_refuses_or_asks_the_guest);
    RUN(what_others_hold_stays);
    RUN(a_device_may_want_to_leave);
    RUN(requests_about_a_device_that_is_gone_are_forgotten);
    return tap_done();
}
