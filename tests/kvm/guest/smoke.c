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

static bool ascending(void)
{
    for (uint32_t i = 1; i < memory_map_len; i++)
        if (memory_map[i - 1].addr + memory_map[i - 1].size > memory_map[i].addr)
            return false;
    return true;
}

int guest_main(void)
{
    uint64_t want = arg_num("mem_mib", 0), total = ram_total() >> 20;

    ok(rdmsr(MSR_EFER) & EFER_LMA, "long mode is active");
    ok(memory_map_len > 0, "there is a memory map");
    ok(ascending(), "memory ranges ascend without overlap");
    ok(!want || (total <= want && total + 1 >= want), "%lu MiB of RAM, %lu expected", total, want);
    ok(arg("hello") && streq(arg("hello"), "world"), "hello=world arrives on the command line");
    ok_eq(mmio_read32(0xfee00030) & 0xff, 0x14, "local APIC version register reads");
    return 0;
}
