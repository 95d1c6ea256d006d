/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/fdt_host.h"
#include "fake_machine.h"
#include "tap.h"
#include "util/bytes.h"
#include <errno.h>
#include <libfdt.h>

struct user {
    struct device *dev;
    int (*fn)(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o);
    uint32_t builds, unlocked;
    struct user *other;
};
static const struct tn_class user_class = {.name = "user", .instance_size = sizeof(struct user)};
static struct buf dtb;

static int user_build(void *s, const struct tn_fdt_build *b, struct tn_fdt_out *o, struct tn_err *e)
{
    struct user *u = s;
    (void)e;
    u->builds++;
    u->unlocked |= !domain_held(u->dev->domain);
    return u->fn ? u->fn(u, b, o) : 0;
}

static struct user *builder(const char *id, int (*fn)(struct user *u, const struct tn_fdt_build *b,
                                                      struct tn_fdt_out *o))
{
    struct device *d = fake_device(fake.vm, &user_class, id);
    struct user *u = d->pub.self;
    u->dev = d;
    u->fn = fn;
    CHECK_EQ(fdt_table.builder(&d->pub, user_build, u), 0);
    return u;
}

static void start(void)
{
    static char append[] = "console=ttyS0";
    fake_machine_start(0);
    fake.cli.append = append;
    fake.cpu[1].apic_id = 4;
    fake.vm->fdt = fdt_host_new(fake.vm);
}

static void finish(void)
{
    struct fdt *f = fake.vm->fdt;
    buf_free(&dtb);
    fake_machine_end();
    fdt_host_free(f);
}

static int build(void)
{
    struct tn_err e = {0};
    buf_free(&dtb);
    int r = fdt_host_build(fake.vm, &dtb, &e);
    err_clear(&e);
    return r < 0 ? r : fdt_check_full(dtb.data, dtb.len);
}

/* ---- reading ---- */

static const void *prop(const char *path, const char *name, int *len)
{
    int at = fdt_path_offset(dtb.data, path);
    return at < 0 ? NULL : fdt_getprop(dtb.data, at, name, len);
}

static int has(const char *path)
{
    return fdt_path_offset(dtb.data, path) >= 0;
}

/* Cell i of a property; all-ones if it is shorter. */
static uint32_t cell(const char *path, const char *name, int i)
{
    int len = 0;
    const uint8_t *p = prop(path, name, &len);
    return p && len >= 4 * (i + 1) ? get_be32(p + 4 * (size_t)i) : ~0u;
}

static const char *text(const char *path, const char *name)
{
    int len;
    return prop(path, name, &len);
}

/* ---- tests ---- */

TEST(the_tree_has_what_every_machine_has)
{
    start();
    CHECK_EQ(build(), 0);
    CHECK_STR(text("/chosen", "bootargs"), "console=ttyS0");
    CHECK_EQ(cell("/memory@0", "reg", 3), 64 << 20);
    CHECK_EQ(cell("/cpus/cpu@4", "reg", 0), 4);
    CHECK(has("/ioapic@fec00000"));
    CHECK(!has("/isa"));
    CHECK(!text("/chosen", "linux,initrd-start"));
    fdt_host_initrd(fake.vm, 0x1000000, 0x2000);
    CHECK_EQ(build(), 0);
    CHECK_EQ(cell("/chosen", "linux,initrd-start", 1), 0x1000000);
    CHECK_EQ(cell("/chosen", "linux,initrd-end", 1), 0x1002000);
    finish();
}

TEST(a_machine_without_lines_has_no_io_apic)
{
    start();
    fake.no_lines = 1;
    CHECK_EQ(build(), 0);
    CHECK(!has("/ioapic@fec00000"));
    finish();
}

static int serial(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    struct tn_region ports = {.space = fake.vm->pio, .base = 0x3f8, .size = 8}, *r = &ports;
    struct tn_line wire = {.gsi = 4}, *l = &wire;
    const uint32_t clock = 1843200;
    uint32_t at;
    (void)u;
    CHECK_EQ(b->begin(o, NULL, "serial@3f8", &at), 0);
    CHECK_EQ(b->str(o, at, "compatible", "ns16550a"), 0);
    CHECK_EQ(b->reg(o, at, &r, 1), 0);
    CHECK_EQ(b->irqs(o, at, &l, 1), 0);
    CHECK_EQ(b->cells(o, at, "clock-frequency", &clock, 1), 0);
    return b->role(o, at, "stdout");
}

TEST(a_device_of_the_isa_bus_has_ports_on_it)
{
    start();
    struct user *u = builder("s", serial);
    u->dev->bus = &fake.isa;
    CHECK_EQ(build(), 0);
    CHECK_STR(text("/isa", "compatible"), "isa");
    CHECK_STR(text("/isa/serial@3f8", "compatible"), "ns16550a");
    CHECK_EQ(cell("/isa/serial@3f8", "reg", 0), 1);
    CHECK_EQ(cell("/isa/serial@3f8", "reg", 1), 0x3f8);
    CHECK_EQ(cell("/isa/serial@3f8", "reg", 2), 8);
    CHECK_EQ(cell("/isa/serial@3f8", "interrupt-parent", 0),
             cell("/ioapic@fec00000", "phandle", 0));
    CHECK_EQ(cell("/isa/serial@3f8", "interrupts", 0), 4);
    CHECK_EQ(cell("/isa/serial@3f8", "interrupts", 1), 0); /* rising edge */
    CHECK_EQ(cell("/isa/serial@3f8", "clock-frequency", 0), 1843200);
    CHECK_STR(text("/chosen", "stdout-path"), "/isa/serial@3f8");
    CHECK_EQ(u->unlocked, 0);
    CHECK_EQ(build(), 0);
    CHECK_EQ(u->builds, 2);
    finish();
}

static int virtio(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    struct tn_region window = {.space = fake.vm->mmio, .base = 0x1feb00000, .size = 0x200},
                     *r = &window;
    struct tn_line wires[2] = {{.gsi = 16, .flags = TN_LINE_LEVEL},
                               {.gsi = 17, .flags = TN_LINE_LEVEL | TN_LINE_LOW}};
    struct tn_line *l[] = {&wires[0], &wires[1]};
    uint32_t at;
    (void)u;
    CHECK_EQ(b->begin(o, NULL, "virtio_mmio@1feb00000", &at), 0);
    CHECK_EQ(b->reg(o, at, &r, 1), 0);
    CHECK_EQ(b->irqs(o, at, l, 2), 0);
    return b->bytes(o, at, "dma-coherent", NULL, 0);
}

TEST(a_device_of_no_bus_is_below_the_root_with_64_bit_addresses)
{
    start();
    builder("v", virtio);
    CHECK_EQ(build(), 0);
    CHECK_EQ(cell("/virtio_mmio@1feb00000", "reg", 0), 1);
    CHECK_EQ(cell("/virtio_mmio@1feb00000", "reg", 1), 0xfeb00000);
    CHECK_EQ(cell("/virtio_mmio@1feb00000", "reg", 3), 0x200);
    CHECK_EQ(cell("/virtio_mmio@1feb00000", "interrupts", 1), 2);
    CHECK_EQ(cell("/virtio_mmio@1feb00000", "interrupts", 3), 1);
    CHECK(text("/virtio_mmio@1feb00000", "dma-coherent"));
    finish();
}

static int ioapic(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    const uint32_t two = 2;
    uint32_t at, again;
    (void)u;
    CHECK_EQ(b->begin(o, NULL, "ioapic@fec00000", &at), 0);
    CHECK_EQ(b->cells(o, at, "#interrupt-cells", &two, 1), 0);
    CHECK_EQ(b->str(o, at, "model", "mine"), 0);
    CHECK_EQ(b->begin(o, NULL, "ioapic@fec00000", &again), -EEXIST);
    return b->role(o, at, "intc");
}

TEST(a_device_completes_the_node_that_the_host_made_for_it)
{
    start();
    builder("s", virtio); /* points to the controller before it comes */
    builder("i", ioapic);
    CHECK_EQ(build(), 0);
    CHECK_STR(text("/ioapic@fec00000", "model"), "mine");
    CHECK_EQ(cell("/virtio_mmio@1feb00000", "interrupt-parent", 0),
             cell("/ioapic@fec00000", "phandle", 0));
    finish();
}

static int msi(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    uint32_t at, child;
    (void)u;
    CHECK_EQ(b->phandle(o, "msi", NULL), 0);
    CHECK_EQ(b->begin(o, "/", "msi", &at), 0);
    CHECK_EQ(b->role(o, at, "msi"), 0);
    CHECK_EQ(b->begin(o, "/msi", "frame@0", &child), 0);
    CHECK_EQ(b->begin(o, "/msi", "frame@1", &child), 0);
    return b->role(o, child, "msi") == -EEXIST ? 0 : -1;
}

static int refers(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    uint32_t at, role = b->phandle(o, "msi", NULL), dev = b->phandle(o, NULL, &u->other->dev->pub);
    CHECK(role && role == dev);
    CHECK_EQ(b->phandle(o, "msi", NULL), role);
    CHECK_EQ(b->phandle(o, NULL, &u->dev->pub), 0);
    CHECK_EQ(b->begin(o, NULL, "user", &at), 0);
    CHECK(b->phandle(o, NULL, &u->dev->pub) != role);
    return b->cells(o, at, "msi-parent", &role, 1);
}

TEST(phandles_are_of_roles_and_of_devices)
{
    start();
    struct user *m = builder("m", msi), *r = builder("r", refers);
    r->other = m;
    CHECK_EQ(build(), 0);
    CHECK(has("/msi/frame@1"));
    CHECK_EQ(cell("/user", "msi-parent", 0), cell("/msi", "phandle", 0));
    CHECK(cell("/msi", "phandle", 0) != cell("/ioapic@fec00000", "phandle", 0));
    finish();
}

static int wrong_things(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    struct tn_region ports = {.space = fake.vm->pio, .base = 1, .size = 1},
                     nowhere = {.base = TN_ANYWHERE, .size = 1};
    struct tn_region *p = &ports, *n = &nowhere, *many[65] = {0};
    uint32_t at, bad;
    (void)u;
    CHECK_EQ(b->begin(o, NULL, "x", &at), 0);
    CHECK_EQ(b->begin(o, NULL, "x/y", &bad), -EINVAL);
    CHECK_EQ(b->begin(o, NULL, "", &bad), -EINVAL);
    CHECK_EQ(b->begin(o, "x", "y", &bad), -EINVAL);
    CHECK_EQ(b->begin(o, "/none", "y", &bad), -ENOENT);
    CHECK_EQ(b->str(o, at + 1, "a", "b"), -EINVAL);
    CHECK_EQ(b->str(o, at, "", "b"), -EINVAL);
    CHECK_EQ(b->str(o, at, "a", NULL), -EINVAL);
    CHECK_EQ(b->bytes(o, at, "a", NULL, 1), -EINVAL);
    CHECK_EQ(b->cells(o, at, "a", NULL, ~0u), -EINVAL);
    CHECK_EQ(b->reg(o, at, &n, 1), -EINVAL);
    CHECK_EQ(b->reg(o, at, many, 65), -EINVAL);
    CHECK_EQ(b->reg(o, at, &p, 0), -EINVAL);
    CHECK_EQ(b->irqs(o, at, NULL, 0), -EINVAL);
    CHECK_EQ(b->role(o, 99, "intc"), -EINVAL);
    CHECK_EQ(b->role(o, at, "intc"), -EEXIST);
    return 0;
}

TEST(a_builders_mistakes_are_refused)
{
    start();
    builder("u", wrong_things);
    CHECK_EQ(build(), 0);
    finish();
}

static int large(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    static uint8_t bytes[20000];
    uint32_t at;
    char name[16];
    (void)u;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "node%d", i);
        int r = b->begin(o, NULL, name, &at);
        if (r < 0)
            return r;
    }
    return b->bytes(o, at, "much", bytes, sizeof bytes);
}

TEST(the_tree_grows_as_needed)
{
    start();
    builder("u", large);
    CHECK_EQ(build(), 0);
    CHECK(dtb.len > 20000);
    CHECK(has("/node99"));
    finish();
}

static int fails(struct user *u, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    (void)u;
    (void)b;
    (void)o;
    return -EIO;
}

TEST(a_failing_builder_fails_the_build_by_name)
{
    start();
    struct tn_err e = {0};
    builder("bad0", fails);
    CHECK_EQ(fdt_host_build(fake.vm, &dtb, &e), -EIO);
    CHECK(strstr(err_text(&e), "bad0"));
    CHECK_EQ(dtb.len, 0);
    err_clear(&e);
    finish();
}

TEST(a_device_takes_its_builder_with_it)
{
    start();
    fake_device_free(builder("bad0", fails)->dev);
    CHECK_EQ(build(), 0);
    finish();
}

int main(void)
{
    RUN(the_tree_has_what_every_machine_has);
    RUN(a_machine_without_lines_has_no_io_apic);
    RUN(a_device_of_the_isa_bus_has_ports_on_it);
    RUN(a_device_of_no_bus_is_below_the_root_with_64_bit_addresses);
    RUN(a_device_completes_the_node_that_the_host_made_for_it);
    RUN(phandles_are_of_roles_and_of_devices);
    RUN(a_builders_mistakes_are_refused);
    RUN(the_tree_grows_as_needed);
    RUN(a_failing_builder_fails_the_build_by_name);
    RUN(a_device_takes_its_builder_with_it);
    return tap_done();
}
