/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. A translating IOMMU as a plugin: it stands between any function and memory; MSI writes are translated too.
 * The provider's own function is never behind itself.
 */
#ifndef TENON_DRAFT_IOMMU_H
#define TENON_DRAFT_IOMMU_H
#include <tenon/dma.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Mode of an endpoint: identity to all RAM, translate(), nothing */
enum { TN_IOMMU_BYPASS = 1, TN_IOMMU_TRANSLATE, TN_IOMMU_BLOCK };

/** One message-signalled interrupt on its way. Frozen. */
struct tn_msi {
    uint64_t addr;
    uint32_t data, flags;
};

/** FWD: what the IOMMU gives the host. An endpoint (ep) is segment << 16 | requester id for PCI, and the number that the
 * firmware table gives it for anything else. Own tables change before the host is told, so that translate() already answers
 * the new state while listeners follow. */
struct tn_iommu_ops {
    uint32_t struct_size, flags;
    /** [main][dev] ep exists: cold, hot-added, or renumbered (a detach came first). *mode out: TN_IOMMU_* that it starts
     * in */
    int (*attach)(void *s, uint32_t ep, uint32_t *mode, struct tn_err *e);
    /** [main][dev] ep is gone: it leaves its domain; no unmapped() is owed */
    void (*detach)(void *s, uint32_t ep);
    /** [main][dev] what the host's own IOMMU behind ep can do: narrow what the guest is offered. -errno with e once the
     * guest's driver has seen more */
    int (*limit)(void *s, uint32_t ep, const struct tn_iommu_caps *caps, struct tn_err *e);
    /** [leaf] fills perm, iova, gpa and mask of out; va is the host's. -ENOENT, -EACCES: a fault; unless perm has
     * TN_DMA_PROBE the plugin queues its report itself (leaf-locked list and a kick) */
    int (*translate)(void *s, uint32_t ep, uint32_t pasid, uint64_t iova, uint32_t perm, struct tn_iotlb *out);
    /** [leaf] each mapping of ep, for a new listener, until each() is not 0; that value */
    int (*replay)(void *s, uint32_t ep, uint32_t pasid,
                  int (*each)(void *o, uint64_t iova, uint64_t gpa, uint64_t len, uint32_t perm), void *o);
    /** [leaf] rewrite or (-EACCES) refuse a message of ep; NULL: translate() on its address */
    int (*msi)(void *s, uint32_t ep, struct tn_msi *m);
};

#define TN_IOMMU_1 "tenon.iommu/1"
/** TN_IOMMU_1. One change of the translation: begin, any of mode, mapped and unmapped, commit. [dev] of the caller is held,
 * none of its leaf locks. */
struct tn_iommu {
    uint32_t struct_size, rev;
    /** [main] in realize: endpoints first..last are ours; attach() follows for each that exists. -EBUSY names the other
     * owner */
    int (*provide)(struct tn_dev *d, uint32_t ep_first, uint32_t ep_last, const struct tn_iommu_ops *o, void *s,
                   struct tn_err *e);
    /** [ctx][vcpu] opens a change */
    void (*begin)(struct tn_dev *d);
    /** [ctx][vcpu] ep is in mode TN_IOMMU_* now; -errno of a listener: undo it */
    int (*mode)(struct tn_dev *d, uint32_t ep, uint32_t mode);
    /** [ctx][vcpu] -errno of a listener (a host IOMMU out of entries, locked memory used up): undo it, tell the guest */
    int (*mapped)(struct tn_dev *d, uint32_t ep, uint32_t pasid, uint64_t iova, uint64_t gpa, uint64_t len, uint32_t perm);
    /** [ctx][vcpu] never waits: see commit */
    void (*unmapped)(struct tn_dev *d, uint32_t ep, uint32_t pasid, uint64_t iova, uint64_t len);
    /** [ctx][vcpu] 0: no device uses an unmapped range any more, answer the guest now. TN_PENDING: done(arg, err) runs in
     * d's home context when mappings in flight have come back and listeners have committed, or their device was cut off
     * */
    int (*commit)(struct tn_dev *d, void (*done)(void *arg, int err), void *arg);
    /** [main] untranslated RAM, for the IOMMU's own tables */
    struct tn_as *(*memory)(struct tn_dev *d);
};

#ifdef __cplusplus
}
#endif
#endif
