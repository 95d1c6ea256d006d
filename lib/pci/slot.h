/* SPDX-License-Identifier: BSD-2-Clause */
/* The slot of a root port or switch downstream port, and native hot-plug (PCIe
 * Base 6.0 6.7, 7.5.3.9 to 7.5.3.11): slot registers as a state machine that talks to the guest by
 * events and to the owner by three callbacks.
 *
 *     pcie_slot_plug()            presence and attention events; guest: power on, link(true)
 *     pcie_slot_unplug_request()  attention event; guest: power and indicator off, eject();
 *                                 or the indicator blinks and is lit again: refused()
 *     pcie_slot_removed()         the owner took the functions away: presence event
 *
 * Nothing here locks, and callbacks run inside the calls; of these functions they may call
 * pcie_slot_removed() only, from eject(). */
#ifndef TN_PCI_SLOT_H
#define TN_PCI_SLOT_H
#include "pci/config.h"

enum {
    PCIE_SLOT_HOTPLUG = 1, /* Hot-Plug Capable, attention button, both indicators */
    PCIE_SLOT_POWER = 2,   /* power controller */
};

struct pcie_slot_ops {
    /* level of the interrupt condition: INTx follows it, MSI is sent when it rises (6.7.3.4) */
    void (*irq)(void *s, bool level);
    /* the link came up or went down: functions below answer, or read as absent */
    void (*link)(void *s, bool up);
    /* the guest released the slot: remove the functions, then call pcie_slot_removed() */
    void (*eject)(void *s);
    /* the guest keeps what it was asked for; may be NULL */
    void (*refused)(void *s);
};

struct pcie_slot {
    struct pci_config *c;
    const struct pcie_slot_ops *ops;
    void *s;
    uint32_t flags;
    bool present, ejecting, asked;
    bool up, irq;     /* as last told to the owner */
    uint16_t control; /* Slot Control as last handled */
};

/* Declares slot registers of physical slot number (0 to 8191) in the PCI Express capability that c
 * has, made with PCIE_SLOT. c, ops and s outlive slot. Returns 0 or -EINVAL. */
int pcie_slot_init(struct pcie_slot *slot, struct pci_config *c, uint32_t number, uint32_t flags,
                   const struct pcie_slot_ops *ops, void *s);

/* Function 0 was put in. hot: the guest runs and is told; else (before the first reset) it finds
 * the slot powered. */
void pcie_slot_plug(struct pcie_slot *slot, bool hot);

/* The user wants the functions back. Returns 0: the attention button was pressed and the guest
 * decides, or nobody had to be asked (power and indicator are off) and eject() was called; -EBUSY:
 * the power indicator blinks, the guest is at work on the slot; -ENOTSUP: the slot has no hot-plug;
 * -ENODEV: it is empty. */
int pcie_slot_unplug_request(struct pcie_slot *slot);

/* The functions are gone, after eject() or by surprise. */
void pcie_slot_removed(struct pcie_slot *slot);

/* To be called after each guest write to the port's configuration space. */
void pcie_slot_written(struct pcie_slot *slot, const struct pci_written *w);

/* After pci_config_reset(): a populated slot is powered and lit, an empty one is off. */
void pcie_slot_reset(struct pcie_slot *slot);
/* After pci_config_restore() with the functions that belong to the state in place: takes present
 * over from the registers, and tells the owner link and interrupt. */
void pcie_slot_refresh(struct pcie_slot *slot);

#endif
