/* SPDX-License-Identifier: BSD-2-Clause */
/* Intel SDM volume 3, 9.4.4.1: INIT, 10 ms, start-up IPI. */
#include "guest.h"

#define TRAMPOLINE     0x8000ul /* RAM below 1 MiB that nothing else uses; page 8 */
#define VECTOR_ARRIVED 0xe0

extern const uint8_t ap_trampoline[], ap_trampoline_end[];
void ap_start(void);

static void (*ap_fn)(void);
static uint32_t bsp_id;
static volatile uint32_t arrived;

static void on_arrived(void)
{
    arrived++;
}

void ap_start(void)
{
    irq_init();
    lapic_init();
    ap_fn();
    lapic_ipi(bsp_id, ICR_FIXED(VECTOR_ARRIVED));
    for (;;)
        irq_on_halt_off();
}

bool smp_start(uint32_t apic_id, void (*fn)(void))
{
    arrived = 0;
    ap_fn = fn;
    bsp_id = lapic_id();
    irq_handle(VECTOR_ARRIVED, on_arrived);
    memcpy((void *)TRAMPOLINE, ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    lapic_ipi(apic_id, ICR_INIT);
    wait_ms(10);
    lapic_ipi(apic_id, ICR_SIPI(TRAMPOLINE >> 12));
    return wait_count(&arrived, 1, 1000);
}
