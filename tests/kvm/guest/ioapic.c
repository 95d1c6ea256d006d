/* SPDX-License-Identifier: BSD-2-Clause */
/* IOAPIC pins: edge from the UART (pin 4), level from a PCI INTx (edu). pin=N: the one that edu has
 * to be on. */
#include "edu.h"
#include "guest.h"

#define SERIAL      0x3f8
#define IER         1
#define IIR         2
#define MCR         4
#define SCR         7
#define IER_THRI    0x02
#define IIR_THRI    0x02
#define IIR_ID_MASK 0x0f
#define MCR_OUT2    0x08
#define SERIAL_PIN  4

#define VECTOR_SERIAL 0x44
#define VECTOR_INTX   0x50 /* plus the pin */
#define FIRST_PCI_PIN 16

static volatile uint32_t serial_count, intx_count, intx_vector;
static uint32_t leave_asserted; /* how many INTx deliveries do not acknowledge the device */
static uint64_t bar;

static void on_serial(void)
{
    serial_count++;
}

static void on_intx(void)
{
    intx_count++;
    intx_vector = irq_last;
    if (!leave_asserted)
        mmio_write32(bar + EDU_IRQ_ACK, UINT32_MAX);
    else
        leave_asserted--;
}

static void registers(void)
{
    ok(ioapic_pins() >= 24, "the IOAPIC has %u pins", ioapic_pins());
    ioapic_route(3, 0x33, RTE_MASKED | RTE_LEVEL | RTE_LOW);
    ok_eq(ioapic_rte_low(3), 0x33 | RTE_MASKED | RTE_LEVEL | RTE_LOW, "a table entry reads back");
    ioapic_route(3, 0x33, RTE_MASKED);
}

static void edge(void)
{
    out8(SERIAL + SCR, 0x5a);
    if (in8(SERIAL + SCR) != 0x5a) {
        skip("UART interrupt", "no UART at 0x3f8");
        return;
    }
    irq_handle(VECTOR_SERIAL, on_serial);
    out8(SERIAL + MCR, MCR_OUT2);
    ioapic_route(SERIAL_PIN, VECTOR_SERIAL, 0);
    out8(SERIAL + IER, IER_THRI);
    ok(wait_count(&serial_count, 1, 500), "enabling THRE interrupts at once, on pin 4");
    ok_eq(in8(SERIAL + IIR) & IIR_ID_MASK, IIR_THRI, "IIR says THR empty");
    ok_eq(in8(SERIAL + IIR) & 1, 1, "reading IIR clears it");
    ok(!wait_count(&serial_count, 2, 20), "one edge is one interrupt");
    out8(SERIAL, '\n');
    ok(wait_count(&serial_count, 2, 500), "a sent byte interrupts again");
    in8(SERIAL + IIR);
}

static void edge_masked(void)
{
    uint32_t before = serial_count;

    out8(SERIAL + IER, 0);
    ioapic_route(SERIAL_PIN, VECTOR_SERIAL, RTE_MASKED);
    out8(SERIAL + IER, IER_THRI);
    ok(!wait_count(&serial_count, before + 1, 20), "a masked pin is silent");
    out8(SERIAL + IER, 0);
    in8(SERIAL + IIR);
    ioapic_route(SERIAL_PIN, VECTOR_SERIAL, 0);
    before = serial_count;
    out8(SERIAL + IER, IER_THRI);
    ok(wait_count(&serial_count, before + 1, 500), "the unmasked pin interrupts again");
    out8(SERIAL + IER, 0);
    ioapic_route(SERIAL_PIN, VECTOR_SERIAL, RTE_MASKED);
}

static uint32_t intx_flags(void)
{
    return RTE_LEVEL | (arg("active_low") ? RTE_LOW : 0);
}

/* Which pin edu's INTx arrives on: all listen, and it is raised. */
static uint32_t find_intx_pin(void)
{
    for (uint32_t pin = FIRST_PCI_PIN; pin < ioapic_pins(); pin++) {
        irq_handle((uint8_t)(VECTOR_INTX + pin), on_intx);
        ioapic_route(pin, (uint8_t)(VECTOR_INTX + pin), intx_flags());
    }
    mmio_write32(bar + EDU_IRQ_RAISE, 1);
    bool came = wait_count(&intx_count, 1, 500);
    return came ? intx_vector - VECTOR_INTX : 0;
}

static void level(void)
{
    uint32_t pin = find_intx_pin();
    uint8_t vector = (uint8_t)(VECTOR_INTX + pin);

    if (!ok(pin, "edu's INTx arrives on a pin"))
        return;
    ok(arg_num("pin", pin) == pin, "it is pin %u", pin);
    ok(!wait_count(&intx_count, 2, 20), "an acknowledged level does not interrupt again");
    leave_asserted = 3;
    intx_count = 0;
    mmio_write32(bar + EDU_IRQ_RAISE, 2);
    ok(wait_count(&intx_count, 4, 500), "a level that stays interrupts again after each EOI");
    ok(!wait_count(&intx_count, 5, 20), "and stops when it falls");
    ioapic_route(pin, vector, intx_flags() | RTE_MASKED);
    mmio_write32(bar + EDU_IRQ_RAISE, 4);
    ok(!wait_count(&intx_count, 5, 20), "a masked level is silent");
    ioapic_route(pin, vector, intx_flags());
    ok(wait_count(&intx_count, 5, 500), "and arrives when unmasked");
    ioapic_route(pin, vector, RTE_MASKED);
}

int guest_main(void)
{
    struct pci_fn edu;

    registers();
    edge();
    if (serial_count)
        edge_masked();
    if (!pci_find(EDU_VENDOR, EDU_DEVICE, &edu)) {
        skip("PCI INTx", "no edu device");
        return 0;
    }
    bar = pci_bar(edu, 0);
    pci_enable(edu);
    level();
    return 0;
}
