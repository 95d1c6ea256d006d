/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables as a guest finds them: from the RSDP through the XSDT, sums checked, and the
 * fields at the offsets that ACPI 6.3, 5.2 gives. */
#include "acpi/tables.h"
#include "acpi_machines.h"
#include "aml/aml.h"
#include "tap.h"
#include "util/bytes.h"
#include <errno.h>

#define GPA 0x7fe0000u

/* ---- a guest's view ---- */

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;
    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

/* The memory at address; checks that len bytes of it are inside of the tables. */
static const uint8_t *at(const struct buf *b, uint64_t gpa, uint64_t address, size_t len)
{
    CHECK(address >= gpa && address - gpa <= b->len && b->len - (address - gpa) >= len);
    return b->data + (address - gpa);
}

static const uint8_t *table_at(const struct buf *b, uint64_t gpa, uint64_t address)
{
    uint32_t len = get_le32(at(b, gpa, address, ACPI_HEADER_LEN) + 4);
    const uint8_t *p = at(b, gpa, address, len);
    if (memcmp(p, "FACS", 4) != 0) {
        CHECK_EQ(sum(p, len), 0);
        CHECK(memcmp(p + 10, "TENON TENONVM ", 14) == 0);
    }
    return p;
}

/* Finds the table number n with signature sig; NULL if there is none. */
static const uint8_t *find_nth(const struct buf *b, uint64_t gpa, const char *sig, uint32_t n)
{
    const uint8_t *rsdp = at(b, gpa, gpa, 36);
    CHECK(memcmp(rsdp, "RSD PTR ", 8) == 0);
    CHECK_EQ(rsdp[15], 2);
    CHECK_EQ(sum(rsdp, 20), 0);
    CHECK_EQ(sum(rsdp, 36), 0);
    const uint8_t *xsdt = table_at(b, gpa, get_le64(rsdp + 24));
    CHECK(memcmp(xsdt, "XSDT", 4) == 0);
    for (uint32_t i = 36; i < get_le32(xsdt + 4); i += 8) {
        const uint8_t *p = table_at(b, gpa, get_le64(xsdt + i));
        if (memcmp(p, sig, 4) == 0 && n-- == 0)
            return p;
    }
    return NULL;
}

static const uint8_t *find(const struct buf *b, const char *sig)
{
    return find_nth(b, GPA, sig, 0);
}

static const uint8_t *dsdt_of(const struct buf *b, uint64_t gpa)
{
    const uint8_t *fadt = find_nth(b, gpa, "FACP", 0);
    CHECK(fadt != NULL);
    return table_at(b, gpa, get_le64(fadt + 140));
}

static struct acpi_tables *described(const struct acpi_machine *m)
{
    struct acpi_tables *t = acpi_new();
    CHECK_EQ(acpi_describe(t, m), 0);
    return t;
}

static void place_machine(const struct acpi_machine *m, struct buf *out)
{
    struct acpi_tables *t = described(m);
    int r = acpi_place(t, GPA, out);
    acpi_free(t);
    CHECK_EQ(r, 0);
}

static bool contains(const uint8_t *table, const void *what, size_t n)
{
    const uint8_t *body = table + ACPI_HEADER_LEN;
    return memmem(body, get_le32(table + 4) - ACPI_HEADER_LEN, what, n) != NULL;
}

static void check_gas(const uint8_t *p, uint8_t space, uint8_t bits, uint64_t address)
{
    CHECK_EQ(p[0], space);
    CHECK_EQ(p[1], bits);
    CHECK_EQ(get_le64(p + 4), address);
}

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

/* ---- what devices add ---- */

static void com1(struct buf *a)
{
    struct aml_block dev = aml_device(a, "COM1");
    aml_name_eisaid(a, "_HID", "PNP0501");
    aml_end(a, dev);
}

TEST(aml_of_devices_lands_in_its_scope)
{
    static const uint8_t scope[] = {0x10, 0x21, '\\', 0x2f, 3,   '_', 'S', 'B', '_',
                                    'P',  'C',  'I',  '0',  'I', 'S', 'A', '_'};
    BUF_AUTO a = {0}, b = {0};
    com1(&a);
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_aml(t, "\\_SB.PCI0.ISA", a.data, a.len), 0);
    CHECK_EQ(acpi_aml(t, "\\_SB", a.data, a.len), 0);
    CHECK_EQ(acpi_place(t, GPA, &b), 0);
    const uint8_t *dsdt = dsdt_of(&b, GPA);
    CHECK_EQ(aml_check(dsdt + 36, get_le32(dsdt + 4) - 36, NULL), 0);
    CHECK(contains(dsdt, scope, sizeof scope));
    acpi_free(t);
}

TEST(pci_functions_get_one_device_each)
{
    static const uint8_t device[] = {0x5b, 0x82, 0x0f, 'S',  '1', '9', '_', 0x08, '_',
                                     'A',  'D',  'R',  0x0c, 1,   0,   3,   0};
    BUF_AUTO b = {0};
    char path[ACPI_PATH_MAX], below[ACPI_PATH_MAX], small[8];
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_pci_function(t, "\\_SB.PCI0", 0x19, path, sizeof path), 0);
    CHECK_STR(path, "\\_SB.PCI0.S19");
    CHECK_EQ(acpi_pci_function(t, "\\_SB.PCI0", 0x19, path, sizeof path), 0);
    CHECK_EQ(acpi_pci_function(t, path, 0, below, sizeof below), 0);
    CHECK_STR(below, "\\_SB.PCI0.S19.S00");
    CHECK_EQ(acpi_pci_function(t, path, 0, small, sizeof small), -ENAMETOOLONG);
    CHECK_EQ(acpi_pci_function(t, "nowhere", 0, below, sizeof below), -EINVAL);
    CHECK_EQ(acpi_place(t, GPA, &b), 0);
    const uint8_t *dsdt = dsdt_of(&b, GPA), *end = dsdt + get_le32(dsdt + 4);
    const uint8_t *first = memmem(dsdt, (size_t)(end - dsdt), device, sizeof device);
    CHECK(first != NULL);
    CHECK(!memmem(first + 1, (size_t)(end - first) - 1, device, sizeof device));
    acpi_free(t);
}

TEST(malformed_aml_and_paths_are_refused)
{
    static const uint8_t cut[] = {0x5b, 0x82, 0x20, 'C', 'O', 'M', '1'};
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_aml(t, "\\_SB", cut, sizeof cut), -EINVAL);
    CHECK_EQ(acpi_aml(t, "_SB", NULL, 0), -EINVAL);
    CHECK_EQ(acpi_aml(t, "\\_sb", NULL, 0), -EINVAL);
    acpi_free(t);
}

TEST(tables_of_devices_are_added_once)
{
    BUF_AUTO b = {0};
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_table(t, "CEDT", 1, "0123456789", 10), 0);
    CHECK_EQ(acpi_table(t, "CEDT", 1, "x", 1), -EEXIST);
    CHECK_EQ(acpi_table(t, "FACP", 1, "x", 1), -EEXIST);
    CHECK_EQ(acpi_table(t, "MCFG", 1, "x", 1), -EEXIST);
    CHECK_EQ(acpi_table(t, "AB", 1, "x", 1), -EINVAL);
    CHECK_EQ(acpi_table(t, "HMATX", 1, "x", 1), -EINVAL);
    CHECK_EQ(acpi_table(t, "ab!\n", 1, "x", 1), -EINVAL);
    CHECK_EQ(acpi_table(t, "SSDT", 2, "", 0), 0);
    CHECK_EQ(acpi_table(t, "SSDT", 2, "", 0), 0);
    CHECK_EQ(acpi_table(t, "HUGE", 2, "", ACPI_BYTES_MAX), -E2BIG);
    CHECK_EQ(acpi_place(t, GPA, &b), 0);
    const uint8_t *p = find(&b, "CEDT");
    CHECK(p != NULL);
    CHECK_EQ(get_le32(p + 4), 46);
    CHECK(memcmp(p + 36, "0123456789", 10) == 0);
    CHECK(find_nth(&b, GPA, "SSDT", 1) != NULL);
    acpi_free(t);
}

TEST(entries_extend_the_tables_of_the_host)
{
    static const uint8_t ioapic[] = {1, 12, 2, 0, 0, 0, 0xc1, 0xfe, 24, 0, 0, 0};
    static const uint8_t node[] = {3, 0, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    BUF_AUTO b = {0};
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_entry(t, "APIC", ioapic, sizeof ioapic), 0);
    CHECK_EQ(acpi_entry(t, "APIC", ioapic, 11), -EINVAL);
    CHECK_EQ(acpi_entry(t, "FACP", ioapic, sizeof ioapic), -EINVAL);
    CHECK_EQ(acpi_entry(t, "VIOT", node, 3), -EINVAL);
    CHECK_EQ(acpi_entry(t, "VIOT", node, sizeof node), 0);
    CHECK_EQ(acpi_entry(t, "VIOT", node, sizeof node), 0);
    CHECK_EQ(acpi_place(t, GPA, &b), 0);
    const uint8_t *p = find(&b, "APIC");
    CHECK(memcmp(p + get_le32(p + 4) - 12, ioapic, 12) == 0);
    p = find(&b, "VIOT");
    CHECK(p != NULL);
    CHECK_EQ(get_le16(p + 36), 2);
    CHECK_EQ(get_le16(p + 38), 48);
    CHECK_EQ(get_le32(p + 4), 48 + 2 * sizeof node);
    acpi_free(t);
}

TEST(pointers_are_patched_in_tables_and_in_scopes)
{
    static const uint8_t addr[] = {0x08, 'A', 'D', 'D', 'R', 0x0e, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t want[] = {'A', 'D', 'D', 'R', 0x0e, 0x28, 0, 0, 0, 5, 0, 0, 0};
    BUF_AUTO a = {0}, b = {0};
    com1(&a);
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_aml(t, "\\_SB", a.data, a.len), 0);
    CHECK_EQ(acpi_aml(t, "\\_SB", addr, sizeof addr), 0);
    CHECK_EQ(acpi_pointer(t, 6, 8, "etc/vmgenid_guid", 0x28), 0);
    CHECK_EQ(acpi_pointer(t, 7, 8, "etc/vmgenid_guid", 0), -EINVAL);
    CHECK_EQ(acpi_pointer(t, 0, 2, "etc/vmgenid_guid", 0), -EINVAL);
    CHECK_EQ(acpi_pointer(t, 2, 4, "etc/vmgenid_guid", 0), -EINVAL); /* would change the name */
    CHECK_EQ(acpi_table(t, "TPM2", 4, "0123456789ab", 12), 0);
    CHECK_EQ(acpi_pointer(t, 4, 4, "etc/tpm", 0), 0);
    CHECK_EQ(acpi_place(t, GPA, &b), -ENOENT);
    CHECK_EQ(b.len, 0);
    acpi_blob(t, "etc/tpm", 0x100000000);
    acpi_blob(t, "etc/vmgenid_guid", 0x500000000);
    CHECK_EQ(acpi_place(t, GPA, &b), -ERANGE);
    acpi_blob(t, "etc/tpm", 0x12345678);
    CHECK_EQ(acpi_place(t, GPA, &b), 0);
    CHECK(contains(dsdt_of(&b, GPA), want, sizeof want));
    CHECK(memcmp(find(&b, "TPM2") + 36,
                 "0123\x78\x56\x34\x12"
                 "89ab",
                 12) == 0);
    acpi_free(t);
}

TEST(the_pm_device_fills_in_the_fadt)
{
    BUF_AUTO b = {0};
    size_t len = 0;
    struct acpi_tables *t = acpi_new();
    CHECK(acpi_fadt(t, &len) == NULL);
    CHECK_EQ(acpi_describe(t, &microvm_machine), 0);
    uint8_t *fadt = acpi_fadt(t, &len);
    CHECK_EQ(len, 276);
    fadt[128] = 0x99;
    CHECK_EQ(acpi_place(t, GPA, &b), 0);
    CHECK_EQ(find(&b, "FACP")[128], 0x99);
    acpi_free(t);
}

/* ---- placing ---- */

TEST(the_same_calls_give_the_same_bytes)
{
    BUF_AUTO a = {0}, b = {0};
    place_machine(&q35_machine, &a);
    place_machine(&q35_machine, &b);
    CHECK_EQ(a.len, b.len);
    CHECK(memcmp(a.data, b.data, a.len) == 0);
}

TEST(tables_above_4_gib_use_the_64_bit_fields_only)
{
    const uint64_t gpa = 0x200000000;
    BUF_AUTO b = {0};
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_place(t, gpa, &b), 0);
    const uint8_t *f = find_nth(&b, gpa, "FACP", 0);
    CHECK_EQ(get_le32(f + 36) | get_le32(f + 40), 0);
    CHECK(memcmp(dsdt_of(&b, gpa), "DSDT", 4) == 0);
    acpi_free(t);
}

TEST(bad_addresses_are_refused)
{
    BUF_AUTO b = {0};
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_place(t, 0xe0010, &b), -EINVAL);
    CHECK_EQ(acpi_place(t, UINT64_MAX - 63, &b), -EINVAL);
    CHECK_EQ(acpi_place(t, UINT64_MAX - 255, &b), -ERANGE);
    CHECK_EQ(b.len, 0);
    acpi_free(t);
}

/* ---- the loader: run its commands as firmware does, and compare with acpi_place() ---- */

struct firmware {
    struct buf *tables, *rsdp;
    uint64_t tables_gpa;
    uint32_t allocated;
};

static struct buf *file_of(struct firmware *fw, const char *name)
{
    CHECK(strcmp(name, "etc/acpi/tables") == 0 || strcmp(name, "etc/acpi/rsdp") == 0);
    return strcmp(name, "etc/acpi/rsdp") == 0 ? fw->rsdp : fw->tables;
}

static void fw_pointer(struct firmware *fw, const uint8_t *e)
{
    struct buf *to = file_of(fw, (const char *)e + 4);
    CHECK_STR((const char *)e + 60, "etc/acpi/tables");
    uint32_t off = get_le32(e + 116), size = e[120];
    CHECK((size == 4 || size == 8) && off + size <= to->len);
    if (size == 4)
        put_le32(to->data + off, (uint32_t)(get_le32(to->data + off) + fw->tables_gpa));
    else
        put_le64(to->data + off, get_le64(to->data + off) + fw->tables_gpa);
}

static void fw_checksum(struct firmware *fw, const uint8_t *e)
{
    struct buf *f = file_of(fw, (const char *)e + 4);
    uint32_t off = get_le32(e + 60), start = get_le32(e + 64), len = get_le32(e + 68);
    CHECK(start + len <= f->len && off >= start && off < start + len);
    f->data[off] = (uint8_t)(f->data[off] - sum(f->data + start, len));
}

static void fw_run(struct firmware *fw, const struct buf *script)
{
    CHECK_EQ(script->len % 128, 0);
    for (const uint8_t *e = script->data; e < script->data + script->len; e += 128) {
        switch (get_le32(e)) {
        case 1:
            fw->allocated++;
            break;
        case 2:
            fw_pointer(fw, e);
            break;
        case 3:
            fw_checksum(fw, e);
            break;
        default:
            CHECK(!"an unknown command");
        }
    }
}

TEST(the_loader_script_makes_the_same_tables)
{
    BUF_AUTO placed = {0}, tables = {0}, rsdp = {0}, script = {0};
    struct acpi_tables *t = described(&q35_machine);
    CHECK_EQ(acpi_place(t, GPA, &placed), 0);
    acpi_loader(t, &tables, &rsdp, &script);
    struct firmware fw = {.tables = &tables, .rsdp = &rsdp, .tables_gpa = GPA + 64};
    fw_run(&fw, &script);
    CHECK_EQ(fw.allocated, 2);
    CHECK_EQ(rsdp.len, 36);
    CHECK(memcmp(rsdp.data, placed.data, 36) == 0);
    CHECK_EQ(tables.len, placed.len - 64);
    CHECK(memcmp(tables.data, placed.data + 64, tables.len) == 0);
    acpi_free(t);
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
    RUN(aml_of_devices_lands_in_its_scope);
    RUN(pci_functions_get_one_device_each);
    RUN(malformed_aml_and_paths_are_refused);
    RUN(tables_of_devices_are_added_once);
    RUN(entries_extend_the_tables_of_the_host);
    RUN(pointers_are_patched_in_tables_and_in_scopes);
    RUN(the_pm_device_fills_in_the_fadt);
    RUN(the_same_calls_give_the_same_bytes);
    RUN(tables_above_4_gib_use_the_64_bit_fields_only);
    RUN(bad_addresses_are_refused);
    RUN(the_loader_script_makes_the_same_tables);
    return tap_done();
}
