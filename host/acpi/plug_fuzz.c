/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the hotplug registers with accesses of a hostile guest while slots fill and empty: what is
 * ejected was there, and what is not there reads as nothing. Four bytes a step. */
#include "acpi/cpu_regs.h"
#include "acpi/mem_regs.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOTS = 5, STEP = 4 };

struct rig {
    struct plug_slot slot[SLOTS];
    uint32_t apic_id[SLOTS];
    struct mem_module module[SLOTS];
    struct cpu_regs cpu;
    struct mem_regs mem;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static int eject(void *opaque, uint32_t i)
{
    const struct rig *r = opaque;
    require(i < SLOTS && r->slot[i].present);
    return i != 0;
}

static void ost(void *opaque, uint32_t i)
{
    (void)opaque;
    require(i < SLOTS);
}

static const struct plug_env env = {eject, ost};

/* Sizes that a port access has, and now and then a value that is no slot. */
static void step(struct rig *r, const uint8_t *p)
{
    uint32_t off = p[1] % 32, size = 1u << p[0] % 3, v = p[2] | (p[3] & 0x80 ? 0xffffff00u : 0);
    switch (p[0] >> 2 & 7) {
    case 0:
        r->slot[p[2] % SLOTS].present = r->slot[p[2] % SLOTS].inserting = 1;
        break;
    case 1:
        r->slot[p[2] % SLOTS].removing = r->slot[p[2] % SLOTS].present;
        break;
    case 2:
    case 3:
        cpu_regs_write(&r->cpu, off, size, v);
        break;
    case 4:
        mem_regs_write(&r->mem, off, size, v);
        break;
    case 5:
        require(r->cpu.selector < SLOTS || cpu_regs_read(&r->cpu, off, size) == 0);
        break;
    case 6:
        require(r->mem.selector < SLOTS || mem_regs_read(&r->mem, off, size) == 0);
        break;
    default:
        cpu_regs_reset(&r->cpu);
        mem_regs_reset(&r->mem);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rig r;
    memset(&r, 0, sizeof r);
    r.cpu = (struct cpu_regs){
        .n = SLOTS, .slot = r.slot, .apic_id = r.apic_id, .env = &env, .opaque = &r};
    r.mem = (struct mem_regs){
        .n = SLOTS, .slot = r.slot, .module = r.module, .env = &env, .opaque = &r};
    for (size_t at = 0; at + STEP <= size; at += STEP) {
        step(&r, data + at);
        for (uint32_t i = 0; i < SLOTS; i++)
            require(r.slot[i].present || !r.slot[i].removing);
    }
    return 0;
}
