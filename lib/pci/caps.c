/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/caps.h"
#include "util/bytes.h"
#include <errno.h>

#define EXT_START PCI_CONFIG_SIZE

static uint32_t dwords(uint32_t len)
{
    return (len + 3) & ~3u;
}

static bool is_free(const struct pci_config *c, uint32_t off, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if (c->used[off + i])
            return false;
    return true;
}

/* The place for len bytes within from..to, at the given offset or the first that is free, or
 * -errno. */
static int place(const struct pci_config *c, uint32_t at, uint32_t len, uint32_t from, uint32_t to)
{
    if (len > to - from)
        return at ? -EINVAL : -ENOSPC;
    if (at) {
        if (at % 4 || at < from || at > to - len)
            return -EINVAL;
        return is_free(c, at, len) ? (int)at : -EBUSY;
    }
    for (at = from; at <= to - len; at += 4)
        if (is_free(c, at, len))
            return (int)at;
    return -ENOSPC;
}

static void claim(struct pci_config *c, uint32_t at, uint32_t len)
{
    memset(c->used + at, 1, len);
    memset(c->check + at, 0xff, len);
    pci_config_define(c, at, len, NULL, NULL, NULL);
}

/* ---- the list in the first 256 bytes -------------------------------------------------- */

/* Two capabilities change what the function does: config.c looks at them after each write. */
static void note_core_cap(struct pci_config *c, uint8_t id, uint16_t off, uint32_t len)
{
    if (id == PCI_CAP_ID_PM && len >= PCI_PM_SIZEOF)
        c->pm = off;
    if (id == PCI_CAP_ID_EXP && len >= PCI_EXP_DEVSTA + 2)
        c->exp = off;
}

int pci_cap_add(struct pci_config *c, uint8_t id, uint32_t at, uint32_t len)
{
    int off;

    if (len < PCI_CAP_FLAGS || len > PCI_CONFIG_SIZE)
        return -EINVAL;
    off = place(c, at, dwords(len), PCI_STD_HEADER_SIZEOF, PCI_CONFIG_SIZE);
    if (off < 0)
        return off;
    claim(c, (uint32_t)off, dwords(len));
    c->bytes[off + PCI_CAP_LIST_ID] = id;
    c->bytes[off + PCI_CAP_LIST_NEXT] = c->bytes[PCI_CAPABILITY_LIST];
    c->bytes[PCI_CAPABILITY_LIST] = (uint8_t)off;
    c->bytes[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    note_core_cap(c, id, (uint16_t)off, len);
    return off;
}

/* Contents behind a header of skip bytes. */
static void define_body(struct pci_config *c, uint32_t off, uint32_t skip, const uint8_t *bytes,
                        const uint8_t *wmask, const uint8_t *w1c, uint32_t len)
{
    pci_config_define(c, off + skip, len - skip, bytes ? bytes + skip : NULL,
                      wmask ? wmask + skip : NULL, w1c ? w1c + skip : NULL);
}

int pci_cap_add_bytes(struct pci_config *c, uint8_t id, uint32_t at, const void *bytes,
                      const void *wmask, const void *w1c, uint32_t len)
{
    int off = pci_cap_add(c, id, at, len);

    if (off > 0)
        define_body(c, (uint32_t)off, PCI_CAP_FLAGS, bytes, wmask, w1c, len);
    return off;
}

uint32_t pci_cap_find(const struct pci_config *c, uint8_t id, uint32_t after)
{
    uint32_t off = c->bytes[after ? after + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST];

    /* a restored list may be anything: never more steps than the list can have members */
    for (int ttl = PCI_CONFIG_SIZE / 4; off >= PCI_STD_HEADER_SIZEOF && ttl; ttl--) {
        off &= ~3u;
        if (c->bytes[off + PCI_CAP_LIST_ID] == id)
            return off;
        off = c->bytes[off + PCI_CAP_LIST_NEXT];
    }
    return 0;
}

/* ---- the extended list ---------------------------------------------------------------- */

static uint32_t ext_header(const struct pci_config *c, uint32_t off)
{
    return get_le32(c->bytes + off);
}

static uint32_t ext_next(const struct pci_config *c, uint32_t off)
{
    return PCI_EXT_CAP_NEXT(ext_header(c, off));
}

static bool ext_empty(const struct pci_config *c)
{
    return !c->used[EXT_START];
}

/* Whether the head is the stand-in: a null capability without a body. */
static bool ext_stand_in(const struct pci_config *c)
{
    return !ext_empty(c) && PCI_EXT_CAP_ID(ext_header(c, EXT_START)) == 0;
}

static void ext_link(struct pci_config *c, uint32_t off)
{
    uint32_t last = EXT_START, h;

    for (int ttl = PCIE_CONFIG_SIZE / 4; ext_next(c, last) && ttl; ttl--)
        last = ext_next(c, last);
    h = ext_header(c, last);
    put_le32(c->bytes + last, (h & 0xfffff) | off << 20);
}

int pci_ext_cap_add(struct pci_config *c, uint16_t id, uint8_t version, uint32_t at, uint32_t len)
{
    bool stand_in;
    uint32_t keep = 0;
    int off;

    if (c->size < PCIE_CONFIG_SIZE || len < 4 || len > PCIE_CONFIG_SIZE)
        return -EINVAL;
    stand_in = ext_stand_in(c);
    if (stand_in && at <= EXT_START) {
        memset(c->used + EXT_START, 0, 4);
        keep = ext_header(c, EXT_START) & 0xfff00000;
    }
    off = place(c, at, dwords(len), EXT_START, PCIE_CONFIG_SIZE);
    if (stand_in)
        memset(c->used + EXT_START, 1, 4);
    if (off < 0)
        return off;
    if (ext_empty(c) && off != EXT_START)
        claim(c, EXT_START, 4);
    if (off != EXT_START)
        ext_link(c, (uint32_t)off);
    claim(c, (uint32_t)off, dwords(len));
    put_le32(c->bytes + off, id | (version & 0xfu) << 16 | (off == EXT_START ? keep : 0));
    return off;
}

int pci_ext_cap_add_bytes(struct pci_config *c, uint16_t id, uint8_t version, uint32_t at,
                          const void *bytes, const void *wmask, const void *w1c, uint32_t len)
{
    int off = pci_ext_cap_add(c, id, version, at, len);

    if (off > 0)
        define_body(c, (uint32_t)off, 4, bytes, wmask, w1c, len);
    return off;
}

uint32_t pci_ext_cap_find(const struct pci_config *c, uint16_t id, uint32_t after)
{
    uint32_t off = after ? ext_next(c, after) : EXT_START;

    if (c->size < PCIE_CONFIG_SIZE)
        return 0;
    for (int ttl = PCIE_CONFIG_SIZE / 4; off >= EXT_START && ttl; ttl--) {
        off &= ~3u;
        if (PCI_EXT_CAP_ID(ext_header(c, off)) == id && ext_header(c, off))
            return off;
        off = ext_next(c, off);
    }
    return 0;
}

/* ---- capabilities that are nothing but bytes ------------------------------------------ */

int pci_pm_add(struct pci_config *c, uint32_t at, bool no_soft_reset, uint16_t pme)
{
    int off = pci_cap_add(c, PCI_CAP_ID_PM, at, PCI_PM_SIZEOF);
    uint16_t ctrl = no_soft_reset ? PCI_PM_CTRL_NO_SOFT_RESET : 0;

    if (off < 0)
        return off;
    pme &= PCI_PM_CAP_PME_MASK;
    pci_config_reg(c, (uint32_t)off + PCI_PM_PMC, 2, 3u | pme, 0, 0);
    pci_config_reg(c, (uint32_t)off + PCI_PM_CTRL, 2, ctrl,
                   PCI_PM_CTRL_STATE_MASK | (pme ? PCI_PM_CTRL_PME_ENABLE : 0),
                   pme ? PCI_PM_CTRL_PME_STATUS : 0);
    put_le16(c->sticky + off + PCI_PM_CTRL, PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS);
    return off;
}

int pci_ssvid_add(struct pci_config *c, uint32_t at, uint16_t subvendor, uint16_t subsystem)
{
    int off = pci_cap_add(c, PCI_CAP_ID_SSVID, at, PCI_SSVID_SIZEOF);

    if (off < 0)
        return off;
    put_le16(c->bytes + off + PCI_SSVID_VENDOR_ID, subvendor);
    put_le16(c->bytes + off + PCI_SSVID_DEVICE_ID, subsystem);
    return off;
}

int pci_dsn_add(struct pci_config *c, uint32_t at, uint64_t serial)
{
    int off = pci_ext_cap_add(c, PCI_EXT_CAP_ID_DSN, 1, at, PCI_EXT_CAP_DSN_SIZEOF);

    if (off > 0)
        put_le64(c->bytes + off + 4, serial);
    return off;
}

int pci_ari_add(struct pci_config *c, uint32_t at, uint8_t next)
{
    int off = pci_ext_cap_add(c, PCI_EXT_CAP_ID_ARI, 1, at, PCI_EXT_CAP_ARI_SIZEOF);

    if (off > 0)
        c->bytes[off + PCI_ARI_CAP + 1] = next;
    return off;
}

int pci_acs_add(struct pci_config *c, uint32_t at, uint16_t caps)
{
    int off = pci_ext_cap_add(c, PCI_EXT_CAP_ID_ACS, 1, at, PCI_ACS_SIZEOF);

    caps &= PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF | PCI_ACS_DT;
    if (off < 0)
        return off;
    put_le16(c->bytes + off + PCI_ACS_CAP, caps);
    pci_config_reg(c, (uint32_t)off + PCI_ACS_CTRL, 2, 0, caps, 0);
    return off;
}
