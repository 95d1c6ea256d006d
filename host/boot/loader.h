/* SPDX-License-Identifier: BSD-2-Clause */
/* What the image loaders share: the context of one boot_load and the steps that every format needs.
 */
#ifndef TN_BOOT_LOADER_H
#define TN_BOOT_LOADER_H
#include "boot/boot.h"
#include "boot/memmap.h"
#include "boot/source.h"

struct loader {
    const struct boot_files *files;
    const struct boot_mem *mem;
    const struct boot_layout *layout;
    struct boot_entry *out;
    struct memmap map;
    uint64_t work; /* guest-physical base of the work area, claimed */
    char **error;
};

/* The work area, by offset. */
#define WORK_GDT         0x0000ull /* boot/entry.c */
#define WORK_INFO        0x1000ull /* boot_params or hvm_start_info and what hangs off it: one page */
#define WORK_PAGE_TABLES 0x2000ull /* PML4, PDPT and four page directories */
#define WORK_CMDLINE     0x8000ull /* to the end of the area */
#define WORK_CMDLINE_LEN (BOOT_WORK_LEN - WORK_CMDLINE)

/* Host address of [gpa, gpa + len), or NULL with a line in *error that calls it what. */
void *loader_ptr(struct loader *ld, uint64_t gpa, uint64_t len, const char *what);

/* Copies the command line to the work area. max: the longest that the kernel takes, in bytes
 * without the NUL. Sets out->cmdline_gpa. Returns 0, or -errno with a line in *error. */
int loader_cmdline(struct loader *ld, const char *kernel, uint64_t max);

/* Reads the initrd, if one is given, to the top of free memory below limit, or below `beyond` when
 * that is higher and the first does not do. Sets out->initrd_*. Returns 0, or -errno with a line in
 * *error. */
int loader_initrd(struct loader *ld, uint64_t limit, uint64_t beyond);

#endif
