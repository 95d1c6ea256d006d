/* SPDX-License-Identifier: BSD-2-Clause */
/* Long mode is reached and the start info makes sense. */
#include "guest.h"

#define MSR_EFER 0xc0000080u
#define EFER_LMA 0x400u
#define TYPE_RAM 1

static uint64_t ram_total(void)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < memory_map_len; i++) {
        const struct memory_range *r = &memory_map[i];
        print("# 0x%016lx-0x%016lx type %u\n", r->addr, r->addr + r->size - 1, r->type);
        sum += r->type == TYPE_RAM ? r->size : 0;
    }
    return sum;
}

static bool apart(const struct memory_range *a, const struct memory_range *b)
{
    return a->addr + a->size <= b->addr || b->addr + b->size <= a->addr;
}

static bool disjoint(void)
{
    for (uint32_t i = 1; i < memory_map_len; i++)
        for (uint32_t j = 0; j < i; j++)
            if (!apart(&memory_map[i], &memory_map[j]))
                return false;
    return true;
}

int guest_main(void)
{
    uint64_t want = arg_num("mem_mib", 0), total = ram_total() >> 20;

    ok(rdmsr(MSR_EFER) & EFER_LMA, "long mode is active");
    ok(memory_map_len > 0, "there is a memory map");
    ok(disjoint(), "memory ranges do not overlap");
    if (want) /* firmware may keep some of it */
        ok(total <= want && total + 1 >= want, "%lu MiB of RAM, %lu expected", total, want);
    ok(arg("hello") && streq(arg("hello"), "world"), "hello=world arrives on the command line");
    ok_eq(lapic_version() & 0xf0, 0x10, "the local APIC is an integrated one");
    return 0;
}
