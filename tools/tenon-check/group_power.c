/* SPDX-License-Identifier: BSD-2-Clause */
/* Power states of a function: PCI Power Management 1.2 (PM), PCI Express Base 5.0 5.3.1.4. In D3hot
 * the host answers its configuration space and nothing else of it. */
#include "drive.h"
#include "host_pci.h"
#include <linux/pci_regs.h>

enum { STEPS = 120, ROUNDS = 6, D0 = 0, D3HOT = 3 };
#define SECOND 1000000000u

/* Offset of the capability; skips the test where there is none. */
static uint32_t needs_pm(struct check *c, struct dev *d)
{
    uint32_t pm = pci_find_cap(d->pci, PCI_CAP_ID_PM);
    if (!pm)
        check_skip(c, "it has no power management");
    return pm;
}

static void to(struct dev *d, uint32_t pm, uint32_t state)
{
    pci_cfg_write(d, pm + PCI_PM_CTRL, state, 2);
}

static uint32_t keeps_context(struct dev *d, uint32_t pm)
{
    return pci_cfg_read(d, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_NO_SOFT_RESET;
}

/* In the middle of its work: "it may not initiate anything but PME" (PM 5.4.1). */
static void silent(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    uint32_t pm = needs_pm(c, d);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        pci_enable_irq(d, i % (TN_IRQ_MSIX + 1));
        drive_regs(h, &c->rng, STEPS);
        to(d, pm, D3HOT);
        uint64_t ram = ram_sum(h), messages = h->log.messages;
        host_run(h, SECOND);
        CHECK(c, ram_sum(h) == ram, "RAM has changed while the function was in D3hot");
        CHECK(c, h->log.messages == messages, "a message was written while it was in D3hot");
        to(d, pm, D0);
        pci_firmware(d);
    }
    check_end(c, h, d);
}

/* No_Soft_Reset (PM 3.2.4): all is as it was, and else as after a reset. */
static void context(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct st_part fresh = {0}, now = {0}, before = {0};
    BUF_AUTO where = {0};
    uint32_t pm = needs_pm(c, d), keeps = keeps_context(d, pm);
    drive_reset(d, TN_RESET_PM);
    if (drive_save(d, &fresh) < 0)
        check_skip(c, "it has no state to compare");
    pci_firmware(d);
    drive_regs(h, &c->rng, 2 * STEPS);
    to(d, pm, D3HOT);
    drive_save(d, &before);
    to(d, pm, D0);
    drive_save(d, &now);
    CHECK(c, !st_differs(keeps ? &before : &fresh, &now, c->o->sticky, &where),
          "back from D3hot %s: %s (%s, now)",
          keeps ? "the state is not what it was, though No_Soft_Reset is set"
                : "the state is not that of a fresh device, though No_Soft_Reset is clear",
          buf_cstr(&where), keeps ? "before" : "fresh");
    st_free(&fresh);
    st_free(&before);
    st_free(&now);
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"silent", "in D3hot neither DMA nor messages leave the function",
     "PCI Power Management 1.2 5.4.1", CT_CLASS, needs_pci, silent},
    {"context", "back in D0 the state is what it was, or a fresh one, as No_Soft_Reset says",
     "PCI Power Management 1.2 3.2.4", CT_CLASS, needs_pci, context},
    {0},
};

const struct check_group group_power = {"power", tests};
