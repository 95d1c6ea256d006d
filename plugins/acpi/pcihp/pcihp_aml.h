/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's driver for the registers, in AML. */
#ifndef PCIHP_AML_H
#define PCIHP_AML_H
#include "util/buf.h"

/* For \_SB: in PCI0 the registers at port base, PCEJ, PCRF and PCNT. names: of each slot's
 * Device(), NULL where nothing can be plugged. */
void pcihp_aml_bus(struct buf *a, uint32_t base, const char *const names[32]);
/* Into the Device() of a slot: _SUN, _EJ0, _OST. */
void pcihp_aml_slot(struct buf *a, uint32_t slot);
/* The body of the event's method. */
void pcihp_aml_event(struct buf *a);

#endif
