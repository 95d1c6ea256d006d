/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * PCI functions. Config space belongs to the host (masks, not callbacks): a plugin declares its BARs, capabilities and
 * vectors. Sections: PCI Express Base Specification 6.0, PCI Local Bus Specification 3.0.
 */
#ifndef TENON_PCI_H
#define TENON_PCI_H
#include <tenon/class.h>
#include <tenon/region.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Bus types of the host; a function that may sit on either names "PCI" and says which it is in tn_pci_ops.flags. */
#define TN_PCI_BUS "PCI"
#define TN_PCIE_BUS "PCIE"
#define TN_PCI_DEVICE_1 "tenon.pci-device/1" /**< id of tn_pci_ops in class->bus_ops; every PCI function provides it */

/** tn_pci_ops.flags */
enum {
    TN_PCIF_EXPRESS = 1,
    TN_PCIF_CONVENTIONAL = 2,
    TN_PCIF_CXL = 4,
    TN_PCIF_BRIDGE = 8,
    TN_PCIF_VF = 16
};
enum { TN_IRQ_NONE = 0, TN_IRQ_INTX, TN_IRQ_MSI, TN_IRQ_MSIX };

/** class->bus_ops of a PCI function. Any function may be NULL. */
struct tn_pci_ops {
    uint32_t struct_size, flags;                    /**< TN_PCIF_* */
    uint16_t vendor, device, subvendor, subsystem;  /**< subvendor 0: the host's default */
    uint32_t class_rev, int_pin;                    /**< class code << 8 | revision; int_pin: 0 none, 1..4 = INTA..INTD */
    /** [vcpu][dev] after the masks, also when the value did not change; off and size as the guest wrote */
    void (*config_written)(void *s, uint32_t off, uint32_t size, uint32_t old);
    /** [vcpu][dev] after the host has rewired the vector's irqfds */
    void (*msix_mask)(void *s, uint32_t vec, uint32_t masked);
    /** [vcpu][dev] TN_ANYWHERE = unmapped */
    void (*bar_moved)(void *s, uint32_t bar, uint64_t addr);
    /** [vcpu][dev] MSI or MSI-X was enabled, disabled or resized, or INTx disabled: TN_IRQ_*, number of vectors */
    void (*irq_mode)(void *s, uint32_t mode, uint32_t nvec);
    /** [vcpu][dev] trapped ranges only: val is the host's value; returns what the guest sees */
    uint32_t (*config_read)(void *s, uint32_t off, uint32_t size, uint32_t val);
    /** [vcpu][dev] trapped ranges only: returns what goes through the masks */
    uint32_t (*config_write)(void *s, uint32_t off, uint32_t size, uint32_t val);
};

/** For identify(): what is only known at run time. */
struct tn_pci_id {
    uint32_t struct_size, flags;
    uint16_t vendor, device, subvendor, subsystem;
    uint32_t class_rev, int_pin;
};
enum { TN_PCI_ON_EXPRESS = 1, TN_PCI_ON_ROOT = 2, TN_PCI_HOTPLUGGED = 4 };
/** Where a function is now; rid moves with bus numbers: ask again. */
struct tn_pci_where {
    uint32_t struct_size, flags, segment, rid; /**< rid: bus << 8 | devfn */
};
/** kind of a BAR */
enum { TN_BAR_IO = 1, TN_BAR_MEM32 = 2, TN_BAR_MEM64 = 4, TN_BAR_PREFETCH = 8 };
/** SR-IOV (PCIe 9): virtual functions are instances of a named class. */
struct tn_sriov {
    uint32_t struct_size, flags;
    const struct tn_class *vf;
    uint32_t total, first, stride, vf_device;
    uint64_t bar_size[6]; /**< bytes, of one VF */
    uint32_t bar_kind[6];
    /** [main] before the VF's realize: set its properties */
    int (*setup)(void *pf, void *vf, uint32_t index, struct tn_err *e);
    /** [main][dev of PF] after creation or removal */
    void (*enabled)(void *pf, uint32_t num_vfs);
};
enum { TN_AER_COR = 1, TN_AER_NONFATAL, TN_AER_FATAL };
enum { TN_TRAP_READ = 1, TN_TRAP_WRITE = 2 };
#define TN_NO_PASID 0xffffffffu
enum { TN_MSI_64 = 1, TN_MSI_MASK = 2 }; /**< msi() flags: 64-bit address, per-vector masking */

#define TN_PCI_1 "tenon.pci/1"
/** TN_PCI_1. "realize" below: in the function's realize, or its bus's plugged(). */
struct tn_pci {
    uint32_t struct_size, rev;
    /** [main] realize: BAR n (0..5) of kind TN_BAR_* and size bytes (a power of two; 64 bits take n + 1 too); ops NULL:
     * all-ones between overlays. Priority in a BAR: MSI-X table and PBA, ioeventfd, overlay, ops. ops is borrowed. 0,
     * -EBUSY: taken, -EINVAL; with e */
    int (*bar)(struct tn_dev *d, uint32_t n, uint32_t kind, uint64_t size, const struct tn_region_ops *ops, void *s,
               struct tn_err *e);
    /** [main][ctx] overlay: len bytes at off are those of fd from fd_off on, without exits, but for pages of the MSI-X
     * table and PBA; also while running. All page-aligned, prot as in mmap(2); fd may be closed then. 0 or -errno with e */
    int (*bar_mmap)(struct tn_dev *d, uint32_t n, uint64_t off, uint64_t len, int fd, uint64_t fd_off, uint32_t prot,
                    struct tn_err *e);
    /** [main][vcpu][dev] as tn_regions.ioeventfd, off in the BAR, which it follows */
    int (*bar_ioeventfd)(struct tn_dev *d, uint32_t n, uint64_t off, uint32_t size, uint32_t match, uint64_t data, int fd);
    /** [main] realize: a capability of len bytes, id and next included in bytes (overwritten); at: its offset, 0 = the
     * first free place. wmask: bits that the guest can write, w1c: that it clears by writing 1; of len bytes each, or
     * NULL: none. All are copied. Its offset; or -errno with e, -EINVAL for MSI and MSI-X, which have functions of their
     * own */
    int (*cap)(struct tn_dev *d, uint8_t id, uint32_t at, const void *bytes, const void *wmask, const void *w1c, uint32_t len,
               struct tn_err *e);
    /** [main] realize: an extended capability, from 0x100 on, len with its 4-byte header (overwritten); the rest as in
     * cap(). Its offset, or -errno with e: a function without PCI Express capability has none */
    int (*ext_cap)(struct tn_dev *d, uint16_t id, uint8_t ver, uint32_t at, const void *bytes, const void *wmask,
                   const void *w1c, uint32_t len, struct tn_err *e);
    /** [main] realize: n = 1..2048 vectors; the table and the PBA, at offsets in BARs that are there already (multiples of
     * 8), are answered by the host. at: of the capability, 0 = the first free place. The capability's offset, or -errno
     * with e: so >= 0 is success */
    int (*msix)(struct tn_dev *d, uint32_t at, uint32_t n, uint32_t table_bar, uint64_t table_off, uint32_t pba_bar,
                uint64_t pba_off, struct tn_err *e);
    /** [main] realize: n = 1, 2, 4 .. 32 vectors, flags TN_MSI_*; at as in msix(). The capability's offset, or -errno with
     * e */
    int (*msi)(struct tn_dev *d, uint32_t at, uint32_t n, uint32_t flags, struct tn_err *e);
    /** [any] raise MSI-X or MSI vector vec; nothing in INTx mode, and for a vector that there is not */
    void (*irq)(struct tn_dev *d, uint32_t vec);
    /** [any] level of the INTx pin; the guest sees it unless MSI or MSI-X is on, or INTx is disabled */
    void (*intx)(struct tn_dev *d, uint32_t level);
    /** [main][vcpu] an eventfd that raises vec when it is signalled: borrowed, the same for each call, valid while
     * realized; -EINVAL: there is no such vector; another -errno */
    int (*irqfd)(struct tn_dev *d, uint32_t vec);
    /** [main][vcpu] the plugin's eventfd raises vec from now on; vec ~0u = detach, before it is closed. 0 or -errno with e;
     * -ENOENT: it was not attached */
    int (*irqfd_adopt)(struct tn_dev *d, uint32_t vec, int fd, struct tn_err *e);
    /** [main] level by fd: a signal asserts INTx until EOI, which deasserts and signals resample (the plugin's, -1 = none).
     * The trigger fd (borrowed, valid while realized), or -errno: -ENOTSUP is normal */
    int (*intx_fd)(struct tn_dev *d, int resample);
    /** [main] realize: v is copied. The capability's offset, or -errno with e */
    int (*sriov)(struct tn_dev *d, const struct tn_sriov *v, struct tn_err *e);
    int (*vf_info)(struct tn_dev *d, struct tn_dev **pf, uint32_t *index);      /**< [any] in a VF; -ENODEV elsewhere */
    /** [any] memory as this function sees it, borrowed, valid while realized; pasid TN_NO_PASID, NULL for what the host
     * cannot tell apart. Bus mastering off: every access fails */
    struct tn_as *(*dma)(struct tn_dev *d, uint32_t pasid);
    /** [any] config space, size 1, 2 or 4: as the guest reads it, but for trapped ranges, where it is the host's value.
     * 0 or -EINVAL */
    int (*config_read)(struct tn_dev *d, uint32_t off, uint32_t size, uint32_t *v);
    int (*config_set)(struct tn_dev *d, uint32_t off, uint32_t size, uint32_t v); /**< [any] past the masks; 0 or -EINVAL */
    /** [main] realize: replaces the ids of tn_pci_ops, all of them. 0 or -EINVAL with e */
    int (*identify)(struct tn_dev *d, const struct tn_pci_id *id, struct tn_err *e);
    int (*where)(struct tn_dev *d, struct tn_pci_where *w); /**< [any] fills at most w->struct_size bytes; 0 or -errno */
    /** [any] report an error up to the root port (PCIe 6.2): TN_AER_*, bits of the status register; header: 4 dwords or
     * NULL. 0 or -errno */
    int (*aer)(struct tn_dev *d, uint32_t severity, uint32_t bits, const uint32_t *header);
    /** [any] 1: config, BARs and DMA answer as if the function were absent; 0: back */
    void (*gone)(struct tn_dev *d, uint32_t on);
    /** [main] realize: config_read() or config_write(), as TN_TRAP_* says, for len bytes at off. 0 or -EINVAL */
    int (*config_trap)(struct tn_dev *d, uint32_t off, uint32_t len, uint32_t flags);
    /** [main] realize: expansion ROM of size bytes (a power of two). 0, also where the user wants none or another (rombar=,
     * romfile=); -errno with e */
    int (*rom)(struct tn_dev *d, uint64_t size, const struct tn_region_ops *ops, void *s, struct tn_err *e);
    /** [main][ctx] takes overlays in the range away, and returns when no vCPU can reach them; ops answers there again. 0,
     * -ENOENT: there is none, -EINVAL: no BAR n */
    int (*bar_unmap)(struct tn_dev *d, uint32_t n, uint64_t off, uint64_t len);
    /** [main][vcpu][dev] what was given to bar_ioeventfd(); a pending count stays in fd. 0, -ENOENT, -EINVAL */
    int (*bar_ioeventfd_del)(struct tn_dev *d, uint32_t n, uint64_t off, uint32_t size, uint32_t match, uint64_t data,
                             int fd);
};

#ifdef __cplusplus
}
#endif
#endif
