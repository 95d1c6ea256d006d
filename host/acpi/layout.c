/* SPDX-License-Identifier: BSD-2-Clause */
/* From parts to bytes: first all tables in a row with addresses left open, then either the
 * addresses are filled in (acpi_place) or written down as commands for the firmware (loader.c). */
#include "aml/aml.h"
#include "build.h"
#include "spec.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <string.h>

#define OEM_ID           "TENON "
#define OEM_TABLE_ID     "TENONVM "
#define OEM_REVISION     1
#define CREATOR_ID       "TNON"
#define CREATOR_REVISION 1
#define TABLE_ALIGN      16

static size_t align(struct buf *b, size_t to)
{
    if (b->len % to)
        buf_add(b, NULL, to - b->len % to);
    return b->len;
}

/* ---- layout ---- */

static void put_header(uint8_t *p, const char *sig, uint8_t revision, size_t len)
{
    memcpy(p, sig, 4);
    put_le32(p + HDR_LENGTH, (uint32_t)len);
    p[HDR_REVISION] = revision;
    p[HDR_CHECKSUM] = 0;
    memcpy(p + HDR_OEM_ID, OEM_ID, 6);
    memcpy(p + HDR_OEM_TABLE_ID, OEM_TABLE_ID, 8);
    put_le32(p + HDR_OEM_REVISION, OEM_REVISION);
    memcpy(p + HDR_CREATOR_ID, CREATOR_ID, 4);
    put_le32(p + HDR_CREATOR_REVISION, CREATOR_REVISION);
}

/* Makes what has been appended since at a table. */
static void finish_table(struct acpi_layout *l, size_t at, const char *sig, uint8_t revision)
{
    put_header(l->bytes.data + at, sig, revision, l->bytes.len - at);
    l->tables = xrealloc(l->tables, (l->n_tables + 1) * sizeof *l->tables);
    l->tables[l->n_tables++] = at;
}

static size_t add_table(struct acpi_layout *l, const struct acpi_part *p)
{
    size_t at = align(&l->bytes, TABLE_ALIGN);
    buf_add(&l->bytes, p->bytes.data, p->bytes.len);
    finish_table(l, at, p->name, p->revision);
    return at;
}

static void add_fixup(struct acpi_layout *l, const struct acpi_fixup *f)
{
    if (f->size == 4)
        put_le32(l->bytes.data + f->at, (uint32_t)f->target);
    else
        put_le64(l->bytes.data + f->at, f->target);
    l->fixups = xrealloc(l->fixups, (l->n_fixups + 1) * sizeof *l->fixups);
    l->fixups[l->n_fixups++] = *f;
}

/* The addresses that devices asked for in a part, which is now at at. */
static void add_refs(const struct acpi_tables *t, struct acpi_layout *l,
                     const struct acpi_part *part, size_t at)
{
    for (size_t i = 0; i < t->n_refs; i++) {
        const struct acpi_ref *r = &t->refs[i];
        if (r->part == part)
            add_fixup(
                l, &(struct acpi_fixup){
                       .at = at + r->off, .size = r->size, .blob = r->blob, .target = r->blob_off});
    }
}

static size_t layout_facs(struct acpi_layout *l)
{
    size_t at = align(&l->bytes, ACPI_ALIGN);
    buf_add(&l->bytes, NULL, FACS_LEN);
    memcpy(l->bytes.data + at, "FACS", 4);
    put_le32(l->bytes.data + at + HDR_LENGTH, FACS_LEN);
    l->bytes.data[at + FACS_VERSION] = 2;
    return at;
}

static size_t layout_dsdt(const struct acpi_tables *t, struct acpi_layout *l)
{
    size_t at = align(&l->bytes, TABLE_ALIGN);
    buf_add(&l->bytes, NULL, ACPI_HEADER_LEN);
    buf_add(&l->bytes, t->dsdt.data, t->dsdt.len);
    for (const struct acpi_part *p = t->scopes.first; p; p = p->next) {
        struct aml_block scope = aml_scope(&l->bytes, p->name);
        buf_add(&l->bytes, p->bytes.data, p->bytes.len);
        aml_end(&l->bytes, scope);
        add_refs(t, l, p, l->bytes.len - p->bytes.len);
    }
    finish_table(l, at, "DSDT", DSDT_REVISION);
    return at;
}

/* Both the 32-bit and the 64-bit field of an address: readers want them to be equal. */
static void fixup_fadt(struct acpi_layout *l, size_t fadt, size_t field, size_t x_field,
                       size_t target)
{
    add_fixup(
        l, &(struct acpi_fixup){.at = fadt + field, .size = 4, .optional = true, .target = target});
    add_fixup(l, &(struct acpi_fixup){.at = fadt + x_field, .size = 8, .target = target});
}

/* Points to the n tables that were added from number first on. */
static void layout_xsdt(struct acpi_layout *l, size_t first, size_t n)
{
    l->xsdt = align(&l->bytes, TABLE_ALIGN);
    buf_add(&l->bytes, NULL, ACPI_HEADER_LEN + 8 * n);
    for (size_t i = 0; i < n; i++)
        add_fixup(l, &(struct acpi_fixup){.at = l->xsdt + ACPI_HEADER_LEN + 8 * i,
                                          .size = 8,
                                          .target = l->tables[first + i]});
    finish_table(l, l->xsdt, "XSDT", 1);
}

void acpi_layout(const struct acpi_tables *t, struct acpi_layout *l)
{
    size_t facs = t->facs ? layout_facs(l) : 0;
    size_t dsdt = layout_dsdt(t, l);
    size_t first = l->n_tables;
    for (const struct acpi_part *p = t->tables.first; p; p = p->next) {
        size_t at = add_table(l, p);
        add_refs(t, l, p, at);
        if (strcmp(p->name, "FACP") != 0)
            continue;
        fixup_fadt(l, at, FADT_DSDT, FADT_X_DSDT, dsdt);
        if (t->facs)
            fixup_fadt(l, at, FADT_FIRMWARE_CTRL, FADT_X_FIRMWARE_CTRL, facs);
    }
    layout_xsdt(l, first, l->n_tables - first);
}

void acpi_layout_free(struct acpi_layout *l)
{
    buf_free(&l->bytes);
    free(l->fixups);
    free(l->tables);
}
