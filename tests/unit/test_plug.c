/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of processors and memory modules that come and go (QEMU's docs/specs:
 * acpi_cpu_hotplug, acpi_mem_hotplug). */
#include "acpi/cpu_regs.h"
#include "acpi/mem_regs.h"
#include "tap.h"

enum { SLOTS = 4, NONE = -1 };

static struct plug_slot slot[SLOTS];
static const uint32_t apic_id[SLOTS] = {0, 1, 4, 0x12345678};
static struct mem_module module[SLOTS];
static int ejected, reported, stays;

static int eject(void *opaque, uint32_t i)
{
    (void)opaque;
    ejected = (int)i;
    return !stays;
}

static void ost(void *opaque, uint32_t i)
{
    (void)opaque;
    reported = (int)i;
}

static const struct plug_env env = {eject, ost};

static struct cpu_regs cpu(void)
{
    memset(slot, 0, sizeof slot);
    ejected = reported = NONE;
    stays = 0;
    slot[0].present = slot[1].present = 1;
    return (struct cpu_regs){.n = SLOTS, .slot = slot, .apic_id = apic_id, .env = &env};
}

static struct mem_regs mem(void)
{
    cpu();
    module[1] = (struct mem_module){0x123456789000, 0xabc00000000, 7};
    return (struct mem_regs){.n = SLOTS, .slot = slot, .module = module, .env = &env};
}

static void select_cpu(struct cpu_regs *r, uint32_t i)
{
    cpu_regs_write(r, CPU_REG_SELECTOR, 4, i);
}

static uint32_t flags(struct cpu_regs *r, uint32_t i)
{
    select_cpu(r, i);
    return cpu_regs_read(r, CPU_REG_FLAGS, 1);
}

TEST(cpu_flags_say_what_is_there)
{
    struct cpu_regs r = cpu();
    slot[1].inserting = slot[1].removing = 1;
    CHECK_EQ(flags(&r, 0), PLUG_ENABLED);
    CHECK_EQ(flags(&r, 1), PLUG_ENABLED | PLUG_INSERTING | PLUG_REMOVING);
    CHECK_EQ(flags(&r, 2), 0);
}

TEST(cpu_flags_are_cleared_by_ones)
{
    struct cpu_regs r = cpu();
    slot[1].inserting = slot[1].removing = 1;
    select_cpu(&r, 1);
    cpu_regs_write(&r, CPU_REG_FLAGS, 1, PLUG_REMOVING);
    CHECK_EQ(flags(&r, 1), PLUG_ENABLED | PLUG_INSERTING);
    cpu_regs_write(&r, CPU_REG_FLAGS, 1, PLUG_INSERTING | PLUG_ENABLED);
    CHECK_EQ(flags(&r, 1), PLUG_ENABLED);
}

TEST(cpu_next_event_goes_round)
{
    struct cpu_regs r = cpu();
    slot[1].inserting = 1;
    slot[3].removing = 1;
    select_cpu(&r, 2);
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_NEXT_EVENT);
    CHECK_EQ(cpu_regs_read(&r, CPU_REG_DATA, 4), 3);
    slot[3].removing = 0;
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_NEXT_EVENT);
    CHECK_EQ(cpu_regs_read(&r, CPU_REG_DATA, 4), 1);
    slot[1].inserting = 0;
    select_cpu(&r, 2);
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_NEXT_EVENT);
    CHECK_EQ(cpu_regs_read(&r, CPU_REG_DATA, 4), 2);
}

TEST(cpu_apic_id_by_command_3)
{
    struct cpu_regs r = cpu();
    select_cpu(&r, 3);
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_ARCH_ID);
    CHECK_EQ(cpu_regs_read(&r, CPU_REG_DATA, 4), 0x12345678);
    CHECK_EQ(cpu_regs_read(&r, CPU_REG_DATA2, 4), 0);
}

TEST(cpu_unknown_command_changes_nothing)
{
    struct cpu_regs r = cpu();
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_ARCH_ID);
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, 0xff);
    CHECK_EQ(r.command, CPU_CMD_ARCH_ID);
}

TEST(cpu_report_is_complete_with_the_status)
{
    struct cpu_regs r = cpu();
    select_cpu(&r, 1);
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_OST_EVENT);
    cpu_regs_write(&r, CPU_REG_DATA, 4, 0x103);
    CHECK_EQ(reported, NONE);
    cpu_regs_write(&r, CPU_REG_COMMAND, 1, CPU_CMD_OST_STATUS);
    cpu_regs_write(&r, CPU_REG_DATA, 4, 0x83);
    CHECK_EQ(reported, 1);
    CHECK_EQ(slot[1].ost_event, 0x103);
    CHECK_EQ(slot[1].ost_status, 0x83);
}

/* OSPM looks at _STA right behind _EJ0 (ACPI 6.3, 6.3.3). */
TEST(cpu_ejected_is_gone_at_once)
{
    struct cpu_regs r = cpu();
    slot[1].removing = 1;
    select_cpu(&r, 1);
    cpu_regs_write(&r, CPU_REG_FLAGS, 1, PLUG_EJECT);
    CHECK_EQ(ejected, 1);
    CHECK_EQ(flags(&r, 1), 0);
    ejected = NONE;
    cpu_regs_write(&r, CPU_REG_FLAGS, 1, PLUG_EJECT);
    CHECK_EQ(ejected, NONE);
}

TEST(cpu_that_cannot_go_stays)
{
    struct cpu_regs r = cpu();
    stays = 1;
    cpu_regs_write(&r, CPU_REG_FLAGS, 1, PLUG_EJECT);
    CHECK_EQ(flags(&r, 0), PLUG_ENABLED);
}

TEST(cpu_no_slot_reads_zero)
{
    struct cpu_regs r = cpu();
    for (uint32_t off = 0; off < CPU_REGS_LEN; off++)
        for (uint32_t size = 1; size <= 4; size *= 2) {
            select_cpu(&r, SLOTS);
            cpu_regs_write(&r, off, size, 0xffffffff);
            CHECK_EQ(cpu_regs_read(&r, off, size), 0);
        }
    CHECK_EQ(ejected, NONE);
    CHECK_EQ(reported, NONE);
}

TEST(memory_module_says_where_it_is)
{
    struct mem_regs r = mem();
    mem_regs_write(&r, MEM_REG_SELECTOR, 4, 1);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_ADDR_LOW, 4), 0x56789000);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_ADDR_HIGH, 4), 0x1234);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_LEN_LOW, 4), 0);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_LEN_HIGH, 4), 0xabc);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_PROXIMITY, 4), 7);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_FLAGS, 1), PLUG_ENABLED);
}

TEST(memory_eject_and_report)
{
    struct mem_regs r = mem();
    mem_regs_write(&r, MEM_REG_SELECTOR, 4, 1);
    mem_regs_write(&r, MEM_REG_OST_EVENT, 4, 3);
    mem_regs_write(&r, MEM_REG_OST_STATUS, 4, 0x82);
    CHECK_EQ(reported, 1);
    CHECK_EQ(slot[1].ost_status, 0x82);
    mem_regs_write(&r, MEM_REG_FLAGS, 1, PLUG_EJECT);
    CHECK_EQ(ejected, 1);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_FLAGS, 1), 0);
    CHECK_EQ(mem_regs_read(&r, MEM_REG_ADDR_LOW, 4), 0);
}

TEST(memory_no_slot_reads_zero)
{
    struct mem_regs r = mem();
    mem_regs_write(&r, MEM_REG_SELECTOR, 4, 0x80000000);
    for (uint32_t off = 4; off < MEM_REGS_LEN; off++) {
        mem_regs_write(&r, off, 4, 0xffffffff);
        mem_regs_write(&r, off, 1, 0xff);
        CHECK_EQ(mem_regs_read(&r, off, 4), 0);
    }
    CHECK_EQ(ejected, NONE);
    CHECK_EQ(reported, NONE);
}

int main(void)
{
    RUN(cpu_flags_say_what_is_there);
    RUN(cpu_flags_are_cleared_by_ones);
    RUN(cpu_next_event_goes_round);
    RUN(cpu_apic_id_by_command_3);
    RUN(cpu_unknown_command_changes_nothing);
    RUN(cpu_report_is_complete_with_the_status);
    RUN(cpu_ejected_is_gone_at_once);
    RUN(cpu_that_cannot_go_stays);
    RUN(cpu_no_slot_reads_zero);
    RUN(memory_module_says_where_it_is);
    RUN(memory_eject_and_report);
    RUN(memory_no_slot_reads_zero);
    return tap_done();
}
