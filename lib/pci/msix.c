/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI-X: PCIe Base 6.0 7.7.2. */
#include "pci/caps.h"
#include "pci/msi.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>

#define FLAGS_WMASK (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)

uint32_t msix_table_len(const struct msix *m)
{
    return m->nvec * PCI_MSIX_ENTRY_SIZE;
}

uint32_t msix_pba_len(const struct msix *m)
{
    return (m->nvec + 63) / 64 * 8;
}

/* ---- making one ----------------------------------------------------------------------- */

static bool fits(const struct pci_config *c, uint32_t bar, uint64_t off, uint64_t len)
{
    return bar < PCI_ROM_BAR && c->bar[bar].size && !(c->bar[bar].kind & PCI_BAR_IO) &&
           off % 8 == 0 && off <= UINT32_MAX && len <= c->bar[bar].size &&
           off <= c->bar[bar].size - len;
}

static bool layout_ok(const struct msix *m)
{
    uint64_t table_end = m->table_off + msix_table_len(m), pba_end = m->pba_off + msix_pba_len(m);

    if (!m->nvec || m->nvec > MSIX_MAX_VECTORS)
        return false;
    if (!fits(m->c, m->table_bar, m->table_off, msix_table_len(m)) ||
        !fits(m->c, m->pba_bar, m->pba_off, msix_pba_len(m)))
        return false;
    return m->table_bar != m->pba_bar || table_end <= m->pba_off || pba_end <= m->table_off;
}

static void mask_all(struct msix *m)
{
    memset(m->table, 0, msix_table_len(m));
    memset(m->pba, 0, msix_pba_len(m));
    for (uint32_t vec = 0; vec < m->nvec; vec++)
        m->table[vec * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
            PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static void declare(struct msix *m)
{
    pci_config_reg(m->c, m->cap + PCI_MSIX_FLAGS, 2, m->nvec - 1, FLAGS_WMASK, 0);
    pci_config_reg(m->c, m->cap + PCI_MSIX_TABLE, 4, (uint32_t)m->table_off | m->table_bar, 0, 0);
    pci_config_reg(m->c, m->cap + PCI_MSIX_PBA, 4, (uint32_t)m->pba_off | m->pba_bar, 0, 0);
}

int msix_init(struct msix *m, struct pci_config *c, uint32_t at, uint32_t n, uint32_t table_bar,
              uint64_t table_off, uint32_t pba_bar, uint64_t pba_off, const struct pci_vec_ops *ops,
              void *s)
{
    int off;

    *m = (struct msix){.c = c,
                       .nvec = n,
                       .table_bar = table_bar,
                       .table_off = table_off,
                       .pba_bar = pba_bar,
                       .pba_off = pba_off,
                       .ops = ops,
                       .s = s};
    if (!layout_ok(m))
        return -EINVAL;
    off = pci_cap_add(c, PCI_CAP_ID_MSIX, at, PCI_CAP_MSIX_SIZEOF);
    if (off < 0)
        return off;
    m->cap = (uint32_t)off;
    m->table = xcalloc(1, msix_table_len(m));
    m->pba = xcalloc(1, msix_pba_len(m));
    mask_all(m);
    declare(m);
    return off;
}

void msix_fini(struct msix *m)
{
    free(m->table);
    free(m->pba);
    *m = (struct msix){0};
}

/* ---- state of a vector ---------------------------------------------------------------- */

static const uint8_t *entry(const struct msix *m, uint32_t vec)
{
    return m->table + vec * PCI_MSIX_ENTRY_SIZE;
}

static struct pci_msg entry_message(const struct msix *m, uint32_t vec)
{
    return (struct pci_msg){get_le64(entry(m, vec) + PCI_MSIX_ENTRY_LOWER_ADDR),
                            get_le32(entry(m, vec) + PCI_MSIX_ENTRY_DATA)};
}

static bool entry_masked(const struct msix *m, uint32_t vec)
{
    return entry(m, vec)[PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

bool msix_message(const struct msix *m, uint32_t vec, struct pci_msg *msg)
{
    if (vec >= m->nvec || !m->open || entry_masked(m, vec))
        return false;
    if (msg)
        *msg = entry_message(m, vec);
    return true;
}

bool msix_pending(const struct msix *m, uint32_t vec)
{
    return vec < m->nvec && (m->pba[vec / 8] & 1u << vec % 8);
}

void msix_clear_pending(struct msix *m, uint32_t vec)
{
    if (vec < m->nvec)
        m->pba[vec / 8] &= (uint8_t) ~(1u << vec % 8);
}

enum pci_notify msix_notify(struct msix *m, uint32_t vec, struct pci_msg *msg)
{
    if (vec >= m->nvec || !m->enabled)
        return PCI_NOTIFY_NONE;
    if (msix_message(m, vec, msg))
        return PCI_NOTIFY_SEND;
    m->pba[vec / 8] |= (uint8_t)(1u << vec % 8);
    return PCI_NOTIFY_PEND;
}

/* ---- telling the owner ---------------------------------------------------------------- */

static void tell_mode(struct msix *m, bool enabled)
{
    if (m->ops->mode)
        m->ops->mode(m->s, enabled, m->nvec);
}

static void rewire(struct msix *m, uint32_t vec)
{
    struct pci_msg msg;
    bool live = msix_message(m, vec, &msg);

    if (m->ops->rewire)
        m->ops->rewire(m->s, vec, live ? &msg : NULL);
    if (!live || !msix_pending(m, vec))
        return;
    msix_clear_pending(m, vec);
    if (m->ops->fire)
        m->ops->fire(m->s, vec, &msg);
}

static uint16_t control(const struct msix *m)
{
    return get_le16(m->c->bytes + m->cap + PCI_MSIX_FLAGS);
}

static void update(struct msix *m, bool all)
{
    bool enabled = control(m) & PCI_MSIX_FLAGS_ENABLE, was_enabled = m->enabled;
    bool open = enabled && !(control(m) & PCI_MSIX_FLAGS_MASKALL), was_open = m->open;

    m->enabled = enabled;
    m->open = open;
    if (enabled && (all || !was_enabled))
        tell_mode(m, true);
    for (uint32_t vec = 0; vec < m->nvec; vec++)
        if (all || (open != was_open && !entry_masked(m, vec)))
            rewire(m, vec);
    if (!enabled && (all || was_enabled))
        tell_mode(m, false);
}

void msix_written(struct msix *m, const struct pci_written *w)
{
    if (pci_written_hits(w, m->cap + PCI_MSIX_FLAGS, 2))
        update(m, false);
}

void msix_refresh(struct msix *m)
{
    update(m, true);
}

void msix_reset(struct msix *m)
{
    update(m, false);
    mask_all(m);
}

/* ---- table and pending bits as the guest sees them ------------------------------------ */

static bool access_ok(uint64_t off, uint32_t size, uint32_t len)
{
    return (size == 4 || size == 8) && off % size == 0 && off < len && size <= len - off;
}

static uint64_t load(const uint8_t *p, uint32_t size)
{
    return size == 8 ? get_le64(p) : get_le32(p);
}

uint64_t msix_table_read(const struct msix *m, uint64_t off, uint32_t size)
{
    return access_ok(off, size, msix_table_len(m)) ? load(m->table + off, size) : ones(size);
}

uint64_t msix_pba_read(struct msix *m, uint64_t off, uint32_t size)
{
    uint32_t first = (uint32_t)off * 8;

    if (!access_ok(off, size, msix_pba_len(m)))
        return ones(size);
    if (m->ops->poll && first < m->nvec)
        m->ops->poll(m->s, first, m->nvec - first < size * 8 ? m->nvec - first : size * 8);
    return load(m->pba + off, size);
}

/* Reserved bits of an entry stay 0: the two low ones of the address, all but the mask of Vector
 * Control. */
static uint32_t writable(uint64_t off)
{
    switch (off % PCI_MSIX_ENTRY_SIZE) {
    case PCI_MSIX_ENTRY_LOWER_ADDR:
        return ~3u;
    case PCI_MSIX_ENTRY_VECTOR_CTRL:
        return PCI_MSIX_ENTRY_CTRL_MASKBIT;
    default:
        return UINT32_MAX;
    }
}

static void store(struct msix *m, uint64_t off, uint32_t size, uint64_t value)
{
    for (uint32_t i = 0; i < size; i += 4)
        put_le32(m->table + off + i, (uint32_t)(value >> (8 * i)) & writable(off + i));
}

void msix_restore(struct msix *m, const uint8_t *table, const uint8_t *pba)
{
    for (uint32_t off = 0; off < msix_table_len(m); off += 4)
        put_le32(m->table + off, get_le32(table + off) & writable(off));
    memcpy(m->pba, pba, msix_pba_len(m));
    for (uint32_t vec = m->nvec; vec % 64; vec++)
        m->pba[vec / 8] &= (uint8_t) ~(1u << vec % 8);
}

void msix_table_write(struct msix *m, uint64_t off, uint32_t size, uint64_t value)
{
    uint32_t vec = (uint32_t)(off / PCI_MSIX_ENTRY_SIZE);
    struct pci_msg old = {0}, now = {0};
    bool was, is;

    if (!access_ok(off, size, msix_table_len(m)))
        return;
    was = msix_message(m, vec, &old);
    store(m, off, size, value);
    is = msix_message(m, vec, &now);
    if (was != is || old.addr != now.addr || old.data != now.data)
        rewire(m, vec);
}
