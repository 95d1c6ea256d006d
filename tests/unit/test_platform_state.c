/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of what a machine is made of, and of the PCI examples: as test_isa_state.c. */
#include "state_rig.h"

enum {
    IOAPIC = 0xfec00000,
    GED = 0xfea00000,
    PM_BASE = 0x600,
    BAR_AT = 0xe0000000u,
    PORTS_AT = 0xc000,
};

static uint32_t mmio(uint64_t at)
{
    return (uint32_t)space_read(vm->mmio, at, 4);
}

static void mmio_set(uint64_t at, uint32_t v)
{
    space_write(vm->mmio, at, v, 4);
}

static uint32_t ioapic(uint32_t reg)
{
    mmio_set(IOAPIC, reg);
    return mmio(IOAPIC + 0x10);
}

static void ioapic_set(uint32_t reg, uint32_t v)
{
    mmio_set(IOAPIC, reg);
    mmio_set(IOAPIC + 0x10, v);
}

TEST(ioapic_keeps_its_entries_and_its_index)
{
    const char *machine = "microvm,rtc=on";
    start_on(machine, NULL);
    ioapic_set(0x10 + 2 * 5, 0x1a035), ioapic_set(0x10 + 2 * 5 + 1, 0x03000000);
    ioapic_set(0, 0x07000000);
    CHECK_EQ(ioapic(0x10 + 2 * 5), 0x1a035);
    mmio_set(IOAPIC, 0x10 + 2 * 5 + 1);
    move_on(machine, NULL, "ioapic");
    CHECK_EQ(mmio(IOAPIC + 0x10), 0x03000000);
    CHECK_EQ(ioapic(0x10 + 2 * 5), 0x1a035);
    CHECK_EQ(ioapic(0), 0x07000000);
    CHECK_EQ(ioapic(0x10), 0x10000);
    end();
}

/* A power button that the guest has not seen yet, and what it had enabled. */
TEST(ich9_keeps_its_events_and_the_reset_register)
{
    start_on("q35", NULL);
    space_write(vm->pio, PM_BASE + 2, 0x0120, 2);
    out(0xcf9, 0x02);
    out(0xb3, 0x5a);
    move_on("q35", NULL, "ICH9-LPC");
    CHECK_EQ(space_read(vm->pio, PM_BASE + 2, 2), 0x0120);
    CHECK_EQ(in(0xcf9), 0x02);
    CHECK_EQ(in(0xb3), 0x5a);
    end();
}

TEST(ged_keeps_the_type_of_sleep)
{
    start_on("microvm", NULL);
    space_write(vm->mmio, GED + 0x200, 5 << 2, 1);
    move_on("microvm", NULL, "acpi-ged");
    CHECK_EQ(space_read(vm->mmio, GED + 0x200, 1), 5 << 2);
    end();
}

TEST(fw_cfg_goes_on_where_the_guest_was_reading)
{
    start_on("q35", NULL);
    space_write(vm->pio, 0x510, 0, 2);
    CHECK_EQ(in(0x511), 'Q');
    CHECK_EQ(in(0x511), 'E');
    move_on("q35", NULL, "fw_cfg_io");
    CHECK_EQ(in(0x511), 'M');
    CHECK_EQ(in(0x511), 'U');
    end();
}

/* Config space of 00:05.0, register reg. */
static void config_set(uint32_t reg, uint32_t v)
{
    space_write(vm->pio, 0xcf8, 0x80000000u | 5u << 11 | reg, 4);
    space_write(vm->pio, 0xcfc, v, 4);
}

/* As firmware would: BAR n at `at`, decode and bus mastering on. */
static void place(uint32_t n, uint32_t at)
{
    config_set(0x10 + 4 * n, at);
    config_set(0x04, 7);
}

TEST(edu_keeps_its_registers)
{
    start_on("q35", "edu,addr=5");
    place(0, BAR_AT);
    mmio_set(BAR_AT + 0x04, 0x12345678);
    mmio_set(BAR_AT + 0x60, 0x100); /* raise an interrupt */
    CHECK_EQ(mmio(BAR_AT + 0x04), ~0x12345678u);
    move_on("q35", "edu,addr=5", "edu");
    place(0, BAR_AT);
    CHECK_EQ(mmio(BAR_AT + 0x04), ~0x12345678u);
    CHECK_EQ(mmio(BAR_AT + 0x24), 0x100);
    end();
}

TEST(pci_testdev_goes_on_counting)
{
    start_on("q35", "pci-testdev,addr=5");
    place(1, PORTS_AT);
    out(PORTS_AT, 0); /* the test without an eventfd */
    uint16_t at = (uint16_t)(PORTS_AT + space_read(vm->pio, PORTS_AT + 4, 4));
    uint8_t data = in(PORTS_AT + 8);
    out(at, data), out(at, data);
    CHECK_EQ(space_read(vm->pio, PORTS_AT + 12, 4), 2);
    move_on("q35", "pci-testdev,addr=5", "pci-testdev");
    place(1, PORTS_AT);
    out(at, data);
    CHECK_EQ(space_read(vm->pio, PORTS_AT + 12, 4), 3);
    end();
}

int main(void)
{
    RUN(ioapic_keeps_its_entries_and_its_index);
    RUN(ich9_keeps_its_events_and_the_reset_register);
    RUN(ged_keeps_the_type_of_sleep);
    RUN(fw_cfg_goes_on_where_the_guest_was_reading);
    RUN(edu_keeps_its_registers);
    RUN(pci_testdev_goes_on_counting);
    return tap_done();
}
