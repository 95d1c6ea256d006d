/* SPDX-License-Identifier: BSD-2-Clause */
/* A second CPU and a memory module come and go, by ACPI's registers (QEMU's docs/specs:
 * acpi_cpu_hotplug, acpi_mem_hotplug). What it waits for it says in lines that begin with "# want".
 * rounds=; hold=1: stays at the end, for a look at its memory. */
#include "guest.h"

#define CPU_SELECTOR 0x0cd8
#define CPU_FLAGS    0x0cdc
#define CPU_COMMAND  0x0cdd
#define CPU_DATA     0x0ce0
#define MEM_SELECTOR 0x0a00
#define MEM_ADDRESS  0x0a00
#define MEM_LENGTH   0x0a08
#define MEM_FLAGS    0x0a14
enum { ENABLED = 1, INSERTING = 2, REMOVING = 4, EJECT = 8, ARCH_ID = 3 };
enum { STEP_MS = 5, STEPS = 4000 };

#define GIB4     (4ull << 30)
#define PTE_RW   3ull
#define PTE_2M   (1ull << 7 | PTE_RW)
#define CR3_BASE 0x000ffffffffff000ull

static volatile uint32_t came;
static uint64_t above_4g[512] __attribute__((aligned(4096)));

/* What it looks like in a dump of memory. */
volatile struct {
    uint64_t magic[2];
    uint32_t rounds;
} mark = {{0x21756c702d6e6f6eull, 0x656e6f7421746e65ull}, 0};

static void on_ap(void)
{
    came++;
}

/* Halts until a flag of port is set (or clear, want 0). */
static bool wait_flag(uint16_t port, uint8_t flag, uint8_t want)
{
    for (uint32_t i = 0; i < STEPS; i++) {
        if ((in8(port) & flag) == want)
            return true;
        wait_ms(STEP_MS);
    }
    return false;
}

static uint32_t cpu_apic_id(void)
{
    out8(CPU_COMMAND, ARCH_ID);
    return in32(CPU_DATA);
}

static void cpu_round(uint32_t n)
{
    out32(CPU_SELECTOR, 1);
    print("# want cpu\n");
    if (!ok(wait_flag(CPU_FLAGS, INSERTING, INSERTING), "a CPU comes"))
        return;
    out8(CPU_FLAGS, INSERTING);
    ok_eq(in8(CPU_FLAGS), ENABLED, "its flags");
    uint32_t ap = cpu_apic_id();
    ok(smp_start(ap, on_ap), "CPU with APIC id %u starts", ap);
    ok_eq(came, n + 1, "it has run once for each time that it came");
    print("# want no cpu\n");
    if (!ok(wait_flag(CPU_FLAGS, REMOVING, REMOVING), "the CPU is wanted back"))
        return;
    out8(CPU_FLAGS, REMOVING);
    lapic_ipi(ap, ICR_INIT);
    out8(CPU_FLAGS, EJECT);
    ok(wait_flag(CPU_FLAGS, ENABLED, 0), "the CPU goes");
}

/* 4 to 5 GiB, in pages of 2 MiB. */
static void map_above_4g(void)
{
    uint64_t cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    uint64_t *pml4 = (uint64_t *)(cr3 & CR3_BASE), *pdpt = (uint64_t *)(pml4[0] & CR3_BASE);
    for (uint64_t i = 0; i < 512; i++)
        above_4g[i] = (GIB4 + (i << 21)) | PTE_2M;
    pdpt[4] = (uint64_t)above_4g | PTE_RW;
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static uint64_t mem_quad(uint16_t port)
{
    return in32(port) | (uint64_t)in32(port + 4) << 32;
}

/* What is let go of goes soon: when no device of the machine uses it. */
static bool wait_gone(uint64_t at)
{
    for (uint32_t i = 0; i < STEPS; i++) {
        if (mmio_read64(at) == UINT64_MAX)
            return true;
        wait_ms(STEP_MS);
    }
    return false;
}

static void mem_round(uint32_t n)
{
    out32(MEM_SELECTOR, 0);
    print("# want memory\n");
    if (!ok(wait_flag(MEM_FLAGS, INSERTING, INSERTING), "a module comes"))
        return;
    out8(MEM_FLAGS, INSERTING);
    uint64_t at = mem_quad(MEM_ADDRESS), len = mem_quad(MEM_LENGTH);
    ok(at >= GIB4 && len, "it is above 4 GiB");
    mmio_write64(at, 0x1122334455667788ull + n);
    mmio_write64(at + len - 8, 0x8877665544332211ull + n);
    ok_eq(mmio_read64(at), 0x1122334455667788ull + n, "its first bytes");
    ok_eq(mmio_read64(at + len - 8), 0x8877665544332211ull + n, "its last bytes");
    print("# want no memory\n");
    if (!ok(wait_flag(MEM_FLAGS, REMOVING, REMOVING), "the module is wanted back"))
        return;
    out8(MEM_FLAGS, REMOVING | EJECT);
    ok(wait_flag(MEM_FLAGS, ENABLED, 0), "the module goes");
    ok(wait_gone(at), "nobody answers there");
}

int guest_main(void)
{
    uint32_t rounds = (uint32_t)arg_num("rounds", 3);
    map_above_4g();
    for (uint32_t i = 0; i < rounds; i++) {
        mark.rounds = i + 1;
        cpu_round(i);
        mem_round(i);
    }
    if (arg_num("hold", 0)) {
        print("# want end\n");
        for (;;)
            wait_ms(1000);
    }
    return 0;
}
