/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/slot.h"
#include "pci/pcie.h"
#include "util/bytes.h"
#include <errno.h>

#define HOTPLUG_CAPS                                                                     \
    (PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_HPS | PCI_EXP_SLTCAP_ABP | PCI_EXP_SLTCAP_AIP | \
     PCI_EXP_SLTCAP_PIP | PCI_EXP_SLTCAP_EIP)
#define EVENT_ENABLES                                                                        \
    (PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE | \
     PCI_EXP_SLTCTL_DLLSCE)
#define CONTROL_WMASK (EVENT_ENABLES | PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_EIC)

#define EVENTS (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_CC | PCI_EXP_SLTSTA_DLLSC)

static uint8_t *reg(const struct pcie_slot *slot, uint32_t r)
{
    return slot->c->bytes + slot->c->exp + r;
}

static uint16_t control(const struct pcie_slot *slot)
{
    return get_le16(reg(slot, PCI_EXP_SLTCTL));
}

static uint16_t status(const struct pcie_slot *slot)
{
    return get_le16(reg(slot, PCI_EXP_SLTSTA));
}

static void set_control(struct pcie_slot *slot, uint16_t clear, uint16_t set)
{
    slot->control = (uint16_t)((control(slot) & ~clear) | set);
    put_le16(reg(slot, PCI_EXP_SLTCTL), slot->control);
}

static void set_status(struct pcie_slot *slot, uint16_t clear, uint16_t set)
{
    put_le16(reg(slot, PCI_EXP_SLTSTA), (uint16_t)((status(slot) & ~clear) | set));
}

static bool has(const struct pcie_slot *slot, uint32_t flag)
{
    return slot->flags & flag;
}

int pcie_slot_init(struct pcie_slot *slot, struct pci_config *c, uint32_t number, uint32_t flags,
                   const struct pcie_slot_ops *ops, void *s)
{
    uint32_t caps = number << 19, wmask = 0;

    if (!pcie_is_downstream(c) || number > 0x1fff)
        return -EINVAL;
    if (flags & PCIE_SLOT_HOTPLUG) {
        caps |= HOTPLUG_CAPS;
        wmask |= CONTROL_WMASK;
    }
    if (flags & PCIE_SLOT_POWER) {
        caps |= PCI_EXP_SLTCAP_PCP;
        wmask |= PCI_EXP_SLTCTL_PCC;
    }
    *slot = (struct pcie_slot){.c = c, .ops = ops, .s = s, .flags = flags};
    pci_config_reg(c, c->exp + PCI_EXP_SLTCAP, 4, caps, 0, 0);
    pci_config_reg(c, c->exp + PCI_EXP_SLTCTL, 2, 0, wmask, 0);
    pci_config_reg(c, c->exp + PCI_EXP_SLTSTA, 2, 0, 0, flags & PCIE_SLOT_HOTPLUG ? EVENTS : 0);
    pci_config_vary(c, c->exp + PCI_EXP_SLTCTL, 4);
    pcie_slot_reset(slot);
    return 0;
}

/* ---- interrupt and link --------------------------------------------------------------- */

/* An event's enable bit has its status bit's place, but for the data link layer's
 * (7.5.3.10, 7.5.3.11). */
static bool irq_condition(const struct pcie_slot *slot)
{
    uint16_t enable = control(slot), due = status(slot) & enable & PCI_EXP_SLTSTA_EVENTS;

    if ((enable & PCI_EXP_SLTCTL_DLLSCE) && (status(slot) & PCI_EXP_SLTSTA_DLLSC))
        due |= PCI_EXP_SLTSTA_DLLSC;
    return (enable & PCI_EXP_SLTCTL_HPIE) && due;
}

static void tell_irq(struct pcie_slot *slot)
{
    bool level = irq_condition(slot);

    if (level == slot->irq)
        return;
    slot->irq = level;
    if (slot->ops->irq)
        slot->ops->irq(slot->s, level);
}

static bool powered(const struct pcie_slot *slot)
{
    return !has(slot, PCIE_SLOT_POWER) || !(control(slot) & PCI_EXP_SLTCTL_PCC);
}

/* Returns whether the link's state changed. */
static bool update_link(struct pcie_slot *slot)
{
    bool up = slot->present && powered(slot) && !pcie_link_disabled(slot->c);
    bool changed = up != slot->up;

    pcie_set_link(slot->c, up);
    slot->up = up;
    if (changed && slot->ops->link)
        slot->ops->link(slot->s, up);
    return changed;
}

static void event(struct pcie_slot *slot, uint16_t bits)
{
    if (has(slot, PCIE_SLOT_HOTPLUG))
        set_status(slot, 0, bits);
}

static void settle(struct pcie_slot *slot, uint16_t events)
{
    if (update_link(slot))
        events |= PCI_EXP_SLTSTA_DLLSC;
    event(slot, events);
    tell_irq(slot);
}

/* ---- the owner's side ----------------------------------------------------------------- */

static void set_present(struct pcie_slot *slot, bool present)
{
    slot->present = present;
    slot->ejecting = slot->asked = false;
    set_status(slot, PCI_EXP_SLTSTA_PDS, present ? PCI_EXP_SLTSTA_PDS : 0);
}

/* Off for good: without a power controller the indicator alone says so. */
static bool released(const struct pcie_slot *slot, uint16_t ctl)
{
    uint16_t fields = PCI_EXP_SLTCTL_PIC, off = PCI_EXP_SLTCTL_PWR_IND_OFF;

    if (has(slot, PCIE_SLOT_POWER)) {
        fields |= PCI_EXP_SLTCTL_PCC;
        off |= PCI_EXP_SLTCTL_PWR_OFF;
    }
    return (ctl & fields) == off;
}

static void eject(struct pcie_slot *slot)
{
    if (slot->ejecting)
        return;
    slot->ejecting = true;
    if (slot->ops->eject)
        slot->ops->eject(slot->s);
}

static void power_and_light(struct pcie_slot *slot, bool on)
{
    uint16_t set = on ? PCI_EXP_SLTCTL_PWR_IND_ON : PCI_EXP_SLTCTL_PWR_IND_OFF;

    if (has(slot, PCIE_SLOT_POWER) && !on)
        set |= PCI_EXP_SLTCTL_PWR_OFF;
    set_control(slot, PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC, set);
}

void pcie_slot_plug(struct pcie_slot *slot, bool hot)
{
    set_present(slot, true);
    if (hot) {
        /* the button too: the guest then powers the slot without waiting for somebody to press it
         */
        settle(slot, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
        return;
    }
    if (has(slot, PCIE_SLOT_HOTPLUG))
        power_and_light(slot, true);
    update_link(slot);
}

int pcie_slot_unplug_request(struct pcie_slot *slot)
{
    if (!has(slot, PCIE_SLOT_HOTPLUG))
        return -ENOTSUP;
    if (!slot->present)
        return -ENODEV;
    if ((control(slot) & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_BLINK)
        return -EBUSY;
    if (released(slot, control(slot))) {
        eject(slot);
        return 0;
    }
    slot->asked = true;
    settle(slot, PCI_EXP_SLTSTA_ABP);
    return 0;
}

void pcie_slot_removed(struct pcie_slot *slot)
{
    if (!slot->present)
        return;
    set_present(slot, false);
    settle(slot, PCI_EXP_SLTSTA_PDC);
}

void pcie_slot_reset(struct pcie_slot *slot)
{
    uint16_t lit = has(slot, PCIE_SLOT_HOTPLUG) ? PCI_EXP_SLTCTL_ATTN_IND_OFF : 0;

    set_present(slot, slot->present);
    set_status(slot, PCI_EXP_SLTSTA_EIS, 0);
    set_control(slot, UINT16_MAX, lit);
    if (has(slot, PCIE_SLOT_HOTPLUG))
        power_and_light(slot, slot->present);
    update_link(slot);
    tell_irq(slot);
}

void pcie_slot_refresh(struct pcie_slot *slot)
{
    slot->present = status(slot) & PCI_EXP_SLTSTA_PDS;
    slot->control = control(slot);
    update_link(slot);
    tell_irq(slot);
}

/* ---- the guest's side ----------------------------------------------------------------- */

/* The interlock control is a toggle that reads as 0; its state is in Slot Status. */
static void toggle_interlock(struct pcie_slot *slot)
{
    if (!(control(slot) & PCI_EXP_SLTCTL_EIC))
        return;
    set_control(slot, PCI_EXP_SLTCTL_EIC, 0);
    set_status(slot, status(slot) & PCI_EXP_SLTSTA_EIS, ~status(slot) & PCI_EXP_SLTSTA_EIS);
}

/* The indicator blinked as long as the guest was at it (6.7.1.1.2), and is lit again. */
static bool keeps(uint16_t old, uint16_t now)
{
    return (old & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_BLINK &&
           (now & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_ON;
}

static void refuse(struct pcie_slot *slot)
{
    slot->asked = false;
    if (slot->ops->refused)
        slot->ops->refused(slot->s);
}

/* Each write to any part of Slot Control is one command, done at once (6.7.3.2). The eject comes at
 * the change only: a guest that prepares a slot writes the control of one that is still off. */
static void command(struct pcie_slot *slot)
{
    uint16_t old = slot->control, now = control(slot);

    toggle_interlock(slot);
    settle(slot, PCI_EXP_SLTSTA_CC);
    if (slot->present && has(slot, PCIE_SLOT_HOTPLUG) && released(slot, now) &&
        !released(slot, old))
        eject(slot);
    else if (slot->asked && keeps(old, now))
        refuse(slot);
}

void pcie_slot_written(struct pcie_slot *slot, const struct pci_written *w)
{
    if (pci_written_hits(w, slot->c->exp + PCI_EXP_SLTCTL, 2))
        command(slot);
    else if (pci_written_hits(w, slot->c->exp + PCI_EXP_LNKCTL, 2) ||
             pci_written_hits(w, slot->c->exp + PCI_EXP_SLTSTA, 2))
        settle(slot, 0);
    slot->control = control(slot);
}
