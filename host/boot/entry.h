/* SPDX-License-Identifier: BSD-2-Clause */
/* The state in which a kernel is entered: registers, GDT and page tables. */
#ifndef TN_BOOT_ENTRY_H
#define TN_BOOT_ENTRY_H
#include "boot/loader.h"

/* Linux 64-bit entry: long mode, the first 4 GiB identity-mapped, __BOOT_CS 0x10, __BOOT_DS 0x18.
 * rip and boot_params are guest-physical. Returns 0, or -errno with a line in *error. */
int entry_linux64(struct loader *ld, uint64_t rip, uint64_t boot_params);

/* PVH entry: flat 32-bit protected mode without paging. Returns 0, or -errno with a line in *error.
 */
int entry_pvh(struct loader *ld, uint32_t rip, uint64_t start_info);

#endif
