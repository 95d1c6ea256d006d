/* SPDX-License-Identifier: BSD-2-Clause */
/* Advanced error reporting: PCIe Base 6.0 6.2 and 7.8.4. */
#include "pci/aer.h"
#include "pci/bridge.h"
#include "pci/pcie.h"
#include "tap.h"

#define AER 0x100
#define EXP 0x40

static const struct pci_ids ids = {.vendor = 0x1b36, .device = 0x0010};

static uint32_t rd(struct pci_config *c, uint32_t off)
{
    return pci_config_read(c, off, 4);
}

static void wr(struct pci_config *c, uint32_t off, uint32_t size, uint32_t v)
{
    pci_config_write(c, off, size, v);
}

static void make_endpoint(struct pci_config *c)
{
    struct pcie_port p = {.type = PCI_EXP_TYPE_ENDPOINT, .speed = 1, .width = 1};

    pci_config_init(c, PCI_FN_EXPRESS, &ids);
    pcie_cap_add(c, EXP, &p);
}

static void make_port(struct pci_config *c, struct bridge *b)
{
    struct pcie_port p = {.type = PCI_EXP_TYPE_ROOT_PORT, .speed = 1, .width = 1};

    pci_config_init(c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    bridge_init(b, c, BRIDGE_PREF64);
    pcie_cap_add(c, EXP, &p);
    aer_add(c, AER, true);
}

TEST(registers_have_their_defaults)
{
    struct pci_config c;

    make_endpoint(&c);
    CHECK_EQ(aer_add(&c, 0, false), AER);
    CHECK_EQ(rd(&c, AER), 0x00020001);
    CHECK_EQ(rd(&c, AER + 0x08), 0x00400000);
    CHECK_EQ(rd(&c, AER + 0x0c), 0x00462030);
    CHECK_EQ(rd(&c, AER + 0x14), 0x0000e000);
    CHECK_EQ(rd(&c, AER + 0x18), 0x000000a0);
    wr(&c, AER + 0x08, 4, 0xffffffff);
    CHECK_EQ(rd(&c, AER + 0x08), 0x03fff030);
    wr(&c, AER + 0x14, 4, 0xffffffff);
    CHECK_EQ(rd(&c, AER + 0x14), 0x0000f1c1);
    wr(&c, AER + 0x18, 4, 0xffffffff);
    CHECK_EQ(rd(&c, AER + 0x18), 0x000001e0);
    pci_config_fini(&c);
}

TEST(a_correctable_error_is_logged_and_sent_if_enabled)
{
    struct pci_config c;

    make_endpoint(&c);
    aer_add(&c, 0, false);
    CHECK_EQ(aer_report(&c, AER_COR, PCI_ERR_COR_RCVR, NULL), AER_NONE);
    CHECK_EQ(rd(&c, AER + 0x10), 1);
    CHECK_EQ(rd(&c, EXP + 8), 0x00010000);
    wr(&c, EXP + 8, 2, PCI_EXP_DEVCTL_CERE);
    CHECK_EQ(aer_report(&c, AER_COR, PCI_ERR_COR_BAD_TLP, NULL), AER_COR);
    CHECK_EQ(aer_report(&c, AER_COR, PCI_ERR_COR_ADV_NFAT, NULL), AER_NONE); /* masked */
    CHECK_EQ(rd(&c, AER + 0x10), 0x2041);
    wr(&c, AER + 0x10, 4, 0x2001);
    CHECK_EQ(rd(&c, AER + 0x10), 0x0040);
    pci_config_fini(&c);
}

TEST(severity_is_the_guests_choice)
{
    struct pci_config c;

    make_endpoint(&c);
    aer_add(&c, 0, false);
    wr(&c, EXP + 8, 2, PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE);
    CHECK_EQ(aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_POISON_TLP, NULL), AER_NONFATAL);
    CHECK_EQ(rd(&c, EXP + 8) >> 16, PCI_EXP_DEVSTA_NFED);
    wr(&c, AER + 0x0c, 4, PCI_ERR_UNC_POISON_TLP);
    CHECK_EQ(aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_POISON_TLP, NULL), AER_FATAL);
    CHECK_EQ(rd(&c, EXP + 8) >> 16, PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED);
    pci_config_fini(&c);
}

TEST(the_header_log_belongs_to_the_first_error)
{
    struct pci_config c;
    const uint32_t first[4] = {1, 2, 3, 4}, second[4] = {5, 6, 7, 8};

    make_endpoint(&c);
    aer_add(&c, 0, false);
    aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_POISON_TLP, first);
    aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_MALF_TLP, second);
    CHECK_EQ(rd(&c, AER + 0x04), PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_MALF_TLP);
    CHECK_EQ(rd(&c, AER + 0x18), 0xa0 | 12);
    CHECK_EQ(rd(&c, AER + 0x1c), 1);
    CHECK_EQ(rd(&c, AER + 0x28), 4);
    wr(&c, AER + 0x04, 4, PCI_ERR_UNC_POISON_TLP);
    aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_ECRC, second);
    CHECK_EQ(rd(&c, AER + 0x18), 0xa0 | 19);
    CHECK_EQ(rd(&c, AER + 0x1c), 5);
    pci_config_fini(&c);
}

TEST(a_masked_error_has_status_but_no_log_nor_message)
{
    struct pci_config c;
    const uint32_t header[4] = {1, 2, 3, 4};

    make_endpoint(&c);
    aer_add(&c, 0, false);
    wr(&c, EXP + 8, 2, 0xf);
    wr(&c, 4, 2, PCI_COMMAND_SERR);
    CHECK_EQ(aer_report(&c, AER_FATAL, PCI_ERR_UNC_INTN, header), AER_NONE);
    CHECK_EQ(rd(&c, AER + 0x04), PCI_ERR_UNC_INTN);
    CHECK_EQ(rd(&c, AER + 0x1c), 0);
    CHECK_EQ(rd(&c, 4) >> 16 & PCI_STATUS_SIG_SYSTEM_ERROR, 0);
    pci_config_fini(&c);
}

TEST(unsupported_requests_have_an_enable_of_their_own)
{
    struct pci_config c;

    make_endpoint(&c);
    aer_add(&c, 0, false);
    wr(&c, EXP + 8, 2, PCI_EXP_DEVCTL_NFERE);
    CHECK_EQ(aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_UNSUP, NULL), AER_NONE);
    CHECK_EQ(rd(&c, EXP + 8) >> 16, PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_URD);
    wr(&c, EXP + 8, 2, PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_URRE);
    CHECK_EQ(aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_UNSUP, NULL), AER_NONFATAL);
    wr(&c, EXP + 8, 2, 0);
    wr(&c, 4, 2, PCI_COMMAND_SERR);
    CHECK_EQ(aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_UNSUP, NULL), AER_NONFATAL);
    CHECK(rd(&c, 4) >> 16 & PCI_STATUS_SIG_SYSTEM_ERROR);
    pci_config_fini(&c);
}

TEST(without_the_capability_the_device_registers_do)
{
    struct pci_config c;

    make_endpoint(&c);
    wr(&c, EXP + 8, 2, PCI_EXP_DEVCTL_FERE);
    CHECK_EQ(aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_ECRC, NULL), AER_NONE);
    CHECK_EQ(aer_report(&c, AER_FATAL, PCI_ERR_UNC_ECRC, NULL), AER_FATAL);
    CHECK_EQ(rd(&c, EXP + 8) >> 16, PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED);
    pci_config_fini(&c);
}

TEST(errors_outlive_a_reset_but_not_power)
{
    struct pci_config c;

    make_endpoint(&c);
    aer_add(&c, 0, false);
    wr(&c, AER + 0x08, 4, 0);
    aer_report(&c, AER_NONFATAL, PCI_ERR_UNC_ECRC, NULL);
    pci_config_reset(&c, false);
    CHECK_EQ(rd(&c, AER + 0x04), PCI_ERR_UNC_ECRC);
    CHECK_EQ(rd(&c, AER + 0x08), 0);
    pci_config_reset(&c, true);
    CHECK_EQ(rd(&c, AER + 0x04), 0);
    CHECK_EQ(rd(&c, AER + 0x08), 0x00400000);
    pci_config_fini(&c);
}

TEST(a_bridge_passes_messages_on_with_serr_enabled)
{
    struct pci_config c;
    struct bridge b;

    make_port(&c, &b);
    wr(&c, EXP + 8, 2, 0x7);
    CHECK(!aer_bridge_forwards(&c, AER_NONFATAL));
    CHECK_EQ(rd(&c, 0x1c) >> 16, 0x4000);
    wr(&c, 0x3e, 2, PCI_BRIDGE_CTL_SERR);
    CHECK(aer_bridge_forwards(&c, AER_COR));
    CHECK(aer_bridge_forwards(&c, AER_FATAL));
    wr(&c, EXP + 8, 2, 0);
    CHECK(!aer_bridge_forwards(&c, AER_COR));
    CHECK(!aer_bridge_forwards(&c, AER_FATAL));
    wr(&c, 4, 2, PCI_COMMAND_SERR);
    CHECK(aer_bridge_forwards(&c, AER_FATAL));
    wr(&c, 0x1e, 2, 0x4000);
    CHECK_EQ(rd(&c, 0x1c) >> 16, 0);
    pci_config_fini(&c);
}

TEST(a_root_port_collects_messages_and_interrupts)
{
    struct pci_config c;
    struct bridge b;

    make_port(&c, &b);
    aer_root_receive(&c, AER_COR, 0x0100);
    aer_root_receive(&c, AER_COR, 0x0200);
    CHECK_EQ(rd(&c, AER + 0x30), 0x3);
    CHECK_EQ(rd(&c, AER + 0x34), 0x0100);
    CHECK(!aer_root_irq(&c));
    wr(&c, AER + 0x2c, 4, 1);
    CHECK(aer_root_irq(&c));
    wr(&c, AER + 0x30, 4, 0x3);
    CHECK(!aer_root_irq(&c));
    aer_root_receive(&c, AER_FATAL, 0x0308);
    aer_root_receive(&c, AER_NONFATAL, 0x0400);
    CHECK_EQ(rd(&c, AER + 0x30), 0x7c);
    CHECK_EQ(rd(&c, AER + 0x34), 0x03080100);
    CHECK(!aer_root_irq(&c));
    wr(&c, AER + 0x2c, 4, 2);
    CHECK(aer_root_irq(&c));
    wr(&c, AER + 0x2c, 4, 4);
    CHECK(aer_root_irq(&c));
    wr(&c, AER + 0x30, 4, 0x40);
    CHECK(!aer_root_irq(&c));
    pci_config_fini(&c);
}

TEST(a_function_without_root_registers_collects_nothing)
{
    struct pci_config c;

    make_endpoint(&c);
    aer_root_receive(&c, AER_COR, 1);
    CHECK(!aer_root_irq(&c));
    pci_config_fini(&c);
}

int main(void)
{
    RUN(registers_have_their_defaults);
    RUN(a_correctable_error_is_logged_and_sent_if_enabled);
    RUN(severity_is_the_guests_choice);
    RUN(the_header_log_belongs_to_the_first_error);
    RUN(a_masked_error_has_status_but_no_log_nor_message);
    RUN(unsupported_requests_have_an_enable_of_their_own);
    RUN(without_the_capability_the_device_registers_do);
    RUN(errors_outlive_a_reset_but_not_power);
    RUN(a_bridge_passes_messages_on_with_serr_enabled);
    RUN(a_root_port_collects_messages_and_interrupts);
    RUN(a_function_without_root_registers_collects_nothing);
    return tap_done();
}
