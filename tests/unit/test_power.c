/* SPDX-License-Identifier: BSD-2-Clause */
/* The power button, soft-off and reset, through the machines' built plugins: what the user asks
 * arrives at the guest, what the guest asks arrives at the run loop. Sections: ACPI 6.5.
 * TENON_PLUGIN_DIR says where the plugins are. */
#include "cli/options.h"
#include "core/loop.h"
#include "start.h"
#include "tap.h"
#include "util/alloc.h"
#include "vm/irq.h"
#include "vm/run.h"
#include "vm/space.h"
#include <tenon/machine.h>

enum {
    PM_BASE = 0x600,
    PM1_STS = PM_BASE,
    PM1_EN = PM_BASE + 2,
    PM1_CNT = PM_BASE + 4,
    PWRBTN = 1 << 8,
    SCI_EN = 1,
    SLP_EN = 1 << 13
};
enum { GED = 0xfea00000, GED_REGS = GED + 0x200, GED_POWER_DOWN = 1 << 1, SCI = 9 };

static struct cli_options options;
static struct vm *vm;
static uint32_t wire[IRQ_GSIS], resets, shutdowns;

static void see_wire(void *o, uint32_t gsi, uint32_t level)
{
    (void)o;
    wire[gsi] = level;
}

static void see_event(void *o, uint32_t req, const char *text)
{
    (void)o;
    (void)text;
    resets += req == TN_REQ_RESET;
    shutdowns += req == TN_REQ_SHUTDOWN;
}

static void start(const char *machine)
{
    const char *argv[] = {"tenon", "-accel",      "qtest", "-sandbox", "off", "-display",
                          "none",  "-nodefaults", "-M",    machine,    NULL};
    char *text = NULL;
    ERR_AUTO e = {0};
    memset(wire, 0, sizeof wire);
    resets = shutdowns = 0;
    CHECK_EQ(cli_options_scan(&options, ARRAY_SIZE(argv) - 1, (char **)(uintptr_t)argv, &text), 0);
    vm = start_vm(&options, NULL);
    CHECK(vm);
    CHECK_EQ(start_machine(vm, &options, &e), 0);
    irq_intercept(vm, see_wire, NULL);
    run_on_event(vm, see_event, NULL);
}

static void end(void)
{
    vm_free(vm);
    cli_options_free(&options);
    options = (struct cli_options){0};
}

static void spin(void)
{
    for (int i = 0; i < 20; i++)
        loop_once(vm->main, 0);
}

/* 4.8.2.2.1: the status bit is latched, the SCI follows the enable bit, and writing 1 clears. */
TEST(power_button_of_q35_is_a_fixed_one)
{
    start("q35");
    space_write(vm->pio, PM1_CNT, SCI_EN, 2);
    space_write(vm->pio, PM1_EN, PWRBTN, 2);
    run_powerdown(vm);
    spin();
    CHECK_EQ(space_read(vm->pio, PM1_STS, 2) & PWRBTN, PWRBTN);
    CHECK_EQ(wire[SCI], 1);
    space_write(vm->pio, PM1_STS, PWRBTN, 2);
    CHECK_EQ(wire[SCI], 0);
    end();
}

/* 5.6.9: the generic event device has the event in its selector, and reading takes it. */
TEST(power_button_of_microvm_is_an_event)
{
    start("microvm");
    CHECK_EQ(space_read(vm->mmio, GED, 4), 0);
    run_powerdown(vm);
    spin();
    CHECK_EQ(wire[SCI], 1);
    CHECK_EQ(space_read(vm->mmio, GED, 4), GED_POWER_DOWN);
    CHECK_EQ(wire[SCI], 0);
    CHECK_EQ(space_read(vm->mmio, GED, 4), 0);
    end();
}

/* 4.8.3.2.1: SLP_EN with the type of S5, which is 0 on q35. */
TEST(soft_off_of_q35_shuts_down)
{
    start("q35");
    space_write(vm->pio, PM1_CNT, SCI_EN | SLP_EN, 2);
    spin();
    CHECK_EQ(shutdowns, 1);
    CHECK(run_ended(vm));
    end();
}

/* 4.8.3.7: the sleep control register; SLP_TYP 5. */
TEST(soft_off_of_microvm_shuts_down)
{
    start("microvm");
    space_write(vm->mmio, GED_REGS, 1 << 5 | 4 << 2, 1); /* another type: nothing */
    spin();
    CHECK_EQ(shutdowns, 0);
    space_write(vm->mmio, GED_REGS, 1 << 5 | 5 << 2, 1);
    spin();
    CHECK_EQ(shutdowns, 1);
    end();
}

TEST(reset_register_of_microvm_resets)
{
    start("microvm");
    run_powerdown(vm);
    space_write(vm->mmio, GED_REGS + 2, 0x41, 1); /* another value: nothing */
    spin();
    CHECK_EQ(resets, 0);
    CHECK_EQ(wire[SCI], 1);
    space_write(vm->mmio, GED_REGS + 2, 0x42, 1);
    spin();
    CHECK_EQ(resets, 1);
    CHECK_EQ(wire[SCI], 0); /* what was pending is forgotten */
    end();
}

TEST(reset_control_register_of_q35_resets)
{
    start("q35");
    space_write(vm->pio, 0xcf9, 2, 1);
    spin();
    CHECK_EQ(resets, 0);
    space_write(vm->pio, 0xcf9, 6, 1);
    spin();
    CHECK_EQ(resets, 1);
    end();
}

/* Exactly one of the two: with ACPI off the keyboard controller resets, and there is no PM block.
 */
TEST(keyboard_controller_is_there_without_acpi)
{
    start("q35,acpi=off");
    CHECK_EQ(space_read(vm->pio, PM1_CNT, 2), 0xffff);
    space_write(vm->pio, 0x64, 0xfe, 1);
    spin();
    CHECK_EQ(resets, 1);
    end();
    start("microvm");
    CHECK_EQ(space_read(vm->pio, 0x64, 1), 0xff);
    end();
}

int main(void)
{
    RUN(power_button_of_q35_is_a_fixed_one);
    RUN(power_button_of_microvm_is_an_event);
    RUN(soft_off_of_q35_shuts_down);
    RUN(soft_off_of_microvm_shuts_down);
    RUN(reset_register_of_microvm_resets);
    RUN(reset_control_register_of_q35_resets);
    RUN(keyboard_controller_is_there_without_acpi);
    return tap_done();
}
