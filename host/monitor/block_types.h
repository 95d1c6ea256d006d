/* SPDX-License-Identifier: BSD-2-Clause */
/* Members that types of disks share. */
#ifndef TN_MONITOR_BLOCK_TYPES_H
#define TN_MONITOR_BLOCK_TYPES_H

/* What the I/O of a disk is held to: rows of a table of struct qmp_member, in their order. */
#define BLOCK_LIMITS                                                                   \
    {"bps", "int", 0}, {"bps_rd", "int", 0}, {"bps_wr", "int", 0}, {"iops", "int", 0}, \
        {"iops_rd", "int", 0},                                                         \
    {                                                                                  \
        "iops_wr", "int", 0                                                            \
    }
#define BLOCK_BURST(k)            \
    {k "_max", "int", 1},         \
    {                             \
        k "_max_length", "int", 1 \
    }
#define BLOCK_BURSTS                                                                       \
    BLOCK_BURST("bps"), BLOCK_BURST("bps_rd"), BLOCK_BURST("bps_wr"), BLOCK_BURST("iops"), \
        BLOCK_BURST("iops_rd"), BLOCK_BURST("iops_wr"), {"iops_size", "int", 1},           \
    {                                                                                      \
        "group", "str", 1                                                                  \
    }

#endif
