/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the memory controller hub's host bridge, device 0 function 0. Sections are those of
 * the Intel 3 Series Express Chipset Family datasheet (316966-002). */
#ifndef MCH_REGS_H
#define MCH_REGS_H

#define MCH_VENDOR   0x8086
#define MCH_DEVICE   0x29c0 /* 82G33 */
#define MCH_REVISION 0x02
#define MCH_CLASS    0x0600 /* host bridge */

#define MCH_PCIEXBAR        0x60 /* 5.1.15, 64 bits */
#define MCH_PCIEXBAR_ENABLE 1u
#define MCH_PAM0            0x90 /* 5.1.18; to PAM6 at 0x96 */
#define MCH_SMRAM           0x9d /* 5.1.27 */
#define MCH_SMRAM_D_LCK     0x10u
#define MCH_SMRAM_D_OPEN    0x40u
#define MCH_ESMRAMC         0x9e /* 5.1.28 */
#define MCH_TOLUD           0xb0 /* 5.1.35, 16 bits: bits 31:20 of the address in 15:4 */

#endif
