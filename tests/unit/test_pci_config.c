/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space and base addresses; offsets and values as in PCI Local Bus 3.0 chapter 6. */
#include "pci/caps.h"
#include "tap.h"
#include <errno.h>

static const struct pci_ids ids = {.vendor = 0x1af4,
                                   .device = 0x1042,
                                   .subvendor = 0x1af4,
                                   .subsystem = 0x1100,
                                   .class_rev = 0x01000001,
                                   .int_pin = 1};

static uint32_t rd(struct pci_config *c, uint32_t off, uint32_t size)
{
    return pci_config_read(c, off, size);
}

static uint32_t wr(struct pci_config *c, uint32_t off, uint32_t size, uint32_t v)
{
    return pci_config_write(c, off, size, v).changes;
}

TEST(type0_header_has_its_ids)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_EXPRESS | PCI_FN_MULTI, &ids);
    CHECK_EQ(c.size, 4096);
    CHECK_EQ(rd(&c, 0x00, 4), 0x10421af4);
    CHECK_EQ(rd(&c, 0x08, 4), 0x01000001);
    CHECK_EQ(rd(&c, 0x0e, 1), 0x80);
    CHECK_EQ(rd(&c, 0x2c, 4), 0x11001af4);
    CHECK_EQ(rd(&c, 0x3d, 1), 1);
    CHECK_EQ(rd(&c, 0x34, 1), 0);
    CHECK_EQ(rd(&c, 0x06, 2), 0);
    pci_config_fini(&c);
}

TEST(type1_header_has_no_subsystem_ids)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_BRIDGE, &ids);
    CHECK_EQ(c.size, 256);
    CHECK_EQ(rd(&c, 0x0e, 1), 1);
    CHECK_EQ(rd(&c, 0x2c, 4), 0);
    pci_config_fini(&c);
}

TEST(identity_is_read_only_and_can_be_replaced_by_the_owner)
{
    struct pci_config c;
    struct pci_ids other = ids;

    pci_config_init(&c, 0, &ids);
    wr(&c, 0, 4, 0);
    wr(&c, 8, 4, 0);
    wr(&c, 0x2c, 4, 0);
    wr(&c, 0x3d, 1, 0);
    CHECK_EQ(rd(&c, 0x00, 4), 0x10421af4);
    CHECK_EQ(rd(&c, 0x08, 4), 0x01000001);
    CHECK_EQ(rd(&c, 0x2c, 4), 0x11001af4);
    CHECK_EQ(rd(&c, 0x3d, 1), 1);
    other.device = 0x1001;
    other.int_pin = 4;
    pci_config_identify(&c, &other);
    CHECK_EQ(rd(&c, 0, 4), 0x10011af4);
    CHECK_EQ(rd(&c, 0x3d, 1), 4);
    pci_config_fini(&c);
}

TEST(a_256_byte_function_reads_ones_behind_its_end)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(rd(&c, 0x100, 4), 0xffffffff);
    CHECK_EQ(rd(&c, 0xfff, 1), 0xff);
    CHECK_EQ(rd(&c, 0xfe, 4), 0xffff0000);
    CHECK_EQ(wr(&c, 0x100, 4, 0), 0);
    CHECK_EQ(wr(&c, 0xffffffff, 4, 0), 0);
    CHECK_EQ(rd(&c, 0xffffffff, 1), 0xff);
    pci_config_fini(&c);
}

TEST(odd_sizes_are_refused)
{
    struct pci_config c;
    struct pci_written w;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(rd(&c, 0, 3), 0xffffffff);
    CHECK_EQ(rd(&c, 0, 0), 0xffffffff);
    CHECK_EQ(rd(&c, 0, 8), 0xffffffff);
    w = pci_config_write(&c, 4, 3, 7);
    CHECK_EQ(w.size, 0);
    CHECK(!pci_written_hits(&w, 4, 2));
    CHECK_EQ(rd(&c, 4, 2), 0);
    pci_config_fini(&c);
}

TEST(an_access_across_a_dword_is_its_two_halves)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(rd(&c, 0x02, 4), 0x00001042);
    wr(&c, 0x0b, 2, 0x4000); /* base class is read-only, cache line size is not */
    CHECK_EQ(rd(&c, 0x0b, 2), 0x4001);
    pci_config_fini(&c);
}

TEST(command_has_its_writable_bits_only)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(wr(&c, 4, 2, 0xffff), PCI_CHANGED_INTX | PCI_CHANGED_MASTER);
    CHECK_EQ(rd(&c, 4, 2), 0x0547);
    CHECK_EQ(wr(&c, 4, 1, 0), PCI_CHANGED_MASTER);
    CHECK_EQ(rd(&c, 4, 2), 0x0500);
    CHECK_EQ(wr(&c, 5, 1, 0), PCI_CHANGED_INTX);
    CHECK_EQ(wr(&c, 4, 2, 4), PCI_CHANGED_MASTER);
    CHECK(pci_config_master(&c));
    pci_config_fini(&c);
}

TEST(status_is_cleared_by_writing_ones)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_config_set(&c, 6, 2, 0xf900 | PCI_STATUS_CAP_LIST);
    wr(&c, 6, 2, 0x0000);
    CHECK_EQ(rd(&c, 6, 2), 0xf910);
    wr(&c, 6, 2, 0x8000);
    CHECK_EQ(rd(&c, 6, 2), 0x7910);
    wr(&c, 6, 2, 0xffff);
    CHECK_EQ(rd(&c, 6, 2), 0x0010);
    pci_config_fini(&c);
}

TEST(a_write_reports_old_and_new_lane)
{
    struct pci_config c;
    struct pci_written w;

    pci_config_init(&c, 0, &ids);
    wr(&c, 0x3c, 1, 11);
    w = pci_config_write(&c, 0x3c, 2, 0xff05);
    CHECK_EQ(w.old, 0x010b);
    CHECK_EQ(w.now, 0x0105);
    CHECK_EQ(w.value, 0xff05);
    CHECK_EQ(w.off, 0x3c);
    CHECK(pci_written_hits(&w, 0x3d, 1));
    CHECK(!pci_written_hits(&w, 0x3e, 1));
    CHECK(!pci_written_hits(&w, 0x38, 4));
    pci_config_fini(&c);
}

TEST(intx_pin_obeys_the_disable_bit_and_status_does_not)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK(pci_config_intx(&c, true));
    CHECK_EQ(rd(&c, 6, 2), 0x0008);
    CHECK_EQ(wr(&c, 4, 2, 0x400), PCI_CHANGED_INTX);
    CHECK(!pci_config_intx_pin(&c));
    CHECK_EQ(rd(&c, 6, 2), 0x0008);
    CHECK(!pci_config_intx(&c, true));
    wr(&c, 4, 2, 0);
    CHECK(pci_config_intx_pin(&c));
    CHECK(!pci_config_intx(&c, false));
    CHECK_EQ(rd(&c, 6, 2), 0);
    pci_config_fini(&c);
}

TEST(define_gives_value_masks_and_preset)
{
    struct pci_config c;
    static const uint8_t v[4] = {0x12, 0x34, 0x56, 0xff}, w[4] = {0xff, 0x0f, 0, 0xff},
                         o[4] = {0, 0, 0, 0xf0};

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_config_define(&c, 0x80, 4, v, w, o), 0);
    CHECK_EQ(rd(&c, 0x80, 4), 0xff563412);
    wr(&c, 0x80, 4, 0x30ffff00);
    CHECK_EQ(rd(&c, 0x80, 4), 0xc0563f00);
    CHECK_EQ(pci_config_reset(&c, false), 0);
    CHECK_EQ(rd(&c, 0x80, 4), 0xff563412);
    CHECK_EQ(pci_config_define(&c, 0xfe, 4, v, w, o), -EINVAL);
    CHECK_EQ(pci_config_define(&c, UINT32_MAX, 2, v, w, o), -EINVAL);
    pci_config_fini(&c);
}

TEST(reset_leaves_sticky_bits_until_power_on)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_config_reg(&c, 0x80, 1, 0x00, 0xff, 0);
    c.sticky[0x80] = 0x0f;
    wr(&c, 0x80, 1, 0xff);
    pci_config_reset(&c, false);
    CHECK_EQ(rd(&c, 0x80, 1), 0x0f);
    pci_config_reset(&c, true);
    CHECK_EQ(rd(&c, 0x80, 1), 0x00);
    pci_config_fini(&c);
}

TEST(owner_writes_pass_the_masks_and_stay_in_bounds)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_config_set(&c, 0, 2, 0x1234);
    CHECK_EQ(pci_config_get(&c, 0, 2), 0x1234);
    pci_config_set(&c, 0xfe, 4, 0);
    pci_config_set(&c, 0, 8, 0);
    CHECK_EQ(pci_config_get(&c, 0, 2), 0x1234);
    pci_config_fini(&c);
}

TEST(an_absent_function_reads_ones_and_drops_writes)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_bar_add(&c, 0, PCI_BAR_MEM32, 0x1000);
    wr(&c, 0x10, 4, 0xfe000000);
    wr(&c, 4, 2, 6);
    pci_config_intx(&c, true);
    CHECK_EQ(pci_config_absent(&c, true), PCI_CHANGED_ABSENT | 1);
    CHECK_EQ(pci_config_absent(&c, true), 0);
    CHECK_EQ(rd(&c, 0, 4), 0xffffffff);
    CHECK_EQ(rd(&c, 0, 1), 0xff);
    CHECK_EQ(wr(&c, 4, 2, 0), 0);
    CHECK(!pci_config_intx_pin(&c));
    CHECK(!pci_config_master(&c));
    CHECK_EQ(pci_bar_addr(&c, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(pci_config_absent(&c, false), PCI_CHANGED_ABSENT | 1);
    CHECK_EQ(rd(&c, 4, 2), 6);
    CHECK_EQ(pci_bar_addr(&c, 0), 0xfe000000);
    pci_config_fini(&c);
}

TEST(restore_refuses_another_identity_and_takes_the_rest)
{
    struct pci_config a, b;
    uint8_t state[256];
    uint32_t bad = 0;

    pci_config_init(&a, 0, &ids);
    pci_config_init(&b, 0, &ids);
    pci_bar_add(&a, 1, PCI_BAR_MEM32, 0x1000);
    pci_bar_add(&b, 1, PCI_BAR_MEM32, 0x1000);
    wr(&a, 0x14, 4, 0xfebf1000);
    wr(&a, 4, 2, 2);
    memcpy(state, a.bytes, 256);
    CHECK_EQ(pci_config_restore(&b, state, 256, &bad), 0);
    CHECK_EQ(pci_bar_addr(&b, 1), 0xfebf1000);
    CHECK_EQ(pci_config_restore(&b, state, 255, &bad), -EINVAL);
    state[2] ^= 1;
    CHECK_EQ(pci_config_restore(&b, state, 256, &bad), -EINVAL);
    CHECK_EQ(bad, 2);
    state[2] ^= 1;
    state[0x14] |= 8; /* a prefetchable BAR is another layout */
    CHECK_EQ(pci_config_restore(&b, state, 256, NULL), -EINVAL);
    CHECK_EQ(pci_bar_addr(&b, 1), 0xfebf1000);
    pci_config_fini(&a);
    pci_config_fini(&b);
}

/* ---- base addresses ------------------------------------------------------------------- */

TEST(bars_of_all_kinds_can_be_sized)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_IO, 0x20), 0);
    CHECK_EQ(pci_bar_add(&c, 1, PCI_BAR_MEM32, 0x1000), 0);
    CHECK_EQ(pci_bar_add(&c, 2, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, 0x200000000), 0);
    CHECK_EQ(pci_bar_add(&c, 4, PCI_BAR_MEM64, 0x4000), 0);
    CHECK_EQ(pci_rom_add(&c, 0x40000), 0);
    for (uint32_t off = 0x10; off < 0x28; off += 4)
        wr(&c, off, 4, 0xffffffff);
    wr(&c, 0x30, 4, 0xfffffffe);
    CHECK_EQ(rd(&c, 0x10, 4), 0xffffffe1);
    CHECK_EQ(rd(&c, 0x14, 4), 0xfffff000);
    CHECK_EQ(rd(&c, 0x18, 4), 0x0000000c);
    CHECK_EQ(rd(&c, 0x1c, 4), 0xfffffffe);
    CHECK_EQ(rd(&c, 0x20, 4), 0xffffc004);
    CHECK_EQ(rd(&c, 0x24, 4), 0xffffffff);
    CHECK_EQ(rd(&c, 0x30, 4), 0xfffc0000);
    pci_config_fini(&c);
}

TEST(wrong_bars_are_refused)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM32, 0x1001), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM32, 0), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM32, 8), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_IO, 2), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_IO | PCI_BAR_PREFETCH, 4), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM32 | PCI_BAR_MEM64, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, 0, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM32, 1ull << 32), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 6, PCI_BAR_MEM32, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, UINT32_MAX, PCI_BAR_MEM64, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 5, PCI_BAR_MEM64, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 2, PCI_BAR_MEM64, 16), 0);
    CHECK_EQ(pci_bar_add(&c, 2, PCI_BAR_MEM32, 16), -EBUSY);
    CHECK_EQ(pci_bar_add(&c, 3, PCI_BAR_MEM32, 16), -EBUSY);
    CHECK_EQ(pci_bar_add(&c, 1, PCI_BAR_MEM64, 16), -EBUSY);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM32, 1u << 31), 0);
    CHECK_EQ(pci_rom_add(&c, 0x400), -EINVAL);
    CHECK_EQ(pci_rom_add(&c, 0x2000000), -EINVAL);
    CHECK_EQ(pci_rom_add(&c, 0x800), 0);
    CHECK_EQ(pci_rom_add(&c, 0x800), -EBUSY);
    CHECK_EQ(pci_bar_addr(&c, 7), PCI_BAR_UNMAPPED);
    CHECK_EQ(pci_bar_addr(&c, 4), PCI_BAR_UNMAPPED);
    pci_config_fini(&c);
}

TEST(a_bridge_has_two_bars_and_its_rom_elsewhere)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_BRIDGE, &ids);
    CHECK_EQ(pci_bar_add(&c, 2, PCI_BAR_MEM32, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 1, PCI_BAR_MEM64, 16), -EINVAL);
    CHECK_EQ(pci_bar_add(&c, 0, PCI_BAR_MEM64, 16), 0);
    CHECK_EQ(pci_rom_add(&c, 0x800), 0);
    wr(&c, 0x38, 4, 0xffffffff);
    CHECK_EQ(rd(&c, 0x38, 4), 0xfffff801);
    CHECK_EQ(pci_bar_reg(&c, PCI_ROM_BAR), 0x38);
    pci_config_fini(&c);
}

TEST(command_bits_map_and_unmap_their_space)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_bar_add(&c, 0, PCI_BAR_IO, 0x40);
    pci_bar_add(&c, 1, PCI_BAR_MEM32, 0x1000);
    CHECK_EQ(wr(&c, 0x10, 4, 0xc040), 0);
    CHECK_EQ(wr(&c, 0x14, 4, 0xe0001000), 0);
    CHECK_EQ(wr(&c, 4, 2, 1), 1);
    CHECK_EQ(pci_bar_addr(&c, 0), 0xc040);
    CHECK_EQ(pci_bar_addr(&c, 1), PCI_BAR_UNMAPPED);
    CHECK_EQ(wr(&c, 4, 2, 2), 3);
    CHECK_EQ(pci_bar_addr(&c, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(pci_bar_addr(&c, 1), 0xe0001000);
    CHECK_EQ(wr(&c, 0x14, 4, 0xe0001fff), 0); /* the same address */
    CHECK_EQ(wr(&c, 0x15, 1, 0x20), 2);
    CHECK_EQ(pci_bar_addr(&c, 1), 0xe0002000);
    CHECK_EQ(pci_config_reset(&c, false), 2);
    CHECK_EQ(rd(&c, 0x14, 4), 0);
    CHECK_EQ(rd(&c, 0x10, 4), 1);
    pci_config_fini(&c);
}

TEST(the_sizing_pattern_is_not_mapped)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_bar_add(&c, 0, PCI_BAR_IO, 4);
    pci_bar_add(&c, 1, PCI_BAR_MEM32, 0x1000);
    pci_bar_add(&c, 2, PCI_BAR_MEM64, 0x1000);
    wr(&c, 4, 2, 3);
    wr(&c, 0x14, 4, 0xe0000000);
    CHECK_EQ(wr(&c, 0x14, 4, 0xffffffff), 2);
    CHECK_EQ(pci_bar_addr(&c, 1), PCI_BAR_UNMAPPED);
    CHECK_EQ(wr(&c, 0x14, 4, 0xe0000000), 2);
    CHECK_EQ(wr(&c, 0x10, 4, 0xffffffff), 0);
    wr(&c, 0x1c, 4, 0xffffffff);
    CHECK_EQ(wr(&c, 0x18, 4, 0xffffffff), 4);
    CHECK_EQ(pci_bar_addr(&c, 2), PCI_BAR_UNMAPPED);
    CHECK_EQ(wr(&c, 0x14, 4, 0xffffe000), 2); /* the last place that is one */
    CHECK_EQ(pci_bar_addr(&c, 1), 0xffffe000);
    pci_config_fini(&c);
}

TEST(a_64_bit_bar_moves_with_either_half)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_bar_add(&c, 2, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, 0x4000);
    wr(&c, 4, 2, 2);
    CHECK_EQ(wr(&c, 0x18, 4, 0xfe004000), 4);
    CHECK_EQ(pci_bar_addr(&c, 2), 0xfe004000);
    CHECK_EQ(wr(&c, 0x1c, 4, 0x38), 4);
    CHECK_EQ(pci_bar_addr(&c, 2), 0x38fe004000);
    CHECK_EQ(wr(&c, 0x18, 4, 0xffffc000), 4); /* ends at 4 GiB, which is no end here */
    CHECK_EQ(wr(&c, 0x1c, 4, 0), 4);
    CHECK_EQ(pci_bar_addr(&c, 2), 0xffffc000);
    pci_config_fini(&c);
}

TEST(address_zero_is_unmapped_unless_the_machine_says_so)
{
    struct pci_config x86, arm;

    pci_config_init(&x86, 0, &ids);
    pci_config_init(&arm, PCI_FN_ZERO_BAR, &ids);
    pci_bar_add(&x86, 0, PCI_BAR_IO, 0x20);
    pci_bar_add(&arm, 0, PCI_BAR_IO, 0x20);
    CHECK_EQ(wr(&x86, 4, 2, 1), 0);
    CHECK_EQ(wr(&arm, 4, 2, 1), 1);
    CHECK_EQ(pci_bar_addr(&x86, 0), PCI_BAR_UNMAPPED);
    CHECK_EQ(pci_bar_addr(&arm, 0), 0);
    pci_config_fini(&x86);
    pci_config_fini(&arm);
}

TEST(the_rom_needs_its_own_enable_bit_too)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_rom_add(&c, 0x10000);
    wr(&c, 4, 2, 2);
    CHECK_EQ(wr(&c, 0x30, 4, 0xfeb00000), 0);
    CHECK_EQ(wr(&c, 0x30, 4, 0xfeb00001), 1 << PCI_ROM_BAR);
    CHECK_EQ(pci_bar_addr(&c, PCI_ROM_BAR), 0xfeb00000);
    CHECK_EQ(wr(&c, 4, 2, 0), 1 << PCI_ROM_BAR);
    CHECK_EQ(pci_bar_addr(&c, PCI_ROM_BAR), PCI_BAR_UNMAPPED);
    pci_config_fini(&c);
}

int main(void)
{
    RUN(type0_header_has_its_ids);
    RUN(type1_header_has_no_subsystem_ids);
    RUN(identity_is_read_only_and_can_be_replaced_by_the_owner);
    RUN(a_256_byte_function_reads_ones_behind_its_end);
    RUN(odd_sizes_are_refused);
    RUN(an_access_across_a_dword_is_its_two_halves);
    RUN(command_has_its_writable_bits_only);
    RUN(status_is_cleared_by_writing_ones);
    RUN(a_write_reports_old_and_new_lane);
    RUN(intx_pin_obeys_the_disable_bit_and_status_does_not);
    RUN(define_gives_value_masks_and_preset);
    RUN(reset_leaves_sticky_bits_until_power_on);
    RUN(owner_writes_pass_the_masks_and_stay_in_bounds);
    RUN(an_absent_function_reads_ones_and_drops_writes);
    RUN(restore_refuses_another_identity_and_takes_the_rest);
    RUN(bars_of_all_kinds_can_be_sized);
    RUN(wrong_bars_are_refused);
    RUN(a_bridge_has_two_bars_and_its_rom_elsewhere);
    RUN(command_bits_map_and_unmap_their_space);
    RUN(the_sizing_pattern_is_not_mapped);
    RUN(a_64_bit_bar_moves_with_either_half);
    RUN(address_zero_is_unmapped_unless_the_machine_says_so);
    RUN(the_rom_needs_its_own_enable_bit_too);
    return tap_done();
}
