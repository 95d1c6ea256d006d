/* SPDX-License-Identifier: BSD-2-Clause */
/* A second CPU starts and the two send each other IPIs, each halted in between. ap=: its APIC id;
 * rounds=. */
#include "guest.h"

#define VECTOR_PING 0x60
#define VECTOR_PONG 0x61

static volatile uint32_t pings, pongs, ap_apic_id = UINT32_MAX;
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
    ap_apic_id = lapic_id();
}

int guest_main(void)
{
    uint32_t ap = (uint32_t)arg_num("ap", 1), rounds = (uint32_t)arg_num("rounds", 100), i = 0;

    bsp = lapic_id();
    irq_handle(VECTOR_PING, on_ping);
    irq_handle(VECTOR_PONG, on_pong);
    if (!ok(smp_start(ap, on_ap), "CPU with APIC id %u starts", ap))
        return 0;
    ok_eq(ap_apic_id, ap, "it reads its own APIC id");
    for (i = 0; i < rounds; i++) {
        lapic_ipi(ap, ICR_FIXED(VECTOR_PING));
        if (!wait_count(&pongs, i + 1, 1000))
            break;
    }
    ok_eq(pings, rounds, "every ping arrived");
    ok_eq(pongs, rounds, "every ping was answered");
    return 0;
}
