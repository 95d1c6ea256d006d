/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of QEMU's PCI test device: QEMU's docs/specs/pci-testdev, struct PCITestDevHdr, at the
 * start of BAR 0 and of BAR 1. All are little-endian. */
#ifndef PCI_TESTDEV_REGS_H
#define PCI_TESTDEV_REGS_H

#define TESTDEV_VENDOR_ID 0x1b36
#define TESTDEV_DEVICE_ID 0x0005
#define TESTDEV_CLASS     0x00ff /* unclassified */

#define TESTDEV_MEM_SIZE 4096u /* BAR 0 */
#define TESTDEV_IO_SIZE  256u  /* BAR 1 */

#define TESTDEV_TEST   0  /* 8 bits: a write starts that test of the BAR */
#define TESTDEV_WIDTH  1  /* 8 bits: bytes of one access; 0: there is no such test */
#define TESTDEV_OFFSET 4  /* 32 bits: where in the BAR to write */
#define TESTDEV_DATA   8  /* 32 bits: what to write */
#define TESTDEV_COUNT  12 /* 32 bits: writes that were seen */
#define TESTDEV_NAME   16 /* a string */
#define TESTDEV_HEADER 48

/* Tests of each BAR */
#define TESTDEV_NO_EVENTFD        0
#define TESTDEV_WILDCARD_EVENTFD  1
#define TESTDEV_DATAMATCH_EVENTFD 2
#define TESTDEV_TESTS             3

#define TESTDEV_DATA_MATCH 0xfa /* other data does not count */
#define TESTDEV_DATA_ANY   0xce

#endif
