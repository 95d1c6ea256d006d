/* SPDX-License-Identifier: BSD-2-Clause */
/* It falls over when its last register is written.
 * breaks: regions/writes
 * says: Aborted */
#define IN_REALIZE(s, e) \
    int r_ = big(s, e);  \
    if (r_ < 0)          \
    return r_
struct tn_err;
struct gadget;
static int big(struct gadget *s, struct tn_err *e);
#include "device.h"
static void big_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    (void)s, (void)size, (void)v;
    if (off == (1 << 24) - 8)
        abort();
}
static const struct tn_region_ops big_ops = {
    .struct_size = sizeof big_ops, .valid_min = 8, .valid_max = 8, .write = big_write};
static int big(struct gadget *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->d, struct tn_regions, TN_REGION_1);
    const struct tn_region_req q = {sizeof q, TN_SPACE_MMIO, TN_ANYWHERE, 1 << 24, 0, 0,
                                    0,        "big",         NULL};
    struct tn_region *r;
    return regions->add(s->d, &q, &big_ops, s, &r, e);
}
