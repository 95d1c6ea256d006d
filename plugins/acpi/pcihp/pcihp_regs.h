/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of ACPI PCI hot-plug as QEMU has them (its docs/specs/acpi_pci_hotplug): dwords in I/O
 * space, of which the guest's AML is the driver. Bit n of a slot register is slot n of the bus that
 * was selected. */
#ifndef PCIHP_REGS_H
#define PCIHP_REGS_H

enum {
    PCIHP_UP = 0x00,     /* R: slots that were filled since the last read */
    PCIHP_DOWN = 0x04,   /* R: slots that are asked for */
    PCIHP_EJECT = 0x08,  /* W: slots that the guest lets go of; reads as 0 */
    PCIHP_RMV = 0x0c,    /* R: slots that can be plugged and unplugged */
    PCIHP_SELECT = 0x10, /* RW: number of the bus that the others are about */
    PCIHP_REFUSE = 0x14, /* W: slots that the guest was asked for and keeps. Ours, for _OST */
    PCIHP_SIZE = 0x18
};

#endif
