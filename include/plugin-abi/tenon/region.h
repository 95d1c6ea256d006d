/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Address ranges that trap: the callbacks (also used for PCI BARs), and fixed PIO and MMIO ranges outside PCI.
 */
#ifndef TENON_REGION_H
#define TENON_REGION_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** tn_region_ops.flags */
enum {
    TN_RO_UNALIGNED = 1, /**< accesses that are not a multiple of their size are legal */
    TN_RO_NO_LOCK = 2    /**< callbacks run without [dev], concurrently: the class is TN_C_THREADSAFE */
};
/** What answers in a range. An access outside valid_min..valid_max reads all-ones, writes nothing and is a guest_error.
 * Between those bounds the host splits or widens it to impl_min..impl_max. Values are little-endian lanes. */
struct tn_region_ops {
    uint32_t struct_size, flags;
    uint32_t valid_min, valid_max; /**< bytes: 1, 2, 4 or 8; 0 = 1 and 8 */
    uint32_t impl_min, impl_max;   /**< 0 = as valid */
    /** [vcpu][dev] off from the start of the range, size 1, 2, 4 or 8; NULL reads all-ones */
    uint64_t (*read)(void *s, uint64_t off, uint32_t size);
    /** [vcpu][dev] NULL drops */
    void (*write)(void *s, uint64_t off, uint64_t v, uint32_t size);
};

enum { TN_SPACE_MMIO = 1, TN_SPACE_PIO = 2 };
struct tn_region; /**< one range, managed */
struct tn_window; /**< a reservation of address space; see draft/window.h */

/** A request: the host grants, or refuses and names the owner. */
struct tn_region_req {
    uint32_t struct_size, space; /**< TN_SPACE_* */
    uint64_t base, size;         /**< base TN_ANYWHERE: the host chooses within min..max, aligned */
    uint64_t align, min, max;    /**< 0 = natural, and no bound */
    const char *name;            /**< for maps and messages; copied */
    struct tn_window *window;    /**< base is relative to this reservation; or NULL */
};

#define TN_REGION_1 "tenon.region/1"
/** TN_REGION_1 */
struct tn_regions {
    uint32_t struct_size, rev;
    /** [main] claim and dispatch to ops with s; r is copied, ops borrowed, NULL: all-ones between overlays. The guest
     * reaches it when realize is over. 0 and *out; -EBUSY: overlaps another (named in e), -ENOSPC: no place in min..max,
     * -EINVAL: size 0 or wrap; nothing has changed then. Managed */
    int (*add)(struct tn_dev *d, const struct tn_region_req *r, const struct tn_region_ops *ops, void *s,
               struct tn_region **out, struct tn_err *e);
    /** [main][vcpu][dev] the guest moves it; overlap is legal here, the older range wins. 0 or -EINVAL on wrap */
    int (*move)(struct tn_region *r, uint64_t base);
    /** [main][vcpu][dev] decode on (1, as after add) or off (0) */
    void (*enable)(struct tn_region *r, uint32_t on);
    /** [any] where it is now; TN_ANYWHERE when off */
    uint64_t (*base)(struct tn_region *r);
    /** [main][ctx] overlay len bytes at off with memory from fd (mmap rules; prot PROT_READ, PROT_WRITE); no exit there.
     * All page-aligned; fd may be closed then. 0, -EBUSY: over a live one, -errno; with e */
    int (*map)(struct tn_region *r, uint64_t off, uint64_t len, int fd, uint64_t fd_off, uint32_t prot, struct tn_err *e);
    /** [main][ctx] takes overlays in the range away, and returns when no vCPU can reach them any more. 0, -ENOENT: there is
     * none */
    int (*unmap)(struct tn_region *r, uint64_t off, uint64_t len);
    /** [main][vcpu][dev] a guest write of size bytes (0 = any) at off, if match: of data, signals fd and does not call
     * write(). fd stays the plugin's. 0, -EINVAL, or refused at any time (-ENOSPC, -ENOTSUP): write() must do the same
     * work */
    int (*ioeventfd)(struct tn_region *r, uint64_t off, uint32_t size, uint32_t match, uint64_t data, int fd);
    /** [main][vcpu][dev] what was given to ioeventfd(); a pending count stays in fd. 0 or -ENOENT */
    int (*ioeventfd_del)(struct tn_region *r, uint64_t off, uint32_t size, uint32_t match, uint64_t data, int fd);
    /** [main][vcpu][dev] overlays of r answer (1, as from map() on) or its callbacks do (0): memory that takes commands shows
     * no data meanwhile. After 0 nobody reads an overlay any more when it returns. Not every host has it: TN_HAS */
    void (*show)(struct tn_region *r, uint32_t on);
};

#ifdef __cplusplus
}
#endif
#endif
