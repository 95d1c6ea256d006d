/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_PCI_1: the public table, a thin layer over the other files. */
#include "pci/caps.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int no_function(struct tn_dev *d, struct tn_err *e)
{
    return err_set(e, ENODEV, "%s is no PCI function", device_id(device_of(d)));
}

/* In realize: what the guest finds is fixed then. */
static struct pci_func *realizing(struct tn_dev *d, struct tn_err *e)
{
    struct device *dev = device_of(d);
    if (!dev->pci)
        no_function(d, e);
    else if (dev->stage != DEV_REALIZING)
        err_set(e, EBUSY, "%s: configuration space is fixed after realize", device_id(dev));
    return dev->pci && dev->stage == DEV_REALIZING ? dev->pci : NULL;
}

/* ---- regions ---- */

static int t_bar(struct tn_dev *d, uint32_t n, uint32_t kind, uint64_t size,
                 const struct tn_region_ops *ops, void *s, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    if (f && n >= PCI_ROM_BAR)
        return err_set(e, EINVAL, "%s: there is no BAR %u", device_id(f->dev), n);
    return f ? pci_func_bar(f, n, kind, size, ops, s, e) : -EINVAL;
}

static int t_rom(struct tn_dev *d, uint64_t size, const struct tn_region_ops *ops, void *s,
                 struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    if (!f || !f->child->rombar || f->child->romfile)
        return f ? 0 : -EINVAL;
    return pci_func_bar(f, PCI_ROM_BAR, TN_BAR_MEM32, size, ops, s, e);
}

static int t_bar_mmap(struct tn_dev *d, uint32_t n, uint64_t off, uint64_t len, int fd,
                      uint64_t fd_off, uint32_t prot, struct tn_err *e)
{
    struct pci_func *f = pci_func_of(d);
    return f ? pci_func_mmap(f, n, off, len, fd, fd_off, prot, e) : no_function(d, e);
}

static struct tn_region *region_of(struct tn_dev *d, uint32_t n)
{
    struct pci_func *f = pci_func_of(d);
    return f && n < PCI_ROM_BAR ? f->region[n].region : NULL;
}

static int t_bar_unmap(struct tn_dev *d, uint32_t n, uint64_t off, uint64_t len)
{
    struct tn_region *r = region_of(d, n);
    return r ? region_overlay_del(r, off, len) : -EINVAL;
}

static int t_bar_ioeventfd(struct tn_dev *d, uint32_t n, uint64_t off, uint32_t size,
                           uint32_t match, uint64_t data, int fd)
{
    struct tn_region *r = region_of(d, n);
    return r ? region_ioeventfd(r, off, size, match, data, fd) : -EINVAL;
}

static int t_bar_ioeventfd_del(struct tn_dev *d, uint32_t n, uint64_t off, uint32_t size,
                               uint32_t match, uint64_t data, int fd)
{
    struct tn_region *r = region_of(d, n);
    return r ? region_ioeventfd_del(r, off, size, match, data, fd) : -EINVAL;
}

/* ---- capabilities ---- */

static int cap_failed(struct pci_func *f, uint32_t id, uint32_t at, int err, struct tn_err *e)
{
    return err_set(e, -err, "%s: no place for capability 0x%x at 0x%x: %s", device_id(f->dev), id,
                   at, strerror(-err));
}

static int t_cap(struct tn_dev *d, uint8_t id, uint32_t at, const void *bytes, const void *wmask,
                 const void *w1c, uint32_t len, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    if (!f)
        return -EINVAL;
    if (id == PCI_CAP_ID_MSI || id == PCI_CAP_ID_MSIX)
        return err_set(e, EINVAL, "%s: MSI and MSI-X are the host's: see msi() and msix()",
                       device_id(f->dev));
    pthread_mutex_lock(&f->lock);
    int off = pci_cap_add_bytes(&f->c, id, at, bytes, wmask, w1c, len);
    pthread_mutex_unlock(&f->lock);
    return off < 0 ? cap_failed(f, id, at, off, e) : off;
}

static int t_ext_cap(struct tn_dev *d, uint16_t id, uint8_t ver, uint32_t at, const void *bytes,
                     const void *wmask, const void *w1c, uint32_t len, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    if (!f)
        return -EINVAL;
    if (!f->c.exp)
        return err_set(e, EINVAL, "%s: extended capability 0x%x without a PCI Express capability",
                       device_id(f->dev), id);
    pthread_mutex_lock(&f->lock);
    int off = pci_ext_cap_add_bytes(&f->c, id, ver, at, bytes, wmask, w1c, len);
    pthread_mutex_unlock(&f->lock);
    return off < 0 ? cap_failed(f, id, at, off, e) : off;
}

static int t_config_trap(struct tn_dev *d, uint32_t off, uint32_t len, uint32_t flags)
{
    struct pci_func *f = realizing(d, NULL);
    if (!f || off > f->c.size || len > f->c.size - off)
        return -EINVAL;
    if (!f->traps)
        f->traps = xcalloc(1, f->c.size);
    memset(f->traps + off, (int)(flags & (TN_TRAP_READ | TN_TRAP_WRITE)), len);
    return 0;
}

static int t_identify(struct tn_dev *d, const struct tn_pci_id *id, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    if (!f)
        return -EINVAL;
    struct pci_ids ids = {id->vendor,    id->device,    id->subvendor,
                          id->subsystem, id->class_rev, id->int_pin};
    pthread_mutex_lock(&f->lock);
    pci_config_identify(&f->c, &ids);
    pthread_mutex_unlock(&f->lock);
    return 0;
}

/* ---- interrupts ---- */

static int t_msi(struct tn_dev *d, uint32_t at, uint32_t n, uint32_t flags, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    return f ? pci_func_msi(f, at, n, flags, e) : -EINVAL;
}

static int t_msix(struct tn_dev *d, uint32_t at, uint32_t n, uint32_t table_bar, uint64_t table_off,
                  uint32_t pba_bar, uint64_t pba_off, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    return f ? pci_func_msix(f, at, n, table_bar, table_off, pba_bar, pba_off, e) : -EINVAL;
}

static void t_irq(struct tn_dev *d, uint32_t vec)
{
    if (pci_func_of(d))
        pci_func_irq(pci_func_of(d), vec);
}

static void t_intx(struct tn_dev *d, uint32_t level)
{
    if (pci_func_of(d))
        pci_func_intx(pci_func_of(d), level);
}

static int t_irqfd(struct tn_dev *d, uint32_t vec)
{
    return pci_func_of(d) ? pci_irqfd_lend(pci_func_of(d), vec) : -ENODEV;
}

static int t_irqfd_adopt(struct tn_dev *d, uint32_t vec, int fd, struct tn_err *e)
{
    return pci_func_of(d) ? pci_irqfd_adopt(pci_func_of(d), vec, fd, e) : no_function(d, e);
}

static int t_intx_fd(struct tn_dev *d, int resample)
{
    return pci_func_of(d) ? pci_intx_fd(pci_func_of(d), resample) : -ENODEV;
}

/* ---- SR-IOV ---- */

static int t_sriov(struct tn_dev *d, const struct tn_sriov *v, struct tn_err *e)
{
    struct pci_func *f = realizing(d, e);
    return f ? pci_vfs_add(f, v, e) : -EINVAL;
}

static int t_vf_info(struct tn_dev *d, struct tn_dev **pf, uint32_t *index)
{
    const struct pci_func *f = pci_func_of(d);
    if (!f || !f->pf)
        return -ENODEV;
    *pf = &f->pf->dev->pub;
    *index = f->vf_index;
    return 0;
}

/* ---- the running function ---- */

static struct tn_as *t_dma(struct tn_dev *d, uint32_t pasid)
{
    struct pci_func *f = pci_func_of(d);
    return f && pasid == TN_NO_PASID ? &f->as : NULL;
}

static int size_ok(uint32_t off, uint32_t size)
{
    return (size == 1 || size == 2 || size == 4) && off < PCIE_CONFIG_SIZE;
}

/* A trapped register is answered by the plugin only where its lock is held: elsewhere its bytes
 * are. */
static int t_config_read(struct tn_dev *d, uint32_t off, uint32_t size, uint32_t *v)
{
    struct pci_func *f = pci_func_of(d);
    if (!f || !size_ok(off, size))
        return f ? -EINVAL : -ENODEV;
    pthread_mutex_lock(&f->lock);
    *v = pci_config_read(&f->c, off, size);
    pthread_mutex_unlock(&f->lock);
    return 0;
}

static int t_config_set(struct tn_dev *d, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_func *f = pci_func_of(d);
    struct pci_events ev = {0};
    if (!f || !size_ok(off, size))
        return f ? -EINVAL : -ENODEV;
    pthread_mutex_lock(&f->lock);
    pci_config_set(&f->c, off, size, v);
    pci_bars_update(&f->c);
    pci_func_settle(f, &ev);
    pci_func_tell_later(f, &ev);
    pthread_mutex_unlock(&f->lock);
    return 0;
}

static int t_where(struct tn_dev *d, struct tn_pci_where *w)
{
    const struct pci_func *f = pci_func_of(d);
    if (!f)
        return -ENODEV;
    uint32_t size = w->struct_size;
    struct tn_pci_where now = {.struct_size = size < sizeof now ? size : sizeof now,
                               .rid = pci_func_rid(f)};
    now.flags = (pci_bus_is_express(f->bus) ? TN_PCI_ON_EXPRESS : 0u) |
                (pci_bus_is_root(f->bus) ? TN_PCI_ON_ROOT : 0u) |
                (f->dev->flags & TN_DEV_HOTPLUGGED ? TN_PCI_HOTPLUGGED : 0u);
    memcpy(w, &now, now.struct_size);
    return 0;
}

static int t_aer(struct tn_dev *d, uint32_t severity, uint32_t bits, const uint32_t *header)
{
    return pci_func_of(d) ? pci_func_aer(pci_func_of(d), severity, bits, header) : -ENODEV;
}

static void t_gone(struct tn_dev *d, uint32_t on)
{
    struct pci_func *f = pci_func_of(d);
    struct pci_events ev = {0};
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    pci_func_hold(f, PCI_HELD_GONE, on != 0, &ev);
    pci_func_tell_later(f, &ev);
    pthread_mutex_unlock(&f->lock);
}

const struct tn_pci pci_table = {
    .struct_size = sizeof(struct tn_pci),
    .rev = 1,
    .bar = t_bar,
    .bar_mmap = t_bar_mmap,
    .bar_ioeventfd = t_bar_ioeventfd,
    .cap = t_cap,
    .ext_cap = t_ext_cap,
    .msix = t_msix,
    .msi = t_msi,
    .irq = t_irq,
    .intx = t_intx,
    .irqfd = t_irqfd,
    .irqfd_adopt = t_irqfd_adopt,
    .intx_fd = t_intx_fd,
    .sriov = t_sriov,
    .vf_info = t_vf_info,
    .dma = t_dma,
    .config_read = t_config_read,
    .config_set = t_config_set,
    .identify = t_identify,
    .where = t_where,
    .aer = t_aer,
    .gone = t_gone,
    .config_trap = t_config_trap,
    .rom = t_rom,
    .bar_unmap = t_bar_unmap,
    .bar_ioeventfd_del = t_bar_ioeventfd_del,
};
