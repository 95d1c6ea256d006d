/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi/tables.h"

#include "aml/aml.h"
#include "build.h"
#include "spec.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list_init(struct acpi_list *list)
{
    list->tail = &list->first;
}

static struct acpi_part *list_add(struct acpi_list *list, const char *name)
{
    struct acpi_part *p = XNEW(struct acpi_part);
    p->name = xstrdup(name);
    *list->tail = p;
    list->tail = &p->next;
    return p;
}

static void list_free(struct acpi_list *list)
{
    for (struct acpi_part *p = list->first, *next; p; p = next) {
        next = p->next;
        buf_free(&p->bytes);
        free(p->name);
        free(p);
    }
}

struct acpi_part *acpi_find(const struct acpi_list *list, const char *name)
{
    for (struct acpi_part *p = list->first; p; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static struct acpi_part *start_table(struct acpi_tables *t, const char *sig, uint8_t revision)
{
    struct acpi_part *p = list_add(&t->tables, sig);
    p->revision = revision;
    buf_add(&p->bytes, NULL, ACPI_HEADER_LEN);
    return p;
}

struct buf *acpi_start(struct acpi_tables *t, const char *sig, uint8_t revision)
{
    return &start_table(t, sig, revision)->bytes;
}

struct acpi_tables *acpi_new(void)
{
    struct acpi_tables *t = XNEW(struct acpi_tables);
    list_init(&t->tables);
    list_init(&t->scopes);
    return t;
}

void acpi_free(struct acpi_tables *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_refs; i++)
        free(t->refs[i].blob);
    for (size_t i = 0; i < t->n_places; i++)
        free(t->places[i].blob);
    free(t->refs);
    free(t->places);
    list_free(&t->tables);
    list_free(&t->scopes);
    buf_free(&t->dsdt);
    free(t);
}

int acpi_describe(struct acpi_tables *t, const struct acpi_machine *m)
{
    int r = acpi_machine_check(m);
    if (r < 0 || t->tables.first)
        return -EINVAL;
    t->facs = !(m->flags & ACPI_HW_REDUCED);
    acpi_write_dsdt(&t->dsdt, m);
    acpi_add_fadt(t, m);
    acpi_add_madt(t, m);
    if (m->flags & ACPI_PCIE)
        acpi_add_mcfg(t, m);
    if (m->flags & ACPI_SERIAL)
        acpi_add_spcr(t);
    if (m->n_nodes)
        acpi_add_srat(t, m);
    if (m->distances)
        acpi_add_slit(t, m);
    if (m->hmat)
        acpi_add_hmat(t, m->hmat);
    return 0;
}

/* ---- additions of devices ---- */

static int append(struct acpi_tables *t, struct acpi_part *p, const void *bytes, size_t len)
{
    t->last.part = p;
    t->last.off = p->bytes.len;
    t->last.len = len;
    t->bytes += len;
    buf_add(&p->bytes, bytes, len);
    return 0;
}

static bool has_room(const struct acpi_tables *t, size_t len)
{
    return len <= ACPI_BYTES_MAX - t->bytes;
}

int acpi_aml(struct acpi_tables *t, const char *scope, const void *aml, size_t len)
{
    if (scope[0] != '\\' || !aml_path_valid(scope) || aml_check(aml, len, NULL) < 0)
        return -EINVAL;
    if (!has_room(t, len))
        return -E2BIG;
    struct acpi_part *p = acpi_find(&t->scopes, scope);
    return append(t, p ? p : list_add(&t->scopes, scope), aml, len);
}

int acpi_pci_function(struct acpi_tables *t, const char *bus, uint8_t devfn, char *path,
                      size_t size)
{
    BUF_AUTO a = {0};
    char name[8];
    snprintf(name, sizeof name, "S%02X", devfn);
    int n = snprintf(path, size, "%s.%s", bus, name);
    if (n < 0 || (size_t)n >= size)
        return -ENAMETOOLONG;
    if (acpi_find(&t->scopes, path))
        return 0;
    struct aml_block dev = aml_device(&a, name);
    aml_name_int(&a, "_ADR", (uint32_t)(devfn >> 3) << 16 | (devfn & 7));
    aml_end(&a, dev);
    int r = acpi_aml(t, bus, a.data, a.len);
    return r < 0 ? r : acpi_aml(t, path, NULL, 0);
}

static bool signature_ok(const char *sig)
{
    size_t n = 0;
    while ((sig[n] >= 'A' && sig[n] <= 'Z') || (sig[n] >= '0' && sig[n] <= '9'))
        n++;
    return n == 4 && !sig[n];
}

static bool host_makes(const char *sig)
{
    static const char *const own[] = {"RSDT", "XSDT", "FACP", "FACS", "DSDT", "APIC"};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (strcmp(sig, own[i]) == 0)
            return true;
    return false;
}

int acpi_table(struct acpi_tables *t, const char *sig, uint8_t rev, const void *body, size_t len)
{
    if (!signature_ok(sig))
        return -EINVAL;
    bool many = strcmp(sig, "SSDT") == 0;
    if (host_makes(sig) || (!many && acpi_find(&t->tables, sig)))
        return -EEXIST;
    if (!has_room(t, len))
        return -E2BIG;
    return append(t, start_table(t, sig, rev), body, len);
}

/* Tables that consist of a head and structures, and where a structure's length stands */
struct entry_table {
    const char *sig;
    uint8_t revision, head, len_at, len_size;
};

static const struct entry_table *entry_table(const char *sig)
{
    static const struct entry_table tables[] = {
        {"APIC", MADT_REVISION, 8, 1, 1},
        {"SRAT", SRAT_REVISION, 12, 1, 1},
        {"DMAR", 1, 12, 2, 2},
        {"VIOT", 0, 12, 2, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
        if (strcmp(sig, tables[i].sig) == 0)
            return &tables[i];
    return NULL;
}

static bool entry_ok(const struct entry_table *e, const uint8_t *bytes, size_t len)
{
    if (len < (size_t)e->len_at + e->len_size)
        return false;
    return len == (e->len_size == 1 ? bytes[e->len_at] : get_le16(bytes + e->len_at));
}

/* A table that only devices have structures for: its head says what holds for all of them. */
static struct acpi_part *start_entries(struct acpi_tables *t, const struct entry_table *e)
{
    struct acpi_part *p = start_table(t, e->sig, e->revision);
    buf_add(&p->bytes, NULL, e->head);
    if (strcmp(e->sig, "SRAT") == 0)
        put_le32(p->bytes.data + SRAT_RESERVED1, 1);
    if (strcmp(e->sig, "VIOT") == 0)
        put_le16(p->bytes.data + VIOT_NODE_OFFSET, VIOT_HEAD);
    if (strcmp(e->sig, "DMAR") == 0)
        p->bytes.data[DMAR_WIDTH] = DMAR_WIDTH_48;
    return p;
}

static bool count_node(uint8_t *field)
{
    uint16_t n = get_le16(field);
    if (n == UINT16_MAX)
        return false;
    put_le16(field, (uint16_t)(n + 1));
    return true;
}

int acpi_entry(struct acpi_tables *t, const char *sig, const void *bytes, size_t len)
{
    const struct entry_table *e = entry_table(sig);
    if (!e || !entry_ok(e, bytes, len))
        return -EINVAL;
    if (!has_room(t, len))
        return -E2BIG;
    struct acpi_part *p = acpi_find(&t->tables, sig);
    if (!p)
        p = start_entries(t, e);
    if (strcmp(sig, "VIOT") == 0 && !count_node(p->bytes.data + VIOT_NODE_COUNT))
        return -E2BIG;
    return append(t, p, bytes, len);
}

/* ---- addresses ---- */

/* Says whether the fragment of AML stays well formed whatever the size bytes at off are: so they
 * are the value of an integer or inside a buffer, not an opcode, a name or a length. Each probe is
 * something that one of those cannot be. */
static bool is_data(uint8_t *aml, size_t len, size_t off, uint32_t size)
{
    static const uint8_t probes[] = {0x00, 0x02, 0xff};
    uint8_t saved[8];
    bool ok = true;
    memcpy(saved, aml + off, size);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        memset(aml + off, probes[i], size);
        ok = ok && aml_check(aml, len, NULL) == 0;
    }
    memcpy(aml + off, saved, size);
    return ok;
}

int acpi_pointer(struct acpi_tables *t, size_t off, uint32_t size, const char *blob,
                 uint64_t blob_off)
{
    if (!t->last.part || (size != 4 && size != 8) || strlen(blob) >= ACPI_BLOB_NAME)
        return -EINVAL;
    if (size > t->last.len || off > t->last.len - size || (size == 4 && blob_off > UINT32_MAX))
        return -EINVAL;
    if (t->last.part->name[0] == '\\' &&
        !is_data(t->last.part->bytes.data + t->last.off, t->last.len, off, size))
        return -EINVAL;
    t->refs = xrealloc(t->refs, (t->n_refs + 1) * sizeof *t->refs);
    t->refs[t->n_refs++] = (struct acpi_ref){
        .part = t->last.part,
        .off = t->last.off + off,
        .size = size,
        .blob = xstrdup(blob),
        .blob_off = blob_off,
    };
    return 0;
}

void acpi_blob(struct acpi_tables *t, const char *blob, uint64_t gpa)
{
    for (size_t i = 0; i < t->n_places; i++) {
        if (strcmp(t->places[i].blob, blob) == 0) {
            t->places[i].gpa = gpa;
            return;
        }
    }
    t->places = xrealloc(t->places, (t->n_places + 1) * sizeof *t->places);
    t->places[t->n_places++] = (struct acpi_place_of){.blob = xstrdup(blob), .gpa = gpa};
}

uint8_t *acpi_fadt(struct acpi_tables *t, size_t *len)
{
    struct acpi_part *p = acpi_find(&t->tables, "FACP");
    if (!p)
        return NULL;
    *len = p->bytes.len;
    return p->bytes.data;
}
