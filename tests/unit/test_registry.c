/* SPDX-License-Identifier: BSD-2-Clause */
/* What a plugin may say of itself, and what the registry makes of it. Row B01; gap G3 (names of
 * compositions). */
#include "tap.h"
#include "util/alloc.h"
#include "vm_fixture.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct state {
    uint32_t a, b;
};
static const struct tn_prop good_props[] = {TN_PROP(struct state, a, "a", U32, 0, NULL),
                                            TN_PROP(struct state, b, "b", U32, 0, NULL)};
static const char *const good_aliases[] = {"good-old", "good-older", NULL};
static const struct tn_class good = {.struct_size = sizeof good,
                                     .name = "good",
                                     .aliases = good_aliases,
                                     .instance_size = sizeof(struct state),
                                     .props = good_props,
                                     .nprops = 2,
                                     .prop_stride = sizeof good_props[0]};
static const struct tn_class *const good_list[] = {&good, NULL};
static const struct tn_plugin good_plugin = {.struct_size = sizeof good_plugin,
                                             .abi_major = TN_ABI_MAJOR,
                                             .abi_minor = TN_ABI_MINOR,
                                             .id = "good",
                                             .version = "1",
                                             .classes = good_list};

static char why[512];

/* 1: the host says no, and says this. */
static int refused(const struct tn_plugin *p, const char *text)
{
    struct vm *vm = vm_new(1);
    ERR_AUTO e = {0};
    int r = plugin_check(p, &vm->host, &e);
    snprintf(why, sizeof why, "%s", err_text(&e));
    vm_free(vm);
    if (r < 0 && strstr(why, text))
        return 1;
    printf("# %d: %s\n", r, why);
    return 0;
}

static int class_refused(struct tn_class c, const char *text)
{
    const struct tn_class *const list[] = {&c, NULL};
    struct tn_plugin p = good_plugin;
    p.classes = list;
    return refused(&p, text);
}

static int prop_refused(struct tn_prop p, const char *text)
{
    struct tn_class c = good;
    c.props = &p;
    c.nprops = 1;
    return class_refused(c, text);
}

TEST(a_sound_plugin_is_taken)
{
    struct vm *vm = vm_new(1);
    CHECK_EQ(plugin_check(&good_plugin, &vm->host, NULL), 0);
    vm_free(vm);
}

TEST(other_abis_are_refused)
{
    struct tn_plugin p = good_plugin;
    p.abi_major = TN_ABI_MAJOR + 1;
    CHECK(refused(&p, "built for ABI 2.0, this host has 1.0"));
    p = good_plugin;
    p.min_host_minor = TN_ABI_MINOR + 1;
    CHECK(refused(&p, "needs a host of ABI 1.1 or newer"));
    p = good_plugin;
    p.abi_minor = TN_ABI_MINOR + 7; /* newer headers, but content with this host */
    struct vm *vm = vm_new(1);
    CHECK_EQ(plugin_check(&p, &vm->host, NULL), 0);
    vm_free(vm);
}

TEST(what_it_needs_must_be_there)
{
    static const char *const needs[] = {TN_CORE_1, "acme.teleport/1", NULL};
    struct tn_plugin p = good_plugin;
    p.needs = needs;
    CHECK(refused(&p, "acme.teleport/1"));
    p.needs = NULL;
    p.wants = needs; /* wanting is no condition */
    struct vm *vm = vm_new(1);
    CHECK_EQ(plugin_check(&p, &vm->host, NULL), 0);
    vm_free(vm);
}

TEST(sizes_that_lie_are_refused)
{
    struct tn_plugin p = good_plugin;
    p.struct_size = sizeof p - 8;
    CHECK(refused(&p, "bytes"));
    p = good_plugin;
    p.struct_size += 64; /* grown at its end by a later minor: fine */
    struct vm *vm = vm_new(1);
    CHECK_EQ(plugin_check(&p, &vm->host, NULL), 0);
    vm_free(vm);
    p = good_plugin;
    p.id = NULL;
    CHECK(refused(&p, "no id"));
    struct tn_class c = good;
    c.struct_size = 16;
    CHECK(class_refused(c, "says that it has 16 bytes"));
    c = good;
    c.name = "";
    CHECK(class_refused(c, "no name"));
    c = good;
    c.kind = 77;
    CHECK(class_refused(c, "unknown kind 77"));
    c = good;
    c.instance_size = (uint64_t)1 << 40;
    CHECK(class_refused(c, "wants instances"));
    c = good;
    c.prop_stride = 40;
    CHECK(class_refused(c, "stride 40"));
    c.prop_stride = sizeof good_props[0] + 4;
    CHECK(class_refused(c, "stride"));
    c = good;
    c.props = NULL;
    CHECK(class_refused(c, "stride"));
}

TEST(properties_that_lie_are_refused)
{
    struct tn_prop p = good_props[0];
    p.offset = 8;
    CHECK(prop_refused(p, "class 'good': property 'a' lies outside the instance"));
    p = good_props[0];
    p.offset = 0xfffffffc;
    CHECK(prop_refused(p, "outside"));
    p = good_props[0];
    p.offset = 2;
    CHECK(prop_refused(p, "not aligned"));
    p = good_props[0];
    p.size = 8;
    CHECK(prop_refused(p, "has size 8"));
    p = good_props[0];
    p.type = 999;
    CHECK(prop_refused(p, "unknown type 999"));
    p = good_props[0];
    p.name = NULL;
    CHECK(prop_refused(p, "?"));
    p = good_props[0];
    p.type = TN_P_BIT;
    p.bit = 32;
    CHECK(prop_refused(p, "is bit 32 of 32"));
    p = good_props[0];
    p.type = TN_P_ENUM;
    CHECK(prop_refused(p, "no name"));
    static const char *const two[] = {"x", "y", NULL};
    p.names = two;
    p.defval = 2;
    CHECK(prop_refused(p, "no name for its default"));
    p = good_props[0];
    p.min = 5;
    p.max = 4;
    CHECK(prop_refused(p, "minimum above its maximum"));
    struct tn_prop twice[] = {good_props[0], good_props[0]};
    struct tn_class c = good;
    c.props = twice;
    CHECK(class_refused(c, "property 'a' is there twice"));
}

TEST(lists_that_lie_are_refused)
{
    static const struct tn_prop bad[] = {{.name = "x", .type = TN_P_U32, .size = 2}},
                                deep[] = {{.name = "x",
                                           .type = TN_P_LIST,
                                           .size = sizeof(struct tn_list)}};
    struct tn_class c = good;
    struct tn_prop l = {.name = "l",
                        .type = TN_P_LIST,
                        .size = sizeof(struct tn_list),
                        .nsub = 1,
                        .sub_stride = sizeof bad[0]};
    c.instance_size = 64;
    c.props = &l;
    c.nprops = 1;
    CHECK(class_refused(c, "no element type"));
    l.sub = bad;
    CHECK(class_refused(c, "has size 2"));
    l.sub = deep;
    CHECK(class_refused(c, "list of lists"));
    l.sub = good_props;
    l.sub_stride = 8;
    CHECK(class_refused(c, "no element type"));
}

TEST(duplicates_and_half_compositions_are_refused)
{
    const struct tn_class *const twice[] = {&good, &good, NULL};
    struct tn_plugin p = good_plugin;
    p.classes = twice;
    CHECK(refused(&p, "class 'good' is there twice"));
    struct tn_compose m = {.struct_size = sizeof m, .transport = "good", .inner_bus = "bus"};
    const struct tn_compose *const list[] = {&m, NULL};
    p = good_plugin;
    p.composes = list;
    CHECK(refused(&p, "does not say all names"));
    m.struct_size = 8;
    CHECK(refused(&p, "a composition says that it has 8 bytes"));
}

/* ---- the registry ---- */

TEST(classes_are_found_by_name_alias_and_kind)
{
    struct vm *vm = fixture_vm_with(&good_plugin);
    ERR_AUTO e = {0};
    struct class_entry *c = registry_class(vm->registry, TN_K_DEVICE, "good", NULL);
    CHECK(c);
    CHECK(registry_class(vm->registry, TN_K_DEVICE, "good-old", NULL) == c);
    CHECK(registry_class(vm->registry, TN_K_DEVICE, "good-older", NULL) == c);
    CHECK(!registry_class(vm->registry, TN_K_OBJECT, "good", &e));
    CHECK_STR(err_text(&e), "'good' is not a valid object type name");
    CHECK(!registry_peek(vm->registry, TN_K_DEVICE, "foo"));
    vm_free(vm);
}

static int count(void *o, const struct class_entry *c)
{
    (void)c;
    ++*(uint32_t *)o;
    return 0;
}

static int count_plugins(void *o, const struct tn_plugin *p)
{
    (void)p;
    ++*(uint32_t *)o;
    return 0;
}

/* The sandbox asks who is open: of a program with everything linked in, that is who is used. */
TEST(a_linked_plugin_is_open_once_a_class_of_it_is_asked_for)
{
    static const struct tn_class other = {
        .struct_size = sizeof other, .name = "other", .instance_size = 8};
    FIXTURE_PLUGIN(second, &other);
    struct vm *vm = fixture_vm();
    ERR_AUTO e = {0};
    uint32_t before = 0, after = 0, known = 0;
    registry_each_open(vm->registry, count_plugins, &before);
    CHECK_EQ(registry_linked(vm->registry, &good_plugin, &e), 0);
    CHECK_EQ(registry_linked(vm->registry, &second, &e), 0);
    registry_each_open(vm->registry, count_plugins, &after);
    CHECK_EQ(after, before);
    CHECK(registry_class(vm->registry, TN_K_DEVICE, "other", NULL));
    registry_each_open(vm->registry, count_plugins, &after);
    CHECK_EQ(after, 2 * before + 1);
    registry_each_known(vm->registry, count_plugins, &known);
    CHECK_EQ(known, before + 2);
    CHECK_EQ(registry_linked(vm->registry, &second, &e), -EEXIST);
    CHECK_STR(err_text(&e), "a plugin that is linked in: 'second' 1: version 1 of the host is "
                            "loaded already");
    vm_free(vm);
}

TEST(a_plugin_whose_class_is_taken_adds_none)
{
    static const struct tn_class other = {
        .struct_size = sizeof other, .name = "other", .instance_size = 8};
    FIXTURE_PLUGIN(second, &other, &good);
    struct vm *vm = fixture_vm_with(&good_plugin);
    ERR_AUTO e = {0};
    uint32_t n = 0;
    CHECK_EQ(registry_builtin(vm->registry, &second, &e), -EEXIST);
    CHECK_STR(err_text(&e), "class 'good' is already provided by the host");
    registry_each(vm->registry, TN_K_DEVICE, count, &n);
    CHECK_EQ(n, 1);
    vm_free(vm);
}

static const struct tn_bus_type link_bus = {.struct_size = sizeof link_bus, .name = "link-bus"};
static const struct tn_class x = {
    .struct_size = sizeof x, .name = "x", .bus = "link-bus", .instance_size = 8};
static const struct tn_class link_a = {
    .struct_size = sizeof link_a, .flags = TN_C_INTERNAL, .name = "link-a", .instance_size = 8};
static const struct tn_compose with_a = {.struct_size = sizeof with_a,
                                         .transport = "link-a",
                                         .inner_bus = "link-bus",
                                         .suffix = "-a",
                                         .child = "backend"};
static const struct tn_class x_a = {.struct_size = sizeof x_a, .name = "x-a", .instance_size = 16};
FIXTURE_PLUGIN(inner_plugin, &x);
FIXTURE_PLUGIN(literal_plugin, &x_a);
static const struct tn_class *const transport_classes[] = {&link_a, NULL};
static const struct tn_bus_type *const transport_buses[] = {&link_bus, NULL};
static const struct tn_compose *const transport_composes[] = {&with_a, NULL};
static const struct tn_plugin transport_plugin = {.struct_size = sizeof transport_plugin,
                                                  .abi_major = TN_ABI_MAJOR,
                                                  .abi_minor = TN_ABI_MINOR,
                                                  .id = "transport",
                                                  .version = "1",
                                                  .classes = transport_classes,
                                                  .buses = transport_buses,
                                                  .composes = transport_composes};

/* Whichever plugin comes first, the pairing is there. */
TEST(compositions_appear_in_either_order)
{
    for (int order = 0; order < 2; order++) {
        struct vm *vm = fixture_vm();
        fixture_register(vm, order ? &inner_plugin : &transport_plugin);
        CHECK(!registry_peek(vm->registry, TN_K_DEVICE, "x-a"));
        fixture_register(vm, order ? &transport_plugin : &inner_plugin);
        struct class_entry *c = registry_peek(vm->registry, TN_K_DEVICE, "x-a");
        CHECK(c && c->compose && c->inner->cls == &x);
        CHECK(!(c->flags & TN_C_INTERNAL));
        vm_free(vm);
    }
}

TEST(a_literal_class_beats_a_composed_one)
{
    for (int order = 0; order < 2; order++) {
        struct vm *vm = fixture_vm();
        if (order)
            fixture_register(vm, &literal_plugin);
        fixture_register(vm, &transport_plugin);
        fixture_register(vm, &inner_plugin);
        if (!order)
            fixture_register(vm, &literal_plugin);
        struct class_entry *c = registry_peek(vm->registry, TN_K_DEVICE, "x-a");
        CHECK(c && c->cls == &x_a);
        vm_free(vm);
    }
}

/* What only the index knows of a transport is enough for a class that comes by -plugin, and costs
 * no opened file. */
TEST(the_index_announces_compositions)
{
    char dir[] = "/tmp/test-registry-XXXXXX";
    struct vm *vm = fixture_vm();
    ERR_AUTO e = {0};
    CHECK(mkdtemp(dir));
    AUTO_FREE char *path = xasprintf("%s/plugins.idx", dir);
    FILE *f = fopen(path, "we");
    CHECK(f);
    fputs("compose\tnot-there.so\tlink-bus\t-far\tPCI\n"
          "class\tnot-there.so\t0\t16\t0\tlink-far\tPCI\t-\t-\n",
          f);
    fclose(f);
    CHECK_EQ(registry_index(vm->registry, dir, &e), 0);
    fixture_register(vm, &inner_plugin);
    const struct class_entry *c = registry_peek(vm->registry, TN_K_DEVICE, "x-far");
    CHECK(c && !c->cls);
    CHECK_STR(c->inner_name, "x");
    CHECK_STR(c->bus, "PCI");
    CHECK(registry_composed(vm->registry, registry_peek(vm->registry, TN_K_DEVICE, "x"), 0) == c);
    CHECK(!registry_composed(vm->registry, registry_peek(vm->registry, TN_K_DEVICE, "x"), 1));
    CHECK(!registry_class(vm->registry, TN_K_DEVICE, "x-far", &e));
    unlink(path);
    rmdir(dir);
    vm_free(vm);
}

int main(void)
{
    RUN(a_sound_plugin_is_taken);
    RUN(other_abis_are_refused);
    RUN(what_it_needs_must_be_there);
    RUN(sizes_that_lie_are_refused);
    RUN(properties_that_lie_are_refused);
    RUN(lists_that_lie_are_refused);
    RUN(duplicates_and_half_compositions_are_refused);
    RUN(classes_are_found_by_name_alias_and_kind);
    RUN(a_linked_plugin_is_open_once_a_class_of_it_is_asked_for);
    RUN(a_plugin_whose_class_is_taken_adds_none);
    RUN(compositions_appear_in_either_order);
    RUN(a_literal_class_beats_a_composed_one);
    RUN(the_index_announces_compositions);
    return tap_done();
}
