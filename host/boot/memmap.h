/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's memory map while an image is being loaded: what is RAM, and which of it is taken. */
#ifndef TN_BOOT_MEMMAP_H
#define TN_BOOT_MEMMAP_H
#include "boot/boot.h"

#define BOOT_4G      0x100000000ull
#define BOOT_1M      0x100000ull
#define BOOT_PAGE    0x1000ull
#define BOOT_LOW_TOP 0x9fc00ull /* end of conventional memory: a PC keeps its EBDA above */

/* E820 in boot_params has room for 128 entries; a page holds 126 of PVH's beside hvm_start_info. */
#define MEMMAP_MAX_RANGES 126
#define MEMMAP_MAX_CLAIMS 96

struct memmap {
    struct boot_range range[MEMMAP_MAX_RANGES]; /* ascending, disjoint */
    uint32_t n_ranges;
    struct {
        uint64_t gpa, end;
    } claim[MEMMAP_MAX_CLAIMS]; /* in the order of claiming */
    uint32_t n_claims;
};

/* Fills map from m's RAM, the legacy hole below 1 MiB and the n reserved ranges, which win over
 * RAM. Returns 0, -EINVAL (a range is empty, wraps, or overlaps another reserved one) or -E2BIG. */
int memmap_build(struct memmap *map, const struct boot_mem *m, const struct boot_range *reserved,
                 uint32_t n);

/* Takes [gpa, gpa + len). Returns 0, -EFAULT if it is not wholly inside one RAM range (or wraps),
 * -EEXIST if part of it is taken, -E2BIG if too much was claimed. len 0 is granted anywhere. */
int memmap_claim(struct memmap *map, uint64_t gpa, uint64_t len);

/* Finds the highest free gpa, a multiple of align (a power of two), with gpa + len <= limit. Claims
 * nothing. Returns 0 or -ENOSPC. */
int memmap_find_top(const struct memmap *map, uint64_t len, uint64_t align, uint64_t limit,
                    uint64_t *gpa);

/* Finds the lowest free gpa >= from, a multiple of align (a power of two), with gpa + len <= limit.
 * Claims nothing. Returns 0 or -ENOSPC. */
int memmap_find_low(const struct memmap *map, uint64_t len, uint64_t align, uint64_t from,
                    uint64_t limit, uint64_t *gpa);

#endif
