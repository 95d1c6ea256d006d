/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. Windows: guest-physical address space that is backed by memory of other devices (CXL, memory devices). Decode is
 * declared, never called: the owner says what lies where and the host maps it, or traps where it cannot.
 */
#ifndef TENON_DRAFT_WINDOW_H
#define TENON_DRAFT_WINDOW_H
#include <tenon/region.h>
#ifdef __cplusplus
extern "C" {
#endif

/** First byte of one way. Frozen. */
struct tn_stripe_part {
    struct tn_mem *mem;
    uint64_t off;
};
/** tn_stripe.flags */
enum { TN_STRIPE_RO = 1, TN_STRIPE_TRAP = 2 };
/** A run of the window: its granule i lies in part[i % ways], at off + (i / ways) * granularity. Element with a stride. */
struct tn_stripe {
    uint32_t struct_size, flags; /**< TN_STRIPE_* */
    uint64_t at, len;            /**< in the window; len: a multiple of ways * granularity */
    uint64_t granularity;        /**< bytes, a power of two, 256 to 16 KiB; ignored for one way */
    uint32_t ways, part_stride;  /**< 1 to 16: the whole tree, flattened; any order, repeats are legal */
    const struct tn_stripe_part *part;
};

/** Areas of the map: below 4 GiB, CXL host bridge registers, fixed above 4 GiB, hot-pluggable memory */
enum { TN_WIN_RAM32 = 1, TN_WIN_CHBCR, TN_WIN_FIXED64, TN_WIN_DIMM };
struct tn_window_stat {
    uint32_t struct_size, pending;   /**< pending: stripes not yet mapped, they trap and are right */
    uint64_t mapped, trapped, exits; /**< bytes, bytes, number */
};

#define TN_WINDOW_1 "tenon.window/1"
/** TN_WINDOW_1 */
struct tn_windows {
    uint32_t struct_size, rev;
    /** [main] size bytes of area TN_WIN_*: before TN_ON_DEVICES, TN_WIN_DIMM at any time. Placed in order of request, the
     * same at every start with the same options. Reads all-ones, drops writes. Managed */
    int (*reserve)(struct tn_dev *d, uint32_t area, const char *name, uint64_t size, uint64_t align, struct tn_window **out,
                   uint64_t *gpa, struct tn_err *e);
    /** [main] replace the whole content by n stripes, stride bytes apart, in one transaction; vCPUs may run. Returns when
     * the old content is unreachable, by listeners too. Each mem is held until it is replaced */
    int (*set)(struct tn_window *w, const struct tn_stripe *v, uint32_t n, uint32_t stride, struct tn_err *e);
    /** [any] fills at most st->struct_size bytes */
    void (*stat)(struct tn_window *w, struct tn_window_stat *st);
    /** [main] what answers where no stripe is; ops NULL: all-ones */
    int (*trap)(struct tn_window *w, const struct tn_region_ops *ops, void *s);
};

#ifdef __cplusplus
}
#endif
#endif
