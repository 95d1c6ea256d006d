/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/memmap.h"
#include "tap.h"
#include <errno.h>

#define MIB 0x100000ull

static const struct boot_mem mem = {.below_4g = 64 * MIB, .above_4g = 16 * MIB};

TEST(map_has_ram_and_the_legacy_hole)
{
    struct memmap m;
    CHECK_EQ(memmap_build(&m, &mem, NULL, 0), 0);
    CHECK_EQ(m.n_ranges, 4);
    CHECK_EQ(m.range[0].len, BOOT_LOW_TOP);
    CHECK_EQ(m.range[1].type, BOOT_RANGE_RESERVED);
    CHECK_EQ(m.range[2].gpa, MIB);
    CHECK_EQ(m.range[2].len, 63 * MIB);
    CHECK_EQ(m.range[3].gpa, BOOT_4G);
}

TEST(reserved_ranges_cut_ram)
{
    const struct boot_range r[] = {{32 * MIB, MIB, BOOT_RANGE_ACPI},
                                   {64 * MIB - 0x1000, 0x2000, BOOT_RANGE_RESERVED},
                                   {0xe0000, 0x1000, BOOT_RANGE_ACPI},
                                   {0xb0000000, 256 * MIB, BOOT_RANGE_RESERVED}};
    struct memmap m;
    CHECK_EQ(memmap_build(&m, &mem, r, 4), 0);
    CHECK_EQ(m.n_ranges, 8);
    for (uint32_t i = 1; i < m.n_ranges; i++)
        CHECK(m.range[i - 1].gpa + m.range[i - 1].len <= m.range[i].gpa);
    CHECK_EQ(m.range[4].gpa, 33 * MIB);
    CHECK_EQ(m.range[4].len, 31 * MIB - 0x1000);
    CHECK_EQ(memmap_claim(&m, 32 * MIB, 0x1000), -EFAULT);
}

TEST(whole_ram_range_may_be_reserved)
{
    const struct boot_range r = {BOOT_4G, 16 * MIB, BOOT_RANGE_RESERVED};
    struct memmap m;
    CHECK_EQ(memmap_build(&m, &mem, &r, 1), 0);
    CHECK_EQ(m.n_ranges, 4);
    CHECK_EQ(m.range[3].type, BOOT_RANGE_RESERVED);
}

TEST(bad_reserved_ranges_are_refused)
{
    const struct boot_range overlap[] = {{MIB, 0x1000, 2}, {MIB + 0xfff, 0x1000, 2}};
    const struct boot_range wrap = {UINT64_MAX - 1, 4, 2}, empty = {0x5000000, 0, 2};
    struct memmap m;
    CHECK_EQ(memmap_build(&m, &mem, overlap, 2), -EINVAL);
    CHECK_EQ(memmap_build(&m, &mem, &wrap, 1), -EINVAL);
    CHECK_EQ(memmap_build(&m, &mem, &empty, 1), -EINVAL);
}

TEST(too_many_ranges_are_refused)
{
    struct boot_range r[200];
    struct memmap m;
    for (uint32_t i = 0; i < 200; i++)
        r[i] = (struct boot_range){2 * MIB + i * 0x2000, 0x1000, 2};
    CHECK_EQ(memmap_build(&m, &mem, r, 200), -E2BIG);
}

TEST(claims_do_not_overlap)
{
    struct memmap m;
    CHECK_EQ(memmap_build(&m, &mem, NULL, 0), 0);
    CHECK_EQ(memmap_claim(&m, 2 * MIB, MIB), 0);
    CHECK_EQ(memmap_claim(&m, 3 * MIB - 1, 1), -EEXIST);
    CHECK_EQ(memmap_claim(&m, 2 * MIB - 1, 2), -EEXIST);
    CHECK_EQ(memmap_claim(&m, 3 * MIB, 1), 0);
    CHECK_EQ(memmap_claim(&m, 64 * MIB - 1, 2), -EFAULT);
    CHECK_EQ(memmap_claim(&m, UINT64_MAX, 2), -EFAULT);
    CHECK_EQ(memmap_claim(&m, 0x9f000, 0x1000), -EFAULT);
}

TEST(top_is_found_below_claims_and_limit)
{
    struct memmap m;
    uint64_t at;
    CHECK_EQ(memmap_build(&m, &mem, NULL, 0), 0);
    CHECK_EQ(memmap_find_top(&m, 0x1001, 0x1000, UINT64_MAX, &at), 0);
    CHECK_EQ(at, BOOT_4G + 16 * MIB - 0x2000);
    CHECK_EQ(memmap_find_top(&m, 0x1001, 0x1000, BOOT_4G, &at), 0);
    CHECK_EQ(at, 64 * MIB - 0x2000);
    CHECK_EQ(memmap_claim(&m, 60 * MIB, 4 * MIB), 0);
    CHECK_EQ(memmap_find_top(&m, 0x1001, 0x1000, BOOT_4G, &at), 0);
    CHECK_EQ(at, 60 * MIB - 0x2000);
    CHECK_EQ(memmap_find_top(&m, 60 * MIB, 0x1000, BOOT_4G, &at), -ENOSPC);
    CHECK_EQ(memmap_find_top(&m, 65 * MIB, 0x1000, UINT64_MAX, &at), -ENOSPC);
    CHECK_EQ(memmap_find_top(&m, UINT64_MAX, 0x1000, UINT64_MAX, &at), -ENOSPC);
}

TEST(low_is_found_above_claims)
{
    struct memmap m;
    uint64_t at;
    CHECK_EQ(memmap_build(&m, &mem, NULL, 0), 0);
    CHECK_EQ(memmap_claim(&m, 2 * MIB, MIB), 0);
    CHECK_EQ(memmap_find_low(&m, MIB, 2 * MIB, 2 * MIB, BOOT_4G, &at), 0);
    CHECK_EQ(at, 4 * MIB);
    CHECK_EQ(memmap_find_low(&m, MIB, MIB, UINT64_MAX - 5, UINT64_MAX, &at), -ENOSPC);
    CHECK_EQ(memmap_find_low(&m, 63 * MIB, MIB, 2 * MIB, BOOT_4G, &at), -ENOSPC);
}

int main(void)
{
    RUN(map_has_ram_and_the_legacy_hole);
    RUN(reserved_ranges_cut_ram);
    RUN(whole_ram_range_may_be_reserved);
    RUN(bad_reserved_ranges_are_refused);
    RUN(too_many_ranges_are_refused);
    RUN(claims_do_not_overlap);
    RUN(top_is_found_below_claims_and_limit);
    RUN(low_is_found_above_claims);
    return tap_done();
}
