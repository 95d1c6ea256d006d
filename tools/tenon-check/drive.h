/* SPDX-License-Identifier: BSD-2-Clause */
/* What the groups that drive devices have in common. */
#ifndef TENON_CHECK_DRIVE_H
#define TENON_CHECK_DRIVE_H
#include "host.h"
#include "state_tree.h"

/* n steps of a guest that touches registers, and of time; RAM and configuration space stay as they
 * are. */
void drive_regs(struct host *h, struct rng *r, uint32_t n);
/* n steps of guest_step(). */
void drive_all(struct host *h, struct rng *r, uint32_t n);
/* A number that changes with the contents of guest RAM. */
uint64_t ram_sum(struct host *h);
/* The state of d, which runs and goes on running; *out is to be freed. 0; or -errno: it has none,
 * or cannot be saved now. */
int drive_save(struct dev *d, struct st_part *out);
/* Quiesce and reset of kind TN_RESET_*, as the machine does it, and on. */
void drive_reset(struct dev *d, uint32_t kind);
/* Interrupt lines of d that are asserted, INTx included; the first one's name in *name. */
uint32_t lines_up(const struct dev *d, const char **name);

/* NULL if the class is one of that kind, else why the test is none for it. */
const char *needs_pci(const struct check *c);
const char *needs_device(const struct check *c);

#endif
