/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/config.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>

#define PLANES 7

#define COMMAND_WMASK                                                                \
    (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | \
     PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)
#define STATUS_W1C                                                                   \
    (PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT | \
     PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

static bool is_bridge(const struct pci_config *c)
{
    return c->flags & PCI_FN_BRIDGE;
}

static bool is_vf(const struct pci_config *c)
{
    return c->flags & PCI_FN_VF;
}

static bool alloc_planes(struct pci_config *c)
{
    uint8_t *p = calloc(PLANES, c->size);
    uint8_t **plane[PLANES] = {&c->bytes,  &c->wmask, &c->w1c, &c->preset,
                               &c->sticky, &c->check, &c->used};

    for (int i = 0; p && i < PLANES; i++)
        *plane[i] = p + (size_t)i * c->size;
    return p != NULL;
}

void pci_config_identify(struct pci_config *c, const struct pci_ids *ids)
{
    /* software takes a VF's IDs from its PF; it has no INTx (9.3.4.1.1, 9.3.4.1.2, 9.3.4.1.15) */
    put_le16(c->bytes + PCI_VENDOR_ID, is_vf(c) ? 0xffff : ids->vendor);
    put_le16(c->bytes + PCI_DEVICE_ID, is_vf(c) ? 0xffff : ids->device);
    put_le32(c->bytes + PCI_CLASS_REVISION, ids->class_rev);
    c->bytes[PCI_INTERRUPT_PIN] = is_vf(c) ? 0 : (uint8_t)ids->int_pin;
    if (is_bridge(c))
        return;
    put_le16(c->bytes + PCI_SUBSYSTEM_VENDOR_ID, ids->subvendor);
    put_le16(c->bytes + PCI_SUBSYSTEM_ID, ids->subsystem);
}

/* What an incoming state must share with this function: its identity, layout and head of list. */
static void guard_header(struct pci_config *c)
{
    memset(c->check + PCI_VENDOR_ID, 0xff, 4);
    memset(c->check + PCI_CLASS_REVISION, 0xff, 4);
    c->check[PCI_STATUS] = PCI_STATUS_CAP_LIST;
    c->check[PCI_HEADER_TYPE] = 0xff;
    c->check[PCI_CAPABILITY_LIST] = 0xff;
}

int pci_config_init(struct pci_config *c, uint32_t flags, const struct pci_ids *ids)
{
    *c = (struct pci_config){.flags = flags};
    c->size = flags & PCI_FN_EXPRESS ? PCIE_CONFIG_SIZE : PCI_CONFIG_SIZE;
    if (!alloc_planes(c))
        return -ENOMEM;
    memset(c->used, 1, PCI_STD_HEADER_SIZEOF);
    pci_config_identify(c, ids);
    pci_config_reg(c, PCI_COMMAND, 2, 0, is_vf(c) ? PCI_COMMAND_MASTER : COMMAND_WMASK, 0);
    pci_config_reg(c, PCI_STATUS, 2, 0, 0, STATUS_W1C);
    pci_config_reg(c, PCI_CACHE_LINE_SIZE, 1, 0, is_vf(c) ? 0 : 0xff, 0);
    pci_config_reg(c, PCI_INTERRUPT_LINE, 1, 0, is_vf(c) ? 0 : 0xff, 0);
    c->bytes[PCI_HEADER_TYPE] = is_bridge(c) ? PCI_HEADER_TYPE_BRIDGE : PCI_HEADER_TYPE_NORMAL;
    if (flags & PCI_FN_MULTI)
        c->bytes[PCI_HEADER_TYPE] |= 0x80;
    guard_header(c);
    return 0;
}

void pci_config_fini(struct pci_config *c)
{
    free(c->bytes);
    *c = (struct pci_config){0};
}

static bool size_ok(uint32_t size)
{
    return size == 1 || size == 2 || size == 4;
}

static bool range_ok(const struct pci_config *c, uint32_t off, uint32_t len)
{
    return off <= c->size && len <= c->size - off;
}

uint32_t pci_config_get(const struct pci_config *c, uint32_t off, uint32_t size)
{
    uint32_t v = 0;

    if (!size_ok(size))
        return UINT32_MAX;
    for (uint32_t i = 0; i < size; i++)
        v |= (uint32_t)(range_ok(c, off + i, 1) ? c->bytes[off + i] : 0xff) << (8 * i);
    return v;
}

void pci_config_set(struct pci_config *c, uint32_t off, uint32_t size, uint32_t value)
{
    if (!size_ok(size) || !range_ok(c, off, size))
        return;
    for (uint32_t i = 0; i < size; i++)
        c->bytes[off + i] = (uint8_t)(value >> (8 * i));
}

uint32_t pci_config_read(const struct pci_config *c, uint32_t off, uint32_t size)
{
    if (c->absent)
        return (uint32_t)ones(size_ok(size) ? size : 4);
    return pci_config_get(c, off, size);
}

static void store_byte(struct pci_config *c, uint32_t off, uint8_t v)
{
    uint8_t w = c->wmask[off];

    c->bytes[off] = (uint8_t)(((c->bytes[off] & ~w) | (v & w)) & ~(v & c->w1c[off]));
}

int pci_config_define(struct pci_config *c, uint32_t off, uint32_t len, const void *bytes,
                      const void *wmask, const void *w1c)
{
    const uint8_t *b = bytes, *w = wmask, *o = w1c;

    if (!range_ok(c, off, len))
        return -EINVAL;
    for (uint32_t i = 0; i < len; i++) {
        c->bytes[off + i] = c->preset[off + i] = b ? b[i] : 0;
        c->w1c[off + i] = o ? o[i] : 0;
        c->wmask[off + i] = w ? w[i] & ~c->w1c[off + i] : 0;
    }
    return 0;
}

void pci_config_reg(struct pci_config *c, uint32_t off, uint32_t size, uint32_t value,
                    uint32_t wmask, uint32_t w1c)
{
    uint8_t lane[3][4];

    put_le32(lane[0], value);
    put_le32(lane[1], wmask);
    put_le32(lane[2], w1c);
    pci_config_define(c, off, size <= 4 ? size : 4, lane[0], lane[1], lane[2]);
}

void pci_config_vary(struct pci_config *c, uint32_t off, uint32_t len)
{
    if (range_ok(c, off, len))
        memset(c->check + off, 0, len);
}

/* ---- consequences of a change --------------------------------------------------------- */

/* The registers whose change matters beyond their bytes. */
struct shadow {
    uint16_t command;
    uint32_t power;
};

uint32_t pci_config_power(const struct pci_config *c)
{
    return c->pm ? c->bytes[c->pm + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK : 0;
}

bool pci_config_master(const struct pci_config *c)
{
    return !c->absent && !pci_config_power(c) &&
           (get_le16(c->bytes + PCI_COMMAND) & PCI_COMMAND_MASTER);
}

static struct shadow shadow_of(const struct pci_config *c)
{
    return (struct shadow){get_le16(c->bytes + PCI_COMMAND), pci_config_power(c)};
}

static uint32_t changes_since(struct pci_config *c, const struct shadow *old)
{
    struct shadow now = shadow_of(c);
    uint32_t diff = old->command ^ now.command, changes = pci_bars_update(c);

    if (diff & PCI_COMMAND_INTX_DISABLE)
        changes |= PCI_CHANGED_INTX;
    if (diff & PCI_COMMAND_MASTER)
        changes |= PCI_CHANGED_MASTER;
    if (old->power != now.power)
        changes |= PCI_CHANGED_POWER;
    return changes;
}

/* A state that the function lacks is not entered: the write is completed and its state field
 * dropped (PCIe Base 6.0 7.5.2.2). From D3hot only D0 can be entered (5.3.1.4.1). */
static uint32_t settle_power(struct pci_config *c, uint32_t old)
{
    uint32_t now = pci_config_power(c);
    uint16_t pmc = c->pm ? get_le16(c->bytes + c->pm + PCI_PM_PMC) : 0;
    bool lacks = (now == 1 && !(pmc & PCI_PM_CAP_D1)) || (now == 2 && !(pmc & PCI_PM_CAP_D2));

    if (now != old && (lacks || (old == 3 && now))) {
        c->bytes[c->pm + PCI_PM_CTRL] ^= (uint8_t)(now ^ old);
        return 0;
    }
    if (old == 3 && now == 0 && !(c->bytes[c->pm + PCI_PM_CTRL] & PCI_PM_CTRL_NO_SOFT_RESET))
        return PCI_CHANGED_SOFT_RESET;
    return 0;
}

/* Initiate Function Level Reset always reads as 0 (7.5.3.4). */
static uint32_t take_flr(struct pci_config *c)
{
    uint8_t *high = c->bytes + c->exp + PCI_EXP_DEVCTL + 1;

    if (!c->exp || !(get_le32(c->bytes + c->exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR) ||
        !(*high & PCI_EXP_DEVCTL_BCR_FLR >> 8))
        return 0;
    *high &= (uint8_t) ~(PCI_EXP_DEVCTL_BCR_FLR >> 8);
    return PCI_CHANGED_FLR;
}

struct pci_written pci_config_write(struct pci_config *c, uint32_t off, uint32_t size,
                                    uint32_t value)
{
    struct pci_written w = {.off = off, .size = size, .value = value};
    struct shadow old = shadow_of(c);

    w.old = w.now = pci_config_read(c, off, size);
    if (c->absent || !size_ok(size)) {
        w.size = 0;
        return w;
    }
    for (uint32_t i = 0; i < size; i++)
        if (range_ok(c, off + i, 1))
            store_byte(c, off + i, (uint8_t)(value >> (8 * i)));
    w.changes = settle_power(c, old.power) | take_flr(c) | changes_since(c, &old);
    w.now = pci_config_read(c, off, size);
    return w;
}

uint32_t pci_config_reset(struct pci_config *c, bool power_on)
{
    struct shadow old = shadow_of(c);

    for (uint32_t i = 0; i < c->size; i++) {
        uint8_t m = (c->wmask[i] | c->w1c[i]) & (power_on ? 0xff : ~c->sticky[i]);

        c->bytes[i] = (uint8_t)((c->bytes[i] & ~m) | (c->preset[i] & m));
    }
    return changes_since(c, &old);
}

int pci_config_agrees(const struct pci_config *c, const void *bytes, size_t len, uint32_t *bad)
{
    const uint8_t *b = bytes;

    if (len != c->size)
        return -EINVAL;
    for (uint32_t i = 0; i < c->size; i++) {
        if ((c->bytes[i] ^ b[i]) & c->check[i] & ~c->wmask[i] & ~c->w1c[i]) {
            if (bad)
                *bad = i;
            return -EINVAL;
        }
    }
    return 0;
}

int pci_config_restore(struct pci_config *c, const void *bytes, size_t len, uint32_t *bad)
{
    if (pci_config_agrees(c, bytes, len, bad) < 0)
        return -EINVAL;
    memcpy(c->bytes, bytes, len);
    pci_bars_update(c);
    return 0;
}

uint32_t pci_config_absent(struct pci_config *c, bool absent)
{
    if (c->absent == absent)
        return 0;
    c->absent = absent;
    return PCI_CHANGED_ABSENT | pci_bars_update(c);
}

/* Only in D0 may a function interrupt (PCI Power Management 1.2 5.4.1). */
bool pci_config_intx_pin(const struct pci_config *c)
{
    return !c->absent && !pci_config_power(c) && (c->bytes[PCI_STATUS] & PCI_STATUS_INTERRUPT) &&
           !(get_le16(c->bytes + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

bool pci_config_intx(struct pci_config *c, bool level)
{
    c->bytes[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
    if (level)
        c->bytes[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    return pci_config_intx_pin(c);
}
