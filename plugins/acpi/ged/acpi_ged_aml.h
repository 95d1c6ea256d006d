/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ACPI name space says of the GED. Main thread. */
#ifndef ACPI_GED_AML_H
#define ACPI_GED_AML_H
#include "util/buf.h"

/* Bits 0 to 7 are those that QEMU's tables know (ged_regs.h); the host gives out the others. */
#define GED_HOST_FIRST    8u
#define GED_HOST_EVENTS   24u
#define GED_HOST_EVENT(n) (1u << (GED_HOST_FIRST + (n)))

/* The bodies of the events' methods; zero-initialized: none. Freed with ged_aml_free(). */
struct ged_aml {
    struct buf body[GED_HOST_EVENTS];
    uint32_t known; /* bit n: event n has a body, which may be empty */
};

/* Event n (< GED_HOST_EVENTS) runs len bytes of AML; copied, replaces an earlier one. */
void ged_aml_method(struct ged_aml *g, uint32_t n, const void *body, uint32_t len);
void ged_aml_free(struct ged_aml *g);

/* Appends to a, for \_SB: the device, whose selector is at address and whose interrupt the n_irq
 * bytes of resource descriptor irq describe, and the power button. */
void ged_aml_device(struct buf *a, const struct ged_aml *g, uint64_t address, const void *irq,
                    uint32_t n_irq);

/* Appends to a, for the root: \_S5 with that SLP_TYP (ACPI 6.5 7.4.2). */
void ged_aml_s5(struct buf *a, uint32_t slp_typ);

#endif
