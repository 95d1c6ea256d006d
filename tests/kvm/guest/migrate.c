/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that notices when it is not what it was a moment ago: memory that it writes all the time,
 * a second CPU that answers each round, timer interrupts, clocks, debug registers. rounds=, pages=
 * (of 4 KiB, from 32 MiB on), ap=: APIC id of the second CPU, 0: there is none. */
#include "guest.h"

#define VECTOR_PING 0x60
#define VECTOR_PONG 0x61
#define BASE        (32ull << 20)
#define WORDS       512 /* of a page */
#define MAGIC       0x74656e6f6e0000ull

static volatile uint32_t pings, pongs;
static uint32_t bsp;

static void on_ping(void) /* on the second CPU */
{
    pings++;
    lapic_ipi(bsp, ICR_FIXED(VECTOR_PONG));
}

static void on_pong(void)
{
    pongs++;
}

static void on_ap(void)
{
}

static uint64_t db0(void)
{
    uint64_t v;
    __asm__ volatile("mov %%db0, %0" : "=r"(v));
    return v;
}

/* First and last word of each page say which round was the last to write it. 0, or the page that
 * says something else, counted from 1. */
static uint64_t write_pages(uint64_t pages, uint64_t round)
{
    uint64_t bad = 0;
    for (uint64_t i = 0; i < pages; i++) {
        volatile uint64_t *p = (volatile uint64_t *)(BASE + i * 4096);
        if (!bad && (p[0] != round - 1 + i || p[WORDS - 1] != ~(round - 1 + i)))
            bad = i + 1;
        p[0] = round + i;
        p[WORDS - 1] = ~(round + i);
    }
    return bad;
}

static void first_pages(uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        volatile uint64_t *p = (volatile uint64_t *)(BASE + i * 4096);
        p[0] = i;
        p[WORDS - 1] = ~i;
    }
}

int guest_main(void)
{
    uint32_t rounds = (uint32_t)arg_num("rounds", 1000), ap = (uint32_t)arg_num("ap", 0), round;
    uint64_t pages = arg_num("pages", 1024), bad = 0, tsc = rdtsc(), back = 0;

    bsp = lapic_id();
    irq_handle(VECTOR_PING, on_ping);
    irq_handle(VECTOR_PONG, on_pong);
    if (ap)
        ok(smp_start(ap, on_ap), "CPU with APIC id %u starts", ap);
    __asm__ volatile("mov %0, %%db0" ::"r"(MAGIC));
    first_pages(pages);
    for (round = 1; round <= rounds && !bad; round++) {
        uint64_t now;
        bad = write_pages(pages, round);
        if (ap) {
            lapic_ipi(ap, ICR_FIXED(VECTOR_PING));
            if (!wait_count(&pongs, round, 5000))
                break;
        }
        wait_ms(1);
        now = rdtsc();
        back += now < tsc;
        tsc = now;
        if (round % 50 == 0)
            print("# round %u\n", round);
    }
    ok_eq(round, rounds + 1, "all rounds were run");
    ok_eq(bad, 0, "every page had what was written");
    ok_eq(back, 0, "the time stamp counter never went back");
    ok_eq(db0(), MAGIC, "a debug register kept its value");
    if (ap)
        ok_eq(pings, rounds, "every ping arrived");
    return 0;
}
