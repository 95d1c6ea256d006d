/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables as a guest finds them: from the RSDP through the XSDT, sums checked, and the
 * fields at the offsets that ACPI 6.3, 5.2 gives. */
#include "acpi_view.h"
#include "aml/aml.h"
#include <errno.h>

/* ---- fixed tables ---- */

TEST(q35_fadt_has_the_full_pm_block)
{
    BUF_AUTO b = {0};
    place_machine(&q35_machine, &b);
    const uint8_t *f = find(&b, "FACP");
    CHECK(f != NULL);
    CHECK_EQ(get_le32(f + 4), 276);
    CHECK_EQ(f[8], 6);
    CHECK_EQ(f[131], 3);
    CHECK_EQ(get_le16(f + 46), 9);
    CHECK_EQ(get_le32(f + 48), 0xb2);
    CHECK_EQ(f[52], 2);
    CHECK_EQ(f[53], 3);
    CHECK_EQ(get_le32(f + 56), 0x600);
    CHECK_EQ(get_le32(f + 64), 0x604);
    CHECK_EQ(get_le32(f + 76), 0x608);
    CHECK_EQ(get_le32(f + 80), 0x620);
    CHECK_EQ(f[88] | f[89] << 8 | f[91] << 16 | f[92] << 24, 4 | 2 << 8 | 4 << 16 | 16 << 24);
    check_gas(f + 116, 1, 8, 0xcf9);
    CHECK_EQ(f[128], 0xf);
    check_gas(f + 148, 1, 32, 0x600);
    check_gas(f + 172, 1, 16, 0x604);
    check_gas(f + 208, 1, 32, 0x608);
    check_gas(f + 220, 1, 128, 0x620);
    CHECK_EQ(f[151] | f[175] << 8 | f[211] << 16 | f[223] << 24, 2 | 2 << 8 | 3 << 16 | 1 << 24);
    check_gas(f + 244, 0, 0, 0);
    uint32_t flags = get_le32(f + 112);
    CHECK_EQ(flags & 1 << 20, 0);       /* not hardware-reduced */
    CHECK_EQ(flags & 1 << 10, 1 << 10); /* reset register */
    CHECK_EQ(flags & 1 << 4, 0);        /* fixed power button */
}

TEST(q35_fadt_points_to_facs_and_dsdt_twice)
{
    BUF_AUTO b = {0};
    place_machine(&q35_machine, &b);
    const uint8_t *f = find(&b, "FACP");
    CHECK(f != NULL);
    CHECK_EQ(get_le32(f + 36), get_le64(f + 132));
    CHECK_EQ(get_le32(f + 40), get_le64(f + 140));
    const uint8_t *facs = table_at(&b, GPA, get_le64(f + 132));
    CHECK(memcmp(facs, "FACS", 4) == 0);
    CHECK_EQ(get_le64(f + 132) % 64, 0);
    CHECK_EQ(get_le32(facs + 4), 64);
    CHECK_EQ(facs[32], 2);
    const uint8_t *dsdt = table_at(&b, GPA, get_le64(f + 140));
    CHECK(memcmp(dsdt, "DSDT", 4) == 0);
    CHECK_EQ(dsdt[8], 2);
    CHECK_EQ(aml_check(dsdt + 36, get_le32(dsdt + 4) - 36, NULL), 0);
}

TEST(microvm_fadt_is_hardware_reduced)
{
    BUF_AUTO b = {0};
    place_machine(&microvm_machine, &b);
    const uint8_t *f = find(&b, "FACP");
    CHECK(f != NULL);
    uint32_t flags = get_le32(f + 112);
    CHECK_EQ(flags & 1 << 20, 1 << 20);
    CHECK_EQ(flags & 1 << 10, 1 << 10);
    CHECK_EQ(get_le64(f + 132) | get_le32(f + 36), 0); /* no FACS */
    CHECK_EQ(get_le32(f + 56) | get_le32(f + 64) | get_le32(f + 76) | get_le32(f + 80), 0);
    check_gas(f + 116, 0, 8, 0xfea00202);
    CHECK_EQ(f[128], 0x42);
    check_gas(f + 244, 0, 8, 0xfea00200);
    check_gas(f + 256, 0, 8, 0xfea00201);
}

static uint16_t boot_arch_with(uint32_t flags)
{
    BUF_AUTO b = {0};
    struct acpi_machine m = microvm_machine;
    m.flags = ACPI_HW_REDUCED | flags;
    place_machine(&m, &b);
    return get_le16(find(&b, "FACP") + 109);
}

/* Bit 0: ISA devices, 1: i8042, 2: no VGA, 5: no RTC */
TEST(boot_flags_follow_what_exists)
{
    CHECK_EQ(boot_arch_with(0), 1 << 2 | 1 << 5);
    CHECK_EQ(boot_arch_with(ACPI_SERIAL), 1 | 1 << 2 | 1 << 5);
    CHECK_EQ(boot_arch_with(ACPI_8042), 1 | 1 << 1 | 1 << 2 | 1 << 5);
    CHECK_EQ(boot_arch_with(ACPI_RTC), 1 << 2);
    CHECK_EQ(boot_arch_with(ACPI_VGA), 1 << 5);
}

TEST(madt_lists_cpus_ioapic_overrides_and_nmi)
{
    static const uint8_t want[] = {
        0x00, 0x00, 0xe0, 0xfe, 0, 0, 0,    0,                 /* local APIC, no 8259 */
        0,    8,    0,    0,    1, 0, 0,    0,                 /* CPU 0 */
        0,    8,    1,    1,    1, 0, 0,    0,                 /* CPU 1 */
        0,    8,    2,    2,    1, 0, 0,    0,                 /* CPU 2 */
        0,    8,    3,    3,    2, 0, 0,    0,                 /* CPU 3 is not there yet */
        1,    12,   1,    0,    0, 0, 0xc0, 0xfe, 0,  0, 0, 0, /* I/O APIC */
        2,    10,   0,    0,    2, 0, 0,    0,    0,  0,       /* IRQ 0 is GSI 2 */
        2,    10,   0,    9,    9, 0, 0,    0,    13, 0,       /* SCI: level, active high */
        4,    6,    255,  0,    0, 1,                          /* NMI at LINT1 */
    };
    BUF_AUTO b = {0};
    place_machine(&q35_machine, &b);
    const uint8_t *p = find(&b, "APIC");
    CHECK(p != NULL);
    CHECK_EQ(p[8], 5);
    CHECK_EQ(get_le32(p + 4), 36 + sizeof want);
    CHECK(memcmp(p + 36, want, sizeof want) == 0);
}

TEST(madt_of_a_pic_machine_says_so_and_one_without_ioapic_has_no_overrides)
{
    BUF_AUTO pc = {0}, none = {0};
    place_machine(&pc_machine, &pc);
    CHECK_EQ(get_le32(find(&pc, "APIC") + 40), 1);
    place_machine(&microvm_pcie_machine, &none);
    const uint8_t *p = find(&none, "APIC");
    CHECK_EQ(get_le32(p + 4), 36 + 8 + 8 + 6);
}

TEST(big_apic_ids_take_x2apic_entries)
{
    struct acpi_cpu cpus[NUMA_CPUS];
    struct acpi_machine m = numa_machine(cpus);
    BUF_AUTO b = {0};
    place_machine(&m, &b);
    const uint8_t *p = find(&b, "APIC");
    CHECK(p != NULL);
    /* 150 of each kind, IOAPIC, two overrides, two NMIs */
    CHECK_EQ(get_le32(p + 4), 44 + 150 * 8 + 150 * 16 + 12 + 2 * 10 + 6 + 12);
    static const uint8_t last[] = {9, 16, 0, 0, 0x95, 1, 0, 0, 1, 0, 0, 0, 0x2b, 1, 0, 0};
    CHECK(memcmp(p + 44 + 150 * 8 + 149 * 16, last, sizeof last) == 0);
}

TEST(mcfg_holds_the_ecam)
{
    BUF_AUTO b = {0};
    place_machine(&q35_machine, &b);
    const uint8_t *p = find(&b, "MCFG");
    CHECK(p != NULL);
    CHECK_EQ(get_le32(p + 4), 60);
    CHECK_EQ(get_le64(p + 44), 0xb0000000);
    CHECK_EQ(get_le16(p + 52), 0);
    CHECK_EQ(p[54], 0);
    CHECK_EQ(p[55], 255);
}

TEST(spcr_is_there_iff_there_is_a_serial_port)
{
    BUF_AUTO with = {0}, without = {0};
    place_machine(&q35_machine, &with);
    const uint8_t *p = find(&with, "SPCR");
    CHECK(p != NULL);
    CHECK_EQ(get_le32(p + 4), 80);
    check_gas(p + 40, 1, 8, 0x3f8);
    CHECK_EQ(p[52], 2);
    CHECK_EQ(get_le32(p + 54), 4);
    CHECK_EQ(p[58], 7);
    place_machine(&microvm_pcie_machine, &without);
    CHECK(!find(&without, "SPCR"));
}

TEST(srat_and_slit_describe_numa)
{
    struct acpi_cpu cpus[NUMA_CPUS];
    struct acpi_machine m = numa_machine(cpus);
    BUF_AUTO b = {0};
    place_machine(&m, &b);
    const uint8_t *p = find(&b, "SRAT");
    CHECK(p != NULL);
    CHECK_EQ(get_le32(p + 36), 1);
    CHECK_EQ(get_le32(p + 4), 48 + 150 * 16 + 150 * 24 + 4 * 40);
    const uint8_t *x2 = p + 48 + 150 * 16;
    CHECK_EQ(x2[0] | x2[1] << 8, 2 | 24 << 8);
    CHECK_EQ(get_le32(x2 + 4), 1);
    CHECK_EQ(get_le32(x2 + 8), 256);
    const uint8_t *mem = x2 + 150 * 24 + 3 * 40;
    CHECK_EQ(mem[0] | mem[1] << 8, 1 | 40 << 8);
    CHECK_EQ(get_le32(mem + 2), 1);
    CHECK_EQ(get_le64(mem + 8), 0x180000000);
    CHECK_EQ(get_le64(mem + 16), 0x80000000);
    CHECK_EQ(get_le32(mem + 28), 3);
    p = find(&b, "SLIT");
    CHECK(p != NULL);
    CHECK_EQ(get_le64(p + 36), 2);
    CHECK(memcmp(p + 44, numa_distances, 4) == 0);
}

TEST(default_interrupt_routes_swizzle_over_gsi_16_to_23)
{
    /* Slot 31, pin 2: GSI 16 + (31 + 2) % 8 = 17 */
    static const uint8_t route[] = {0x12, 0x0c, 4, 0x0c, 0xff, 0xff, 0x1f, 0, 0x0a, 2, 0, 0x0a, 17};
    static const uint8_t pc_route[] = {0x12, 0x0b, 4, 0x0c, 0xff, 0xff, 3, 0, 1, 0, 0x0a, 11};
    BUF_AUTO q35 = {0}, pc = {0};
    place_machine(&q35_machine, &q35);
    CHECK(contains(dsdt_of(&q35, GPA), route, sizeof route));
    place_machine(&pc_machine, &pc);
    CHECK(contains(dsdt_of(&pc, GPA), pc_route, sizeof pc_route));
}

TEST(contradictory_machines_are_refused)
{
    static const struct acpi_range over_ecam[] = {{0xa0000000, 0x20000000}};
    static const struct acpi_range wraps[] = {{0xffffffffffff0000, 0x20000}};
    static const struct acpi_range twice[] = {{0, 0x100}, {0x80, 0x100}};
    struct acpi_machine bad[6];
    for (size_t i = 0; i < COUNT(bad); i++)
        bad[i] = q35_machine;
    bad[0].mem32 = over_ecam;
    bad[1].mem64 = wraps;
    bad[2].io = twice;
    bad[3].n_cpus = 0;
    bad[4].last_bus = 100; /* the ECAM's length says 255 */
    bad[5].distances = numa_distances;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct acpi_tables *t = acpi_new();
        int r = acpi_describe(t, &bad[i]);
        acpi_free(t);
        CHECK_EQ((uint64_t)r | i << 32, (uint64_t)-EINVAL | i << 32);
    }
}

int main(void)
{
    RUN(q35_fadt_has_the_full_pm_block);
    RUN(q35_fadt_points_to_facs_and_dsdt_twice);
    RUN(microvm_fadt_is_hardware_reduced);
    RUN(boot_flags_follow_what_exists);
    RUN(madt_lists_cpus_ioapic_overrides_and_nmi);
    RUN(madt_of_a_pic_machine_says_so_and_one_without_ioapic_has_no_overrides);
    RUN(big_apic_ids_take_x2apic_entries);
    RUN(mcfg_holds_the_ecam);
    RUN(spcr_is_there_iff_there_is_a_serial_port);
    RUN(srat_and_slit_describe_numa);
    RUN(default_interrupt_routes_swizzle_over_gsi_16_to_23);
    RUN(contradictory_machines_are_refused);
    return tap_done();
}
