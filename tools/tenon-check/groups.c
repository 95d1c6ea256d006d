/* SPDX-License-Identifier: BSD-2-Clause */
/* The groups, in the order of running. */
#include "groups.h"

const struct check_group *const check_groups[] = {
    &group_life,
    &group_pci,
    &group_regions,
    &group_irq,
    &group_dma,
    &group_unplug,
    &group_threads,
    &group_fuzz,
    NULL,
};
