/* SPDX-License-Identifier: BSD-2-Clause */
/* What instances share: objects (gap G12) and lock domains (gap G15). */
#include "device_rig.h"

/* ---- shared objects (gap G12) ---- */

TEST(a_shared_object_is_one_and_outlives_the_device_that_came_first)
{
    vm = actor_vm();
    struct device *a = add("actor,tag=a,shares=1"), *b = add("actor,tag=b,shares=1");
    CHECK_STR(actor_log, "realize(a) open(s0) realize(b) ");
    actor_clear();
    device_free(a);
    CHECK_STR(actor_log, "unrealize(a) fini(a) ");
    device_free(b);
    CHECK_STR(actor_log, "unrealize(a) fini(a) unrealize(b) close(s0) fini(b) ");
    vm_free(vm);
}

TEST(shared_objects_end_with_the_machine_after_their_users)
{
    vm = actor_vm();
    CHECK(add("actor,tag=a,shares=2") && add("actor,tag=b,shares=2"));
    actor_clear();
    vm_free(vm);
    CHECK_STR(actor_log, "unrealize(b) fini(b) unrealize(a) close(s1) close(s0) fini(a) ");
}

static int refuse_open(void *sh, struct tn_dev *owner, const char *key, struct tn_err *e)
{
    (void)sh;
    return tn_fail(owner, e, EIO, "%s cannot be opened", key);
}

TEST(a_shared_object_that_fails_to_open_is_not_there)
{
    vm = actor_vm();
    struct device *a = add("actor,tag=a");
    ERR_AUTO e = {0};
    CHECK(!a->pub.core->shared(&a->pub, "group", 8, refuse_open, NULL, &e));
    CHECK_STR(err_text(&e), "group cannot be opened");
    CHECK(LIST_EMPTY(&vm->shared));
    vm_free(vm);
}

static int no_open(void *sh, struct tn_dev *owner, const char *key, struct tn_err *e)
{
    (void)sh;
    (void)owner;
    (void)key;
    (void)e;
    return 0;
}

/* Keys are per plugin and per VM. */
TEST(plugins_and_machines_do_not_share_with_each_other)
{
    struct vm *first = vm = actor_vm();
    struct device *a = add("actor"), *d = add("disk-via,id=d");
    void *one = a->pub.core->shared(&a->pub, "k", 8, no_open, NULL, NULL);
    void *two = d->inner->pub.core->shared(&d->inner->pub, "k", 8, no_open, NULL, NULL);
    CHECK(one && two && one != two);
    struct vm *second = vm = actor_vm();
    struct device *b = add("actor,id=x");
    void *three = b->pub.core->shared(&b->pub, "k", 8, no_open, NULL, NULL);
    CHECK(three && three != one);
    vm_free(first);
    CHECK(device_find(second, TN_K_DEVICE, "x") == b);
    vm_free(second);
}

/* ---- lock domains ---- */

/* Gap 13: companions, CXL components. */
TEST(a_device_joins_the_lock_of_another_before_it_takes_anything)
{
    vm = actor_vm();
    fixture_register(vm, &joiners);
    struct device *a = add("actor,id=a"), *j = add("joiner,other=a");
    CHECK(j && j->domain == a->domain);
    CHECK(!domain_any_held());
    CHECK(!add("joiner,other=a,late=1"));
    CHECK(strstr(fixture_error, "too late"));
    CHECK_EQ(a->holds, 1);
    ERR_AUTO e = {0};
    CHECK_EQ(host_core_table.join(&j->pub, &a->pub, &e), -EBUSY); /* not in realize */
    vm_free(vm);
}

int main(void)
{
    RUN(a_shared_object_is_one_and_outlives_the_device_that_came_first);
    RUN(shared_objects_end_with_the_machine_after_their_users);
    RUN(a_shared_object_that_fails_to_open_is_not_there);
    RUN(plugins_and_machines_do_not_share_with_each_other);
    RUN(a_device_joins_the_lock_of_another_before_it_takes_anything);
    return tap_done();
}
