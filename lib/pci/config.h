/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space of one PCI function: bytes with masks, base address registers, and what a
 * guest's write did.
 *
 * It knows neither host nor bus nor ABI. Nothing here locks: the owner serialises the calls for one
 * function. Each value is a little-endian lane, as a guest's register holds it.
 *
 * A byte of configuration space has planes: what reads see, which bits a guest writes, which it
 * clears by writing ones, what a reset gives it, which bits survive a reset of the function, and
 * which an incoming state must agree on. Every behaviour that the planes cannot say (BARs, power
 * state, function level reset) is in config.c, and reported in struct pci_written; capabilities
 * with logic of their own (msi.h, bridge.h, slot.h) take that struct and go on from there. */
#ifndef TN_PCI_CONFIG_H
#define TN_PCI_CONFIG_H
#include "pci/regs.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of base address regions; values as in the plugin ABI's TN_BAR_*. */
enum {
    PCI_BAR_IO = 1,
    PCI_BAR_MEM32 = 2,
    PCI_BAR_MEM64 = 4,
    PCI_BAR_PREFETCH = 8, /* with MEM32 or MEM64 */
};
#define PCI_BAR_UNMAPPED UINT64_MAX
#define PCI_ROM_BAR      6 /* the expansion ROM's place beside BAR 0 to 5 */
#define PCI_BARS         7

/* What a write changed, in struct pci_written.changes and as the result of resets. */
enum {
    PCI_CHANGED_BARS = 0x7f,      /* bit n: pci_bar_addr(c, n) has another value now */
    PCI_CHANGED_INTX = 1 << 8,    /* Interrupt Disable was toggled */
    PCI_CHANGED_MASTER = 1 << 9,  /* Bus Master Enable was toggled */
    PCI_CHANGED_POWER = 1 << 10,  /* the power state is another one */
    PCI_CHANGED_ABSENT = 1 << 11, /* the function appeared or vanished */
    /* the owner resets the function: D3hot was left without No_Soft_Reset; FLR was initiated */
    PCI_CHANGED_SOFT_RESET = 1 << 12,
    PCI_CHANGED_FLR = 1 << 13,
};

/* Flags of pci_config_init(). */
enum {
    PCI_FN_EXPRESS = 1,  /* 4096 bytes of configuration space */
    PCI_FN_BRIDGE = 2,   /* Type 1 header */
    PCI_FN_MULTI = 4,    /* multi-function bit of the header type */
    PCI_FN_ZERO_BAR = 8, /* a BAR at address 0 is mapped: machines other than x86 */
    PCI_FN_VF = 16,      /* virtual function: IDs, pin and BARs are its PF's (sriov.h) */
};

struct pci_ids {
    uint16_t vendor, device;
    uint16_t subvendor, subsystem; /* Type 0 only; bridges have pci_ssvid_add() */
    uint32_t class_rev;            /* class code << 8 | revision */
    uint32_t int_pin;              /* 0 none, 1 to 4: INTA# to INTD# */
};

struct pci_bar {
    uint64_t size; /* bytes, a power of two; 0 = not there */
    uint64_t addr; /* where the guest sees it now, or PCI_BAR_UNMAPPED */
    uint64_t vf;   /* of a virtual function: where its PF puts it, or PCI_BAR_UNMAPPED */
    uint32_t kind; /* PCI_BAR_* */
};

struct pci_config {
    uint32_t size;  /* PCI_CONFIG_SIZE or PCIE_CONFIG_SIZE */
    uint32_t flags; /* PCI_FN_* */
    /* planes of size bytes each, one allocation that bytes points to */
    uint8_t *bytes;  /* what reads see */
    uint8_t *wmask;  /* 1: the guest writes the bit */
    uint8_t *w1c;    /* 1: the guest clears the bit by writing one */
    uint8_t *preset; /* value of writable and w1c bits after a reset */
    uint8_t *sticky; /* 1: survives resets but power-on (RWS, RW1CS: PCIe Base 6.0 7.4) */
    uint8_t *check;  /* 1: an incoming state must agree, unless the guest can write the bit */
    uint8_t *used;   /* non-zero: the byte belongs to the header or a capability */
    struct pci_bar bar[PCI_BARS];
    bool absent;      /* reads are all-ones: unpowered, or in a reset that takes time */
    uint16_t pm, exp; /* offsets of the power management and PCI Express capabilities, or 0 */
};

/* A guest's write and its consequences. */
struct pci_written {
    uint32_t off, size, value; /* as the guest wrote them */
    uint32_t old, now;         /* the same lane before and after; equal if nothing changed */
    uint32_t changes;          /* PCI_CHANGED_* */
};

/* Allocates the planes and fills the header. Frees with pci_config_fini(). 0 or -ENOMEM. */
int pci_config_init(struct pci_config *c, uint32_t flags, const struct pci_ids *ids);
void pci_config_fini(struct pci_config *c);

/* Gives the function other IDs, class and interrupt pin; the masks stay. */
void pci_config_identify(struct pci_config *c, const struct pci_ids *ids);

/* Reads size bytes (1, 2, 4) at any offset. Bytes beyond the end, an absent function and other
 * sizes read as ones. An access that crosses a dword is what its two halves would have been: no
 * byte depends on its neighbour. */
uint32_t pci_config_read(const struct pci_config *c, uint32_t off, uint32_t size);

/* A guest's write, under the masks. Bytes beyond the end, an absent function and other sizes drop
 * it: changes is 0 then. */
struct pci_written pci_config_write(struct pci_config *c, uint32_t off, uint32_t size,
                                    uint32_t value);

/* The owner's read and write, beside the masks, also of an absent function; without consequences
 * but for pci_bar_addr(), which pci_bars_update() refreshes. A range beyond the end reads as ones
 * and drops the write. */
uint32_t pci_config_get(const struct pci_config *c, uint32_t off, uint32_t size);
void pci_config_set(struct pci_config *c, uint32_t off, uint32_t size, uint32_t value);

/* Declares len bytes at off: their value now and after each reset, and their masks. A NULL plane is
 * zeros. Bits in both wmask and w1c are w1c. Returns 0, or -EINVAL if the range is not inside. */
int pci_config_define(struct pci_config *c, uint32_t off, uint32_t len, const void *bytes,
                      const void *wmask, const void *w1c);
/* The same for one register of size bytes. */
void pci_config_reg(struct pci_config *c, uint32_t off, uint32_t size, uint32_t value,
                    uint32_t wmask, uint32_t w1c);

/* Says that the owner changes len bytes at off while the guest runs: an incoming state need not
 * agree on them. */
void pci_config_vary(struct pci_config *c, uint32_t off, uint32_t len);

/* Reset of the function: writable and w1c bits take their preset value; sticky ones do at power-on
 * only. Returns PCI_CHANGED_*. */
uint32_t pci_config_reset(struct pci_config *c, bool power_on);

/* Takes over c->size bytes of saved configuration space. Returns 0; -EINVAL if len is not c->size
 * or a bit that the check plane guards differs, then *bad (if not NULL) is its offset and c is
 * unchanged. The owner acts on all BARs. */
/* Whether pci_config_restore() would take them: 0 or -EINVAL. Changes nothing. */
int pci_config_agrees(const struct pci_config *c, const void *bytes, size_t len, uint32_t *bad);
int pci_config_restore(struct pci_config *c, const void *bytes, size_t len, uint32_t *bad);

/* Makes the function absent (slot power off, function level reset under way) or present. Returns
 * PCI_CHANGED_*. */
uint32_t pci_config_absent(struct pci_config *c, bool absent);

/* Sets the Interrupt Status bit; returns the level that the pin shows: 0 while Interrupt Disable is
 * set (PCI Local Bus 3.0 6.2.2, 6.2.3). */
bool pci_config_intx(struct pci_config *c, bool level);
/* The level that the pin shows now. */
bool pci_config_intx_pin(const struct pci_config *c);

/* Power state 0 to 3 for D0 to D3hot; 0 without the capability. */
uint32_t pci_config_power(const struct pci_config *c);
/* Whether the function may issue requests: Bus Master Enable, in D0, not absent. */
bool pci_config_master(const struct pci_config *c);

/* Declares BAR n (0 to 5; bridges 0 and 1), size in bytes. MEM64 takes n and n + 1. Returns 0;
 * -EINVAL for a wrong n, kind or size (a power of two, at least 4 for I/O and 16 for memory, at
 * most 2 GiB unless MEM64); -EBUSY if taken. */
int pci_bar_add(struct pci_config *c, uint32_t n, uint32_t kind, uint64_t size);
/* Declares the expansion ROM: a power of two, 2 KiB to 16 MiB. Returns 0, -EINVAL or -EBUSY. */
int pci_rom_add(struct pci_config *c, uint64_t size);
/* Offset of BAR n's register. */
uint32_t pci_bar_reg(const struct pci_config *c, uint32_t n);
/* Where the guest sees BAR n: an address of its space, aligned to the size, or PCI_BAR_UNMAPPED. */
uint64_t pci_bar_addr(const struct pci_config *c, uint32_t n);
/* Puts BAR n of a virtual function where its PF's capability says: sriov_bar_addr(). Returns
 * PCI_CHANGED_BARS. */
uint32_t pci_bar_place(struct pci_config *c, uint32_t n, uint64_t addr);
/* Computes all addresses anew; returns those that changed, bit n for BAR n. */
uint32_t pci_bars_update(struct pci_config *c);

/* Whether the write touched any of len bytes at off. */
static inline bool pci_written_hits(const struct pci_written *w, uint32_t off, uint32_t len)
{
    return w->off < off + len && off < w->off + w->size;
}

#endif
