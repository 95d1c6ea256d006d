/* SPDX-License-Identifier: BSD-2-Clause */
/* The reset control register as a southbridge's I/O port. Each kind of reset that it asks for
 * resets the machine: an INIT would keep the devices' state, and nothing that runs here wants the
 * difference. */
#ifndef RESET_PORT_H
#define RESET_PORT_H
#include "reset_cf9.h"
#include <tenon/core.h>

struct reset_port {
    struct reset_cf9 chip;
    struct tn_dev *dev;
};

/* In realize: the port is d's, its region called name. 0 or -errno with e. Needs TN_MACHINE_1 and
 * TN_REGION_1. [main] */
int reset_port_realize(struct reset_port *p, struct tn_dev *d, const char *name, struct tn_err *e);

/* Hardware reset. [main] */
void reset_port_reset(struct reset_port *p);

/* The row of a struct tn_field table that holds it; port is the member. */
#define RESET_PORT_FIELD(T, port) TN_FIELD_ROW(T, port.chip.rcr, "rcr", U8, 1)

#endif
