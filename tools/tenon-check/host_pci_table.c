/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_PCI_1: what a function declares in realize and does while it runs. */
#include "host_dma.h"
#include "host_pci.h"
#include "services.h"
#include "util/bytes.h"
#include <linux/pci_regs.h>
#include <sys/eventfd.h>

static struct pci_fn *fn(struct dev *d, const char *what)
{
    if (!d->pci)
        violation("pci.h", "%s for a device that is on no PCI bus", what);
    return d->pci;
}

struct pci_fn *pci_declaring(struct tn_dev *pub, const char *what)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, what);
    return fn(d, what);
}

static struct pci_fn *using(struct tn_dev *pub, uint32_t roles, const char *what)
{
    struct dev *d = dev_of(pub);
    enter(d, roles, what);
    return fn(d, what);
}

/* ---- BARs ---- */

/* The size may be a user's choice, and is refused; number and kind are the plugin's. */
static int size_legal(uint32_t kind, uint64_t size)
{
    return size >= (kind & TN_BAR_IO ? 4u : 16u) && (size & (size - 1)) == 0 &&
           (!(kind & TN_BAR_IO) || size <= 256) && (!(kind & TN_BAR_MEM32) || size <= 0x80000000u);
}

static int bar_legal(uint32_t n, uint32_t kind)
{
    uint32_t type = kind & (TN_BAR_IO | TN_BAR_MEM32 | TN_BAR_MEM64);
    if (n >= PCI_BARS || (type != TN_BAR_IO && type != TN_BAR_MEM32 && type != TN_BAR_MEM64))
        return 0;
    return type != TN_BAR_MEM64 || n < PCI_BARS - 1;
}

static void bar_registers(struct pci_fn *f, uint32_t n, uint32_t kind, uint64_t size)
{
    uint32_t reg = PCI_BASE_ADDRESS_0 + 4 * n;
    uint32_t flags = kind & TN_BAR_IO      ? PCI_BASE_ADDRESS_SPACE_IO
                     : kind & TN_BAR_MEM64 ? PCI_BASE_ADDRESS_MEM_TYPE_64
                                           : 0u;
    put_le32(f->cfg + reg, flags | (kind & TN_BAR_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0u));
    put_le32(f->wmask + reg, (uint32_t) ~(size - 1));
    if (kind & TN_BAR_MEM64)
        put_le32(f->wmask + reg + 4, (uint32_t)(~(size - 1) >> 32));
}

static int pci_bar(struct tn_dev *pub, uint32_t n, uint32_t kind, uint64_t size,
                   const struct tn_region_ops *ops, void *s, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->bar");
    if (!bar_legal(n, kind) || f->bar[n].size || f->bar[n].upper)
        violation("pci.h: bar; PCI 3.0 6.2.5.1", "pci->bar(%u, kind %u, %llu bytes)", n, kind,
                  (unsigned long long)size);
    region_ops_check(f->d, ops, "pci->bar");
    int r = inject_err(f->d, e, ENOMEM, "pci->bar");
    if (r == 0 && !size_legal(kind, size))
        r = err_set(e, EINVAL, "BAR %u cannot have %llu bytes", n, (unsigned long long)size);
    if (r < 0)
        return r;
    f->bar[n] = (struct pci_bar){region_ops_copy(ops), s, size, TN_ANYWHERE, kind, 0};
    if (kind & TN_BAR_MEM64)
        f->bar[n + 1].upper = 1;
    bar_registers(f, n, kind, size);
    return 0;
}

static struct pci_bar *bar_of(struct pci_fn *f, uint32_t n, uint64_t off, uint64_t len,
                              const char *what)
{
    if (n > PCI_ROM || !f->bar[n].size || off > f->bar[n].size || len > f->bar[n].size - off)
        violation("pci.h: a BAR that was declared", "%s of BAR %u at 0x%llx+0x%llx", what, n,
                  (unsigned long long)off, (unsigned long long)len);
    return &f->bar[n];
}

static int pci_bar_mmap(struct tn_dev *pub, uint32_t n, uint64_t off, uint64_t len, int fd,
                        uint64_t fd_off, uint32_t prot, struct tn_err *e)
{
    struct pci_fn *f = using(pub, R_MAIN | R_CTX, "pci->bar_mmap");
    (void)prot;
    bar_of(f, n, off, len, "pci->bar_mmap");
    if (fd < 0 || off % 4096 || len % 4096 || fd_off % 4096 || !len)
        violation("pci.h: bar_mmap: mmap rules", "pci->bar_mmap of 0x%llx+0x%llx, descriptor %d",
                  (unsigned long long)off, (unsigned long long)len, fd);
    return inject_err(f->d, e, ENOSPC, "pci->bar_mmap");
}

static int pci_bar_unmap(struct tn_dev *pub, uint32_t n, uint64_t off, uint64_t len)
{
    bar_of(using(pub, R_MAIN | R_CTX, "pci->bar_unmap"), n, off, len, "pci->bar_unmap");
    return 0;
}

static int pci_bar_ioeventfd(struct tn_dev *pub, uint32_t n, uint64_t off, uint32_t size,
                             uint32_t match, uint64_t data, int fd)
{
    struct pci_fn *f = using(pub, R_MAIN | R_VCPU, "pci->bar_ioeventfd");
    (void)match, (void)data;
    bar_of(f, n, off, size, "pci->bar_ioeventfd");
    if (fd < 0 || size > 8)
        violation("pci.h: bar_ioeventfd", "pci->bar_ioeventfd of %u bytes, descriptor %d", size,
                  fd);
    return -ENOTSUP; /* "may be refused at any time" */
}

static int pci_bar_ioeventfd_del(struct tn_dev *pub, uint32_t n, uint64_t off, uint32_t size,
                                 uint32_t match, uint64_t data, int fd)
{
    (void)match, (void)data, (void)fd;
    bar_of(using(pub, R_MAIN | R_VCPU, "pci->bar_ioeventfd_del"), n, off, size,
           "pci->bar_ioeventfd_del");
    return -ENOENT;
}

static int pci_rom(struct tn_dev *pub, uint64_t size, const struct tn_region_ops *ops, void *s,
                   struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->rom");
    if (size < 2048 || size & (size - 1) || f->bar[PCI_ROM].size)
        violation("pci.h: rom; PCI 3.0 6.2.5.2", "pci->rom of %llu bytes",
                  (unsigned long long)size);
    region_ops_check(f->d, ops, "pci->rom");
    int r = inject_err(f->d, e, ENOMEM, "pci->rom");
    if (r < 0)
        return r;
    f->bar[PCI_ROM] = (struct pci_bar){region_ops_copy(ops), s, size, TN_ANYWHERE, TN_BAR_MEM32, 0};
    put_le32(f->wmask + PCI_ROM_ADDRESS, (uint32_t) ~(size - 1) | PCI_ROM_ADDRESS_ENABLE);
    return 0;
}

/* ---- capabilities ---- */

static int place_free(const struct pci_fn *f, uint32_t at, uint32_t len, uint32_t end)
{
    if (at + len > end)
        return 0;
    for (uint32_t i = 0; i < len; i++)
        if (f->used[at + i])
            return 0;
    return 1;
}

/* Where len bytes fit, from first on below end. */
static int find_place(struct pci_fn *f, uint32_t at, uint32_t len, uint32_t first, uint32_t end,
                      struct tn_err *e)
{
    if (at && (at % 4 || at < first || !place_free(f, at, len, end)))
        return err_set(e, EBUSY, "there is no room for %u bytes at 0x%x of config space", len, at);
    for (uint32_t x = at ? at : first; x < end; x += 4)
        if (place_free(f, x, len, end))
            return (int)x;
    return err_set(e, ENOSPC, "config space is full");
}

static void fill_cap(struct pci_fn *f, uint32_t at, const void *bytes, const void *wmask,
                     const void *w1c, uint32_t len)
{
    memcpy(f->cfg + at, bytes, len);
    if (wmask)
        memcpy(f->wmask + at, wmask, len);
    if (w1c)
        memcpy(f->w1c + at, w1c, len);
    memset(f->used + at, 1, (len + 3) & ~3u);
}

static int add_cap(struct pci_fn *f, uint8_t id, uint32_t at, const void *bytes, const void *wmask,
                   const void *w1c, uint32_t len, struct tn_err *e)
{
    int r = find_place(f, at, len, PCI_STD_HEADER_SIZEOF, PCI_CFG_SPACE_SIZE, e);
    if (r < 0)
        return r;
    fill_cap(f, (uint32_t)r, bytes, wmask, w1c, len);
    f->cfg[r] = id;
    f->cfg[r + 1] = f->cfg[PCI_CAPABILITY_LIST];
    f->wmask[r] = f->wmask[r + 1] = 0;
    f->cfg[PCI_CAPABILITY_LIST] = (uint8_t)r;
    f->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    f->express |= id == PCI_CAP_ID_EXP;
    return r;
}

static int pci_cap(struct tn_dev *pub, uint8_t id, uint32_t at, const void *bytes,
                   const void *wmask, const void *w1c, uint32_t len, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->cap");
    if (!bytes || len < 2 || len > 192)
        violation("pci.h: cap: id and next included in bytes", "pci->cap of %u bytes", len);
    int r = inject_err(f->d, e, ENOSPC, "pci->cap");
    return r < 0 ? r : add_cap(f, id, at, bytes, wmask, w1c, len, e);
}

static void link_ext(struct pci_fn *f, uint32_t at, uint16_t id, uint8_t ver)
{
    uint32_t x = PCI_CFG_SPACE_SIZE;
    put_le32(f->cfg + at, id | (uint32_t)ver << 16);
    put_le32(f->wmask + at, 0);
    if (at == x)
        return;
    for (uint32_t next; (next = get_le32(f->cfg + x) >> 20); x = next)
        ;
    put_le32(f->cfg + x, (get_le32(f->cfg + x) & 0xfffff) | at << 20);
}

static int pci_ext_cap(struct tn_dev *pub, uint16_t id, uint8_t ver, uint32_t at, const void *bytes,
                       const void *wmask, const void *w1c, uint32_t len, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->ext_cap");
    if (!bytes || len < 4 || ver > 15)
        violation("pci.h: ext_cap", "pci->ext_cap of %u bytes, version %u", len, ver);
    int r = inject_err(f->d, e, ENOSPC, "pci->ext_cap");
    if (r < 0)
        return r;
    if (!f->express)
        return err_set(e, EINVAL, "a function without PCI Express capability has no extended ones");
    r = find_place(f, at, len, PCI_CFG_SPACE_SIZE, PCI_CFG, e);
    if (r >= 0) {
        fill_cap(f, (uint32_t)r, bytes, wmask, w1c, len);
        link_ext(f, (uint32_t)r, id, ver);
    }
    return r;
}

static void table_fits(struct pci_fn *f, uint32_t bar, uint64_t off, uint64_t len)
{
    bar_of(f, bar, off, len, "pci->msix");
    if (off % 8 || f->bar[bar].kind & TN_BAR_IO)
        violation("pci.h: msix; PCI 3.0 6.8.2", "MSI-X table or PBA in BAR %u at 0x%llx", bar,
                  (unsigned long long)off);
}

static int pci_msix(struct tn_dev *pub, uint32_t at, uint32_t n, uint32_t table_bar,
                    uint64_t table_off, uint32_t pba_bar, uint64_t pba_off, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->msix");
    uint8_t c[PCI_CAP_MSIX_SIZEOF] = {0}, w[PCI_CAP_MSIX_SIZEOF] = {0};
    if (!n || n > MSIX_MAX || f->msix)
        violation("pci.h: msix; PCI 3.0 6.8.2.3", "pci->msix of %u vectors", n);
    table_fits(f, table_bar, table_off, 16 * (uint64_t)n);
    table_fits(f, pba_bar, pba_off, ((uint64_t)n + 63) / 64 * 8);
    int r = inject_err(f->d, e, ENOSPC, "pci->msix");
    put_le16(c + PCI_MSIX_FLAGS, (uint16_t)(n - 1));
    put_le32(c + PCI_MSIX_TABLE, (uint32_t)table_off | table_bar);
    put_le32(c + PCI_MSIX_PBA, (uint32_t)pba_off | pba_bar);
    put_le16(w + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    r = r < 0 ? r : add_cap(f, PCI_CAP_ID_MSIX, at, c, w, NULL, sizeof c, e);
    if (r < 0)
        return r;
    f->msix = (uint32_t)r;
    f->msix_n = n;
    f->table_bar = table_bar;
    f->table_off = table_off;
    f->pba_bar = pba_bar;
    f->pba_off = pba_off;
    pci_msix_init(f);
    return r;
}

static int pci_msi(struct tn_dev *pub, uint32_t at, uint32_t n, uint32_t flags, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->msi");
    uint8_t c[24] = {0}, w[24] = {0};
    uint32_t wide = flags & TN_MSI_64 ? 4 : 0, len = 10 + wide + (flags & TN_MSI_MASK ? 10 : 0),
             log = 0;
    if (!n || n > 32 || n & (n - 1) || f->msi)
        violation("pci.h: msi: n = 1, 2, 4 .. 32", "pci->msi of %u vectors", n);
    while (1u << log < n)
        log++;
    int r = inject_err(f->d, e, ENOSPC, "pci->msi");
    put_le16(c + PCI_MSI_FLAGS, (uint16_t)(log << 1 | (wide ? PCI_MSI_FLAGS_64BIT : 0) |
                                           (flags & TN_MSI_MASK ? PCI_MSI_FLAGS_MASKBIT : 0)));
    put_le16(w + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
    memset(w + PCI_MSI_ADDRESS_LO, 0xff, 6 + wide);
    w[PCI_MSI_ADDRESS_LO] = 0xfc;
    if (flags & TN_MSI_MASK)
        put_le32(w + PCI_MSI_MASK_32 + wide, n < 32 ? (1u << n) - 1 : ~0u);
    r = r < 0 ? r : add_cap(f, PCI_CAP_ID_MSI, at, c, w, NULL, len, e);
    if (r >= 0) {
        f->msi = (uint32_t)r;
        f->msi_n = n;
        f->msi_flags = flags;
    }
    return r;
}

/* ---- interrupts ---- */

static void vector(const struct pci_fn *f, uint32_t vec, const char *what)
{
    uint32_t most = f->msix_n > f->msi_n ? f->msix_n : f->msi_n;
    if (most && vec >= most)
        violation("pci.h: irq: vectors that were declared", "%s of vector %u, there are %u", what,
                  vec, most);
}

static void pci_irq(struct tn_dev *pub, uint32_t vec)
{
    struct pci_fn *f = using(pub, R_ANY, "pci->irq");
    vector(f, vec, "pci->irq");
    irq_leaving_check(f->d, "a vector");
    pci_message(f, vec);
}

static void pci_intx(struct tn_dev *pub, uint32_t level)
{
    struct pci_fn *f = using(pub, R_ANY, "pci->intx");
    if (level > 1 || (level && !f->cfg[PCI_INTERRUPT_PIN]))
        violation("pci.h: intx: level of the INTx pin", "pci->intx(%u), pin %u", level,
                  f->cfg[PCI_INTERRUPT_PIN]);
    if (level)
        irq_leaving_check(f->d, "INTx");
    uint32_t role, was = __atomic_exchange_n(&f->intx, level, __ATOMIC_ACQ_REL);
    if (level && !was) {
        irq_raised(f->d->h);
        __atomic_store_n(&f->intx_rose_in, call_serial(&role), __ATOMIC_RELAXED);
    } else if (!level && was) {
        irq_pulse_check(__atomic_load_n(&f->intx_rose_in, __ATOMIC_RELAXED), "INTx");
    }
}

static int pci_irqfd(struct tn_dev *pub, uint32_t vec)
{
    struct pci_fn *f = using(pub, R_MAIN | R_VCPU, "pci->irqfd");
    vector(f, vec, "pci->irqfd");
    if (vec >= MSIX_MAX || inject(f->d, "pci->irqfd"))
        return -ENOTSUP;
    if (f->fds[vec] < 0)
        f->fds[vec] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    f->nfds = vec >= f->nfds ? vec + 1 : f->nfds;
    return f->fds[vec];
}

static int pci_irqfd_adopt(struct tn_dev *pub, uint32_t vec, int fd, struct tn_err *e)
{
    struct pci_fn *f = using(pub, R_MAIN | R_VCPU, "pci->irqfd_adopt");
    (void)fd;
    if (vec != ~0u)
        vector(f, vec, "pci->irqfd_adopt");
    return err_set(e, ENOTSUP, "descriptors cannot be adopted here");
}

static int pci_intx_fd(struct tn_dev *pub, int resample)
{
    (void)resample;
    using(pub, R_MAIN, "pci->intx_fd");
    return -ENOTSUP;
}

/* ---- the rest ---- */

static int pci_sriov(struct tn_dev *pub, const struct tn_sriov *v, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->sriov");
    if (!v || !v->vf || !v->total)
        violation("pci.h: struct tn_sriov", "pci->sriov without a class or with 0 functions");
    return inject_err(f->d, e, ENOTSUP, "pci->sriov");
}

static int pci_vf_info(struct tn_dev *pub, struct tn_dev **pf, uint32_t *index)
{
    (void)pf, (void)index;
    using(pub, R_ANY, "pci->vf_info");
    return -ENODEV;
}

static struct tn_as *pci_dma(struct tn_dev *pub, uint32_t pasid)
{
    struct pci_fn *f = using(pub, R_ANY, "pci->dma");
    (void)pasid;
    if (!f->as)
        f->as = as_new(f->d->h, f->d, pci_master);
    return f->as;
}

static int range(uint32_t off, uint32_t size)
{
    return off < PCI_CFG && (size == 1 || size == 2 || size == 4) && off % size == 0;
}

static int pci_config_read(struct tn_dev *pub, uint32_t off, uint32_t size, uint32_t *v)
{
    struct pci_fn *f = using(pub, R_ANY, "pci->config_read");
    *v = 0;
    if (!range(off, size))
        return -EINVAL;
    memcpy(v, f->cfg + off, size);
    return 0;
}

static int pci_config_set(struct tn_dev *pub, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_fn *f = using(pub, R_ANY, "pci->config_set");
    if (!range(off, size))
        return -EINVAL;
    memcpy(f->cfg + off, &v, size);
    return 0;
}

static int pci_identify(struct tn_dev *pub, const struct tn_pci_id *id, struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci->identify");
    int r = inject_err(f->d, e, EINVAL, "pci->identify");
    if (r < 0)
        return r;
    put_le16(f->cfg + PCI_VENDOR_ID, id->vendor);
    put_le16(f->cfg + PCI_DEVICE_ID, id->device);
    put_le32(f->cfg + PCI_CLASS_REVISION, id->class_rev);
    put_le16(f->cfg + PCI_SUBSYSTEM_VENDOR_ID, id->subvendor ? id->subvendor : 0x1af4);
    put_le16(f->cfg + PCI_SUBSYSTEM_ID, id->subvendor ? id->subsystem : 0x1100);
    f->cfg[PCI_INTERRUPT_PIN] = (uint8_t)id->int_pin;
    return 0;
}

static int pci_where(struct tn_dev *pub, struct tn_pci_where *w)
{
    struct pci_fn *f = using(pub, R_ANY, "pci->where");
    struct tn_pci_where x = {w->struct_size, TN_PCI_ON_EXPRESS | TN_PCI_ON_ROOT, 0, f->devfn};
    memcpy(w, &x, w->struct_size < sizeof x ? w->struct_size : sizeof x);
    return 0;
}

static int pci_aer(struct tn_dev *pub, uint32_t severity, uint32_t bits, const uint32_t *head)
{
    (void)bits, (void)head;
    using(pub, R_ANY, "pci->aer");
    if (severity < TN_AER_COR || severity > TN_AER_FATAL)
        violation("pci.h: TN_AER_*", "pci->aer of severity %u", severity);
    return 0;
}

static void pci_gone(struct tn_dev *pub, uint32_t on)
{
    using(pub, R_ANY, "pci->gone")->gone = (int)on;
}

static int pci_config_trap(struct tn_dev *pub, uint32_t off, uint32_t len, uint32_t flags)
{
    struct pci_fn *f = pci_declaring(pub, "pci->config_trap");
    if (off > PCI_CFG || len > PCI_CFG - off || !flags ||
        flags & ~(uint32_t)(TN_TRAP_READ | TN_TRAP_WRITE) ||
        (flags & TN_TRAP_READ && !f->ops->config_read) ||
        (flags & TN_TRAP_WRITE && !f->ops->config_write))
        violation("pci.h: config_trap", "pci->config_trap of 0x%x+0x%x, flags %u", off, len, flags);
    for (uint32_t i = 0; i < len; i++)
        f->trap[off + i] |= (uint8_t)flags;
    return inject(f->d, "pci->config_trap") ? -ENOMEM : 0;
}

const struct tn_pci pci_table = {
    .struct_size = sizeof(struct tn_pci),
    .bar = pci_bar,
    .bar_mmap = pci_bar_mmap,
    .bar_ioeventfd = pci_bar_ioeventfd,
    .cap = pci_cap,
    .ext_cap = pci_ext_cap,
    .msix = pci_msix,
    .msi = pci_msi,
    .irq = pci_irq,
    .intx = pci_intx,
    .irqfd = pci_irqfd,
    .irqfd_adopt = pci_irqfd_adopt,
    .intx_fd = pci_intx_fd,
    .sriov = pci_sriov,
    .vf_info = pci_vf_info,
    .dma = pci_dma,
    .config_read = pci_config_read,
    .config_set = pci_config_set,
    .identify = pci_identify,
    .where = pci_where,
    .aer = pci_aer,
    .gone = pci_gone,
    .config_trap = pci_config_trap,
    .rom = pci_rom,
    .bar_unmap = pci_bar_unmap,
    .bar_ioeventfd_del = pci_bar_ioeventfd_del,
};
