/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties: every type at its bounds, lists from JSON, links that hold, changes at run time. Rows
 * O01, Z14; gaps G19, 19. */
#include "cli/keyval.h"
#include "core/prop.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "vm_fixture.h"
#include <errno.h>

struct pair {
    uint32_t vq;
    uint32_t pad;
    struct tn_dev *to;
    struct tn_list of;
};

struct all {
    struct tn_dev *dev;
    uint64_t big, size, mask;
    int64_t ibig;
    const char *text;
    struct tn_dev *link;
    struct tn_list numbers, pairs;
    uint32_t u32, choice, ooa, bits, ranged;
    int32_t i32, devfn, fd, signed_range;
    uint16_t u16;
    uint8_t u8, flag, mac[6], uuid[16], secret;
    uint32_t changes, refuse;
};

static const char *const choices[] = {"red", "green", "blue", NULL};
static const char *const wants[] = {"test.iface/1", NULL};
static const struct tn_prop number[] = {{.type = TN_P_U16, .size = 2}};
static const struct tn_prop pair[] = {
    TN_PROP(struct pair, vq, "vq", U32, 7, NULL),
    TN_PROP_ROW(struct pair, to, "to", LINK, 0, 0, 0, 0, 0, NULL, wants, NULL),
    {.name = "of",
     .type = TN_P_LIST,
     .offset = offsetof(struct pair, of),
     .size = sizeof(struct tn_list),
     .sub = number,
     .nsub = 1,
     .sub_stride = sizeof number[0]},
};
static const struct tn_prop props[] = {
    TN_PROP(struct all, big, "big", U64, 1, NULL),
    TN_PROP(struct all, size, "size", SIZE, 0, NULL),
    TN_PROP(struct all, ibig, "ibig", I64, -5, NULL),
    TN_PROP_STR(struct all, text, "text", "hello", NULL),
    TN_PROP_ROW(struct all, link, "link", LINK, TN_PF_RUNTIME, 0, 0, 0, 0, NULL, wants, NULL),
    TN_PROP(struct all, u32, "u32", U32, 0, NULL),
    TN_PROP_ENUM(struct all, choice, "choice", choices, 1, NULL),
    TN_PROP(struct all, ooa, "ooa", ONOFFAUTO, TN_AUTO, NULL),
    TN_PROP_BIT(struct all, bits, "bit31", 31, 0, NULL),
    TN_PROP_BIT(struct all, mask, "bit63", 63, 1, NULL),
    TN_PROP_ROW(struct all, ranged, "ranged", U32, TN_PF_RUNTIME, 0, 10, 10, 20, NULL, NULL, NULL),
    TN_PROP(struct all, i32, "i32", I32, -1, NULL),
    TN_PROP_RANGE(struct all, signed_range, "signed-range", I32, 0, (uint64_t)-3, 3, NULL),
    TN_PROP(struct all, devfn, "addr", DEVFN, -1, NULL),
    TN_PROP(struct all, fd, "fd", FD, 0, NULL),
    TN_PROP(struct all, u16, "u16", U16, 0, NULL),
    TN_PROP(struct all, u8, "u8", U8, 0, NULL),
    TN_PROP(struct all, flag, "flag", BOOL, 0, NULL),
    TN_PROP(struct all, mac, "mac", MAC, 0, NULL),
    TN_PROP(struct all, uuid, "uuid", UUID, 0, NULL),
    TN_PROP_ROW(struct all, secret, "const", U8, TN_PF_READONLY, 0, 9, 0, 0, NULL, NULL, NULL),
    {.name = "numbers",
     .type = TN_P_LIST,
     .offset = offsetof(struct all, numbers),
     .size = sizeof(struct tn_list),
     .sub = number,
     .nsub = 1,
     .sub_stride = sizeof number[0]},
    {.name = "pairs",
     .type = TN_P_LIST,
     .flags = TN_PF_RUNTIME,
     .offset = offsetof(struct all, pairs),
     .size = sizeof(struct tn_list),
     .sub = pair,
     .nsub = 3,
     .sub_stride = sizeof pair[0]},
};

static int init(void *s, struct tn_dev *d)
{
    ((struct all *)s)->dev = d;
    return 0;
}

static int changed(void *s, const char *name, struct tn_err *e)
{
    struct all *a = s;
    a->changes++;
    return a->refuse ? tn_fail(a->dev, e, EBUSY, "%s cannot change now", name) : 0;
}

static const void *iface(void *s, const char *id)
{
    static const uint32_t table[] = {4};
    (void)s;
    return strcmp(id, wants[0]) == 0 ? table : NULL;
}

static const struct tn_class all = {.struct_size = sizeof all,
                                    .flags = TN_C_HOTPLUG,
                                    .name = "all",
                                    .instance_size = sizeof(struct all),
                                    .props = props,
                                    .nprops = ARRAY_SIZE(props),
                                    .prop_stride = sizeof props[0],
                                    .init = init,
                                    .prop_changed = changed};
static const struct tn_class target = {.struct_size = sizeof target,
                                       .flags = TN_C_HOTPLUG,
                                       .name = "target",
                                       .provides = wants,
                                       .instance_size = 8,
                                       .get_iface = iface};
static const struct tn_class stranger = {
    .struct_size = sizeof stranger, .flags = TN_C_HOTPLUG, .name = "stranger", .instance_size = 8};
FIXTURE_PLUGIN(props_plugin, &all, &target, &stranger);

static struct vm *vm;

static struct all *with(const char *more)
{
    char text[256];
    snprintf(text, sizeof text, "all%s%s", *more ? "," : "", more);
    struct device *d = fixture_add(vm, TN_K_DEVICE, *more == '{' ? more : text);
    return d ? device_self(d) : NULL;
}

static int refused(const char *more, const char *text)
{
    if (with(more)) {
        printf("# %s was taken\n", more);
        return 0;
    }
    if (!strstr(fixture_error, text))
        printf("# %s: %s\n", more, fixture_error);
    return strstr(fixture_error, text) != NULL;
}

static const char *shown(struct all *a, const char *name)
{
    static char text[128];
    BUF_AUTO b = {0};
    prop_get(prop_find((struct prop_table){props, ARRAY_SIZE(props), sizeof props[0]}, name), a,
             &b);
    snprintf(text, sizeof text, "%.*s", (int)b.len, (const char *)b.data);
    return text;
}

TEST(defaults_are_written_before_anything_else)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("");
    CHECK_EQ(a->big, 1);
    CHECK_EQ(a->ibig, (uint64_t)-5);
    CHECK_STR(a->text, "hello");
    CHECK_EQ(a->choice, 1);
    CHECK_EQ(a->ooa, TN_AUTO);
    CHECK_EQ(a->bits, 0);
    CHECK_EQ(a->mask, (uint64_t)1 << 63);
    CHECK_EQ(a->ranged, 10);
    CHECK_EQ((uint32_t)a->i32, (uint32_t)-1);
    CHECK_EQ((uint32_t)a->devfn, (uint32_t)-1);
    CHECK_EQ((uint32_t)a->fd, (uint32_t)-1);
    CHECK_EQ(a->secret, 9);
    CHECK(!a->link && !a->numbers.items && !a->numbers.n);
    CHECK_STR(shown(a, "choice"), "green");
    CHECK_STR(shown(a, "bit63"), "true");
    CHECK_STR(shown(a, "ibig"), "-5");
    vm_free(vm);
}

TEST(numbers_at_their_bounds)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("u8=255,u16=65535,u32=0xffffffff,big=18446744073709551615,ibig=-"
                         "9223372036854775808,i32=2147483647");
    CHECK(a);
    CHECK_EQ(a->u8, 255);
    CHECK_EQ(a->u16, 65535);
    CHECK_EQ(a->u32, 0xffffffff);
    CHECK_EQ(a->big, ~(uint64_t)0);
    CHECK_EQ(a->ibig, (uint64_t)1 << 63);
    CHECK_EQ((uint32_t)a->i32, 0x7fffffff);
    CHECK(refused("u8=256", "all.u8"));
    CHECK(refused("u16=65536", "all.u16"));
    CHECK(refused("u32=4294967296", "all.u32"));
    CHECK(refused("big=18446744073709551616", "big"));
    CHECK(refused("i32=2147483648", "all.i32"));
    CHECK(refused("i32=-2147483649", "all.i32"));
    CHECK(refused("u32=-1", "u32"));
    CHECK(refused("u32=1x", "u32"));
    CHECK(refused("u32=", "u32"));
    vm_free(vm);
}

TEST(ranges_of_the_table_are_inclusive)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("ranged=20,signed-range=-3");
    CHECK(a);
    CHECK_EQ(a->ranged, 20);
    CHECK_EQ((uint32_t)a->signed_range, (uint32_t)-3);
    CHECK(with("ranged=10,signed-range=3"));
    CHECK(refused("ranged=9", "all.ranged"));
    CHECK(refused("ranged=21", "all.ranged"));
    CHECK(refused("signed-range=-4", "all.signed-range"));
    CHECK(refused("signed-range=4", "all.signed-range"));
    vm_free(vm);
}

TEST(other_types_parse_as_users_of_qemu_write_them)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("size=4G,flag,bit31=on,bit63=off,ooa=off,choice=blue,addr=1f.7,fd=3,mac="
                         "52:54:00:12:34:56,uuid=00112233-4455-6677-8899-aabbccddeeff,text=a,,b");
    CHECK(a);
    CHECK_EQ(a->size, (uint64_t)4 << 30);
    CHECK_EQ(a->flag, 1);
    CHECK_EQ(a->bits, 1u << 31);
    CHECK_EQ(a->mask, 0);
    CHECK_EQ(a->ooa, TN_OFF);
    CHECK_EQ(a->choice, 2);
    CHECK_EQ((uint32_t)a->devfn, 0xff);
    CHECK_EQ((uint32_t)a->fd, 3);
    CHECK_EQ(a->mac[5], 0x56);
    CHECK_EQ(a->uuid[15], 0xff);
    CHECK_STR(a->text, "a,b");
    CHECK_STR(shown(a, "addr"), "1f.7");
    CHECK_STR(shown(a, "mac"), "52:54:00:12:34:56");
    CHECK_STR(shown(a, "uuid"), "00112233-4455-6677-8899-aabbccddeeff");
    CHECK(refused("choice=pink", "pink"));
    CHECK(refused("flag=maybe", "flag"));
    CHECK(refused("addr=20.0", "addr"));
    CHECK(refused("mac=52:54:00:12:34", "mac"));
    CHECK(refused("const=1", "Property 'all.const' is not writable"));
    CHECK(refused("bogus=1", "Property 'all.bogus' not found"));
    vm_free(vm);
}

/* -device '{"driver":...}': lists of scalars and of objects, with the defaults of their members. */
TEST(lists_come_from_json)
{
    vm = fixture_vm_with(&props_plugin);
    CHECK(fixture_add(vm, TN_K_DEVICE, "target,id=t"));
    struct all *a = with("{\"driver\":\"all\",\"numbers\":[1,65535],\"pairs\":[{\"to\":\"t\"},{"
                         "\"vq\":3}],\"big\":18446744073709551615,\"addr\":8}");
    CHECK(a);
    CHECK_EQ(a->numbers.n, 2);
    CHECK_EQ(((uint16_t *)((char *)a->numbers.items + a->numbers.stride))[0], 65535);
    CHECK_EQ(a->pairs.n, 2);
    struct pair *p = a->pairs.items,
                *q = (struct pair *)(void *)((char *)a->pairs.items + a->pairs.stride);
    CHECK_EQ(p->vq, 7);
    CHECK(p->to && !q->to);
    CHECK_EQ(q->vq, 3);
    CHECK_EQ(a->big, ~(uint64_t)0);
    CHECK_EQ((uint32_t)a->devfn, 8);
    CHECK_EQ(with("{\"driver\":\"all\",\"numbers\":[]}")->numbers.n, 0);
    CHECK(refused("{\"driver\":\"all\",\"numbers\":[65536]}", "all.numbers"));
    CHECK(refused("{\"driver\":\"all\",\"pairs\":[{\"bogus\":1}]}",
                  "Property 'all.pairs.bogus' not found"));
    CHECK(refused("{\"driver\":\"all\",\"pairs\":[1]}", "takes a list of objects"));
    CHECK(refused("{\"driver\":\"all\",\"u8\":[1]}", "does not take a JSON array"));
    CHECK(refused("{\"driver\":\"all\",\"u8\":{}}", "does not take a JSON object"));
    a = with("numbers=5");
    CHECK_EQ(a->numbers.n, 1);
    vm_free(vm);
}

/* ---- links ---- */

TEST(a_link_holds_what_it_names_until_it_goes)
{
    vm = fixture_vm_with(&props_plugin);
    struct device *t = fixture_add(vm, TN_K_DEVICE, "target,id=t");
    CHECK(fixture_add(vm, TN_K_DEVICE, "stranger,id=s"));
    struct all *a = with("link=t");
    CHECK(a->link == &t->pub);
    CHECK_EQ(t->holds, 1);
    ERR_AUTO e = {0};
    CHECK_EQ(device_unplug(t, &e), -EBUSY);
    CHECK(refused("link=s", "is not one of that kind"));
    CHECK(refused("link=nobody", "Device 'nobody' not found"));
    CHECK_EQ(t->holds, 1); /* failed devices give back what they took */
    CHECK(refused("{\"driver\":\"all\",\"pairs\":[{\"to\":\"t\"},{\"to\":\"s\"}]}",
                  "is not one of that kind"));
    CHECK_EQ(t->holds, 1);
    struct all *b = with("{\"driver\":\"all\",\"pairs\":[{\"to\":\"t\"},{\"to\":\"t\"}]}");
    CHECK_EQ(t->holds, 3);
    device_free(device_of(b->dev));
    device_free(device_of(a->dev));
    CHECK_EQ(t->holds, 0);
    CHECK_EQ(device_unplug(t, NULL), 0);
    fixture_spin(vm);
    CHECK(!device_find(vm, TN_K_DEVICE, "t"));
    vm_free(vm);
}

TEST(a_back_end_is_held_too)
{
    extern const struct tn_plugin iothread_plugin;
    static const struct tn_prop io_props[] = {
        TN_PROP_REF(struct all, link, "iothread", IOTHREAD, 0, NULL)};
    static const struct tn_class user = {.struct_size = sizeof user,
                                         .flags = TN_C_HOTPLUG,
                                         .name = "user",
                                         .instance_size = sizeof(struct all),
                                         .props = io_props,
                                         .nprops = 1,
                                         .prop_stride = sizeof io_props[0]};
    FIXTURE_PLUGIN(io, &user);
    vm = fixture_vm_with(&io);
    fixture_register(vm, &iothread_plugin);
    struct device *t = fixture_add(vm, TN_K_OBJECT, "iothread,id=io1"),
                  *d = fixture_add(vm, TN_K_DEVICE, "user,iothread=io1");
    CHECK(t && d);
    CHECK(d->home == t->handle);
    CHECK_EQ(t->holds, 1);
    CHECK(!fixture_add(vm, TN_K_DEVICE, "user,iothread=none"));
    CHECK_STR(fixture_error, "Property 'user.iothread' can't find value 'none'");
    ERR_AUTO e = {0};
    CHECK_EQ(device_unplug(t, &e), -EBUSY);
    device_free(d);
    CHECK_EQ(t->holds, 0);
    vm_free(vm);
}

/* ---- after realize ---- */

TEST(only_run_time_properties_change_later_and_the_class_hears_of_it)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("");
    struct device *d = device_of(a->dev);
    ERR_AUTO e = {0};
    CHECK_EQ(device_set(d, "ranged", "15", NULL), 0);
    CHECK_EQ(a->ranged, 15);
    CHECK_EQ(a->changes, 1);
    CHECK_EQ(device_set(d, "u32", "1", &e), -EPERM);
    CHECK(strstr(err_text(&e), "after it was realized"));
    CHECK_EQ(a->changes, 1);
    vm_free(vm);
}

TEST(a_refused_change_puts_the_old_value_back)
{
    vm = fixture_vm_with(&props_plugin);
    struct device *t = fixture_add(vm, TN_K_DEVICE, "target,id=t"),
                  *u = fixture_add(vm, TN_K_DEVICE, "target,id=u");
    struct all *a = with("link=t");
    struct device *d = device_of(a->dev);
    ERR_AUTO e = {0}, e2 = {0};
    a->refuse = 1;
    CHECK_EQ(device_set(d, "ranged", "15", &e), -EBUSY);
    CHECK_STR(err_text(&e), "ranged cannot change now");
    CHECK_EQ(a->ranged, 10);
    CHECK_EQ(device_set(d, "link", "u", &e2), -EBUSY);
    CHECK(a->link == &t->pub);
    CHECK_EQ(t->holds, 1);
    CHECK_EQ(u->holds, 0);
    a->refuse = 0;
    CHECK_EQ(device_set(d, "link", "u", NULL), 0);
    CHECK_EQ(t->holds, 0);
    CHECK_EQ(u->holds, 1);
    vm_free(vm);
}

/* As iothread-vq-mapping has it: the members of an element may be lists of scalars. */
TEST(an_element_may_hold_a_list)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("{\"driver\":\"all\",\"pairs\":[{\"of\":[4,5]},{\"vq\":1}]}");
    CHECK(a);
    struct pair *p = a->pairs.items,
                *q = (struct pair *)(void *)((char *)a->pairs.items + a->pairs.stride);
    CHECK_EQ(p->of.n, 2);
    CHECK_EQ(((uint16_t *)((char *)p->of.items + p->of.stride))[0], 5);
    CHECK_EQ(q->of.n, 0);
    CHECK(refused("{\"driver\":\"all\",\"pairs\":[{\"of\":[70000]}]}", "all.of"));
    CHECK(refused("{\"driver\":\"all\",\"pairs\":[{\"of\":[[1]]}]}", "JSON array"));
    vm_free(vm);
}

/* A list is given as a whole: what only the old one named is let go. */
TEST(a_list_that_is_given_again_holds_what_it_names_now)
{
    vm = fixture_vm_with(&props_plugin);
    struct device *t = fixture_add(vm, TN_K_DEVICE, "target,id=t"),
                  *u = fixture_add(vm, TN_K_DEVICE, "target,id=u");
    struct all *a = with("{\"driver\":\"all\",\"pairs\":[{\"to\":\"t\"},{\"to\":\"t\"}]}");
    KV_AUTO *dict = keyval_parse_or_json("{\"pairs\":[{\"to\":\"u\"}]}", NULL, NULL);
    CHECK(a && dict);
    CHECK_EQ(t->holds, 2);
    ERR_AUTO e = {0};
    a->refuse = 1;
    CHECK_EQ(device_set_node(device_of(a->dev), kv_get(dict, "pairs"), &e), -EBUSY);
    CHECK_EQ(t->holds, 2);
    CHECK_EQ(u->holds, 0);
    CHECK_EQ(a->pairs.n, 2);
    a->refuse = 0;
    CHECK_EQ(device_set_node(device_of(a->dev), kv_get(dict, "pairs"), NULL), 0);
    CHECK_EQ(t->holds, 0);
    CHECK_EQ(u->holds, 1);
    CHECK_EQ(a->pairs.n, 1);
    vm_free(vm);
}

TEST(values_that_do_not_parse_change_nothing)
{
    vm = fixture_vm_with(&props_plugin);
    struct all *a = with("");
    ERR_AUTO e = {0};
    CHECK_EQ(device_set(device_of(a->dev), "ranged", "99", &e), -ERANGE);
    CHECK_EQ(a->ranged, 10);
    CHECK_EQ(a->changes, 0);
    vm_free(vm);
}

TEST(handles_are_given_by_those_who_have_them)
{
    vm = fixture_vm_with(&props_plugin);
    struct device *t = fixture_add(vm, TN_K_DEVICE, "target,id=t");
    struct all *a = with("");
    struct device *d = device_of(a->dev);
    ERR_AUTO e = {0}, e2 = {0};
    CHECK_EQ(device_set_handle(d, "link", &t->pub, NULL), 0);
    CHECK(a->link == &t->pub);
    CHECK_EQ(t->holds, 1);
    CHECK_EQ(device_set_handle(d, "link", NULL, NULL), 0);
    CHECK_EQ(t->holds, 0);
    CHECK_EQ(device_set_handle(d, "ranged", &t->pub, &e), -EINVAL);
    CHECK_EQ(device_set_handle(d, "bogus", &t->pub, &e2), -ENOENT);
    vm_free(vm);
}

int main(void)
{
    RUN(defaults_are_written_before_anything_else);
    RUN(numbers_at_their_bounds);
    RUN(ranges_of_the_table_are_inclusive);
    RUN(other_types_parse_as_users_of_qemu_write_them);
    RUN(lists_come_from_json);
    RUN(an_element_may_hold_a_list);
    RUN(a_link_holds_what_it_names_until_it_goes);
    RUN(a_back_end_is_held_too);
    RUN(only_run_time_properties_change_later_and_the_class_hears_of_it);
    RUN(a_refused_change_puts_the_old_value_back);
    RUN(a_list_that_is_given_again_holds_what_it_names_now);
    RUN(values_that_do_not_parse_change_nothing);
    RUN(handles_are_given_by_those_who_have_them);
    return tap_done();
}
