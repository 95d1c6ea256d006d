/* SPDX-License-Identifier: BSD-2-Clause */
/* Config space as the guest sees it, and what its writes lead to. */
#include "host_pci.h"
#include "host_dma.h"
#include "services.h"
#include "util/bytes.h"
#include <linux/pci_regs.h>

enum { MEM_BASE = 0xe0000000, IO_BASE = 0xc000, CMD_DECODE = PCI_COMMAND_IO | PCI_COMMAND_MEMORY };

static struct pci_fn *fn(struct dev *d)
{
    if (!d->pci)
        violation("pci.h", "a function of tenon.pci for a device that is on no PCI bus");
    return d->pci;
}

uint32_t pci_find_cap(const struct pci_fn *f, uint8_t id)
{
    uint32_t at = f->cfg[PCI_CAPABILITY_LIST] & ~3u;
    for (int i = 0; at && i < 64; i++, at = f->cfg[at + 1] & ~3u)
        if (f->cfg[at] == id)
            return at;
    return 0;
}

/* PCI Power Management 1.2 3.2.4: 0 to 3 for D0 to D3hot. */
static uint32_t power_state(const struct pci_fn *f)
{
    uint32_t pm = pci_find_cap(f, PCI_CAP_ID_PM);
    return pm ? f->cfg[pm + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK : 0;
}

int pci_master(const struct dev *d)
{
    return d->pci && !d->pci->gone && d->pci->cfg[PCI_COMMAND] & PCI_COMMAND_MASTER &&
           !power_state(d->pci);
}

/* ---- BARs ---- */

static uint32_t bar_reg(uint32_t n)
{
    return n == PCI_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * n;
}

static uint64_t bar_address(const struct pci_fn *f, uint32_t n)
{
    const struct pci_bar *b = &f->bar[n];
    uint64_t v = get_le32(f->cfg + bar_reg(n));
    uint16_t cmd = get_le16(f->cfg + PCI_COMMAND);
    if (b->kind & TN_BAR_MEM64)
        v |= (uint64_t)get_le32(f->cfg + bar_reg(n) + 4) << 32;
    if (!(cmd & (b->kind & TN_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) || power_state(f))
        return TN_ANYWHERE;
    if (n == PCI_ROM && !(v & PCI_ROM_ADDRESS_ENABLE))
        return TN_ANYWHERE;
    return v & ~(b->size - 1);
}

static void update_bars(struct pci_fn *f)
{
    for (uint32_t n = 0; n <= PCI_ROM; n++) {
        uint64_t at = f->bar[n].size ? bar_address(f, n) : TN_ANYWHERE;
        if (!f->bar[n].size || at == f->bar[n].at)
            continue;
        f->bar[n].at = at;
        if (f->ops->bar_moved && n < PCI_BARS)
            CALL(f->d, R_VCPU | R_DEV, "bar_moved", f->ops->bar_moved(f->d->pub.self, n, at));
    }
}

static int within(uint64_t off, uint32_t size, uint64_t from, uint64_t len)
{
    return off < from + len && from < off + size;
}

int pci_msix_range(const struct dev *d, uint32_t bar, uint64_t off, uint32_t size)
{
    const struct pci_fn *f = d->pci;
    return f && f->msix_n &&
           ((bar == f->table_bar && within(off, size, f->table_off, 16 * (uint64_t)f->msix_n)) ||
            (bar == f->pba_bar &&
             within(off, size, f->pba_off, ((uint64_t)f->msix_n + 63) / 64 * 8)));
}

int pci_place(struct dev *d, uint32_t *n, struct place *out)
{
    struct pci_fn *f = d->pci;
    for (uint32_t i = 0; f && !f->gone && i <= PCI_ROM; i++)
        if (f->bar[i].size && f->bar[i].at != TN_ANYWHERE &&
            (f->bar[i].ops.read || f->bar[i].ops.write) && (*n)-- == 0) {
            *out = (struct place){d, &f->bar[i].ops, f->bar[i].s, f->bar[i].size, "BAR", i};
            return 1;
        }
    return 0;
}

/* ---- interrupt modes ---- */

static uint32_t mode_of(const struct pci_fn *f, uint32_t *nvec)
{
    uint16_t x = f->msix ? get_le16(f->cfg + f->msix + PCI_MSIX_FLAGS) : 0;
    uint16_t m = f->msi ? get_le16(f->cfg + f->msi + PCI_MSI_FLAGS) : 0;
    if (x & PCI_MSIX_FLAGS_ENABLE)
        return *nvec = f->msix_n, TN_IRQ_MSIX;
    if (m & PCI_MSI_FLAGS_ENABLE) {
        *nvec = 1u << ((m & PCI_MSI_FLAGS_QSIZE) >> 4);
        *nvec = *nvec > f->msi_n ? f->msi_n : *nvec;
        return TN_IRQ_MSI;
    }
    *nvec = 0;
    int off =
        get_le16(f->cfg + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE || !f->cfg[PCI_INTERRUPT_PIN];
    return off ? TN_IRQ_NONE : TN_IRQ_INTX;
}

static void update_mode(struct pci_fn *f)
{
    uint32_t nvec, mode = mode_of(f, &nvec);
    if (mode == f->mode && nvec == f->nvec)
        return;
    f->mode = mode;
    f->nvec = nvec;
    if (f->ops->irq_mode)
        CALL(f->d, R_VCPU | R_DEV, "irq_mode", f->ops->irq_mode(f->d->pub.self, mode, nvec));
}

/* ---- reading and writing ---- */

static int trapped(const struct pci_fn *f, uint32_t off, uint32_t size, uint32_t how)
{
    for (uint32_t i = 0; i < size; i++)
        if (f->trap[off + i] & how)
            return 1;
    return 0;
}

static uint32_t raw(const struct pci_fn *f, uint32_t off, uint32_t size)
{
    uint32_t v = 0;
    memcpy(&v, f->cfg + off, size);
    return v;
}

uint32_t pci_cfg_read(struct dev *d, uint32_t off, uint32_t size)
{
    struct pci_fn *f = fn(d);
    uint32_t v = f->gone ? (uint32_t)ones(size) : raw(f, off, size);
    if (!f->gone && f->ops->config_read && trapped(f, off, size, TN_TRAP_READ))
        CALL(d, R_VCPU | R_DEV, "config_read", v = f->ops->config_read(d->pub.self, off, size, v));
    return v & (uint32_t)ones(size);
}

static void masked_write(struct pci_fn *f, uint32_t off, uint32_t v, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++, v >>= 8) {
        uint8_t m = f->wmask[off + i], c = f->w1c[off + i] & (uint8_t)v;
        f->cfg[off + i] = (uint8_t)(((f->cfg[off + i] & ~m) | (v & m)) & ~c);
    }
}

/* A write of v to the size bytes at off sets bit `bit` of the byte at `at`. */
static int sets(uint32_t at, uint32_t bit, uint32_t off, uint32_t v, uint32_t size)
{
    return at >= off && at < off + size && v >> (8 * (at - off) + bit) & 1;
}

/* The reset that the guest asked for, TN_RESET_*, or 0: Initiate Function Level Reset (PCIe 5.0
 * 7.5.3.4), and D3hot left without No_Soft_Reset (7.5.2.2). */
static uint32_t reset_asked(struct pci_fn *f, uint32_t was_power, uint32_t off, uint32_t v,
                            uint32_t size)
{
    uint32_t exp = pci_find_cap(f, PCI_CAP_ID_EXP), pm = pci_find_cap(f, PCI_CAP_ID_PM);
    if (exp && get_le32(f->cfg + exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR &&
        sets(exp + PCI_EXP_DEVCTL + 1, 7, off, v, size))
        return TN_RESET_FLR;
    return was_power == 3 && pm && !power_state(f) &&
                   !(f->cfg[pm + PCI_PM_CTRL] & PCI_PM_CTRL_NO_SOFT_RESET)
               ? TN_RESET_PM
               : 0;
}

static void reset_function(struct dev *d, uint32_t kind)
{
    int ran = d->stage == ST_RUNNING;
    if (ran)
        dev_quiesce(d, TN_Q_RESET);
    dev_reset(d, kind);
    if (ran)
        dev_resume(d);
}

void pci_cfg_write(struct dev *d, uint32_t off, uint32_t v, uint32_t size)
{
    struct pci_fn *f = fn(d);
    if (f->gone)
        return;
    uint32_t old = raw(f, off, size), power = power_state(f);
    int was = pci_master(d);
    if (f->ops->config_write && trapped(f, off, size, TN_TRAP_WRITE))
        CALL(d, R_VCPU | R_DEV, "config_write",
             v = f->ops->config_write(d->pub.self, off, size, v));
    masked_write(f, off, v, size);
    update_bars(f);
    update_mode(f);
    pci_settle(f);
    if (was != pci_master(d) && f->as)
        dma_refresh(f->as);
    if (f->ops->config_written)
        CALL(d, R_VCPU | R_DEV, "config_written",
             f->ops->config_written(d->pub.self, off, size, old));
    uint32_t kind = reset_asked(f, power, off, v, size);
    if (kind)
        reset_function(d, kind);
}

void pci_firmware(struct dev *d)
{
    struct pci_fn *f = fn(d);
    uint64_t mem = MEM_BASE, io = IO_BASE;
    for (uint32_t n = 0; n < PCI_BARS; n++) {
        struct pci_bar *b = &f->bar[n];
        uint64_t *next = b->kind & TN_BAR_IO ? &io : &mem;
        if (!b->size || b->size > 0x10000000)
            continue;
        *next = (*next + b->size - 1) & ~(b->size - 1);
        pci_cfg_write(d, bar_reg(n), (uint32_t)*next, 4);
        *next += b->size;
    }
    pci_cfg_write(d, PCI_COMMAND, CMD_DECODE | PCI_COMMAND_MASTER, 2);
}

void pci_enable_irq(struct dev *d, uint32_t mode)
{
    struct pci_fn *f = fn(d);
    if (f->msix) {
        pci_cfg_write(d, f->msix + PCI_MSIX_FLAGS, mode == TN_IRQ_MSIX ? PCI_MSIX_FLAGS_ENABLE : 0,
                      2);
        for (uint32_t i = 0; mode == TN_IRQ_MSIX && i < f->msix_n; i++)
            pci_vector(d, i, 0);
    }
    if (f->msi)
        pci_cfg_write(d, f->msi + PCI_MSI_FLAGS,
                      mode == TN_IRQ_MSI
                          ? PCI_MSI_FLAGS_ENABLE |
                                (get_le16(f->cfg + f->msi + 2) & PCI_MSI_FLAGS_QMASK) << 3
                          : 0,
                      2);
    uint16_t cmd = get_le16(f->cfg + PCI_COMMAND) & (uint16_t)~PCI_COMMAND_INTX_DISABLE;
    pci_cfg_write(d, PCI_COMMAND, cmd | (mode == TN_IRQ_NONE ? PCI_COMMAND_INTX_DISABLE : 0), 2);
}

void pci_reset(struct dev *d)
{
    struct pci_fn *f = fn(d);
    memcpy(f->cfg, f->initial, sizeof f->cfg);
    pci_msg_reset(f);
    f->intx = 0;
    update_bars(f);
    update_mode(f);
    if (f->as)
        dma_refresh(f->as);
}

void pci_follow(struct dev *to, const struct dev *from)
{
    const struct pci_fn *a = from->pci;
    struct pci_fn *b = to->pci;
    if (!a || !b)
        return;
    memcpy(b->cfg, a->cfg, sizeof b->cfg);
    if (a->msix_n != b->msix_n || !a->msix_n)
        return;
    memcpy(b->table, a->table, 16 * (size_t)a->msix_n);
    memcpy(b->pba, a->pba, (a->msix_n + 63) / 64 * 8);
}

void pci_tell(struct dev *d)
{
    struct pci_fn *f = fn(d);
    update_bars(f);
    update_mode(f);
    pci_settle(f);
    if (f->as)
        dma_refresh(f->as);
}

/* ---- on the bus ---- */

static void header(struct pci_fn *f, const struct tn_pci_ops *o)
{
    uint8_t *c = f->cfg;
    put_le16(c + PCI_VENDOR_ID, o->vendor);
    put_le16(c + PCI_DEVICE_ID, o->device);
    put_le32(c + PCI_CLASS_REVISION, o->class_rev);
    c[PCI_INTERRUPT_PIN] = (uint8_t)o->int_pin;
    c[PCI_HEADER_TYPE] =
        o->flags & TN_PCIF_BRIDGE ? PCI_HEADER_TYPE_BRIDGE : PCI_HEADER_TYPE_NORMAL;
    put_le16(f->wmask + PCI_COMMAND, 0x0547);
    put_le16(f->w1c + PCI_STATUS, 0xf900);
    f->wmask[PCI_CACHE_LINE_SIZE] = f->wmask[PCI_INTERRUPT_LINE] = 0xff;
    if (o->flags & TN_PCIF_BRIDGE) {
        memset(f->wmask + PCI_PRIMARY_BUS, 0xff, 4);
        memset(f->wmask + PCI_MEMORY_BASE, 0xff, 16);
        put_le16(f->wmask + PCI_BRIDGE_CONTROL, 0x0a5f);
    } else {
        put_le16(c + PCI_SUBSYSTEM_VENDOR_ID, o->subvendor ? o->subvendor : 0x1af4);
        put_le16(c + PCI_SUBSYSTEM_ID, o->subvendor ? o->subsystem : 0x1100);
    }
    memset(f->used, 1, PCI_STD_HEADER_SIZEOF);
}

static int pci_attach(void *bus, void *child, struct tn_dev *pub, const void *ops, void *s,
                      struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    const struct tn_pci_ops *o = ops;
    (void)bus, (void)child, (void)s, (void)e;
    if (!o || o->struct_size < offsetof(struct tn_pci_ops, config_write) || o->int_pin > 4)
        violation("pci.h: class->bus_ops is a struct tn_pci_ops", "it has %u bytes, pin %u",
                  o ? o->struct_size : 0, o ? o->int_pin : 0);
    d->pci = XNEW(struct pci_fn);
    d->pci->d = d;
    d->pci->ops = o;
    d->pci->devfn = 8;
    d->pci->flags = o->flags;
    pthread_mutex_init(&d->pci->lock, NULL);
    for (uint32_t i = 0; i < MSIX_MAX; i++)
        d->pci->fds[i] = -1;
    for (uint32_t i = 0; i <= PCI_ROM; i++)
        d->pci->bar[i].at = TN_ANYWHERE;
    header(d->pci, o);
    return 0;
}

/* From here on what realize made is what a reset goes back to. */
static int pci_plugged(void *bus, void *child, struct tn_err *e)
{
    (void)bus, (void)child, (void)e;
    return 0;
}

static void pci_detach(void *bus, void *child)
{
    (void)bus, (void)child;
}

void pci_ready(struct dev *d)
{
    memcpy(d->pci->initial, d->pci->cfg, sizeof d->pci->cfg);
    d->pci->mode = mode_of(d->pci, &d->pci->nvec);
}

void pci_free(struct dev *d)
{
    if (d->pci) {
        for (uint32_t i = 0; i < MSIX_MAX; i++)
            close_fd(&d->pci->fds[i]);
        free(d->pci->table);
        free(d->pci->pba);
        pthread_mutex_destroy(&d->pci->lock);
    }
    free(d->pci);
    d->pci = NULL;
}

static const char *const is_pci[] = {TN_PCI_BUS, NULL};
const struct tn_bus_type pci_bus_type = {.struct_size = sizeof(struct tn_bus_type),
                                         .name = TN_PCIE_BUS,
                                         .is_a = is_pci,
                                         .child_ops = TN_PCI_DEVICE_1,
                                         .attach = pci_attach,
                                         .plugged = pci_plugged,
                                         .detach = pci_detach};
