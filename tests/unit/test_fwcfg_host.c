/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/fwcfg_host.h"
#include "fake_host.h"
#include "tap.h"
#include <errno.h>
#include <tenon/fwcfg.h>

/* The hardware: remembers what it has. */
struct hw {
    struct device *dev;
    struct tn_fwcfg_item item[16];
    uint32_t n, unlocked, refuse;
};

static int hw_add(void *s, const struct tn_fwcfg_item *it, struct tn_err *e)
{
    struct hw *h = s;
    h->unlocked |= !domain_held(h->dev->domain);
    if (h->refuse || h->n == 16)
        return err_set(e, ENOSPC, "full");
    h->item[h->n++] = *it;
    return 0;
}

static int hw_del(void *s, const char *name)
{
    struct hw *h = s;
    h->unlocked |= !domain_held(h->dev->domain);
    for (uint32_t i = 0; i < h->n; i++)
        if (h->item[i].name && strcmp(h->item[i].name, name) == 0) {
            h->item[i] = h->item[--h->n];
            return 0;
        }
    return -ENOENT;
}

static const struct tn_fwcfg_ops hw_ops = {
    .struct_size = sizeof hw_ops, .add = hw_add, .del = hw_del};
static const void *hw_iface(void *s, const char *id)
{
    (void)s;
    (void)id;
    return &hw_ops;
}
static const char *const hw_provides[] = {TN_FWCFG_DEVICE_1, NULL};
static const struct tn_class hw_class = {.name = "fw_cfg_io",
                                         .instance_size = sizeof(struct hw),
                                         .provides = hw_provides,
                                         .get_iface = hw_iface};
static const struct tn_class user_class = {.name = "user", .instance_size = 64};

static struct hw *hardware(struct vm *vm)
{
    struct device *d = fake_device(vm, &hw_class, "hw");
    struct hw *h = d->pub.self;
    h->dev = d;
    return h;
}

static const struct tn_fwcfg_item *item(const struct hw *h, const char *name)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (h->item[i].name && strcmp(h->item[i].name, name) == 0)
            return &h->item[i];
    return NULL;
}

static struct vm *fwcfg_vm(void)
{
    struct vm *vm = fake_vm_new();
    vm->fwcfg = fwcfg_host_new(vm);
    return vm;
}

static void end(struct vm *vm)
{
    while (!TAILQ_EMPTY(&vm->devices))
        fake_device_free(TAILQ_LAST(&vm->devices, device_list));
    fwcfg_host_free(vm->fwcfg);
    fake_vm_free(vm);
}

static void run(struct vm *vm)
{
    while (loop_once(vm->main, 0))
        ;
}

TEST(items_from_before_the_hardware_reach_it_as_copies)
{
    struct vm *vm = fwcfg_vm();
    char text[] = "hello";
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.file(&d->pub, "opt/a", text, 5, NULL), 0);
    CHECK_EQ(fwcfg_host_add(vm, 5, NULL, "\2\0", 2, NULL), 0);
    text[0] = 'j';
    struct hw *h = hardware(vm);
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0);
    CHECK_EQ(h->n, 2);
    CHECK_EQ(item(h, "opt/a")->len, 5);
    CHECK(memcmp(item(h, "opt/a")->data, "hello", 5) == 0);
    CHECK_EQ(h->item[1].key, 5);
    CHECK(!h->item[1].name);
    CHECK_EQ(h->unlocked, 0);
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0); /* once is enough */
    CHECK_EQ(h->n, 2);
    end(vm);
}

TEST(nothing_happens_without_hardware)
{
    struct vm *vm = fwcfg_vm();
    CHECK_EQ(fwcfg_host_add(vm, 0, "a", "x", 1, NULL), 0);
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0);
    end(vm);
}

TEST(a_name_or_key_is_taken_once)
{
    struct vm *vm = fwcfg_vm();
    struct tn_err e = {0};
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.file(&d->pub, "a", "x", 1, NULL), 0);
    CHECK_EQ(fwcfg_table.file(&d->pub, "a", "x", 1, &e), -EEXIST);
    err_clear(&e);
    CHECK_EQ(fwcfg_host_add(vm, 3, NULL, "x", 1, NULL), 0);
    CHECK_EQ(fwcfg_host_add(vm, 3, NULL, "x", 1, &e), -EEXIST);
    CHECK_STR(err_text(&e), "fw_cfg: item 0x3 exists already");
    err_clear(&e);
    CHECK_EQ(fwcfg_host_add(vm, 0, "a-name-that-is-longer-than-the-55-characters-that-fw_cfg-has",
                            "x", 1, &e),
             -EINVAL);
    err_clear(&e);
    end(vm);
}

TEST(a_device_takes_its_items_with_it_and_the_name_is_free_again)
{
    struct vm *vm = fwcfg_vm();
    struct hw *h = hardware(vm);
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0);
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.file(&d->pub, "a", "x", 1, NULL), 0);
    CHECK_EQ(h->n, 0); /* d may hold its lock: the hardware hears of it from the loop */
    run(vm);
    CHECK(item(h, "a"));
    fake_device_free(d);
    d = fake_device(vm, &user_class, "u2");
    CHECK_EQ(fwcfg_table.file(&d->pub, "a", "yy", 2, NULL), 0);
    run(vm);
    CHECK_EQ(h->n, 1);
    CHECK_EQ(item(h, "a")->len, 2);
    CHECK_EQ(h->unlocked, 0);
    end(vm);
}

TEST(a_device_that_goes_before_the_hardware_saw_its_items_leaves_nothing)
{
    struct vm *vm = fwcfg_vm();
    struct hw *h = hardware(vm);
    fwcfg_host_connect(vm, NULL);
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.file(&d->pub, "a", "x", 1, NULL), 0);
    fake_device_free(d);
    run(vm);
    CHECK_EQ(h->n, 0);
    end(vm);
}

TEST(the_loop_may_run_between_stop_and_release)
{
    struct vm *vm = fwcfg_vm();
    struct hw *h = hardware(vm);
    fwcfg_host_connect(vm, NULL);
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.file(&d->pub, "a", "x", 1, NULL), 0);
    run(vm);
    d->managed.next->stop(d->managed.next);
    run(vm);
    CHECK_EQ(h->n, 0);
    fake_device_free(d); /* the sanitizer looks */
    end(vm);
}

static struct device *filler;
static int64_t fill(void *s, void *p, uint64_t max)
{
    if (!domain_held(filler->domain))
        return -1;
    memset(p, 0x5a, max);
    return (int64_t)max + *(int *)s;
}
static uint64_t wrote;
static void written(void *s, uint64_t off, uint64_t len, const void *p)
{
    (void)s;
    wrote = domain_held(filler->domain) ? off << 16 | len << 8 | *(const uint8_t *)p : 0;
}

TEST(dynamic_items_are_made_with_their_owners_lock)
{
    struct vm *vm = fwcfg_vm();
    struct hw *h = hardware(vm);
    int more = 100;
    uint8_t bytes[4] = {0};
    filler = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.dynamic(&filler->pub, "dyn", 4, fill, written, &more, NULL), 0);
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0);
    const struct tn_fwcfg_item it = *item(h, "dyn");
    CHECK_EQ(it.len, 4);
    domain_lock(h->dev->domain);          /* as the hardware calls it */
    CHECK_EQ(it.fill(it.s, bytes, 4), 4); /* and not 104 */
    it.written(it.s, 1, 2, "x");
    domain_unlock(h->dev->domain);
    CHECK_EQ(bytes[3], 0x5a);
    CHECK_EQ(wrote, 1 << 16 | 2 << 8 | 'x');
    struct tn_err e = {0};
    CHECK_EQ(fwcfg_table.dynamic(&filler->pub, "none", 4, NULL, NULL, NULL, &e), -EINVAL);
    err_clear(&e);
    end(vm);
}

TEST(an_item_that_the_hardware_refuses_fails_the_start)
{
    struct vm *vm = fwcfg_vm();
    struct tn_err e = {0};
    hardware(vm)->refuse = 1;
    CHECK_EQ(fwcfg_host_add(vm, 0, "a", "x", 1, NULL), 0);
    CHECK_EQ(fwcfg_host_connect(vm, &e), -ENOSPC);
    CHECK_STR(err_text(&e), "full");
    err_clear(&e);
    end(vm);
}

TEST(a_file_of_the_machine_is_replaced_but_not_a_devices)
{
    struct vm *vm = fwcfg_vm();
    struct tn_err e = {0};
    struct hw *h = hardware(vm);
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.file(&d->pub, "mine", "x", 1, NULL), 0);
    CHECK_EQ(fwcfg_host_replace(vm, "t", "1", 1, NULL), 0);
    CHECK_EQ(fwcfg_host_replace(vm, "t", "22", 2, NULL), 0); /* before it is given */
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0);
    CHECK_EQ(item(h, "t")->len, 2);
    CHECK_EQ(fwcfg_host_replace(vm, "t", "333", 3, NULL), 0); /* and after */
    run(vm);
    CHECK_EQ(h->n, 2);
    CHECK_EQ(item(h, "t")->len, 3);
    CHECK_EQ(fwcfg_host_replace(vm, "mine", "1", 1, &e), -EEXIST);
    err_clear(&e);
    end(vm);
}

static int see_blob(void *o, const struct fwcfg_blob *b)
{
    *(struct fwcfg_blob *)o = *b;
    return 1;
}

TEST(a_blob_is_known_where_firmware_or_the_host_put_it)
{
    struct vm *vm = fwcfg_vm();
    struct hw *h = hardware(vm);
    struct fwcfg_blob b = {0};
    struct device *d = fake_device(vm, &user_class, "u");
    CHECK_EQ(fwcfg_table.blob(&d->pub, "etc/guid", "0123456789abcdef", 16, 8, 1, NULL), 0);
    CHECK_EQ(fwcfg_table.gpa(&d->pub, "etc/guid"), TN_ANYWHERE);
    CHECK_EQ(fwcfg_host_blobs(vm, see_blob, &b), 1);
    CHECK_STR(b.name, "etc/guid");
    CHECK_EQ(b.len, 16);
    CHECK_EQ(b.align, 8);
    fwcfg_host_placed(vm, "etc/guid", 0x1000);
    CHECK_EQ(fwcfg_table.gpa(&d->pub, "etc/guid"), 0x1000);
    CHECK_EQ(fwcfg_host_connect(vm, NULL), 0);
    const struct tn_fwcfg_item *it = item(h, b.report);
    it->written(it->s, 0, 8, "\0\0\1\0\0\0\0\0");
    CHECK_EQ(fwcfg_table.gpa(&d->pub, "etc/guid"), 0x10000);
    it->written(it->s, 4, 4, "\1\1\1\1"); /* no address */
    CHECK_EQ(fwcfg_table.gpa(&d->pub, "etc/guid"), 0x10000);
    fake_device_free(d);
    run(vm);
    CHECK_EQ(h->n, 0);
    end(vm);
}

int main(void)
{
    RUN(items_from_before_the_hardware_reach_it_as_copies);
    RUN(nothing_happens_without_hardware);
    RUN(a_name_or_key_is_taken_once);
    RUN(a_device_takes_its_items_with_it_and_the_name_is_free_again);
    RUN(a_device_that_goes_before_the_hardware_saw_its_items_leaves_nothing);
    RUN(the_loop_may_run_between_stop_and_release);
    RUN(dynamic_items_are_made_with_their_owners_lock);
    RUN(an_item_that_the_hardware_refuses_fails_the_start);
    RUN(a_file_of_the_machine_is_replaced_but_not_a_devices);
    RUN(a_blob_is_known_where_firmware_or_the_host_put_it);
    return tap_done();
}
