/* SPDX-License-Identifier: BSD-2-Clause */
/* Capability lists and the capabilities that are bytes and masks: PCIe Base 6.0 7.5 to 7.9. */
#include "pci/caps.h"
#include "pci/pcie.h"
#include "tap.h"
#include <errno.h>

static const struct pci_ids ids = {.vendor = 0x1b36, .device = 0x000c, .class_rev = 0x06040000};

static uint32_t rd(struct pci_config *c, uint32_t off, uint32_t size)
{
    return pci_config_read(c, off, size);
}

static uint32_t wr(struct pci_config *c, uint32_t off, uint32_t size, uint32_t v)
{
    return pci_config_write(c, off, size, v).changes;
}

TEST(capabilities_take_gaps_and_the_newest_is_first)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_cap_add(&c, 9, 0x48, 6), 0x48);
    CHECK_EQ(pci_cap_add(&c, 5, 0, 8), 0x40);
    CHECK_EQ(pci_cap_add(&c, 0x11, 0, 12), 0x50);
    CHECK_EQ(rd(&c, 0x06, 2), 0x0010);
    CHECK_EQ(rd(&c, 0x34, 1), 0x50);
    CHECK_EQ(rd(&c, 0x50, 2), 0x4011);
    CHECK_EQ(rd(&c, 0x40, 2), 0x4805);
    CHECK_EQ(rd(&c, 0x48, 2), 0x0009);
    CHECK_EQ(pci_cap_find(&c, 9, 0), 0x48);
    CHECK_EQ(pci_cap_find(&c, 0x11, 0), 0x50);
    CHECK_EQ(pci_cap_find(&c, 0x11, 0x50), 0);
    CHECK_EQ(pci_cap_find(&c, 1, 0), 0);
    pci_config_fini(&c);
}

TEST(capabilities_of_one_id_are_found_in_turn)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_cap_add(&c, 9, 0x40, 16);
    pci_cap_add(&c, 5, 0x50, 16);
    pci_cap_add(&c, 9, 0x60, 16);
    CHECK_EQ(pci_cap_find(&c, 9, 0), 0x60);
    CHECK_EQ(pci_cap_find(&c, 9, 0x60), 0x40);
    CHECK_EQ(pci_cap_find(&c, 9, 0x40), 0);
    pci_config_fini(&c);
}

TEST(misplaced_capabilities_are_refused)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pci_cap_add(&c, 9, 0x42, 4), -EINVAL);
    CHECK_EQ(pci_cap_add(&c, 9, 0x3c, 4), -EINVAL);
    CHECK_EQ(pci_cap_add(&c, 9, 0x100, 4), -EINVAL);
    CHECK_EQ(pci_cap_add(&c, 9, 0xfc, 5), -EINVAL);
    CHECK_EQ(pci_cap_add(&c, 9, 0, 1), -EINVAL);
    CHECK_EQ(pci_cap_add(&c, 9, 0, UINT32_MAX), -EINVAL);
    CHECK_EQ(pci_cap_add(&c, 9, 0, 193), -ENOSPC);
    CHECK_EQ(pci_cap_add(&c, 9, 0x80, 2), 0x80);
    CHECK_EQ(pci_cap_add(&c, 9, 0x7c, 8), -EBUSY);
    CHECK_EQ(pci_cap_add(&c, 9, 0x80, 4), -EBUSY);
    CHECK_EQ(pci_cap_add(&c, 9, 0xfc, 4), 0xfc);
    CHECK_EQ(pci_cap_add(&c, 9, 0, 124), -ENOSPC);
    CHECK_EQ(pci_cap_add(&c, 9, 0, 120), 0x84);
    CHECK_EQ(rd(&c, 0x34, 1), 0x84);
    pci_config_fini(&c);
}

TEST(bytes_with_masks_make_a_capability_but_not_its_header)
{
    struct pci_config c;
    static const uint8_t v[6] = {0xaa, 0xbb, 0x06, 0x12, 0x34, 0x56},
                         w[6] = {0xff, 0xff, 0, 0xff, 0, 0}, o[6] = {0xff, 0xff, 0, 0, 0x30, 0};

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_cap_add_bytes(&c, 9, 0, v, w, o, 6), 0x40);
    CHECK_EQ(rd(&c, 0x40, 4), 0x12060009);
    wr(&c, 0x40, 4, 0xffffffff);
    wr(&c, 0x44, 4, 0xffffffff);
    CHECK_EQ(rd(&c, 0x40, 4), 0xff060009);
    CHECK_EQ(rd(&c, 0x44, 4), 0x00005604);
    CHECK_EQ(pci_cap_add_bytes(&c, 9, 0, NULL, NULL, NULL, 2), 0x48);
    pci_config_fini(&c);
}

TEST(extended_capabilities_are_linked_in_order)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pci_ext_cap_find(&c, 1, 0), 0);
    CHECK_EQ(pci_ext_cap_add(&c, 1, 2, 0, 0x2c), 0x100);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0x200, 12), 0x200);
    CHECK_EQ(pci_ext_cap_add(&c, 0xe, 1, 0, 8), 0x12c);
    CHECK_EQ(rd(&c, 0x100, 4), 0x20020001);
    CHECK_EQ(rd(&c, 0x200, 4), 0x12c10003);
    CHECK_EQ(rd(&c, 0x12c, 4), 0x0001000e);
    CHECK_EQ(pci_ext_cap_find(&c, 0xe, 0), 0x12c);
    CHECK_EQ(pci_ext_cap_find(&c, 3, 0x200), 0);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0x204, 4), -EBUSY);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0xc0, 4), -EINVAL);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0x1002, 4), -EINVAL);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0xffc, 8), -EINVAL);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0xffc, 4), 0xffc);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0, 4096), -ENOSPC);
    pci_config_fini(&c);
}

TEST(a_null_capability_heads_a_list_that_starts_later)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0x180, 12), 0x180);
    CHECK_EQ(rd(&c, 0x100, 4), 0x18000000);
    CHECK_EQ(pci_ext_cap_add(&c, 0xe, 1, 0, 8), 0x100);
    CHECK_EQ(rd(&c, 0x100, 4), 0x1801000e);
    CHECK_EQ(pci_ext_cap_add(&c, 0xd, 1, 0, 8), 0x108);
    CHECK_EQ(rd(&c, 0x180, 4), 0x10810003);
    pci_config_fini(&c);
}

TEST(a_conventional_function_has_no_extended_list)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_ext_cap_add(&c, 3, 1, 0, 12), -EINVAL);
    CHECK_EQ(pci_ext_cap_find(&c, 3, 0), 0);
    CHECK_EQ(pci_dsn_add(&c, 0, 1), -EINVAL);
    pci_config_fini(&c);
}

TEST(bytes_make_an_extended_capability_too)
{
    struct pci_config c;
    static const uint8_t v[8] = {1, 2, 3, 4, 5, 6, 7, 8}, w[8] = {255, 255, 255, 255, 255};

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pci_ext_cap_add_bytes(&c, 0x23, 1, 0, v, w, NULL, 8), 0x100);
    CHECK_EQ(rd(&c, 0x100, 4), 0x00010023);
    CHECK_EQ(rd(&c, 0x104, 4), 0x08070605);
    wr(&c, 0x100, 4, 0);
    wr(&c, 0x104, 4, 0);
    CHECK_EQ(rd(&c, 0x100, 4), 0x00010023);
    CHECK_EQ(rd(&c, 0x104, 4), 0x08070600);
    pci_config_fini(&c);
}

/* ---- power management ----------------------------------------------------------------- */

TEST(d3hot_takes_bars_and_bus_mastering_away)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_bar_add(&c, 0, PCI_BAR_MEM32, 0x1000);
    CHECK_EQ(pci_pm_add(&c, 0x40, true, 0), 0x40);
    CHECK_EQ(rd(&c, 0x40, 4), 0x00030001);
    CHECK_EQ(rd(&c, 0x44, 4), 0x00000008);
    wr(&c, 0x10, 4, 0xe0000000);
    wr(&c, 4, 2, 6);
    CHECK_EQ(wr(&c, 0x44, 2, 3), PCI_CHANGED_POWER | 1);
    CHECK_EQ(pci_config_power(&c), 3);
    CHECK_EQ(pci_bar_addr(&c, 0), PCI_BAR_UNMAPPED);
    CHECK(!pci_config_master(&c));
    CHECK_EQ(wr(&c, 0x44, 2, 0), PCI_CHANGED_POWER | 1);
    CHECK_EQ(pci_bar_addr(&c, 0), 0xe0000000);
    pci_config_fini(&c);
}

TEST(leaving_d3hot_without_no_soft_reset_asks_for_a_reset)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_pm_add(&c, 0x40, false, 0);
    CHECK_EQ(wr(&c, 0x44, 2, 3), PCI_CHANGED_POWER);
    CHECK_EQ(wr(&c, 0x44, 1, 0), PCI_CHANGED_POWER | PCI_CHANGED_SOFT_RESET);
    wr(&c, 0x44, 2, 3);
    CHECK_EQ(pci_config_reset(&c, false), PCI_CHANGED_POWER);
    CHECK_EQ(pci_config_power(&c), 0);
    pci_config_fini(&c);
}

TEST(a_function_interrupts_in_d0_only)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_pm_add(&c, 0x40, true, 0);
    CHECK(pci_config_intx(&c, true));
    wr(&c, 0x44, 2, 3);
    CHECK(!pci_config_intx_pin(&c));
    CHECK(!pci_config_intx(&c, true));
    wr(&c, 0x44, 2, 0);
    CHECK(pci_config_intx_pin(&c));
    pci_config_fini(&c);
}

TEST(power_states_that_are_not_there_are_not_entered)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_pm_add(&c, 0x40, true, 0);
    CHECK_EQ(wr(&c, 0x44, 2, 1), 0);
    CHECK_EQ(wr(&c, 0x44, 2, 2), 0);
    CHECK_EQ(rd(&c, 0x44, 2), 8);
    wr(&c, 0x44, 2, 3);
    CHECK_EQ(wr(&c, 0x44, 2, 2), 0);
    CHECK_EQ(rd(&c, 0x44, 2), 0xb);
    pci_config_fini(&c);
}

TEST(d3hot_is_left_for_d0_only)
{
    struct pci_config c;
    static const uint8_t pmc[8] = {0, 0, 0x03, 0x06}, w[8] = {0, 0, 0, 0, 3}; /* with D1 and D2 */

    pci_config_init(&c, 0, &ids);
    CHECK_EQ(pci_cap_add_bytes(&c, PCI_CAP_ID_PM, 0, pmc, w, NULL, 8), 0x40);
    CHECK_EQ(wr(&c, 0x44, 2, 1), PCI_CHANGED_POWER);
    CHECK_EQ(wr(&c, 0x44, 2, 2), PCI_CHANGED_POWER);
    CHECK_EQ(wr(&c, 0x44, 2, 3), PCI_CHANGED_POWER);
    CHECK_EQ(wr(&c, 0x44, 2, 1), 0);
    CHECK_EQ(pci_config_power(&c), 3);
    pci_config_fini(&c);
}

TEST(pme_status_is_cleared_by_one_and_survives_a_reset)
{
    struct pci_config c;

    pci_config_init(&c, 0, &ids);
    pci_pm_add(&c, 0x40, true, PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot);
    CHECK_EQ(rd(&c, 0x42, 2), 0x4803);
    wr(&c, 0x44, 2, 0x0100);
    pci_config_set(&c, 0x44, 2, 0x8108);
    pci_config_reset(&c, false);
    CHECK_EQ(rd(&c, 0x44, 2), 0x8108);
    wr(&c, 0x44, 2, 0x8100);
    CHECK_EQ(rd(&c, 0x44, 2), 0x0108);
    pci_config_reset(&c, true);
    CHECK_EQ(rd(&c, 0x44, 2), 0x0008);
    pci_config_fini(&c);
}

/* ---- PCI Express ---------------------------------------------------------------------- */

TEST(an_endpoint_has_link_and_flr)
{
    struct pci_config c;
    struct pcie_port p = {
        .type = PCI_EXP_TYPE_ENDPOINT, .speed = 4, .width = 16, .flags = PCIE_FLR};

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pcie_cap_add(&c, 0x60, &p), 0x60);
    CHECK_EQ(rd(&c, 0x60, 4), 0x00020010);
    CHECK_EQ(rd(&c, 0x64, 4), 0x10008000);
    CHECK_EQ(rd(&c, 0x6c, 4), 0x00000504);
    CHECK_EQ(rd(&c, 0x72, 2), 0x0104);
    CHECK_EQ(rd(&c, 0x8c, 4), 0x0000001e);
    CHECK_EQ(rd(&c, 0x90, 2), 4);
    CHECK_EQ(pcie_type(&c), 0);
    CHECK_EQ(wr(&c, 0x68, 2, 0x800f), PCI_CHANGED_FLR);
    CHECK_EQ(rd(&c, 0x68, 2), 0x000f);
    CHECK_EQ(wr(&c, 0x69, 1, 0x80), PCI_CHANGED_FLR);
    CHECK_EQ(wr(&c, 0x68, 1, 0x80), 0);
    wr(&c, 0x70, 2, 0xffff);
    CHECK_EQ(rd(&c, 0x70, 2), 0x00c3);
    pci_config_fini(&c);
}

TEST(without_flr_the_bit_does_nothing)
{
    struct pci_config c;
    struct pcie_port p = {.type = PCI_EXP_TYPE_ENDPOINT, .speed = 1, .width = 1};

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    pcie_cap_add(&c, 0x60, &p);
    CHECK_EQ(wr(&c, 0x68, 2, 0xffff), 0);
    CHECK_EQ(rd(&c, 0x68, 2), 0x000f);
    pci_config_set(&c, 0x6a, 2, 0xf);
    wr(&c, 0x6a, 2, 0x5);
    CHECK_EQ(rd(&c, 0x6a, 2), 0xa);
    pcie_set_link(&c, true); /* does not report it */
    CHECK_EQ(rd(&c, 0x72, 2), 0x0011);
    pci_config_fini(&c);
}

TEST(an_integrated_endpoint_has_no_link)
{
    struct pci_config c;
    struct pcie_port p = {.type = PCI_EXP_TYPE_RC_END};

    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pcie_cap_add(&c, 0x40, &p), 0x40);
    CHECK_EQ(rd(&c, 0x42, 2), 0x0092);
    CHECK_EQ(rd(&c, 0x4c, 4), 0);
    CHECK_EQ(rd(&c, 0x50, 4), 0);
    wr(&c, 0x50, 2, 0xffff);
    CHECK_EQ(rd(&c, 0x50, 2), 0);
    pci_config_fini(&c);
}

TEST(a_root_port_has_root_registers_ari_and_link_active)
{
    struct pci_config c;
    struct pcie_port p = {.type = PCI_EXP_TYPE_ROOT_PORT,
                          .number = 3,
                          .speed = 5,
                          .width = 32,
                          .flags = PCIE_ARI_FORWARD | PCIE_SLOT,
                          .vector = 1};

    pci_config_init(&c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    CHECK_EQ(pcie_cap_add(&c, 0x54, &p), 0x54);
    CHECK_EQ(rd(&c, 0x56, 2), 0x0342);
    CHECK_EQ(rd(&c, 0x60, 4), 0x03300605);
    CHECK_EQ(rd(&c, 0x78, 4), 0x20);
    wr(&c, 0x70, 2, 0xffff);
    CHECK_EQ(rd(&c, 0x70, 2), 0x000f);
    CHECK(!pcie_ari_enabled(&c));
    wr(&c, 0x7c, 2, 0xffff);
    CHECK_EQ(rd(&c, 0x7c, 2), 0x20);
    CHECK(pcie_ari_enabled(&c));
    pcie_set_link(&c, true);
    CHECK_EQ(rd(&c, 0x66, 2), 0x2205);
    pcie_set_link(&c, false);
    CHECK_EQ(rd(&c, 0x66, 2), 0x0205);
    CHECK(!pcie_link_disabled(&c));
    wr(&c, 0x64, 2, 0x10);
    CHECK(pcie_link_disabled(&c));
    pci_config_fini(&c);
}

TEST(impossible_ports_are_refused)
{
    struct pci_config c;
    struct pcie_port p = {.type = PCI_EXP_TYPE_ENDPOINT, .speed = 1, .width = 1};
    struct pcie_port slot = p, fast = p, odd = p, kind = p;

    slot.flags = PCIE_SLOT;
    fast.speed = 7;
    odd.width = 3;
    kind.type = 11;
    pci_config_init(&c, PCI_FN_EXPRESS, &ids);
    CHECK_EQ(pcie_cap_add(&c, 0, &slot), -EINVAL);
    CHECK_EQ(pcie_cap_add(&c, 0, &fast), -EINVAL);
    CHECK_EQ(pcie_cap_add(&c, 0, &odd), -EINVAL);
    CHECK_EQ(pcie_cap_add(&c, 0, &kind), -EINVAL);
    CHECK_EQ(pcie_type(&c), -1);
    CHECK_EQ(rd(&c, 0x34, 1), 0);
    pci_config_fini(&c);
}

TEST(small_capabilities_have_their_bytes)
{
    struct pci_config c;

    pci_config_init(&c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    CHECK_EQ(pci_ssvid_add(&c, 0x40, 0x1af4, 0x1100), 0x40);
    CHECK_EQ(rd(&c, 0x40, 4), 0x0000000d);
    CHECK_EQ(rd(&c, 0x44, 4), 0x11001af4);
    CHECK_EQ(pci_dsn_add(&c, 0, 0x1122334455667788), 0x100);
    CHECK_EQ(rd(&c, 0x100, 4), 0x00010003);
    CHECK_EQ(rd(&c, 0x104, 4), 0x55667788);
    CHECK_EQ(rd(&c, 0x108, 4), 0x11223344);
    CHECK_EQ(pci_ari_add(&c, 0, 1), 0x10c);
    CHECK_EQ(rd(&c, 0x10c, 4), 0x0001000e);
    CHECK_EQ(rd(&c, 0x110, 4), 0x00000100);
    CHECK_EQ(pci_acs_add(&c, 0, 0xffff), 0x114);
    CHECK_EQ(rd(&c, 0x118, 4), 0x0000005f);
    wr(&c, 0x11a, 2, 0xffff);
    CHECK_EQ(rd(&c, 0x118, 4), 0x005f005f);
    pci_config_fini(&c);
}

int main(void)
{
    RUN(capabilities_take_gaps_and_the_newest_is_first);
    RUN(capabilities_of_one_id_are_found_in_turn);
    RUN(misplaced_capabilities_are_refused);
    RUN(bytes_with_masks_make_a_capability_but_not_its_header);
    RUN(extended_capabilities_are_linked_in_order);
    RUN(a_null_capability_heads_a_list_that_starts_later);
    RUN(a_conventional_function_has_no_extended_list);
    RUN(bytes_make_an_extended_capability_too);
    RUN(d3hot_takes_bars_and_bus_mastering_away);
    RUN(leaving_d3hot_without_no_soft_reset_asks_for_a_reset);
    RUN(a_function_interrupts_in_d0_only);
    RUN(power_states_that_are_not_there_are_not_entered);
    RUN(d3hot_is_left_for_d0_only);
    RUN(pme_status_is_cleared_by_one_and_survives_a_reset);
    RUN(an_endpoint_has_link_and_flr);
    RUN(without_flr_the_bit_does_nothing);
    RUN(an_integrated_endpoint_has_no_link);
    RUN(a_root_port_has_root_registers_ari_and_link_active);
    RUN(impossible_ports_are_refused);
    RUN(small_capabilities_have_their_bytes);
    return tap_done();
}
