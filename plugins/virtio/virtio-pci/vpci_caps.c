/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities: where the driver finds the registers (4.1.4), and those of a PCI Express function.
 */
#include "pci/aer.h"
#include "pci/caps.h"
#include "pci/pcie.h"
#include "util/bytes.h"
#include "vpci.h"
#include <errno.h>

/* ---- PCI Express ---- */

/* Laid out in a configuration space of our own, then declared to the host's. */
static int declare(struct vpci *p, const struct pci_config *c, uint8_t id, int off, uint32_t len,
                   struct tn_err *e)
{
    if (off < 0)
        return tn_fail(p->dev, e, -off, "no place for capability 0x%x", id);
    return p->pci->cap(p->dev, id, (uint32_t)off, c->bytes + off, c->wmask + off, c->w1c + off, len,
                       e);
}

static int declare_ext(struct vpci *p, const struct pci_config *c, uint16_t id, uint8_t ver,
                       int off, uint32_t len, struct tn_err *e)
{
    if (off < 0)
        return tn_fail(p->dev, e, -off, "no place for extended capability 0x%x", id);
    return p->pci->ext_cap(p->dev, id, ver, (uint32_t)off, c->bytes + off, c->wmask + off,
                           c->w1c + off, len, e);
}

static void forbid(struct pci_config *c, uint32_t off, uint16_t bits)
{
    put_le16(c->wmask + off, get_le16(c->wmask + off) & (uint16_t)~bits);
}

static int add_exp(struct vpci *p, struct pci_config *c, struct tn_err *e)
{
    const struct pcie_port port = {.type = PCI_EXP_TYPE_ENDPOINT,
                                   .speed = 1,
                                   .width = 1,
                                   .flags = vpci_flag(p, VPCI_F_FLR_INIT) ? PCIE_FLR : 0};
    int off = pcie_cap_add(c, 0, &port);
    if (off > 0 && !vpci_flag(p, VPCI_F_DEVERR_INIT))
        forbid(c, (uint32_t)off + PCI_EXP_DEVCTL,
               PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
                   PCI_EXP_DEVCTL_URRE);
    if (off > 0 && !vpci_flag(p, VPCI_F_LNKCTL_INIT))
        forbid(c, (uint32_t)off + PCI_EXP_LNKCTL, 0xffff);
    return declare(p, c, PCI_CAP_ID_EXP, off, PCI_EXP_SIZEOF_V2, e);
}

static int add_pm(struct vpci *p, struct pci_config *c, struct tn_err *e)
{
    int off = pci_pm_add(c, 0, vpci_flag(p, VPCI_F_PM_NO_SOFT_RESET), 0);
    if (off > 0 && !vpci_flag(p, VPCI_F_PM_INIT))
        forbid(c, (uint32_t)off + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
    p->pm_cap = off > 0 ? (uint32_t)off : 0;
    return declare(p, c, PCI_CAP_ID_PM, off, PCI_PM_SIZEOF, e);
}

/* Address translation services (PCIe Base 6.0 10.5.1): invalidations are the driver's IOMMU's. */
static int add_ats(struct vpci *p, struct pci_config *c, struct tn_err *e)
{
    int off = pci_ext_cap_add(c, PCI_EXT_CAP_ID_ATS, 1, 0, PCI_EXT_CAP_ATS_SIZEOF);
    if (off > 0) {
        put_le16(c->bytes + off + PCI_ATS_CAP,
                 vpci_flag(p, VPCI_F_ATS_ALIGNED) ? PCI_ATS_CAP_PAGE_ALIGNED : 0);
        put_le16(c->wmask + off + PCI_ATS_CTRL, PCI_ATS_CTRL_ENABLE | 0x1f);
    }
    return declare_ext(p, c, PCI_EXT_CAP_ID_ATS, 1, off, PCI_EXT_CAP_ATS_SIZEOF, e);
}

static int add_all(struct vpci *p, struct pci_config *c, struct tn_err *e)
{
    int r = add_exp(p, c, e);
    if (r >= 0)
        r = add_pm(p, c, e);
    if (r >= 0 && vpci_flag(p, VPCI_F_AER)) {
        int off = aer_add(c, 0, false);
        r = declare_ext(p, c, PCI_EXT_CAP_ID_ERR, 2, off, PCI_ERR_SIZEOF, e);
    }
    if (r >= 0 && vpci_flag(p, VPCI_F_ATS))
        r = add_ats(p, c, e);
    return r < 0 ? r : 0;
}

int vpci_add_express(struct vpci *p, struct tn_err *e)
{
    const struct pci_ids ids = {.vendor = VPCI_VENDOR};
    struct pci_config c;
    if (pci_config_init(&c, PCI_FN_EXPRESS, &ids) < 0)
        return tn_fail(p->dev, e, ENOMEM, "no memory for a configuration space");
    int r = add_all(p, &c, e);
    pci_config_fini(&c);
    return r;
}

/* ---- virtio's own (4.1.4) ---- */

static int add(struct vpci *p, uint32_t type, uint32_t bar, uint32_t off, uint32_t len,
               uint32_t extra, bool has_extra, const void *wmask, struct tn_err *e)
{
    uint8_t cap[VPCI_CAP_SIZE + 4] = {
        [VPCI_CAP_TYPE] = (uint8_t)type, [VPCI_CAP_BAR] = (uint8_t)bar};
    uint32_t size = has_extra ? sizeof cap : VPCI_CAP_SIZE;
    cap[VPCI_CAP_LEN] = (uint8_t)size;
    put_le32(cap + VPCI_CAP_OFFSET, off);
    put_le32(cap + VPCI_CAP_LENGTH, len);
    put_le32(cap + VPCI_CAP_MULTIPLIER, extra);
    return p->pci->cap(p->dev, PCI_CAP_ID_VNDR, 0, cap, wmask, NULL, size, e);
}

static int add_shm(struct vpci *p, const struct vt_shm *m, struct tn_err *e)
{
    uint8_t cap[VPCI_CAP_LENGTH_HI + 4] = {[VPCI_CAP_LEN] = sizeof cap,
                                           [VPCI_CAP_TYPE] = VPCI_TYPE_SHM,
                                           [VPCI_CAP_BAR] = VPCI_SHM_BAR,
                                           [VPCI_CAP_ID] = (uint8_t)m->id};
    put_le32(cap + VPCI_CAP_OFFSET, (uint32_t)m->off);
    put_le32(cap + VPCI_CAP_OFFSET_HI, (uint32_t)(m->off >> 32));
    put_le32(cap + VPCI_CAP_LENGTH, (uint32_t)m->len);
    put_le32(cap + VPCI_CAP_LENGTH_HI, (uint32_t)(m->len >> 32));
    return p->pci->cap(p->dev, PCI_CAP_ID_VNDR, 0, cap, NULL, NULL, sizeof cap, e);
}

static int add_cfg(struct vpci *p, struct tn_err *e)
{
    static const uint8_t wmask[VPCI_CAP_SIZE + 4] =
        {
            [VPCI_CAP_BAR] = 0xff,        [VPCI_CAP_OFFSET] = 0xff,
            [VPCI_CAP_OFFSET + 1] = 0xff, [VPCI_CAP_OFFSET + 2] = 0xff,
            [VPCI_CAP_OFFSET + 3] = 0xff, [VPCI_CAP_LENGTH] = 0xff,
            [VPCI_CAP_LENGTH + 1] = 0xff, [VPCI_CAP_LENGTH + 2] = 0xff,
            [VPCI_CAP_LENGTH + 3] = 0xff, [VPCI_CAP_DATA] = 0xff,
            [VPCI_CAP_DATA + 1] = 0xff,   [VPCI_CAP_DATA + 2] = 0xff,
            [VPCI_CAP_DATA + 3] = 0xff,
        };
    int off = add(p, VPCI_TYPE_PCI, 0, 0, 0, 0, true, wmask, e);
    if (off < 0)
        return off;
    p->cfg_cap = (uint32_t)off;
    int r =
        p->pci->config_trap(p->dev, p->cfg_cap + VPCI_CAP_DATA, 4, TN_TRAP_READ | TN_TRAP_WRITE);
    return r < 0 ? tn_fail(p->dev, e, -r, "pci_cfg_data cannot be trapped") : 0;
}

int vpci_add_caps(struct vpci *p, struct tn_err *e)
{
    uint32_t step = p->notify_step;
    int r = add(p, VPCI_TYPE_COMMON, VPCI_BAR, VPCI_COMMON_AT, VPCI_PART_SIZE, 0, false, NULL, e);
    if (r >= 0)
        r = add(p, VPCI_TYPE_ISR, VPCI_BAR, VPCI_ISR_AT, VPCI_PART_SIZE, 0, false, NULL, e);
    if (r >= 0)
        r = add(p, VPCI_TYPE_DEVICE, VPCI_BAR, VPCI_DEVICE_AT, VPCI_PART_SIZE, 0, false, NULL, e);
    if (r >= 0)
        r = add(p, VPCI_TYPE_NOTIFY, VPCI_BAR, VPCI_NOTIFY_AT, step * VIRTIO_MAX_QUEUES, step, true,
                NULL, e);
    if (r >= 0 && vpci_flag(p, VPCI_F_PIO_NOTIFY))
        r = add(p, VPCI_TYPE_NOTIFY, VPCI_PIO_BAR, 0, 4, 0, true, NULL, e);
    for (uint32_t i = 0; r >= 0 && i < p->vt.nshm; i++)
        r = add_shm(p, &p->vt.shm[i], e);
    return r < 0 ? r : add_cfg(p, e);
}

/* ---- the configuration access capability (4.1.4.9) ---- */

/* What it points to now: 0 if that is not a register of ours, else the size of the access. */
static uint32_t window(struct vpci *p, uint64_t *off)
{
    uint32_t bar = 0, at = 0, len = 0;
    p->pci->config_read(p->dev, p->cfg_cap + VPCI_CAP_BAR, 1, &bar);
    p->pci->config_read(p->dev, p->cfg_cap + VPCI_CAP_OFFSET, 4, &at);
    p->pci->config_read(p->dev, p->cfg_cap + VPCI_CAP_LENGTH, 4, &len);
    *off = at;
    bool fits = (len == 1 || len == 2 || len == 4) && at % len == 0 && at < p->bar_size;
    if (bar != VPCI_BAR || !fits)
        vt_guest_error(&p->vt, "configuration access to %u bytes at 0x%x of BAR %u", len, at, bar);
    return bar == VPCI_BAR && fits ? len : 0;
}

uint32_t vpci_config_read(void *s, uint32_t off, uint32_t size, uint32_t val)
{
    struct vpci *p = s;
    uint64_t at;
    uint32_t len = off == p->cfg_cap + VPCI_CAP_DATA ? window(p, &at) : 0;
    (void)size;
    if (!len)
        return val;
    uint32_t mask = (uint32_t)ones(len);
    val = (val & ~mask) | ((uint32_t)vpci_modern_read(p, at, len) & mask);
    p->pci->config_set(p->dev, off, 4, val);
    return val;
}

uint32_t vpci_config_write(void *s, uint32_t off, uint32_t size, uint32_t val)
{
    struct vpci *p = s;
    uint64_t at;
    uint32_t old = 0, len = off == p->cfg_cap + VPCI_CAP_DATA ? window(p, &at) : 0;
    if (!len)
        return val;
    p->pci->config_read(p->dev, off, 4, &old);
    uint32_t now = (old & ~(uint32_t)ones(size)) | (val & (uint32_t)ones(size));
    vpci_modern_write(p, at, now & ones(len), len);
    return val;
}
