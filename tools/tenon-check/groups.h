/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TENON_CHECK_GROUPS_H
#define TENON_CHECK_GROUPS_H
#include "check.h"

/* Each in group_NAME.c */
extern const struct check_group group_file;
extern const struct check_group group_meta;
extern const struct check_group group_life;
extern const struct check_group group_props;
extern const struct check_group group_inject;
extern const struct check_group group_state;
extern const struct check_group group_reset;
extern const struct check_group group_pci;
extern const struct check_group group_regions;
extern const struct check_group group_vectors;
extern const struct check_group group_power;
extern const struct check_group group_memory;
extern const struct check_group group_addresses;
extern const struct check_group group_irq;
extern const struct check_group group_dma;
extern const struct check_group group_unplug;
extern const struct check_group group_threads;
extern const struct check_group group_fuzz;
extern const struct check_group group_virtio;
extern const struct check_group group_backend;
extern const struct check_group group_bus;

#endif
