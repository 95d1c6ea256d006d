/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices on the ISA bus have in common. For glue files. */
#ifndef TN_PLUGINS_ISA_H
#define TN_PLUGINS_ISA_H
#include <tenon/acpi.h>
#include <tenon/core.h>
#include <tenon/region.h>

#include "util/buf.h"

/* Members of a tn_region_ops for a chip on an 8-bit bus: a wider access is one cycle for each byte,
 * at any address. */
#define ISA_BYTE_WIDE .flags = TN_RO_UNALIGNED, .valid_min = 1, .valid_max = 4, .impl_max = 1

/* Claims len ports from base for ops, called with s. [main], in realize; managed. The plugin needs
 * TN_REGION_1. Returns 0, or -errno with e filled: another device has a port of these. */
static inline int isa_claim(struct tn_dev *d, uint64_t base, uint64_t len, const char *name,
                            const struct tn_region_ops *ops, void *s, struct tn_region **out,
                            struct tn_err *e)
{
    const struct tn_region_req req = {
        .struct_size = sizeof req, .space = TN_SPACE_PIO, .base = base, .size = len, .name = name};
    return TN_GET(d, struct tn_regions, TN_REGION_1)->add(d, &req, ops, s, out, e);
}

/* Appends the interrupt descriptor of line l to a _CRS. Inside a builder. 0 or -errno. */
static inline int isa_aml_line(struct buf *a, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                               struct tn_line *l)
{
    uint8_t descriptor[16];
    int n = b->irq(o, l, descriptor, sizeof descriptor);
    if (n > 0)
        buf_add(a, descriptor, (size_t)n);
    return n < 0 ? n : 0;
}

/* Hands the finished devices in a to the host, below the ISA bridge. err: the first error while
 * they were written, or 0. Inside a builder. 0, or -errno with e filled. */
static inline int isa_aml_give(struct tn_dev *d, const struct buf *a, int err,
                               const struct tn_acpi_build *b, struct tn_acpi_out *o,
                               struct tn_err *e)
{
    if (!err)
        err = b->aml(o, TN_SCOPE_PARENT, a->data, (uint32_t)a->len);
    return err < 0 ? tn_fail(d, e, -err, "%s: no place in the ACPI tables", d->cls->name) : 0;
}

#endif
