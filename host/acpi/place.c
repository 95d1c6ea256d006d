/* SPDX-License-Identifier: BSD-2-Clause */
/* The two ways into guest memory: addresses filled in here, or commands for the firmware to do it.
 */
#include "build.h"
#include "spec.h"
#include "util/bytes.h"
#include <errno.h>
#include <string.h>

/* The RSDP with address 0 or more of the XSDT, without checksums (5.2.5.3). There is no RSDT. */
static void put_rsdp(uint8_t *p, uint64_t xsdt)
{
    memset(p, 0, ACPI_RSDP_LEN);
    memcpy(p, "RSD PTR ", 8);
    memcpy(p + RSDP_OEM_ID, "TENON ", 6);
    p[RSDP_REVISION] = RSDP_REVISION_2;
    put_le32(p + RSDP_LENGTH, ACPI_RSDP_LEN);
    put_le64(p + RSDP_XSDT, xsdt);
}

/* What makes the sum of n bytes at p zero, if added to one of them. */
static uint8_t checksum(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;
    while (n--)
        sum = (uint8_t)(sum + *p++);
    return (uint8_t)-sum;
}

/* ---- addresses filled in ---- */

static int blob_gpa(const struct acpi_tables *t, const char *blob, uint64_t *gpa)
{
    for (size_t i = 0; i < t->n_places; i++) {
        if (strcmp(t->places[i].blob, blob) == 0) {
            *gpa = t->places[i].gpa;
            return 0;
        }
    }
    return -ENOENT;
}

static int apply(const struct acpi_tables *t, struct acpi_layout *l, const struct acpi_fixup *f,
                 uint64_t base)
{
    uint8_t *field = l->bytes.data + f->at;
    if (f->blob && blob_gpa(t, f->blob, &base) < 0)
        return -ENOENT;
    uint64_t max = f->size == 4 ? UINT32_MAX : UINT64_MAX;
    bool fits = base <= max && f->target <= max - base;
    if (!fits && !f->optional)
        return -ERANGE;
    uint64_t address = fits ? base + f->target : 0;
    if (f->size == 4)
        put_le32(field, (uint32_t)address);
    else
        put_le64(field, address);
    return 0;
}

static void sum_tables(struct acpi_layout *l)
{
    for (size_t i = 0; i < l->n_tables; i++) {
        uint8_t *p = l->bytes.data + l->tables[i];
        p[HDR_CHECKSUM] = checksum(p, get_le32(p + HDR_LENGTH));
    }
}

static int place_layout(const struct acpi_tables *t, struct acpi_layout *l, uint64_t gpa,
                        struct buf *out)
{
    uint8_t rsdp[ACPI_ALIGN] = {0};
    uint64_t base = gpa + sizeof rsdp;
    if (l->bytes.len > UINT64_MAX - base)
        return -ERANGE;
    for (size_t i = 0; i < l->n_fixups; i++) {
        int r = apply(t, l, &l->fixups[i], base);
        if (r < 0)
            return r;
    }
    sum_tables(l);
    put_rsdp(rsdp, base + l->xsdt);
    rsdp[RSDP_CHECKSUM] = checksum(rsdp, RSDP_V1_LEN);
    rsdp[RSDP_XCHECKSUM] = checksum(rsdp, ACPI_RSDP_LEN);
    buf_add(out, rsdp, sizeof rsdp);
    buf_add(out, l->bytes.data, l->bytes.len);
    return 0;
}

int acpi_place(const struct acpi_tables *t, uint64_t gpa, struct buf *out)
{
    if (gpa % ACPI_ALIGN || gpa > UINT64_MAX - ACPI_ALIGN)
        return -EINVAL;
    struct acpi_layout l = {0};
    acpi_layout(t, &l);
    int r = place_layout(t, &l, gpa, out);
    acpi_layout_free(&l);
    return r;
}

/* ---- commands for the firmware ---- */

/* An entry of etc/table-loader: 128 bytes, a command and its operands. */
enum { LOADER_ALLOCATE = 1, LOADER_ADD_POINTER = 2, LOADER_ADD_CHECKSUM = 3 };
#define LOADER_ENTRY 128
#define FILE_TABLES  "etc/acpi/tables"
#define FILE_RSDP    "etc/acpi/rsdp"

static void add_name(struct buf *script, const char *name)
{
    size_t n = strlen(name);
    n = n < ACPI_BLOB_NAME ? n : ACPI_BLOB_NAME - 1;
    buf_add(script, name, n);
    buf_add(script, NULL, ACPI_BLOB_NAME - n);
}

static void end_entry(struct buf *script)
{
    if (script->len % LOADER_ENTRY)
        buf_add(script, NULL, LOADER_ENTRY - script->len % LOADER_ENTRY);
}

void acpi_loader_allocate(struct buf *script, const char *name, uint32_t align, uint32_t zone)
{
    buf_add_le32(script, LOADER_ALLOCATE);
    add_name(script, name);
    buf_add_le32(script, align);
    buf_add8(script, (uint8_t)zone);
    end_entry(script);
}

/* The field at offset at of file to holds an offset into file from: add the address of from. */
static void add_pointer(struct buf *script, const char *to, const char *from, size_t at,
                        uint32_t size)
{
    buf_add_le32(script, LOADER_ADD_POINTER);
    add_name(script, to);
    add_name(script, from);
    buf_add_le32(script, (uint32_t)at);
    buf_add8(script, (uint8_t)size);
    end_entry(script);
}

static void add_checksum(struct buf *script, const char *file, size_t at, size_t start, size_t len)
{
    buf_add_le32(script, LOADER_ADD_CHECKSUM);
    add_name(script, file);
    buf_add_le32(script, (uint32_t)at);
    buf_add_le32(script, (uint32_t)start);
    buf_add_le32(script, (uint32_t)len);
    end_entry(script);
}

static void loader_rsdp(struct buf *script, struct buf *rsdp, size_t xsdt)
{
    uint8_t bytes[ACPI_RSDP_LEN];
    put_rsdp(bytes, xsdt);
    buf_add(rsdp, bytes, sizeof bytes);
    add_pointer(script, FILE_RSDP, FILE_TABLES, RSDP_XSDT, 8);
    add_checksum(script, FILE_RSDP, RSDP_CHECKSUM, 0, RSDP_V1_LEN);
    add_checksum(script, FILE_RSDP, RSDP_XCHECKSUM, 0, ACPI_RSDP_LEN);
}

void acpi_loader(const struct acpi_tables *t, struct buf *tables, struct buf *rsdp,
                 struct buf *script)
{
    struct acpi_layout l = {0};
    acpi_layout(t, &l);
    acpi_loader_allocate(script, FILE_TABLES, ACPI_ALIGN, ACPI_ZONE_HIGH);
    acpi_loader_allocate(script, FILE_RSDP, 16, ACPI_ZONE_FSEG);
    for (size_t i = 0; i < l.n_fixups; i++) {
        const struct acpi_fixup *f = &l.fixups[i];
        add_pointer(script, FILE_TABLES, f->blob ? f->blob : FILE_TABLES, f->at, f->size);
    }
    for (size_t i = 0; i < l.n_tables; i++) {
        size_t at = l.tables[i], len = get_le32(l.bytes.data + at + HDR_LENGTH);
        add_checksum(script, FILE_TABLES, at + HDR_CHECKSUM, at, len);
    }
    loader_rsdp(script, rsdp, l.xsdt);
    buf_add(tables, l.bytes.data, l.bytes.len);
    acpi_layout_free(&l);
}
