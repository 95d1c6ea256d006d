/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices add to the ACPI tables, and how they are placed, by us and by firmware. */
#include "acpi_view.h"
#include "aml/aml.h"
#include <errno.h>

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
