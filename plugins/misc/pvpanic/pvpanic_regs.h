/* SPDX-License-Identifier: BSD-2-Clause */
/* The pvpanic register: one byte. A read tells the events that are offered, a write reports one
 * (QEMU, docs/specs/pvpanic). */
#ifndef TN_PVPANIC_REGS_H
#define TN_PVPANIC_REGS_H

#define PVPANIC_PORT 0x505

#define PVPANIC_PCI_VENDOR   0x1b36
#define PVPANIC_PCI_DEVICE   0x0011
#define PVPANIC_PCI_REVISION 0x01
#define PVPANIC_PCI_CLASS    0x0880 /* other system peripheral */
#define PVPANIC_BAR_SIZE     16 /* BAR 0, of memory: as little as there can be (PCI 3.0 6.2.5.1) */

#define PVPANIC_PANICKED     0x01 /* the guest panicked; the host acts */
#define PVPANIC_CRASH_LOADED 0x02 /* it panicked and its crash kernel takes over */
#define PVPANIC_SHUTDOWN     0x04 /* it shuts down and has no other way to say so */
#define PVPANIC_EVENTS       (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED | PVPANIC_SHUTDOWN)

#endif
