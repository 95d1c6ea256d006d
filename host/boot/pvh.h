/* SPDX-License-Identifier: BSD-2-Clause */
/* hvm_start_info and what hangs off it: what a PVH kernel finds at ebx. Offsets as in Xen's
 * public/arch-x86/hvm/start_info.h; all little-endian. */
#ifndef TN_BOOT_PVH_H
#define TN_BOOT_PVH_H
#include "boot/loader.h"

#define HVM_START_MAGIC_VALUE 0x336ec578u

/* struct hvm_start_info, version 1 */
#define SI_MAGIC          0x00 /* 4 */
#define SI_VERSION        0x04 /* 4 */
#define SI_FLAGS          0x08 /* 4 */
#define SI_NR_MODULES     0x0c /* 4 */
#define SI_MODLIST_PADDR  0x10 /* 8 */
#define SI_CMDLINE_PADDR  0x18 /* 8 */
#define SI_RSDP_PADDR     0x20 /* 8 */
#define SI_MEMMAP_PADDR   0x28 /* 8 */
#define SI_MEMMAP_ENTRIES 0x30 /* 4 */
#define SI_LEN            0x38

/* struct hvm_modlist_entry */
#define MOD_PADDR         0x00 /* 8 */
#define MOD_SIZE          0x08 /* 8 */
#define MOD_CMDLINE_PADDR 0x10 /* 8 */
#define MOD_LEN           0x20

/* struct hvm_memmap_table_entry */
#define MM_ADDR      0x00 /* 8 */
#define MM_SIZE      0x08 /* 8 */
#define MM_TYPE      0x10 /* 4 */
#define MM_ENTRY_LEN 0x18

/* Writes start info, module list and memory map to the info page of the work area, from ld->map,
 * ld->layout and the places in ld->out. Returns 0, or -errno with a line in *ld->error. */
int pvh_start_info(struct loader *ld);

#endif
