/* SPDX-License-Identifier: BSD-2-Clause */
/* Power management of the LPC bridge: the ACPI PM block in I/O space, its SCI, its events, and what
 * ACPI is told of it. The chip is only touched with the device's lock held; events may be raised in
 * any thread and under any leaf lock: a bottom half latches them. */
#ifndef ICH9_PM_H
#define ICH9_PM_H
#include "acpi/pm/acpi_pm.h"
#include "util/buf.h"
#include <tenon/acpi.h>
#include <tenon/core.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/region.h>

#define ICH9_PM_EVENTS 64u /* bits of GPE0 */

struct ich9_pm {
    struct acpi_pm chip;
    struct tn_dev *dev;
    const struct tn_machine *machine;
    const struct tn_irq *irq;
    const struct tn_loop *loop;
    const struct tn_regions *regions;
    struct tn_region *block; /* ICH9_PM_LEN bytes of I/O space at PMBASE */
    struct tn_line *sci;
    struct tn_timer *timer;
    struct tn_bh *latch;
    uint64_t raised; /* atomic: GPEs that latch is to deliver */
    uint64_t known;  /* GPEs that have a method */
    struct buf method[ICH9_PM_EVENTS];
    uint16_t base; /* PMBASE now */
};

/* Takes ports, line, timer and hooks. 0 or -errno with e. [main] */
int ich9_pm_realize(struct ich9_pm *p, struct tn_dev *d, struct tn_err *e);
/* The block is at base now, or nowhere. [main][vcpu][dev] */
void ich9_pm_place(struct ich9_pm *p, uint16_t base, uint32_t on);
void ich9_pm_reset(struct ich9_pm *p);
/* Before a save: delivers what was raised. */
void ich9_pm_settle(struct ich9_pm *p);
void ich9_pm_loaded(struct ich9_pm *p);
void ich9_pm_fini(struct ich9_pm *p);

/* TN_ACPI_PM_1; its functions take a struct ich9_pm. */
extern const struct tn_acpi_pm_ops ich9_pm_ops;

#endif
