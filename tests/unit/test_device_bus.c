/* SPDX-License-Identifier: BSD-2-Clause */
/* Instances among others: buses, children, who finds whom. Gaps G3, 14, 18, 19. */
#include "device_rig.h"

/* ---- buses ---- */

TEST(attach_realize_plugged_come_in_order_and_detach_answers_check)
{
    vm = actor_vm();
    CHECK(add("hub,tag=h,id=h"));
    actor_clear();
    struct device *l = add("leaf,tag=l,port=4");
    CHECK_STR(actor_log, "check(l) attach(l) realize(l) plugged(h) ");
    CHECK_EQ(((struct port_data *)l->bus_child)->port, 4);
    CHECK(l->domain == device_find(vm, TN_K_DEVICE, "h")->domain);
    actor_clear();
    device_free(l);
    CHECK_STR(actor_log, "unrealize(l) detach(h,locked) fini(l) ");
    vm_free(vm);
}

TEST(whatever_fails_behind_check_is_answered_by_one_detach)
{
    static const struct {
        const char *hub, *leaf, *log;
    } cases[] = {
        {"refuse=1", "", "check(l) fini(l) "},
        {"refuse=2", "", "check(l) attach(l) detach(h,locked) fini(l) "},
        {"refuse=0", ",fail=1", "check(l) attach(l) realize(l) detach(h,locked) fini(l) "},
        {"refuse=4", "",
         "check(l) attach(l) realize(l) plugged(h) unrealize(l) detach(h,locked) fini(l) "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];
        vm = actor_vm();
        snprintf(text, sizeof text, "hub,tag=h,id=h,%s", cases[i].hub);
        CHECK(add(text));
        actor_clear();
        snprintf(text, sizeof text, "leaf,tag=l%s", cases[i].leaf);
        CHECK(!add(text));
        CHECK_STR(actor_log, cases[i].log);
        CHECK_EQ(bus_find(vm, "h.0")->nchildren, 0);
        vm_free(vm);
    }
}

/* Newest first, full ones skipped; by name whatever it is. */
TEST(the_default_bus_is_the_newest_that_is_not_full)
{
    vm = actor_vm();
    CHECK(!add("leaf"));
    CHECK_STR(fixture_error, "No 'port-bus' bus found for device 'leaf'");
    CHECK(add("hub,id=one") && add("hub,id=two"));
    struct tn_bus *one = bus_find(vm, "one.0"), *two = bus_find(vm, "two.0");
    CHECK(one && two);
    for (int i = 0; i < 6; i++)
        CHECK(add("leaf"));
    CHECK_EQ(one->nchildren, 3);
    CHECK_EQ(two->nchildren, 3);
    CHECK(!add("leaf"));
    CHECK(strstr(fixture_error, "All 'port-bus' buses are full"));
    CHECK(!add("leaf,bus=one.0"));
    CHECK_STR(fixture_error, "Bus 'one.0' is full");
    CHECK(!add("leaf,bus=none"));
    CHECK_STR(fixture_error, "Bus 'none' not found");
    CHECK(add("hub") && bus_find(vm, "port-bus.0")); /* no id: the type's name */
    CHECK(!add("disk,bus=one.0"));
    CHECK_STR(fixture_error, "Device 'disk' can't go on port-bus bus");
    vm_free(vm);
}

TEST(a_provider_takes_what_is_on_its_bus_along)
{
    vm = actor_vm();
    struct device *h = add("hub,tag=h,id=h");
    CHECK(add("leaf,tag=a") && add("leaf,tag=b"));
    actor_clear();
    device_free(h);
    CHECK_STR(actor_log, "unrealize(b) detach(h,locked) fini(b) unrealize(a) detach(h,locked) "
                         "fini(a) unrealize(h) fini(h) ");
    CHECK(TAILQ_EMPTY(&vm->devices) && TAILQ_EMPTY(&vm->buses));
    vm_free(vm);
}

/* Gap 19: `attached`, `port`: properties of the bus that change at run time are the provider's to
 * hear of. */
TEST(the_provider_hears_of_its_properties_and_may_refuse)
{
    vm = actor_vm();
    struct device *h = add("hub,tag=h,id=h"), *l = add("leaf,tag=l");
    struct port_data *p = l->bus_child;
    actor_clear();
    CHECK_EQ(device_set(l, "port", "9", NULL), 0);
    CHECK_STR(actor_log, "port-changed.port(h) ");
    CHECK_EQ(p->port, 9);
    actor_of(h)->refuse = REFUSE_CHANGE;
    ERR_AUTO e = {0};
    CHECK_EQ(device_set(l, "port", "10", &e), -EBUSY);
    CHECK_EQ(p->port, 9);
    actor_clear();
    CHECK_EQ(device_set(l, "value", "1", NULL), 0);
    CHECK_STR(actor_log, "changed.value(l) ");
    vm_free(vm);
}

/* Gap 14: a shared namespace outlives the controller that it came through. */
TEST(a_device_that_moved_lives_with_its_new_provider)
{
    vm = actor_vm();
    struct device *one = add("hub,tag=one,id=one"), *l = add("leaf,tag=l,id=l"),
                  *two = add("hub,tag=two,id=two");
    ERR_AUTO e = {0};
    CHECK_EQ(host_core_table.reparent(&l->pub, actor_of(two)->bus, NULL), 0);
    device_free(one);
    CHECK(device_find(vm, TN_K_DEVICE, "l") == l);
    struct device *d = add("disk-via,id=d");
    CHECK_EQ(host_core_table.reparent(&l->pub, bus_find(vm, "d/link-bus"), &e), -EINVAL);
    CHECK(d);
    device_free(two);
    CHECK(!device_find(vm, TN_K_DEVICE, "l"));
    vm_free(vm);
}

TEST(two_types_of_one_name_must_be_the_same)
{
    static struct tn_bus_type other;
    vm = actor_vm();
    struct device *h = add("hub,id=h");
    ERR_AUTO e = {0}, e2 = {0};
    other = port_bus; /* a second copy, as another plugin would have */
    struct tn_bus *b = bus_new(vm, h, &other, "copy", NULL, NULL, NULL);
    CHECK(b);
    bus_free(b);
    other.child_size += 8;
    CHECK(!bus_new(vm, h, &other, "copy", NULL, NULL, &e));
    CHECK_STR(err_text(&e), "bus type 'port-bus' is provided twice, and differently");
    CHECK(!bus_new(vm, h, &port_bus, "h.0", NULL, NULL, &e2));
    CHECK_STR(err_text(&e2), "Duplicate bus name 'h.0'");
    vm_free(vm);
}

/* ---- children ---- */

TEST(children_go_live_and_away_with_their_parent)
{
    vm = actor_vm();
    struct device *d = add("actor,tag=p,kids=2,id=p");
    CHECK_STR(actor_log, "realize(p) realize(kid0) realize(kid1) ");
    struct device *k = TAILQ_FIRST(&d->children);
    CHECK(k->stage == DEV_REALIZED && k->parent == d);
    CHECK_STR(k->path, "/machine/peripheral/p/kid0");
    CHECK(device_find(vm, TN_K_DEVICE, "/machine/peripheral/p/kid1"));
    ERR_AUTO e = {0};
    CHECK_EQ(device_unplug(k, &e), -EBUSY);
    actor_clear();
    device_free(d);
    CHECK_STR(actor_log,
              "unrealize(kid1) fini(kid1) unrealize(kid0) fini(kid0) unrealize(p) fini(p) ");
    vm_free(vm);
}

TEST(a_child_that_fails_fails_its_parent)
{
    vm = actor_vm();
    CHECK(!add("hub,tag=p,id=p,kids=4,kid-class=leaf")); /* three fit */
    CHECK_STR(fixture_error, "Bus 'p.0' is full");
    CHECK(TAILQ_EMPTY(&vm->devices) && TAILQ_EMPTY(&vm->buses));
    CHECK(!add("actor,kids=1,kid-class=nope"));
    CHECK_STR(fixture_error, "'nope' is not a valid device model name");
    CHECK(!add("actor,kids=1,kid-class=leaf"));
    CHECK_STR(fixture_error, "a leaf needs a port-bus bus");
    CHECK(TAILQ_EMPTY(&vm->devices));
    vm_free(vm);
}

TEST(a_child_is_dropped_drained_also_with_the_lock_held)
{
    vm = actor_vm();
    struct device *d = add("actor,tag=p,kids=1,id=p"), *k = TAILQ_FIRST(&d->children);
    fixture_start(vm);
    actor_of(k)->pending = PENDING_QUIESCE;
    actor_clear();
    domain_lock(d->domain);
    d->pub.core->drop(&d->pub, &k->pub);
    CHECK(domain_held(d->domain));
    domain_unlock(d->domain);
    CHECK_STR(actor_log, "quiesce3(kid0) finish(kid0) unrealize(kid0) fini(kid0) ");
    CHECK(TAILQ_EMPTY(&d->children));
    vm_free(vm);
}

/* ---- finding others ---- */

static int count(void *o, struct tn_dev *d)
{
    (void)d;
    return ++*(int *)o == 3;
}

TEST(find_each_and_query_see_realized_devices)
{
    vm = actor_vm();
    struct device *a = add("actor,tag=a"), *h = add("hub,id=h"), *l = add("leaf");
    const void *ops;
    void *self;
    int n = 0;
    CHECK(a->pub.core->find(&l->pub, "test.actor/1") == &a->pub);
    CHECK(!a->pub.core->find(&l->pub, "test.none/1"));
    CHECK_EQ(a->pub.core->each(&a->pub, "test.actor/1", count, &n), 1);
    CHECK_EQ(n, 3);
    n = 0;
    CHECK_EQ(a->pub.core->each(&a->pub, "test.child/1", count, &n),
             0); /* the table of its bus counts */
    CHECK_EQ(n, 1);
    CHECK_EQ(a->pub.core->query(&a->pub, &h->pub, "test.actor/1", &ops, &self), 0);
    CHECK(self == h->pub.self);
    CHECK_EQ(a->pub.core->query(&a->pub, &h->pub, "test.none/1", &ops, &self), -ENOENT);
    CHECK_EQ(a->pub.core->query_bus(&a->pub, l->bus, "test.port/1", &ops, &self), 0);
    CHECK(ops == &port_bus && self == h->pub.self);
    CHECK_EQ(a->pub.core->query_bus(&a->pub, l->bus, "test.actor/1", &ops, &self), 0);
    CHECK(a->pub.core->owner(l->bus) == &h->pub);
    vm_free(vm);
}

int main(void)
{
    RUN(attach_realize_plugged_come_in_order_and_detach_answers_check);
    RUN(whatever_fails_behind_check_is_answered_by_one_detach);
    RUN(the_default_bus_is_the_newest_that_is_not_full);
    RUN(a_provider_takes_what_is_on_its_bus_along);
    RUN(the_provider_hears_of_its_properties_and_may_refuse);
    RUN(a_device_that_moved_lives_with_its_new_provider);
    RUN(two_types_of_one_name_must_be_the_same);
    RUN(children_go_live_and_away_with_their_parent);
    RUN(a_child_that_fails_fails_its_parent);
    RUN(a_child_is_dropped_drained_also_with_the_lock_held);
    RUN(find_each_and_query_see_realized_devices);
    return tap_done();
}
