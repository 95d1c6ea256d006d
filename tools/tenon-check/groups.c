/* SPDX-License-Identifier: BSD-2-Clause */
/* The groups, in the order of running. */
#include "groups.h"

const struct check_group *const check_groups[] = {
    // clang-format off
    &group_file,
    &group_meta,
    &group_life,
    &group_props,
    &group_inject,
    &group_state,
    &group_reset,
    &group_pci,
    &group_vectors,
    &group_power,
    &group_regions,
    &group_irq,
    &group_dma,
    &group_unplug,
    &group_threads,
    &group_virtio,
    &group_bus,
    &group_addresses,
    &group_backend,
    &group_memory,
    &group_fuzz,
    NULL,
    // clang-format on
};
