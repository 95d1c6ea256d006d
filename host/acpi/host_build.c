/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_ACPI_BUILD_1: what a builder may add, and the names of things in the guest's name space. */
#include "aml/resource.h"
#include "core/bus.h"
#include "host_impl.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/irq.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCOPE_ROOT "\\"
#define SCOPE_SB   "\\_SB"
#define SCOPE_PCI0 "\\_SB.PCI0"
#define SCOPE_ISA  "\\_SB.PCI0.ISA"

/* ---- paths ---- */

struct search {
    const struct device *dev;
    uint32_t rid;
};

static int is_it(void *o, struct device *d, uint32_t rid)
{
    struct search *s = o;
    if (d != s->dev)
        return 0;
    s->rid = rid;
    return 1;
}

/* The PCI function that d is, or is a part of. NULL. */
static struct device *function_of(struct device *d)
{
    while (d && !d->pci)
        d = d->parent ? d->parent : d->bus ? d->bus->owner : NULL;
    return d;
}

static int function_path(struct tn_acpi_out *o, struct device *d, char *path);

/* Path of a place on a PCI bus, whose Device() is made if there is none yet. */
static int place_path(struct tn_acpi_out *o, const struct tn_bus *b, uint8_t devfn, char *path)
{
    char bus[ACPI_PATH_MAX] = SCOPE_PCI0;
    struct device *bridge = b ? function_of(b->owner) : NULL;
    if (!bridge && o->isa_bridge && o->isa_bridge == ((uint32_t)devfn >> 3 << 16 | (devfn & 7u))) {
        strcpy(path, SCOPE_ISA);
        return 0;
    }
    int r = bridge ? function_path(o, bridge, bus) : 0;
    return r < 0 ? r : acpi_pci_function(o->tables, bus, devfn, path, ACPI_PATH_MAX);
}

static int function_path(struct tn_acpi_out *o, struct device *d, char *path)
{
    struct search s = {.dev = d};
    if (pci_each(o->vm, is_it, &s) != 1)
        return -ENOENT;
    return place_path(o, d->bus, (uint8_t)s.rid, path);
}

/* The device on whose bus d sits. */
static int parent_path(struct tn_acpi_out *o, struct device *d, char *path)
{
    const struct tn_bus *b = d->bus;
    struct device *owner = b ? function_of(b->owner) : NULL;
    if (b && bus_type_is(b->type, "ISA"))
        strcpy(path, o->isa_bridge ? SCOPE_ISA : SCOPE_SB);
    else if (owner)
        return function_path(o, owner, path);
    else
        strcpy(path, b && bus_type_is(b->type, "PCI") ? SCOPE_PCI0 : SCOPE_SB);
    return 0;
}

static int scope_path(struct tn_acpi_out *o, uint32_t scope, char *path)
{
    struct device *f;
    switch (scope) {
    case TN_SCOPE_SB:
        strcpy(path, SCOPE_SB);
        return 0;
    case TN_SCOPE_ROOT:
        strcpy(path, SCOPE_ROOT);
        return 0;
    case TN_SCOPE_PARENT:
        return parent_path(o, o->dev, path);
    case TN_SCOPE_SELF:
        f = function_of(o->dev);
        return f ? function_path(o, f, path) : -ENOENT;
    default:
        return -EINVAL;
    }
}

/* ---- names ---- */

static uint32_t names_with(const struct tn_acpi_out *o, const char *two)
{
    uint32_t n = 0;
    for (size_t i = 0; i < o->n_named; i++)
        n += memcmp(o->named[i].name, two, 2) == 0;
    return n;
}

static int upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Counted in order of the builders: the same machine has the same names. */
static int b_prefix(struct tn_acpi_out *o, const char *two, char *name)
{
    if (!upper(two[0]) || !(upper(two[1]) || (two[1] >= '0' && two[1] <= '9')) || two[2])
        return -EINVAL;
    uint32_t n = names_with(o, two);
    if (n > 0xff)
        return -ENOSPC;
    o->named = xrealloc(o->named, (o->n_named + 1) * sizeof *o->named);
    struct acpi_named *it = &o->named[o->n_named++];
    *it = (struct acpi_named){.dev = o->dev};
    snprintf(it->name, sizeof it->name, "%c%c%02X", two[0], two[1], n & 0xff);
    memcpy(name, it->name, sizeof it->name);
    return 0;
}

/* AML that mentions a name that the device got: from now on the object can be found by path(). */
static void note_scope(struct tn_acpi_out *o, const char *scope, const void *aml, uint32_t len)
{
    for (size_t i = 0; i < o->n_named; i++) {
        struct acpi_named *it = &o->named[i];
        if (it->dev == o->dev && !it->scope[0] && memmem(aml, len, it->name, 4))
            snprintf(it->scope, sizeof it->scope, "%s", scope);
    }
}

/* The first object that it named, or its PCI function. */
static int b_path(struct tn_acpi_out *o, struct tn_dev *of, char *buf, uint32_t max)
{
    struct device *d = device_of(of);
    char path[ACPI_PATH_MAX + 8] = "";
    for (size_t i = 0; i < o->n_named && !path[0]; i++)
        if (o->named[i].dev == d && o->named[i].scope[0])
            snprintf(path, sizeof path, "%s%s%s", o->named[i].scope,
                     o->named[i].scope[1] ? "." : "", o->named[i].name);
    struct device *f = path[0] ? NULL : function_of(d);
    int r = path[0] ? 0 : f ? function_path(o, f, path) : -ENOENT;
    if (r < 0)
        return r;
    if (strlen(path) >= max)
        return -ENAMETOOLONG;
    strcpy(buf, path);
    return 0;
}

/* ---- additions ---- */

static int b_aml(struct tn_acpi_out *o, uint32_t scope, const void *aml, uint32_t len)
{
    char path[ACPI_PATH_MAX];
    int r = scope_path(o, scope, path);
    if (r == 0)
        r = acpi_aml(o->tables, path, aml, len);
    if (r == 0)
        note_scope(o, path, aml, len);
    return r;
}

static int b_place(struct tn_acpi_out *o, struct tn_bus *b, uint32_t devfn, const void *aml,
                   uint32_t len, char *path, uint32_t max)
{
    char full[ACPI_PATH_MAX];
    int r = b->pci && devfn <= UINT8_MAX ? place_path(o, b, (uint8_t)devfn, full) : -EINVAL;
    if (r == 0 && path && strlen(full) >= max)
        r = -ENAMETOOLONG;
    if (r == 0 && len)
        r = acpi_aml(o->tables, full, aml, len);
    if (r == 0 && path)
        strcpy(path, full);
    return r;
}

static int b_table(struct tn_acpi_out *o, const char *sig, uint32_t rev, const void *body,
                   uint32_t len)
{
    return rev <= UINT8_MAX ? acpi_table(o->tables, sig, (uint8_t)rev, body, len) : -EINVAL;
}

static int b_entry(struct tn_acpi_out *o, const char *sig, const void *bytes, uint32_t len)
{
    return acpi_entry(o->tables, sig, bytes, len);
}

static int b_pointer(struct tn_acpi_out *o, uint32_t off, uint32_t size, const char *blob,
                     uint32_t blob_off)
{
    return acpi_pointer(o->tables, off, size, blob, blob_off);
}

/* ---- AML that is handed back ---- */

static int hand_back(const struct buf *b, void *aml, uint32_t max)
{
    if (b->len > max)
        return -ENOSPC;
    if (b->len)
        memcpy(aml, b->data, b->len);
    return (int)b->len;
}

static int b_crs(struct tn_acpi_out *o, struct tn_bus *bus, void *aml, uint32_t max)
{
    BUF_AUTO b = {0};
    (void)o;
    int r = pci_aml_crs(bus, &b);
    return r < 0 ? r : hand_back(&b, aml, max);
}

static int b_prt(struct tn_acpi_out *o, struct tn_bus *bus, void *aml, uint32_t max)
{
    BUF_AUTO b = {0};
    (void)o;
    int r = pci_aml_prt(bus, &b);
    return r < 0 ? r : hand_back(&b, aml, max);
}

static int b_irq(struct tn_acpi_out *o, struct tn_line *l, void *aml, uint32_t max)
{
    BUF_AUTO b = {0};
    uint32_t gsi = irq_gsi(l), f = irq_flags(l);
    (void)o;
    aml_res_interrupt(&b,
                      (f & TN_LINE_LEVEL ? AML_INT_LEVEL : AML_INT_EDGE) |
                          (f & TN_LINE_LOW ? AML_INT_ACTIVE_LOW : AML_INT_ACTIVE_HIGH) |
                          (f & TN_LINE_SHARED ? AML_INT_SHARED : AML_INT_EXCLUSIVE),
                      &gsi, 1);
    return hand_back(&b, aml, max);
}

const struct tn_acpi_build acpi_build_table = {
    .struct_size = sizeof acpi_build_table,
    .aml = b_aml,
    .table = b_table,
    .entry = b_entry,
    .pointer = b_pointer,
    .crs = b_crs,
    .prt = b_prt,
    .irq = b_irq,
    .path = b_path,
    .prefix = b_prefix,
    .place = b_place,
};
