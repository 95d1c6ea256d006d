/* SPDX-License-Identifier: BSD-2-Clause */
/* IDT, local APIC, IOAPIC. Intel SDM volume 3, chapters 6 and 11; 82093AA datasheet. */
#include "guest.h"

#define SEL_CODE64 0x08
#define GATE_INT   0x8e00 /* present, DPL 0, 64-bit interrupt gate */
#define STUB_LEN   16
#define VECTORS    256

struct gate {
    uint16_t low, selector, type, mid;
    uint32_t high, reserved;
};

extern const uint8_t irq_stubs[];
void irq_dispatch(uint64_t vector, uint64_t error, uint64_t rip);

static struct gate idt[VECTORS] __attribute__((aligned(16)));
static irq_handler *handler[VECTORS];
volatile uint32_t irq_last;

/* Local APIC registers: offsets in the xAPIC page; x2APIC has MSR 0x800 + offset / 16 */
#define LAPIC_BASE      0xfee00000u
#define LAPIC_ID        0x020
#define LAPIC_VERSION   0x030
#define LAPIC_TPR       0x080
#define LAPIC_EOI       0x0b0
#define LAPIC_SVR       0x0f0
#define LAPIC_ICR_LOW   0x300
#define LAPIC_ICR_HIGH  0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_TMICT     0x380
#define LAPIC_TMCCT     0x390
#define LAPIC_TDCR      0x3e0

#define SVR_ENABLE    0x100
#define LVT_MASKED    0x10000
#define LVT_PERIODIC  0x20000
#define TDCR_DIV16    0x3
#define TIMER_NS      16 /* a tick: the bus clock of KVM and of QEMU is 1 GHz */
#define TICK_MS       10
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_EN  0x800
#define APIC_BASE_EXT 0x400

#define IOAPIC_BASE   0xfec00000u
#define IOREGSEL      0x00
#define IOWIN         0x10
#define IOAPICVER     0x01
#define IOREDTBL(pin) (0x10 + 2 * (pin))

static bool x2apic;

static uint32_t lapic_read(uint32_t reg)
{
    return x2apic ? (uint32_t)rdmsr(0x800 + reg / 16) : mmio_read32(LAPIC_BASE + reg);
}

static void lapic_write(uint32_t reg, uint32_t v)
{
    if (x2apic)
        wrmsr(0x800 + reg / 16, v);
    else
        mmio_write32(LAPIC_BASE + reg, v);
}

void irq_dispatch(uint64_t vector, uint64_t error, uint64_t rip)
{
    if (vector == VECTOR_SPURIOUS)
        return;
    if (!handler[vector])
        panic("unexpected vector 0x%lx, error 0x%lx, at 0x%lx", vector, error, rip);
    irq_last = (uint32_t)vector;
    handler[vector]();
    lapic_write(LAPIC_EOI, 0);
}

static void fill_idt(void)
{
    for (uint32_t i = 0; i < VECTORS; i++) {
        uint64_t at = (uint64_t)irq_stubs + i * STUB_LEN;
        idt[i] = (struct gate){(uint16_t)at,         SEL_CODE64,           GATE_INT,
                               (uint16_t)(at >> 16), (uint32_t)(at >> 32), 0};
    }
}

void irq_init(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) p = {sizeof idt - 1, (uint64_t)idt};

    if (!idt[0].selector)
        fill_idt();
    __asm__ volatile("lidt %0" : : "m"(p));
}

void irq_handle(uint8_t vector, irq_handler *fn)
{
    handler[vector] = fn;
}

static volatile uint32_t timer_count;

static void on_timer(void)
{
    timer_count++;
}

static bool has_x2apic(void)
{
    uint32_t r[4];
    cpuid(1, r);
    return r[2] & 1u << 21;
}

void lapic_init(void)
{
    x2apic = arg_num("x2apic", 0) && has_x2apic();
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_EN | (x2apic ? APIC_BASE_EXT : 0));
    out8(0x21, 0xff); /* both 8259, if there are any: silent */
    out8(0xa1, 0xff);
    lapic_write(LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_TDCR, TDCR_DIV16);
    irq_handle(VECTOR_TIMER, on_timer);
}

uint32_t lapic_id(void)
{
    uint32_t id = lapic_read(LAPIC_ID);
    return x2apic ? id : id >> 24;
}

uint32_t lapic_version(void)
{
    return lapic_read(LAPIC_VERSION);
}

void lapic_ipi(uint32_t apic_id, uint32_t icr_low)
{
    if (x2apic) {
        wrmsr(0x830, (uint64_t)apic_id << 32 | icr_low);
        return;
    }
    lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR_LOW, icr_low);
}

static void timer_start(uint32_t period_ms)
{
    timer_count = 0;
    lapic_write(LAPIC_LVT_TIMER, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(LAPIC_TMICT, period_ms * (1000000 / TIMER_NS));
}

static void timer_stop(void)
{
    lapic_write(LAPIC_TMICT, 0);
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
}

/* The timer ticks, rather than ringing once at the end: a KVM that emulates its processor may
 * notice an interrupt that was raised while they were closed only when the next one comes. */
bool wait_count(volatile uint32_t *count, uint32_t want, uint32_t ms)
{
    uint32_t period = ms < TICK_MS ? ms : TICK_MS, ticks = (ms + period - 1) / period;

    irq_off();
    timer_start(period);
    while (*count < want && timer_count < ticks)
        irq_on_halt_off();
    timer_stop();
    return *count >= want;
}

void wait_ms(uint32_t ms)
{
    static volatile uint32_t never;
    wait_count(&never, 1, ms);
}

void clock_start(void)
{
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    lapic_write(LAPIC_TMICT, UINT32_MAX);
}

uint64_t clock_ns(void)
{
    return (uint64_t)(UINT32_MAX - lapic_read(LAPIC_TMCCT)) * TIMER_NS;
}

static uint32_t ioapic_read(uint32_t reg)
{
    mmio_write32(IOAPIC_BASE + IOREGSEL, reg);
    return mmio_read32(IOAPIC_BASE + IOWIN);
}

static void ioapic_write(uint32_t reg, uint32_t v)
{
    mmio_write32(IOAPIC_BASE + IOREGSEL, reg);
    mmio_write32(IOAPIC_BASE + IOWIN, v);
}

uint32_t ioapic_pins(void)
{
    return (ioapic_read(IOAPICVER) >> 16 & 0xff) + 1;
}

uint32_t ioapic_id(void)
{
    return ioapic_read(0) >> 24;
}

void ioapic_route(uint32_t pin, uint8_t vector, uint32_t flags)
{
    ioapic_write(IOREDTBL(pin) + 1, lapic_id() << 24);
    ioapic_write(IOREDTBL(pin), vector | flags);
}

uint32_t ioapic_rte_low(uint32_t pin)
{
    return ioapic_read(IOREDTBL(pin));
}
