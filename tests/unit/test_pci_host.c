/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's PCI: addresses, configuration space and BARs. */
#include "pci_host_rig.h"

/* ---- addresses and configuration space ---- */

TEST(slots_are_given_from_one_on_and_conflicts_name_the_owner)
{
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
    add("probe", NULL, PROPS("id", "a"));
    add("probe", NULL, NULL);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(0, 2, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(0, 3, 0, 0, 2), 0xffffu);
    ERR_AUTO e = {0};
    CHECK(!try_add(&e, "probe", NULL, PROPS("addr", "1.0")));
    CHECK_STR(err_text(&e), "PCI: slot 1 function 0 not available for probe, in use by probe,id=a");
}

TEST(further_functions_need_a_multifunction_one)
{
    ERR_AUTO e = {0}, e2 = {0};
    add("probe", NULL, PROPS("addr", "4.0"));
    CHECK(!try_add(&e, "probe", NULL, PROPS("addr", "4.1")));
    CHECK_STR(err_text(&e), "PCI: single function device can't be populated in function 4.1");
    add("probe", NULL, PROPS("addr", "5.1"));
    CHECK(!try_add(&e2, "probe", NULL, PROPS("addr", "5.0")));
    CHECK_STR(err_text(&e2), "PCI: 5.0 indicates single function, but 5.1 is already populated.");
    add("probe", NULL, PROPS("addr", "5.0", "multifunction", "on"));
    CHECK_EQ(cfg_read(0, 5, 0, PCI_HEADER_TYPE, 1), 0x80u);
    CHECK_EQ(cfg_read(0, 5, 1, PCI_HEADER_TYPE, 1), 0u);
}

TEST(ports_and_ecam_are_the_same_registers)
{
    add("probe", NULL, PROPS("addr", "3"));
    space_write(vm->mmio, ecam(0, 3, 0, PCI_INTERRUPT_LINE), 0x5a, 1);
    CHECK_EQ(cfg_read(0, 3, 0, PCI_INTERRUPT_LINE, 1), 0x5au);
    cfg_write(0, 3, 0, PCI_CACHE_LINE_SIZE, 1, 0x10);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 0, PCI_CACHE_LINE_SIZE), 1), 0x10u);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 0, 0), 8) & 0xffffffffu, 0x56781234u);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 0, 0x100), 4), 0u); /* extended space: no capability */
    CHECK_EQ(space_read(vm->mmio, ecam(1, 3, 0, 0), 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 1, 0), 4), 0xffffffffu);
    CHECK_EQ(probe_of(TAILQ_FIRST(&vm->devices))->written, (uint32_t)PCI_CACHE_LINE_SIZE);
}

TEST(the_low_bits_of_the_register_number_may_be_in_the_address)
{
    add("probe", NULL, NULL);
    space_write(vm->pio, 0xcf8, 0x80000000u | 1 << 11 | PCI_DEVICE_ID, 4);
    CHECK_EQ(space_read(vm->pio, 0xcfc, 2), 0x5678u);
    space_write(vm->pio, 0xcf8, 1 << 11, 4); /* without the enable bit */
    CHECK_EQ(space_read(vm->pio, 0xcfc, 4), 0xffffffffu);
}

TEST(byte_port_0xcf9_is_anothers)
{
    struct byte_port *p = add("rcr", NULL, NULL)->pub.self;
    space_write(vm->pio, 0xcf8, 0x80001234, 4);
    CHECK_EQ(space_read(vm->pio, 0xcf8, 4), 0x80001234u);
    CHECK_EQ(p->value, 0);
    space_write(vm->pio, 0xcf9, 6, 1);
    CHECK_EQ(p->value, 6);
    CHECK_EQ(space_read(vm->pio, 0xcf8, 4), 0x80001234u);
    space_write(vm->pio, 0xcf8, 0x77, 1);
    CHECK_EQ(space_read(vm->pio, 0xcf8, 4), 0x80001234u);
}

TEST(traps_see_and_change_what_passes)
{
    add("probe", NULL, PROPS("traps", "on"));
    cfg_write(0, 1, 0, PCI_INTERRUPT_LINE, 1, 0x01);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_INTERRUPT_LINE, 1), 0xf2u);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_INTERRUPT_PIN, 1), 1u);
}

/* ---- BARs ---- */

TEST(bars_are_sized_and_moved)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_BASE_ADDRESS_0, 4), 0xfffff000u);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_1, 4, 0xffffffff);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_BASE_ADDRESS_1, 4), 0xfffffff1u);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_2, 4, 0xffffffff);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_BASE_ADDRESS_2, 4), 0xffffc00cu);
    enable_at(1, 0xe0000000, 0xc000);
    CHECK_EQ(p->bar_addr[0], 0xe0000000u);
    CHECK_EQ(p->bar_addr[1], 0xc000u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000010, 4), 0x55667788u);
    CHECK_EQ(space_read(vm->pio, 0xc004, 1), 0x44u);
    CHECK_EQ(p->last_off, 4u);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xe1000000);
    CHECK_EQ(space_read(vm->mmio, 0xe0000010, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe1000010, 2), 0x7788u);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, 0);
    CHECK_EQ(space_read(vm->mmio, 0xe1000010, 2), 0xffffu);
    CHECK_EQ(space_read(vm->pio, 0xc004, 1), 0xffu);
    CHECK_EQ(p->bar_addr[0], TN_ANYWHERE);
}

TEST(a_rom_comes_from_its_file)
{
    ERR_AUTO e = {0}, e2 = {0};
    char path[] = "/tmp/test-pci-rom-XXXXXX";
    int fd = mkstemp(path);
    CHECK_EQ(write(fd, "\x55\xaa rom", 6), 6);
    add("probe", NULL, PROPS("romfile", path));
    cfg_write(0, 1, 0, PCI_ROM_ADDRESS, 4, 0xfffff800);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_ROM_ADDRESS, 4), 0xfffff800u);
    cfg_write(0, 1, 0, PCI_ROM_ADDRESS, 4, 0xe0000000 | PCI_ROM_ADDRESS_ENABLE);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 2), 0xaa55u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000004, 4), 0xffff6d6fu);
    CHECK_EQ(space_read(vm->mmio, 0xe0000008, 4), 0xffffffffu);
    add("probe", NULL, PROPS("romfile", path, "rombar", "0"));
    CHECK_EQ(cfg_read(0, 2, 0, PCI_ROM_ADDRESS, 4), 0u);
    CHECK(!try_add(&e, "probe", NULL, PROPS("romfile", path, "romsize", "2")));
    unlink(path);
    close(fd);
    CHECK(!try_add(&e2, "probe", NULL, PROPS("romfile", path)));
    CHECK(strncmp(err_text(&e2), "failed to find romfile", 22) == 0);
}

TEST(where_bars_overlap_the_older_device_answers)
{
    struct probe *a = probe_of(add("probe", NULL, NULL)), *b = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    enable_at(2, 0xe0000000, 0xc000);
    space_write(vm->mmio, 0xe0000000, 7, 4);
    CHECK_EQ(a->writes, 1);
    CHECK_EQ(b->writes, 0);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xe2000000);
    space_write(vm->mmio, 0xe0000000, 8, 4);
    CHECK_EQ(b->writes, 1);
    CHECK_EQ(b->last_value, 8u);
}

int main(void)
{
    RUN(slots_are_given_from_one_on_and_conflicts_name_the_owner);
    RUN(further_functions_need_a_multifunction_one);
    RUN(ports_and_ecam_are_the_same_registers);
    RUN(the_low_bits_of_the_register_number_may_be_in_the_address);
    RUN(byte_port_0xcf9_is_anothers);
    RUN(traps_see_and_change_what_passes);
    RUN(bars_are_sized_and_moved);
    RUN(a_rom_comes_from_its_file);
    RUN(where_bars_overlap_the_older_device_answers);
    return tap_done();
}
