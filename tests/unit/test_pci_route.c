/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoding of the two configuration mechanisms, and INTx swizzling. */
#include "pci/route.h"
#include "tap.h"

TEST(cf8_names_bus_function_and_register)
{
    struct pci_target t = {0};

    CHECK(pci_cf8_decode(0x80123456, 0xcfc, &t));
    CHECK_EQ(t.bus, 0x12);
    CHECK_EQ(t.devfn, 0x34);
    CHECK_EQ(t.reg, 0x56);
    CHECK(!pci_cf8_decode(0x00123456, 0xcfc, &t));
}

TEST(the_low_bits_of_address_and_port_are_joined)
{
    struct pci_target t = {0};

    for (uint32_t low = 0; low < 4; low++) {
        CHECK(pci_cf8_decode(0x80000010 | low, 0xcfc, &t));
        CHECK_EQ(t.reg, 0x10 | low);
        CHECK(pci_cf8_decode(0x80000010, (uint16_t)(0xcfc + low), &t));
        CHECK_EQ(t.reg, 0x10 | low);
    }
    CHECK(pci_cf8_decode(0x80000012, 0xcfd, &t));
    CHECK_EQ(t.reg, 0x13);
    CHECK(pci_cf8_decode(0xff0000fc, 0xcff, &t)); /* reserved bits 30:24 are not a bus number */
    CHECK_EQ(t.bus, 0);
    CHECK_EQ(t.reg, 0xff);
}

TEST(ecam_names_bus_function_and_register)
{
    struct pci_target t = {0};

    CHECK(pcie_ecam_decode(0x0ff8f123, &t));
    CHECK_EQ(t.bus, 0xff);
    CHECK_EQ(t.devfn, 0x8f);
    CHECK_EQ(t.reg, 0x123);
    CHECK(pcie_ecam_decode(0xfffffff, &t));
    CHECK(!pcie_ecam_decode(0x10000000, &t));
    CHECK(!pcie_ecam_decode(UINT64_MAX, &t));
}

TEST(pins_rotate_with_the_slot)
{
    for (uint32_t slot = 0; slot < 32; slot++)
        for (uint32_t pin = 0; pin < 4; pin++)
            CHECK_EQ(pci_swizzle(PCI_DEVFN_OF(slot, 7), pin), (slot + pin) % 4);
}

TEST(pins_rotate_at_each_bridge)
{
    static const uint8_t path[3] = {PCI_DEVFN_OF(1, 0), PCI_DEVFN_OF(2, 0), PCI_DEVFN_OF(31, 0)};

    CHECK_EQ(pci_swizzle_path(path, 0, 2), 2);
    CHECK_EQ(pci_swizzle_path(path, 1, 0), 1);
    CHECK_EQ(pci_swizzle_path(path, 2, 0), 3);
    CHECK_EQ(pci_swizzle_path(path, 2, 3), 2);
    CHECK_EQ(PCI_SLOT_OF(0xfb), 31);
    CHECK_EQ(PCI_FUNC_OF(0xfb), 3);
}

int main(void)
{
    RUN(cf8_names_bus_function_and_register);
    RUN(the_low_bits_of_address_and_port_are_joined);
    RUN(ecam_names_bus_function_and_register);
    RUN(pins_rotate_with_the_slot);
    RUN(pins_rotate_at_each_bridge);
    return tap_done();
}
