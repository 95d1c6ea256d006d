/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that the host makes of a machine and of what its devices add. */
#include "acpi_host_rig.h"
#include <errno.h>
#include <tenon/cmos.h>

TEST(a_q35_has_the_tables_of_a_q35)
{
    struct pm *p = start(1, 0);
    CHECK_EQ(build(), 0);
    const uint8_t *fadt = table("FACP"), *madt = table("APIC"), *mcfg = table("MCFG");
    CHECK(fadt && madt && mcfg);
    CHECK(!table("SPCR") && !table("SRAT"));
    CHECK_EQ(get_le32(fadt + 56),
             0x600); /* as the device said, in the description and in the FADT */
    CHECK_EQ(get_le32(fadt + 112) >> 20 & 1, 0);
    CHECK_EQ(get_le64(mcfg + 44), 0xb0000000);
    CHECK_EQ(mcfg[55], 255);
    CHECK(memcmp(madt + 44, "\0\x08\0\0\1", 5) == 0); /* local APIC of CPU 0, then 1 */
    CHECK(memcmp(madt + 52, "\0\x08\1\1\1", 5) == 0);
    CHECK(dsdt_has("PCI0", 4));
    CHECK(dsdt_has("ISA_", 4));
    CHECK_EQ(p->unlocked, 0);
    finish();
}

TEST(a_machine_with_a_ged_is_hardware_reduced)
{
    start(0, 1);
    fake.m.n_serial = 1;
    CHECK_EQ(build(), 0);
    CHECK_EQ(get_le32(table("FACP") + 112) >> 20 & 1, 1);
    CHECK(table("SPCR"));
    CHECK(!table("MCFG"));
    CHECK(!dsdt_has("PCI0", 4));
    finish();
}

TEST(without_event_hardware_there_is_no_fixed_hardware)
{
    struct pm *p = start(1, 0);
    fake_device_free(p->dev);
    CHECK_EQ(build(), 0);
    CHECK_EQ(get_le32(table("FACP") + 112) >> 20 & 1, 1);
    finish();
}

TEST(flags_of_the_legacy_devices_follow_what_is_there)
{
    start(1, 0);
    CHECK_EQ(build(), 0);
    CHECK_EQ(get_le16(table("FACP") + 109) & 0x22, 0x20); /* no CMOS RTC */
    fake.m.i8042 = 1;
    CHECK_EQ(build(), 0);
    CHECK_EQ(get_le16(table("FACP") + 109) & 0x22, 0x22);
    fake.no_lines = 1;
    uint32_t with = get_le32(table("APIC") + 4);
    CHECK_EQ(build(), 0);
    CHECK(get_le32(table("APIC") + 4) < with); /* no IO-APIC */
    finish();
}

TEST(numa_nodes_fill_low_memory_around_the_hole_and_then_high_memory)
{
    static uint8_t cpu_node[] = {0, 1}, distances[] = {10, 20, 20, 10};
    start(1, 0);
    fake.m.map.ram_high = 32 << 20;
    fake.m.n_nodes = 2;
    fake.m.node[0] = (struct machine_node){.id = 0, .size = 16 << 20};
    fake.m.node[1] = (struct machine_node){.id = 1, .size = 80 << 20};
    fake.m.cpu_node = cpu_node;
    fake.m.distances = distances;
    CHECK_EQ(build(), 0);
    const uint8_t *srat = table("SRAT"), *m = srat + 48;
    CHECK(srat && table("SLIT"));
    static const uint64_t want[][3] = {{0, 0, 0xa0000},
                                       {0, 0x100000, 0xf00000},
                                       {1, 0x1000000, 0x3000000},
                                       {1, 0x100000000, 0x2000000}};
    for (uint32_t i = 0; i < 4; m += m[1])
        if (m[0] == 1) { /* memory affinity (5.2.16.2) */
            CHECK_EQ(get_le32(m + 2), want[i][0]);
            CHECK_EQ(get_le64(m + 8), want[i][1]);
            CHECK_EQ(get_le64(m + 16), want[i++][2]);
        }
    finish();
}

static int named(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    BUF_AUTO a = {0};
    int r = b->prefix(o, "XY", u->name);
    aml_name_int(&a, u->name, 1);
    return r < 0 ? r : b->aml(o, u->scope, a.data, (uint32_t)a.len);
}

TEST(builders_run_locked_in_order_of_the_devices_creation_at_each_build)
{
    start(1, 0);
    struct user *first = user("first", named), *second = builder("second", named);
    first->scope = second->scope = TN_SCOPE_SB;
    CHECK_EQ(acpi_host_table.builder(&first->dev->pub, user_build, first), 0);
    CHECK_EQ(build(), 0);
    CHECK_EQ(first->order, 1);
    CHECK_EQ(second->order, 2);
    CHECK_STR(first->name, "XY00");
    CHECK_STR(second->name, "XY01");
    CHECK_EQ(first->unlocked | second->unlocked, 0);
    CHECK_EQ(build(), 0);
    CHECK_EQ(first->builds, 2);
    CHECK_STR(second->name, "XY01");
    fake_device_free(first->dev);
    CHECK_EQ(build(), 0);
    CHECK_STR(second->name, "XY00");
    finish();
}

static int own_path(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    int r = named(u, b, o);
    return r < 0 ? r : b->path(o, &u->dev->pub, u->path, sizeof u->path);
}

TEST(scopes_follow_bus_and_function)
{
    start(1, 0);
    struct user *isa = builder("isa", own_path), *root = builder("root", own_path),
                *fn = builder("fn", own_path), *lpc = builder("lpc", own_path),
                *below = builder("below", own_path), *none = builder("none", own_path);
    struct tn_bus secondary = {.type = fake.pcie.type, .owner = fn->dev};
    isa->dev->bus = &fake.isa;
    fake_function(fn->dev, NULL, 3 << 3);
    fake_function(lpc->dev, NULL, 0x1f << 3);
    fake_function(below->dev, &secondary, 1 << 8 | 2 << 3 | 1);
    isa->scope = none->scope = TN_SCOPE_PARENT;
    root->scope = TN_SCOPE_ROOT;
    fn->scope = lpc->scope = below->scope = TN_SCOPE_SELF;
    CHECK_EQ(build(), 0);
    CHECK_STR(isa->path, "\\_SB.PCI0.ISA.XY00");
    CHECK_STR(root->path, "\\XY01");
    CHECK_STR(fn->path, "\\_SB.PCI0.S18.XY02");
    CHECK_STR(lpc->path, "\\_SB.PCI0.ISA.XY03");
    CHECK(strncmp(below->path, "\\_SB.PCI0.S18.S11", 17) == 0);
    CHECK_STR(none->path, "\\_SB.XY05");
    finish();
}

TEST(without_pci_the_isa_devices_are_below_sb)
{
    start(0, 1);
    struct user *isa = builder("isa", own_path);
    isa->dev->bus = &fake.isa;
    isa->scope = TN_SCOPE_PARENT;
    CHECK_EQ(build(), 0);
    CHECK_STR(isa->path, "\\_SB.XY00");
    finish();
}

static int asks_for_path(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    char small[4];
    int r = b->path(o, &u->other->dev->pub, u->path, sizeof u->path);
    return r < 0                                                                   ? r
           : b->path(o, &u->other->dev->pub, small, sizeof small) == -ENAMETOOLONG ? 0
                                                                                   : -1;
}

TEST(the_path_of_another_function_is_known)
{
    start(1, 0);
    struct user *fn = user("fn", NULL), *u = builder("u", asks_for_path),
                *v = builder("v", asks_for_path);
    fake_function(fn->dev, NULL, 4 << 3 | 1);
    u->other = fn;
    v->other = u; /* has made nothing */
    struct tn_err e = {0};
    uint64_t rsdp;
    CHECK_EQ(acpi_host_build(fake.vm, FAKE_RAM, sizeof fake.ram, &rsdp, &e), -ENOENT);
    err_clear(&e);
    CHECK_STR(u->path, "\\_SB.PCI0.S21");
    CHECK_EQ(v->result, -ENOENT);
    finish();
}

static int wrong_things(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    char name[5];
    CHECK_EQ(b->aml(o, TN_SCOPE_SB, "\x5b\x82\xff", 3), -EINVAL);
    CHECK_EQ(b->aml(o, 77, "", 0), -EINVAL);
    CHECK_EQ(b->aml(o, TN_SCOPE_SELF, "", 0), -ENOENT);
    CHECK_EQ(b->table(o, "FACP", 1, "", 0), -EEXIST);
    CHECK_EQ(b->table(o, "TPM2", 256, "", 0), -EINVAL);
    CHECK_EQ(b->entry(o, "HPET", "", 0), -EINVAL);
    CHECK_EQ(b->pointer(o, 0, 4, "blob", 0), -EINVAL);
    CHECK_EQ(b->prefix(o, "ab", name), -EINVAL);
    CHECK_EQ(b->prefix(o, "A", name), -EINVAL);
    CHECK_EQ(b->prefix(o, "ABC", name), -EINVAL);
    for (int i = 0; i < 256; i++)
        CHECK_EQ(b->prefix(o, "N1", name), 0);
    CHECK_STR(name, "N1FF");
    CHECK_EQ(b->prefix(o, "N1", name), -ENOSPC);
    (void)u;
    return 0;
}

TEST(a_builders_mistakes_are_refused)
{
    start(1, 0);
    builder("u", wrong_things);
    CHECK_EQ(build(), 0);
    finish();
}

static int uses_lines(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    struct tn_line l = {.gsi = 20, .flags = TN_LINE_LEVEL | TN_LINE_LOW | TN_LINE_SHARED};
    uint8_t aml[16];
    (void)u;
    /* extended interrupt descriptor (6.4.3.6): consumer, level, active low, shared; one of 20 */
    CHECK_EQ(b->irq(o, &l, aml, sizeof aml), 9);
    CHECK(memcmp(aml, "\x89\x06\x00\x0d\x01\x14\0\0\0", 9) == 0);
    CHECK_EQ(b->irq(o, &l, aml, 8), -ENOSPC);
    CHECK(b->crs(o, &fake.pcie, aml, sizeof aml) > 0);
    CHECK_EQ(b->prt(o, &fake.pcie, aml, 1), -ENOSPC);
    return 0;
}

TEST(lines_are_described_as_they_are)
{
    start(1, 0);
    builder("u", uses_lines);
    CHECK_EQ(build(), 0);
    finish();
}

static int fails(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    (void)u;
    (void)b;
    (void)o;
    return -EIO;
}

TEST(a_failing_builder_fails_the_build_by_name)
{
    start(1, 0);
    struct tn_err e = {0};
    uint64_t rsdp = 1;
    builder("bad0", fails);
    CHECK_EQ(acpi_host_build(fake.vm, FAKE_RAM, sizeof fake.ram, &rsdp, &e), -EIO);
    CHECK(strstr(err_text(&e), "bad0"));
    CHECK_EQ(rsdp, 0);
    err_clear(&e);
    finish();
}

static const uint8_t body_a[] = {0xa3}, body_b[] = {0xcc};

TEST(events_get_bits_in_order_and_their_methods_are_handed_over_once)
{
    struct pm *p = start(1, 0);
    struct tn_acpi_event *a, *b, *c;
    struct tn_err e = {0};
    struct user *u = user("u", NULL);
    CHECK_EQ(acpi_host_table.event(&u->dev->pub, "a", body_a, 1, &a, NULL), 0);
    CHECK_EQ(acpi_host_table.event(&u->dev->pub, "b", body_b, 1, &b, NULL), 0);
    acpi_host_table.raise(b); /* nobody listens yet */
    CHECK_EQ(build(), 0);
    CHECK_EQ(p->methods, 3);
    CHECK_EQ(p->body[0], 0xa3);
    CHECK_EQ(p->body[1], 0xcc);
    acpi_host_table.raise(b);
    CHECK_EQ(p->raised, 2);
    p->methods = 0;
    CHECK_EQ(build(), 0);
    CHECK_EQ(p->methods, 0);
    CHECK_EQ(acpi_host_table.event(&u->dev->pub, "c", body_a, 1, &c, &e), -EBUSY);
    err_clear(&e);
    CHECK_EQ(p->unlocked, 0);
    fake_device_free(p->dev);
    acpi_host_table.raise(a); /* the hardware is gone */
    finish();
}

TEST(more_events_than_the_hardware_has_are_refused)
{
    start(1, 0);
    struct tn_acpi_event *ev;
    struct tn_err e = {0};
    uint64_t rsdp;
    struct user *u = user("u", NULL);
    for (int i = 0; i < 64; i++)
        CHECK_EQ(acpi_host_table.event(&u->dev->pub, "n", body_a, 1, &ev, NULL), 0);
    CHECK_EQ(acpi_host_table.event(&u->dev->pub, "n", body_a, 1, &ev, &e), -ENOSPC);
    err_clear(&e);
    CHECK_EQ(acpi_host_build(fake.vm, FAKE_RAM, sizeof fake.ram, &rsdp, &e), -ENOSPC);
    CHECK(strstr(err_text(&e), "2 event bits"));
    err_clear(&e);
    finish();
}

TEST(an_event_of_malformed_aml_is_refused)
{
    start(1, 0);
    struct tn_acpi_event *ev;
    struct tn_err e = {0};
    struct user *u = user("u", NULL);
    CHECK_EQ(acpi_host_table.event(&u->dev->pub, "n", "\x5b\x82\xff", 3, &ev, &e), -EINVAL);
    err_clear(&e);
    finish();
}

static int points(struct user *u, const struct tn_acpi_build *b, struct tn_acpi_out *o)
{
    uint8_t body[8] = {0};
    (void)u;
    int r = b->table(o, "VMGX", 1, body, sizeof body);
    return r < 0 ? r : b->pointer(o, 0, 8, "etc/guid", 2);
}

TEST(a_blob_is_placed_behind_the_tables_and_pointed_to)
{
    start(1, 0);
    fake.vm->fwcfg = fwcfg_host_new(fake.vm);
    struct user *u = builder("u", points);
    CHECK_EQ(fwcfg_table.blob(&u->dev->pub, "etc/guid", "0123456789abcdef", 16, 4096, 1, NULL), 0);
    CHECK_EQ(build(), 0);
    uint64_t gpa = fwcfg_table.gpa(&u->dev->pub, "etc/guid");
    CHECK_EQ(gpa % 4096, 0);
    CHECK(memcmp(at(gpa), "0123456789abcdef", 16) == 0);
    CHECK_EQ(get_le64(table("VMGX") + 36), gpa + 2);
    finish();
}

TEST(tables_that_do_not_fit_are_refused)
{
    start(1, 0);
    struct tn_err e = {0};
    uint64_t rsdp;
    CHECK_EQ(acpi_host_build(fake.vm, FAKE_RAM, 1024, &rsdp, &e), -ENOSPC);
    err_clear(&e);
    CHECK_EQ(acpi_host_build(fake.vm, FAKE_RAM + 1, 1 << 15, &rsdp, &e), -EINVAL);
    err_clear(&e);
    CHECK_EQ(acpi_host_build(fake.vm, 0, 1 << 15, &rsdp, &e), -EFAULT);
    err_clear(&e);
    finish();
}

TEST(a_contradicting_map_is_refused)
{
    start(1, 0);
    struct tn_err e = {0};
    uint64_t rsdp;
    fake.m.map.mmio32_base = fake.m.map.ecam_base;
    CHECK_EQ(acpi_host_build(fake.vm, FAKE_RAM, sizeof fake.ram, &rsdp, &e), -EINVAL);
    err_clear(&e);
    finish();
}

/* ---- for firmware ---- */

static struct tn_fwcfg_item got[8];
static uint32_t n_got;
static int hw_add(void *s, const struct tn_fwcfg_item *it, struct tn_err *e)
{
    (void)s;
    (void)e;
    got[n_got++ % 8] = *it;
    return 0;
}
static int hw_del(void *s, const char *name)
{
    (void)s;
    (void)name;
    return 0;
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
static const struct tn_class hw_class = {
    .name = "fw_cfg", .provides = hw_provides, .get_iface = hw_iface};

static const struct tn_fwcfg_item *file(const char *name)
{
    for (uint32_t i = 0; i < n_got; i++)
        if (got[i].name && strcmp(got[i].name, name) == 0)
            return &got[i];
    return NULL;
}

TEST(firmware_gets_files_and_a_script)
{
    start(1, 0);
    n_got = 0;
    CHECK_EQ(acpi_host_publish(fake.vm, NULL), 0); /* no fw_cfg: nothing */
    fake.vm->fwcfg = fwcfg_host_new(fake.vm);
    struct user *u = builder("u", points);
    CHECK_EQ(fwcfg_table.blob(&u->dev->pub, "etc/guid", "0123456789abcdef", 16, 8, 1, NULL), 0);
    fake_device(fake.vm, &hw_class, "fw_cfg");
    CHECK_EQ(acpi_host_publish(fake.vm, NULL), 0);
    CHECK_EQ(acpi_host_publish(fake.vm, NULL), 0); /* at each reset */
    CHECK_EQ(fwcfg_host_connect(fake.vm, NULL), 0);
    CHECK_EQ(n_got, 5);
    const struct tn_fwcfg_item *script = file("etc/table-loader");
    CHECK(file("etc/acpi/tables") && file("etc/acpi/rsdp") && script);
    CHECK_EQ(file("etc/acpi/rsdp")->len, 36);
    CHECK_EQ(script->len % 128, 0);
    const uint8_t *p = script->data, *last = p + script->len - 128;
    CHECK_EQ(get_le32(p), 1); /* allocate */
    CHECK_STR((const char *)p + 4, "etc/guid");
    CHECK_EQ(get_le32(last), 4); /* write pointer */
    CHECK_STR((const char *)last + 4, "etc/guid.addr");
    CHECK_STR((const char *)last + 60, "etc/guid");
    CHECK_EQ(last[124], 8);
    n_got = 0;
    CHECK_EQ(acpi_host_publish(fake.vm, NULL), 0);
    CHECK_EQ(n_got, 3); /* at once: a reset follows */
    finish();
}

int main(void)
{
    RUN(a_q35_has_the_tables_of_a_q35);
    RUN(a_machine_with_a_ged_is_hardware_reduced);
    RUN(without_event_hardware_there_is_no_fixed_hardware);
    RUN(flags_of_the_legacy_devices_follow_what_is_there);
    RUN(numa_nodes_fill_low_memory_around_the_hole_and_then_high_memory);
    RUN(builders_run_locked_in_order_of_the_devices_creation_at_each_build);
    RUN(scopes_follow_bus_and_function);
    RUN(without_pci_the_isa_devices_are_below_sb);
    RUN(the_path_of_another_function_is_known);
    RUN(a_builders_mistakes_are_refused);
    RUN(lines_are_described_as_they_are);
    RUN(a_failing_builder_fails_the_build_by_name);
    RUN(events_get_bits_in_order_and_their_methods_are_handed_over_once);
    RUN(more_events_than_the_hardware_has_are_refused);
    RUN(an_event_of_malformed_aml_is_refused);
    RUN(a_blob_is_placed_behind_the_tables_and_pointed_to);
    RUN(tables_that_do_not_fit_are_refused);
    RUN(a_contradicting_map_is_refused);
    RUN(firmware_gets_files_and_a_script);
    return tap_done();
}
