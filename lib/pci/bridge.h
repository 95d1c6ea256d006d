/* SPDX-License-Identifier: BSD-2-Clause */
/* Type 1 header: bus numbers, forwarding windows, bridge control (PCI-to-PCI Bridge 1.2 3.2 and 4;
 * PCIe Base 6.0 7.5.1.3). The bridge declares what it decodes; nothing is called on an access. */
#ifndef TN_PCI_BRIDGE_H
#define TN_PCI_BRIDGE_H
#include "pci/config.h"

/* What a write changed; the first five as the plugin ABI's TN_BRIDGE_*. */
enum {
    BRIDGE_NUMBERS = 1,  /* primary, secondary or subordinate bus number */
    BRIDGE_IO = 2,       /* I/O window, or the VGA and ISA bits */
    BRIDGE_MEM = 4,      /* memory window, or the VGA bit */
    BRIDGE_PREF = 8,     /* prefetchable window */
    BRIDGE_ARI = 16,     /* ARI Forwarding Enable */
    BRIDGE_RESET = 32,   /* Secondary Bus Reset rose: reset what is below, absent until it falls */
    BRIDGE_UNRESET = 64, /* Secondary Bus Reset fell */
};

/* Flags of bridge_init(). */
enum {
    BRIDGE_IO32 = 1,   /* 32-bit I/O addresses */
    BRIDGE_PREF64 = 2, /* 64-bit prefetchable window */
    BRIDGE_NO_IO = 4,  /* no I/O window: its registers are read-only zeros */
};

/* A range that is forwarded downstream, both ends included; closed if base > limit. */
struct bridge_window {
    uint64_t base, limit;
};

/* What the bridge decodes now. */
struct bridge_decode {
    uint8_t primary, secondary, subordinate;
    bool vga, vga16, isa; /* VGA Enable, VGA 16-bit Decode, ISA Enable */
    bool ari, reset;
    struct bridge_window io, mem, pref;
};

struct bridge {
    struct pci_config *c;
    struct bridge_decode d; /* as last reported */
};

/* Makes c, which has a Type 1 header, a bridge with all windows closed. c outlives b. */
void bridge_init(struct bridge *b, struct pci_config *c, uint32_t flags);

/* To be called after each guest write to the function's configuration space, and after a reset or a
 * restore of it (then w is NULL). Returns BRIDGE_*. */
uint32_t bridge_written(struct bridge *b, const struct pci_written *w);

/* Whether a configuration request for bus goes downstream: as Type 0 if it is the secondary bus
 * (then *type0). Nothing does while the secondary bus number is 0, not yet assigned. */
bool bridge_routes(const struct bridge *b, uint32_t bus, bool *type0);

/* Whether an access to addr from the primary side is forwarded (4.3 to 4.5). */
bool bridge_forwards_io(const struct bridge *b, uint32_t addr);
bool bridge_forwards_mem(const struct bridge *b, uint64_t addr);
/* Whether a memory request from below goes up: what the windows do not claim, with Bus Master
 * Enable. */
bool bridge_forwards_up(const struct bridge *b, uint64_t addr);

#endif
