/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI: PCIe Base 6.0 7.7.1. */
#include "pci/msi.h"
#include "pci/caps.h"
#include "util/bytes.h"
#include <errno.h>

static bool wide(const struct msi *m)
{
    return m->flags & MSI_64BIT;
}

static uint32_t mask_reg(const struct msi *m)
{
    return m->cap + (wide(m) ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

static uint32_t pending_reg(const struct msi *m)
{
    return m->cap + (wide(m) ? PCI_MSI_PENDING_64 : PCI_MSI_PENDING_32);
}

static uint32_t cap_len(uint32_t flags)
{
    if (flags & MSI_MASKABLE)
        return flags & MSI_64BIT ? PCI_MSI_SIZEOF_FULL : PCI_MSI_SIZEOF_MASK;
    return flags & MSI_64BIT ? PCI_MSI_SIZEOF_64 : PCI_MSI_SIZEOF_32;
}

static uint32_t all_vectors(uint32_t n)
{
    return n >= 32 ? UINT32_MAX : (1u << n) - 1;
}

static void declare(struct msi *m)
{
    struct pci_config *c = m->c;
    uint32_t log = (uint32_t)__builtin_ctz(m->nvec);
    uint32_t ctrl = log << 1 | (wide(m) ? PCI_MSI_FLAGS_64BIT : 0) |
                    (m->flags & MSI_MASKABLE ? PCI_MSI_FLAGS_MASKBIT : 0);

    pci_config_reg(c, m->cap + PCI_MSI_FLAGS, 2, ctrl, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE,
                   0);
    pci_config_reg(c, m->cap + PCI_MSI_ADDRESS_LO, 4, 0, ~3u, 0);
    if (wide(m))
        pci_config_reg(c, m->cap + PCI_MSI_ADDRESS_HI, 4, 0, UINT32_MAX, 0);
    pci_config_reg(c, m->cap + (wide(m) ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, 0, 0xffff, 0);
    if (m->flags & MSI_MASKABLE) {
        pci_config_reg(c, mask_reg(m), 4, 0, all_vectors(m->nvec), 0);
        pci_config_vary(c, pending_reg(m), 4);
    }
}

int msi_init(struct msi *m, struct pci_config *c, uint32_t at, uint32_t n, uint32_t flags,
             const struct pci_vec_ops *ops, void *s)
{
    int off;

    if (!n || n > MSI_MAX_VECTORS || (n & (n - 1)))
        return -EINVAL;
    off = pci_cap_add(c, PCI_CAP_ID_MSI, at, cap_len(flags));
    if (off < 0)
        return off;
    *m = (struct msi){
        .c = c, .cap = (uint32_t)off, .flags = flags, .nvec = n, .ops = ops, .s = s, .active = 1};
    declare(m);
    return off;
}

/* ---- what the registers say ----------------------------------------------------------- */

static uint16_t control(const struct msi *m)
{
    return get_le16(m->c->bytes + m->cap + PCI_MSI_FLAGS);
}

static uint32_t mask(const struct msi *m)
{
    return m->flags & MSI_MASKABLE ? get_le32(m->c->bytes + mask_reg(m)) : 0;
}

static struct pci_msg base_message(const struct msi *m)
{
    const uint8_t *p = m->c->bytes + m->cap;
    struct pci_msg msg = {.addr = get_le32(p + PCI_MSI_ADDRESS_LO)};

    if (wide(m))
        msg.addr |= (uint64_t)get_le32(p + PCI_MSI_ADDRESS_HI) << 32;
    msg.data = get_le16(p + (wide(m) ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32));
    return msg;
}

/* The low bits of the data are the vector number (6.1.4.3). */
static struct pci_msg message(const struct pci_msg *base, uint32_t active, uint32_t vec)
{
    return (struct pci_msg){base->addr, (base->data & ~(active - 1)) | vec};
}

/* A guest may ask for more vectors than there are: it gets, and reads back, those that there are,
 * as on QEMU. */
static uint32_t settle_size(struct msi *m)
{
    uint8_t *p = m->c->bytes + m->cap + PCI_MSI_FLAGS;
    uint32_t log = (*p & PCI_MSI_FLAGS_QSIZE) >> 4, max = (uint32_t)__builtin_ctz(m->nvec);

    if (log > max) {
        log = max;
        *p = (uint8_t)((*p & ~PCI_MSI_FLAGS_QSIZE) | log << 4);
    }
    return 1u << log;
}

/* ---- telling the owner ---------------------------------------------------------------- */

static void tell_mode(struct msi *m, bool enabled)
{
    if (m->ops->mode)
        m->ops->mode(m->s, enabled, m->active);
}

static void tell_vectors(struct msi *m, uint32_t which)
{
    for (uint32_t vec = 0; vec < m->nvec; vec++) {
        struct pci_msg msg = message(&m->base, m->active, vec);

        if (which & 1u << vec && m->ops->rewire)
            m->ops->rewire(m->s, vec, m->live & 1u << vec ? &msg : NULL);
    }
}

static void fire_pending(struct msi *m)
{
    uint32_t due;

    if (!(m->flags & MSI_MASKABLE))
        return;
    due = get_le32(m->c->bytes + pending_reg(m)) & m->live;
    for (uint32_t vec = 0; vec < m->nvec; vec++) {
        struct pci_msg msg = message(&m->base, m->active, vec);
        uint32_t pending = get_le32(m->c->bytes + pending_reg(m));

        if (!(due & 1u << vec))
            continue;
        put_le32(m->c->bytes + pending_reg(m), pending & ~(1u << vec));
        if (m->ops->fire)
            m->ops->fire(m->s, vec, &msg);
    }
}

static void update(struct msi *m, bool all)
{
    bool enabled = control(m) & PCI_MSI_FLAGS_ENABLE, was = m->enabled;
    uint32_t active = settle_size(m), old_active = m->active, old = m->live;
    uint32_t live = enabled ? all_vectors(active) & ~mask(m) : 0;
    struct pci_msg base = base_message(m);
    bool other = active != m->active || base.addr != m->base.addr || base.data != m->base.data;

    m->enabled = enabled;
    m->active = active;
    m->live = live;
    m->base = base;
    if (enabled && (all || !was || active != old_active))
        tell_mode(m, true);
    tell_vectors(m, (old ^ live) | (other ? live : 0) | (all ? all_vectors(m->nvec) : 0));
    if (!enabled && (all || was))
        tell_mode(m, false);
    fire_pending(m);
}

void msi_written(struct msi *m, const struct pci_written *w)
{
    if (pci_written_hits(w, m->cap, cap_len(m->flags)))
        update(m, false);
}

void msi_refresh(struct msi *m)
{
    update(m, true);
}

void msi_reset(struct msi *m)
{
    if (m->flags & MSI_MASKABLE)
        put_le32(m->c->bytes + pending_reg(m), 0);
    update(m, false);
}

enum pci_notify msi_notify(struct msi *m, uint32_t vec, struct pci_msg *msg)
{
    uint8_t *pending = m->c->bytes + pending_reg(m);

    if (!m->enabled || vec >= m->nvec)
        return PCI_NOTIFY_NONE;
    vec &= m->active - 1;
    if (m->live & 1u << vec) {
        *msg = message(&m->base, m->active, vec);
        return PCI_NOTIFY_SEND;
    }
    put_le32(pending, get_le32(pending) | 1u << vec);
    return PCI_NOTIFY_PEND;
}
