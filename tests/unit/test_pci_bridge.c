/* SPDX-License-Identifier: BSD-2-Clause */
/* Type 1 header: PCI-to-PCI Bridge 1.2 chapters 3 and 4, PCIe Base 6.0 7.5.1.3. */
#include "pci/bridge.h"
#include "pci/caps.h"
#include "pci/pcie.h"
#include "tap.h"

static const struct pci_ids ids = {.vendor = 0x1b36, .device = 0x000c, .class_rev = 0x06040000};

struct fixture {
    struct pci_config c;
    struct bridge b;
};

static void make(struct fixture *f, uint32_t flags)
{
    pci_config_init(&f->c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    bridge_init(&f->b, &f->c, flags);
}

static uint32_t rd(struct fixture *f, uint32_t off, uint32_t size)
{
    return pci_config_read(&f->c, off, size);
}

static uint32_t wr(struct fixture *f, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_written w = pci_config_write(&f->c, off, size, v);

    return bridge_written(&f->b, &w);
}

TEST(windows_are_closed_until_programmed)
{
    struct fixture f;

    make(&f, BRIDGE_PREF64);
    CHECK_EQ(rd(&f, 0x1c, 2), 0x00f0);
    CHECK_EQ(rd(&f, 0x20, 4), 0x0000fff0);
    CHECK_EQ(rd(&f, 0x24, 4), 0x0001fff1);
    CHECK_EQ(wr(&f, 4, 2, 7), 0);
    CHECK(!bridge_forwards_io(&f.b, 0));
    CHECK(!bridge_forwards_mem(&f.b, 0));
    CHECK(!bridge_forwards_mem(&f.b, 0xfff00000));
    CHECK(bridge_forwards_up(&f.b, 0x1000));
    pci_config_fini(&f.c);
}

TEST(bus_numbers_route_configuration)
{
    struct fixture f;
    bool type0;

    make(&f, 0);
    CHECK(!bridge_routes(&f.b, 0, &type0));
    CHECK_EQ(wr(&f, 0x18, 4, 0x00050301), BRIDGE_NUMBERS);
    CHECK_EQ(rd(&f, 0x18, 4), 0x00050301);
    CHECK(!bridge_routes(&f.b, 2, &type0));
    CHECK(bridge_routes(&f.b, 3, &type0));
    CHECK(type0);
    CHECK(bridge_routes(&f.b, 5, &type0));
    CHECK(!type0);
    CHECK(!bridge_routes(&f.b, 6, &type0));
    CHECK_EQ(wr(&f, 0x18, 4, 0x00050301), 0);
    CHECK_EQ(wr(&f, 0x1a, 1, 2), BRIDGE_NUMBERS); /* subordinate below secondary: nothing */
    CHECK(!bridge_routes(&f.b, 3, &type0));
    pci_config_fini(&f.c);
}

TEST(io_window_of_16_bits)
{
    struct fixture f;

    make(&f, 0);
    CHECK_EQ(wr(&f, 0x1c, 2, 0x3fcf), 0); /* not enabled yet */
    CHECK_EQ(rd(&f, 0x1c, 2), 0x30c0);
    CHECK_EQ(wr(&f, 4, 2, 1), 0);
    CHECK_EQ(wr(&f, 0x1c, 2, 0xd0c0), BRIDGE_IO);
    CHECK_EQ(f.b.d.io.base, 0xc000);
    CHECK_EQ(f.b.d.io.limit, 0xdfff);
    CHECK(!bridge_forwards_io(&f.b, 0xbfff));
    CHECK(bridge_forwards_io(&f.b, 0xc000));
    CHECK(bridge_forwards_io(&f.b, 0xdfff));
    CHECK(!bridge_forwards_io(&f.b, 0xe000));
    wr(&f, 0x30, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x30, 4), 0);
    CHECK_EQ(wr(&f, 4, 2, 0), BRIDGE_IO);
    CHECK(!bridge_forwards_io(&f.b, 0xc000));
    pci_config_fini(&f.c);
}

TEST(io_window_of_32_bits)
{
    struct fixture f;

    make(&f, BRIDGE_IO32);
    wr(&f, 4, 2, 1);
    wr(&f, 0x30, 4, 0x00020001);
    CHECK_EQ(wr(&f, 0x1c, 2, 0x2010), BRIDGE_IO);
    CHECK_EQ(rd(&f, 0x1c, 2), 0x2111);
    CHECK_EQ(f.b.d.io.base, 0x11000);
    CHECK_EQ(f.b.d.io.limit, 0x22fff);
    pci_config_fini(&f.c);
}

TEST(a_bridge_may_have_no_io_window)
{
    struct fixture f;

    make(&f, BRIDGE_NO_IO);
    wr(&f, 4, 2, 1);
    CHECK_EQ(wr(&f, 0x1c, 2, 0xffff), 0);
    CHECK_EQ(rd(&f, 0x1c, 2), 0);
    CHECK(!bridge_forwards_io(&f.b, 0));
    pci_config_fini(&f.c);
}

TEST(memory_window_has_megabytes)
{
    struct fixture f;

    make(&f, 0);
    wr(&f, 4, 2, 2);
    CHECK_EQ(wr(&f, 0x20, 4, 0xfe9ffe80), BRIDGE_MEM);
    CHECK_EQ(f.b.d.mem.base, 0xfe800000);
    CHECK_EQ(f.b.d.mem.limit, 0xfe9fffff);
    CHECK(bridge_forwards_mem(&f.b, 0xfe9fffff));
    CHECK(!bridge_forwards_mem(&f.b, 0xfea00000));
    CHECK_EQ(wr(&f, 0x22, 2, 0xfe70), BRIDGE_MEM); /* limit below base closes */
    CHECK(f.b.d.mem.base > f.b.d.mem.limit);
    CHECK(!bridge_forwards_mem(&f.b, 0xfe800000));
    pci_config_fini(&f.c);
}

TEST(prefetchable_window_has_64_bits)
{
    struct fixture f;

    make(&f, BRIDGE_PREF64);
    wr(&f, 4, 2, 6);
    wr(&f, 0x28, 4, 0x38);
    wr(&f, 0x2c, 4, 0x39);
    CHECK_EQ(wr(&f, 0x24, 4, 0x001f0010), BRIDGE_PREF);
    CHECK_EQ(f.b.d.pref.base, 0x3800100000);
    CHECK_EQ(f.b.d.pref.limit, 0x39001fffff);
    CHECK(bridge_forwards_mem(&f.b, 0x3900000000));
    CHECK(!bridge_forwards_up(&f.b, 0x3900000000));
    CHECK(bridge_forwards_up(&f.b, 0x3a00000000));
    wr(&f, 4, 2, 2);
    CHECK(!bridge_forwards_up(&f.b, 0x3a00000000));
    pci_config_fini(&f.c);
}

TEST(prefetchable_window_of_32_bits_has_no_upper_half)
{
    struct fixture f;

    make(&f, 0);
    wr(&f, 0x28, 4, 0xffffffff);
    CHECK_EQ(rd(&f, 0x28, 4), 0);
    CHECK_EQ(rd(&f, 0x24, 4), 0x0000fff0);
    pci_config_fini(&f.c);
}

TEST(vga_enable_forwards_the_legacy_ranges)
{
    struct fixture f;

    make(&f, 0);
    wr(&f, 4, 2, 3);
    CHECK_EQ(wr(&f, 0x3e, 2, 0x08), BRIDGE_IO | BRIDGE_MEM);
    CHECK(bridge_forwards_mem(&f.b, 0xa0000));
    CHECK(bridge_forwards_mem(&f.b, 0xbffff));
    CHECK(!bridge_forwards_mem(&f.b, 0xc0000));
    CHECK(bridge_forwards_io(&f.b, 0x3b0));
    CHECK(!bridge_forwards_io(&f.b, 0x3bc));
    CHECK(bridge_forwards_io(&f.b, 0x3c0));
    CHECK(bridge_forwards_io(&f.b, 0x3df));
    CHECK(!bridge_forwards_io(&f.b, 0x3e0));
    CHECK(bridge_forwards_io(&f.b, 0x7c0)); /* an alias */
    CHECK_EQ(wr(&f, 0x3e, 2, 0x18), BRIDGE_IO);
    CHECK(!bridge_forwards_io(&f.b, 0x7c0));
    CHECK(bridge_forwards_io(&f.b, 0x3c0));
    pci_config_fini(&f.c);
}

TEST(isa_enable_blocks_the_top_of_each_kibibyte)
{
    struct fixture f;

    make(&f, 0);
    wr(&f, 4, 2, 1);
    wr(&f, 0x1c, 2, 0xc0c0);
    CHECK_EQ(wr(&f, 0x3e, 2, 4), BRIDGE_IO);
    CHECK(bridge_forwards_io(&f.b, 0xc0ff));
    CHECK(!bridge_forwards_io(&f.b, 0xc100));
    CHECK(!bridge_forwards_io(&f.b, 0xc200));
    CHECK(!bridge_forwards_io(&f.b, 0xc3ff));
    CHECK(bridge_forwards_io(&f.b, 0xc400));
    pci_config_fini(&f.c);
}

TEST(secondary_bus_reset_has_two_edges)
{
    struct fixture f;
    bool type0;

    make(&f, 0);
    wr(&f, 0x18, 4, 0x00020100);
    CHECK_EQ(wr(&f, 0x3e, 2, 0x40), BRIDGE_RESET);
    CHECK_EQ(wr(&f, 0x3e, 2, 0x40), 0);
    CHECK(!bridge_routes(&f.b, 1, &type0));
    CHECK_EQ(wr(&f, 0x3e, 2, 0x00), BRIDGE_UNRESET);
    CHECK(bridge_routes(&f.b, 1, &type0));
    CHECK_EQ(rd(&f, 0x3e, 2), 0);
    wr(&f, 0x3e, 2, 0xffff);
    CHECK_EQ(rd(&f, 0x3e, 2), 0x7f);
    pci_config_fini(&f.c);
}

TEST(reset_power_state_and_absence_close_windows)
{
    struct fixture f;

    make(&f, 0);
    pci_pm_add(&f.c, 0x40, true, 0);
    wr(&f, 4, 2, 3);
    wr(&f, 0x18, 4, 0x00020100);
    wr(&f, 0x1c, 2, 0xc0c0);
    wr(&f, 0x20, 4, 0xe000e000);
    CHECK_EQ(wr(&f, 0x44, 2, 3), BRIDGE_IO | BRIDGE_MEM);
    CHECK(!bridge_forwards_mem(&f.b, 0xe0000000));
    CHECK_EQ(wr(&f, 0x44, 2, 0), BRIDGE_IO | BRIDGE_MEM);
    pci_config_absent(&f.c, true);
    CHECK_EQ(bridge_written(&f.b, NULL), BRIDGE_IO | BRIDGE_MEM);
    pci_config_absent(&f.c, false);
    CHECK_EQ(bridge_written(&f.b, NULL), BRIDGE_IO | BRIDGE_MEM);
    pci_config_reset(&f.c, false);
    CHECK_EQ(bridge_written(&f.b, NULL), BRIDGE_NUMBERS | BRIDGE_IO | BRIDGE_MEM);
    CHECK_EQ(rd(&f, 0x20, 4), 0x0000fff0);
    pci_config_fini(&f.c);
}

TEST(ari_forwarding_is_reported)
{
    struct fixture f;
    struct pcie_port p = {
        .type = PCI_EXP_TYPE_DOWNSTREAM, .speed = 1, .width = 1, .flags = PCIE_ARI_FORWARD};

    make(&f, 0);
    pcie_cap_add(&f.c, 0x40, &p);
    CHECK_EQ(wr(&f, 0x68, 2, 0x20), BRIDGE_ARI);
    CHECK(f.b.d.ari);
    CHECK_EQ(wr(&f, 0x68, 2, 0), BRIDGE_ARI);
    pci_config_fini(&f.c);
}

int main(void)
{
    RUN(windows_are_closed_until_programmed);
    RUN(bus_numbers_route_configuration);
    RUN(io_window_of_16_bits);
    RUN(io_window_of_32_bits);
    RUN(a_bridge_may_have_no_io_window);
    RUN(memory_window_has_megabytes);
    RUN(prefetchable_window_has_64_bits);
    RUN(prefetchable_window_of_32_bits_has_no_upper_half);
    RUN(vga_enable_forwards_the_legacy_ranges);
    RUN(isa_enable_blocks_the_top_of_each_kibibyte);
    RUN(secondary_bus_reset_has_two_edges);
    RUN(reset_power_state_and_absence_close_windows);
    RUN(ari_forwarding_is_reported);
    return tap_done();
}
