/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/memmap.h"
#include <errno.h>
#include <string.h>

static int insert(struct memmap *map, uint32_t at, struct boot_range r)
{
    if (map->n_ranges == MEMMAP_MAX_RANGES)
        return -E2BIG;
    memmove(&map->range[at + 1], &map->range[at], (map->n_ranges - at) * sizeof r);
    map->range[at] = r;
    map->n_ranges++;
    return 0;
}

static void drop(struct memmap *map, uint32_t at)
{
    map->n_ranges--;
    memmove(&map->range[at], &map->range[at + 1], (map->n_ranges - at) * sizeof map->range[0]);
}

/* Cuts [gpa, end) out of RAM range i; returns how many ranges are left of it, or -errno. */
static int carve(struct memmap *map, uint32_t i, uint64_t gpa, uint64_t end)
{
    struct boot_range *r = &map->range[i], tail = *r;
    uint64_t r_end = r->gpa + r->len;
    bool head_left = r->gpa < gpa, tail_left = end < r_end;

    if (tail_left) {
        tail.gpa = end;
        tail.len = r_end - end;
    }
    if (head_left)
        r->len = gpa - r->gpa;
    else if (tail_left)
        *r = tail;
    else
        drop(map, i);
    if (head_left && tail_left) {
        int err = insert(map, i + 1, tail);
        return err ? err : 2;
    }
    return head_left || tail_left;
}

/* Adds r, which takes its bytes from RAM. */
static int overlay(struct memmap *map, struct boot_range r)
{
    uint64_t end;
    uint32_t i = 0;

    if (!r.len || __builtin_add_overflow(r.gpa, r.len, &end))
        return -EINVAL;
    while (i < map->n_ranges) {
        const struct boot_range *have = &map->range[i];
        if (have->gpa >= end || r.gpa >= have->gpa + have->len) {
            i++;
            continue;
        }
        if (have->type != BOOT_RANGE_RAM)
            return -EINVAL;
        int left = carve(map, i, r.gpa, end);
        if (left < 0)
            return left;
        i += (uint32_t)left;
    }
    for (i = 0; i < map->n_ranges && map->range[i].gpa < r.gpa; i++)
        ;
    return insert(map, i, r);
}

int memmap_build(struct memmap *map, const struct boot_mem *m, const struct boot_range *reserved,
                 uint32_t n)
{
    const struct boot_range hole = {BOOT_LOW_TOP, BOOT_1M - BOOT_LOW_TOP, BOOT_RANGE_RESERVED};
    uint64_t end;

    memset(map, 0, sizeof *map);
    if (m->below_4g > BOOT_4G || __builtin_add_overflow(m->above_4g, BOOT_4G, &end))
        return -EINVAL;
    if (m->below_4g)
        map->range[map->n_ranges++] = (struct boot_range){0, m->below_4g, BOOT_RANGE_RAM};
    if (m->above_4g)
        map->range[map->n_ranges++] = (struct boot_range){BOOT_4G, m->above_4g, BOOT_RANGE_RAM};
    int err = overlay(map, hole);
    for (uint32_t i = 0; i < n && !err; i++) {
        /* The hole below 1 MiB is reserved already: ACPI tables or firmware there need no second
         * entry. */
        if (reserved[i].gpa >= hole.gpa && reserved[i].len <= BOOT_1M - hole.gpa &&
            reserved[i].gpa <= BOOT_1M - reserved[i].len)
            continue;
        err = overlay(map, reserved[i]);
    }
    return err;
}

static int first_claim_in(const struct memmap *map, uint64_t gpa, uint64_t end)
{
    for (uint32_t i = 0; i < map->n_claims; i++)
        if (gpa < map->claim[i].end && map->claim[i].gpa < end)
            return (int)i;
    return -1;
}

static bool is_ram(const struct memmap *map, uint64_t gpa, uint64_t end)
{
    for (uint32_t i = 0; i < map->n_ranges; i++) {
        const struct boot_range *r = &map->range[i];
        if (r->type == BOOT_RANGE_RAM && gpa >= r->gpa && end <= r->gpa + r->len)
            return true;
    }
    return false;
}

int memmap_claim(struct memmap *map, uint64_t gpa, uint64_t len)
{
    uint64_t end;

    if (!len)
        return 0;
    if (__builtin_add_overflow(gpa, len, &end) || !is_ram(map, gpa, end))
        return -EFAULT;
    if (first_claim_in(map, gpa, end) >= 0)
        return -EEXIST;
    if (map->n_claims == MEMMAP_MAX_CLAIMS)
        return -E2BIG;
    map->claim[map->n_claims].gpa = gpa;
    map->claim[map->n_claims].end = end;
    map->n_claims++;
    return 0;
}

static bool find_top_in(const struct memmap *map, const struct boot_range *r, uint64_t len,
                        uint64_t align, uint64_t limit, uint64_t *gpa)
{
    uint64_t end = r->gpa + r->len;

    for (end = end < limit ? end : limit; end >= len;) {
        uint64_t at = (end - len) & ~(align - 1);
        if (at < r->gpa)
            return false;
        int taken = first_claim_in(map, at, at + len);
        if (taken < 0) {
            *gpa = at;
            return true;
        }
        end = map->claim[taken].gpa;
    }
    return false;
}

int memmap_find_top(const struct memmap *map, uint64_t len, uint64_t align, uint64_t limit,
                    uint64_t *gpa)
{
    for (uint32_t i = map->n_ranges; i-- > 0;)
        if (map->range[i].type == BOOT_RANGE_RAM &&
            find_top_in(map, &map->range[i], len, align, limit, gpa))
            return 0;
    return -ENOSPC;
}

static bool find_low_in(const struct memmap *map, const struct boot_range *r, uint64_t len,
                        uint64_t align, uint64_t from, uint64_t limit, uint64_t *gpa)
{
    uint64_t end = r->gpa + r->len < limit ? r->gpa + r->len : limit;
    uint64_t at = from > r->gpa ? from : r->gpa;

    for (;;) {
        if (__builtin_add_overflow(at, align - 1, &at))
            return false;
        at &= ~(align - 1);
        if (at > end || end - at < len)
            return false;
        int taken = first_claim_in(map, at, at + len);
        if (taken < 0) {
            *gpa = at;
            return true;
        }
        at = map->claim[taken].end;
    }
}

int memmap_find_low(const struct memmap *map, uint64_t len, uint64_t align, uint64_t from,
                    uint64_t limit, uint64_t *gpa)
{
    for (uint32_t i = 0; i < map->n_ranges; i++)
        if (map->range[i].type == BOOT_RANGE_RAM &&
            find_low_in(map, &map->range[i], len, align, from, limit, gpa))
            return 0;
    return -ENOSPC;
}
