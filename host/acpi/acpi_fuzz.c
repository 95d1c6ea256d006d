/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices add whatever the input says: refused or not, the tables stay whole. Walks them as a guest
 * does: pointers stay inside, sums are zero, the DSDT is well formed. */
#include "acpi/tables.h"
#include "aml/aml.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p, *end;
};

static uint8_t next(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

/* The next bytes, as many as the input says and has. */
static const uint8_t *take(struct input *in, size_t *n)
{
    size_t want = next(in), left = (size_t)(in->end - in->p);
    const uint8_t *p = in->p;
    *n = want < left ? want : left;
    in->p += *n;
    return p;
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void add_aml(struct acpi_tables *t, struct input *in)
{
    static const char *const scopes[] = {"\\", "\\_SB", "\\_SB.PCI0", "\\A.B.C.D", "X", ""};
    const char *scope = scopes[next(in) % 6];
    BUF_AUTO a = {0};
    size_t n;
    const uint8_t *p = take(in, &n);
    if (n & 1) {
        (void)acpi_aml(t, scope, p, n);
    } else {
        aml_name(&a, "BUFF");
        aml_buffer(&a, p, (uint32_t)n);
        (void)acpi_aml(t, scope, a.data, a.len);
    }
}

/* A structure of a table, mostly with the right length in it. */
static void add_entry(struct acpi_tables *t, struct input *in)
{
    static const char *const sigs[] = {"APIC", "SRAT", "DMAR", "VIOT", "FACP"};
    uint8_t bytes[260] = {0};
    size_t n;
    uint8_t which = next(in);
    const uint8_t *p = take(in, &n);
    memcpy(bytes, p, n);
    if (n >= 4 && which < 0x80) {
        bytes[1] = (uint8_t)n;
        put_le16(bytes + 2, (uint16_t)n);
    }
    (void)acpi_entry(t, sigs[which % 5], bytes, n);
}

static void add_table(struct acpi_tables *t, struct input *in)
{
    char sig[6] = {'A', 'A', 'A', (char)('A' + next(in) % 28), 0};
    size_t n;
    const uint8_t *p = take(in, &n);
    (void)acpi_table(t, sig, next(in), p, n);
}

static void step(struct acpi_tables *t, struct input *in)
{
    char path[ACPI_PATH_MAX];
    switch (next(in) % 6) {
    case 0:
        add_aml(t, in);
        break;
    case 1:
        add_entry(t, in);
        break;
    case 2:
        add_table(t, in);
        break;
    case 3:
        (void)acpi_pointer(t, next(in), next(in) & 12, "etc/blob", next(in));
        break;
    case 4:
        acpi_blob(t, "etc/blob", (uint64_t)next(in) << (next(in) & 63));
        break;
    default:
        (void)acpi_pci_function(t, next(in) & 1 ? "\\_SB.PCI0" : "\\^", next(in), path,
                                sizeof path);
        break;
    }
}

/* ---- a guest's walk ---- */

static const uint8_t *at(const struct buf *b, uint64_t gpa, uint64_t address, size_t len)
{
    require(address >= gpa && address - gpa <= b->len && b->len - (address - gpa) >= len);
    return b->data + (address - gpa);
}

static const uint8_t *table_at(const struct buf *b, uint64_t gpa, uint64_t address)
{
    uint32_t len = get_le32(at(b, gpa, address, ACPI_HEADER_LEN) + 4);
    const uint8_t *p = at(b, gpa, address, len);
    uint8_t sum = 0;
    require(len >= ACPI_HEADER_LEN);
    for (uint32_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    require(sum == 0);
    return p;
}

static void walk(const struct buf *b, uint64_t gpa)
{
    const uint8_t *xsdt = table_at(b, gpa, get_le64(b->data + 24));
    for (uint32_t i = ACPI_HEADER_LEN; i < get_le32(xsdt + 4); i += 8) {
        const uint8_t *p = table_at(b, gpa, get_le64(xsdt + i));
        if (memcmp(p, "FACP", 4) != 0)
            continue;
        const uint8_t *dsdt = table_at(b, gpa, get_le64(p + 140));
        require(aml_check(dsdt + ACPI_HEADER_LEN, get_le32(dsdt + 4) - ACPI_HEADER_LEN, NULL) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct acpi_cpu cpu = {.enabled = 1};
    const struct acpi_machine m = {
        .flags = ACPI_HW_REDUCED | ACPI_CPU_DEVICES, .cpus = &cpu, .n_cpus = 1};
    struct input in = {data, data + size};
    BUF_AUTO out = {0}, tables = {0}, rsdp = {0}, script = {0};
    struct acpi_tables *t = acpi_new();
    require(acpi_describe(t, &m) == 0);
    uint64_t gpa = (uint64_t)next(&in) << (next(&in) % 57);
    while (in.p < in.end)
        step(t, &in);
    if (acpi_place(t, gpa, &out) == 0)
        walk(&out, gpa);
    else
        require(out.len == 0);
    acpi_loader(t, &tables, &rsdp, &script);
    require(script.len % 128 == 0 && rsdp.len == ACPI_RSDP_LEN);
    acpi_free(t);
    return 0;
}
