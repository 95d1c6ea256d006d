/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TENON_CHECK_GROUPS_H
#define TENON_CHECK_GROUPS_H
#include "check.h"

extern const struct check_group group_life; /* group_life.c */
extern const struct check_group group_pci;
extern const struct check_group group_regions;
extern const struct check_group group_irq;
extern const struct check_group group_dma;
extern const struct check_group group_unplug;
extern const struct check_group group_threads;
extern const struct check_group group_fuzz;

#endif
