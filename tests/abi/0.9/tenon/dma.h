/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DMA: memory as a device sees it, the same calls with or without an IOMMU in between. Guest memory is concurrent:
 * read once into locals. DMA that lands in a trapping range is refused.
 */
#ifndef TENON_DMA_H
#define TENON_DMA_H
#include <tenon/loop.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Directions, as the device sees memory */
enum {
    TN_DMA_READ = 1,
    TN_DMA_WRITE = 2,
    TN_DMA_EXEC = 4,
    TN_DMA_PROBE = 8 /**< look only: a miss is no fault and is not reported to the guest */
};
/** One contiguous piece of a map(). Frozen. */
struct tn_seg {
    void *va;
    uint64_t len, cookie;
};

enum {
    TN_MEM_RAM = 1,
    TN_MEM_ROM = 2,
    TN_MEM_DEVICE = 4,      /**< another function's mapped BAR: failing to map it is no error */
    TN_MEM_SHARED = 8,      /**< fd can be mapped by another process and shows every write */
    TN_MEM_TRANSLATED = 16, /**< iova is not the guest-physical address */
    TN_MEM_WINDOW = 32      /**< interleaved memory: va is contiguous, fd is -1; skipping it is no error */
};
/** One range as a listener sees it. Valid during the call; va and fd (borrowed, -1 = none) until the commit of its unmap
 * has completed. */
struct tn_mapping {
    uint32_t struct_size, flags;   /**< TN_MEM_* */
    uint32_t prot, page_shift;     /**< TN_DMA_*; log2 of the backing page: 12, 21, 30 */
    uint64_t iova, len, gpa;
    void *va;
    uint64_t fd_off, block;        /**< block: stable id of the memory object, equal for its pieces */
    int32_t fd;
    uint32_t reserved;
};
enum {
    TN_LISTEN_UNMAP_ONLY = 1, /**< no map() calls and no replay: an IOTLB */
    TN_LISTEN_PINS = 2,       /**< pages are pinned while mapped: balloon and discard are refused */
    TN_LISTEN_NEED_FD = 4,    /**< RAM without TN_MEM_SHARED is an error, at listen and at memory hot-add */
    TN_LISTEN_P2P = 8,        /**< wants TN_MEM_DEVICE ranges */
    TN_LISTEN_LOGS = 16       /**< can log; a listener that cannot blocks migration */
};
/** Order inside a transaction: begin, every unmap, every map, commit. All [main], or [vcpu] for a BAR move or an IOMMU
 * request; one transaction at a time for an address space. After a failed map or commit the host sends the reverse
 * transaction, and whoever started it gets the error. */
struct tn_dma_listener {
    uint32_t struct_size, flags; /**< TN_LISTEN_* */
    /** before memory is hot-added: is there room for n more ranges? No side effect. May be NULL */
    int (*prepare)(void *o, const struct tn_mapping *const *m, uint32_t n, struct tn_err *e);
    void (*begin)(void *o);
    /** 0 or -errno */
    int (*map)(void *o, const struct tn_mapping *m);
    /** start to let go; tn_dma.dirty on the range works until commit returns or completes */
    void (*unmap)(void *o, uint64_t iova, uint64_t len);
    /** 0: nothing unmapped is in use any more. TN_PENDING: tn_dma.committed will say so. -errno: roll back */
    int (*commit)(void *o, uint64_t token);
    /** dirty logging on or off; NULL unless TN_LISTEN_LOGS */
    int (*log)(void *o, uint32_t on);
    /** push what was dirtied in the range through tn_dma.dirty or dirty_bitmap */
    int (*log_sync)(void *o, uint64_t iova, uint64_t len);
};

/** A cached mapping (a ring): written by the host, read by the plugin, by rule Quiescent. va NULL: use read and write. */
struct tn_cached {
    uint8_t *va;
    uint64_t iova, len;
    uint32_t log, gen; /**< log: call tn_dma.dirty after a write through va; gen changes with va */
};
/** RAM as this address space sees it, sorted by iova. A pointer taken from it for a request in flight stays good until
 * the next quiesce(TN_Q_MEMORY) has completed. */
struct tn_ram {
    uint64_t iova, len;
    uint8_t *va;
    uint32_t prot, flags;
};
struct tn_view {
    uint32_t struct_size, n;
    uint32_t log, ram_stride;
    const struct tn_ram *ram;
};

enum { TN_AS_TRANSLATED = 1, TN_AS_MAY_TRANSLATE = 2, TN_AS_NO_VIEW = 4, TN_AS_NO_MAP = 8 };
struct tn_as_info {
    uint32_t struct_size, flags; /**< TN_AS_* */
    uint64_t page_mask, domain;  /**< equal domain: equal translation now */
};
struct tn_iova_range {
    uint64_t first, last;
    uint32_t kind, reserved; /**< 1 reserved, 2 MSI window */
};
struct tn_iommu_caps {
    uint32_t struct_size, flags;
    uint64_t page_mask, first, last;
    const struct tn_iova_range *resv;
    uint32_t nresv, resv_stride;
};
/** A translation. mask: low bits that pass through; va NULL if it is not RAM. */
struct tn_iotlb {
    uint32_t struct_size, perm;
    uint64_t iova, gpa, mask;
    void *va;
};

#define TN_DMA_1 "tenon.dma/1"
/** TN_DMA_1 */
struct tn_dma {
    uint32_t struct_size, rev;
    /** [any] 0 or -errno (-EFAULT: not RAM, -EACCES: the IOMMU said no); buf is undefined then */
    int (*read)(struct tn_as *a, uint64_t iova, void *buf, uint64_t len);
    /** [any] likewise; marks dirty */
    int (*write)(struct tn_as *a, uint64_t iova, const void *buf, uint64_t len);
    /** [any] number of segments, may cover less than len; -EAGAIN: see map_retry; -ENOTSUP: only read and write here */
    int (*map)(struct tn_as *a, uint64_t iova, uint64_t len, uint32_t dir, struct tn_seg *seg, uint32_t max);
    /** [any] marks written bytes dirty; completes an IOMMU unmap that waited for it */
    void (*unmap)(struct tn_as *a, const struct tn_seg *seg, uint32_t n, uint32_t dir, uint64_t written);
    /** [any] b is kicked once when a map that said -EAGAIN is worth repeating; at once if it is by now */
    int (*map_retry)(struct tn_as *a, struct tn_bh *b);
    /** [any] the range was written through a cached or listened-to mapping */
    void (*dirty)(struct tn_as *a, uint64_t iova, uint64_t len);
    /** [any] bit i set = page i from iova on, of 1 << shift bytes, was written */
    void (*dirty_bitmap)(struct tn_as *a, uint64_t iova, uint32_t shift, const uint64_t *bits, uint64_t nbits);
    /** [main] guest-physical RAM, never translated */
    struct tn_as *(*system)(struct tn_dev *d);
    /** [any] what the space is now; may change at a listener's commit */
    int (*info)(struct tn_as *a, struct tn_as_info *out);
    /** [main][vcpu] replays what is mapped, then follows it; managed */
    int (*listen)(struct tn_as *a, const struct tn_dma_listener *l, void *o, struct tn_err *e);
    /** [main] returns after the last callback; an unfinished commit counts as completed */
    void (*unlisten)(struct tn_as *a, void *o);
    /** [any] end of a commit that was TN_PENDING; tokens are unique in the VM */
    void (*committed)(struct tn_dev *d, uint64_t token, int err);
    /** [main][vcpu] bound to c; never fails for a bad address: va is NULL then. changed (may be NULL) runs in c after va
     * changed. NULL only without memory */
    const struct tn_cached *(*cache)(struct tn_as *a, struct tn_ctx *c, uint64_t iova, uint64_t len, uint32_t dir,
                                     void (*changed)(void *), void *s);
    /** [any] never waits: freed after the grace period */
    void (*uncache)(const struct tn_cached *c);
    /** [main][vcpu] *view is the current table, or NULL if TN_AS_NO_VIEW; bound to c */
    const struct tn_view *const *(*view)(struct tn_as *a, struct tn_ctx *c);
    /** [any] for an IOTLB; -ENOENT: not mapped */
    int (*lookup)(struct tn_as *a, uint64_t iova, uint32_t perm, struct tn_iotlb *out);
    /** [main] what the host IOMMU behind this function can do; -errno: the virtual IOMMU cannot live with it */
    int (*limit)(struct tn_as *a, const struct tn_iommu_caps *caps, struct tn_err *e);
};

/** The whole cost of a buffer descriptor in RAM: the host address of len bytes at iova, or NULL. */
static inline uint8_t *tn_ram_at(const struct tn_view *v, uint64_t iova, uint64_t len, uint32_t dir)
{
    uint32_t lo = 0, hi = v ? v->n : 0;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct tn_ram *r =
            (const struct tn_ram *)(const void *)((const uint8_t *)v->ram + (uint64_t)mid * v->ram_stride);
        if (iova < r->iova)
            hi = mid;
        else if (iova - r->iova >= r->len)
            lo = mid + 1;
        else
            return len <= r->len - (iova - r->iova) && (r->prot & dir) == dir ? r->va + (iova - r->iova) : NULL;
    }
    return NULL;
}

#ifdef __cplusplus
}
#endif
#endif
