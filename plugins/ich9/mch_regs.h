/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the memory controller hub's host bridge, device 0 function 0. Sections are those of
 * the Intel 3 Series Express Chipset Family datasheet (316966-002). */
#ifndef MCH_REGS_H
#define MCH_REGS_H

#define MCH_VENDOR   0x8086
#define MCH_DEVICE   0x29c0 /* 82G33 */
#define MCH_REVISION 0x02
#define MCH_CLASS    0x0600 /* host bridge */

#define MCH_EXT_TSEG        0x50 /* QEMU's, 16 bits: MiB of the largest TSEG, after a write of 0xffff */
#define MCH_PCIEXBAR        0x60 /* 5.1.15, 64 bits */
#define MCH_PCIEXBAR_ENABLE 1u
#define MCH_PAM0            0x90 /* 5.1.18; to PAM6 at 0x96 */
#define MCH_F_SMBASE        0x9c /* QEMU's: memory at SMBASE is for SMM */
#define MCH_F_SMBASE_QUERY  0xff
#define MCH_F_SMBASE_IN_RAM 0x01 /* the answer: it can be */
#define MCH_F_SMBASE_LCK    0x02
#define MCH_SMRAM           0x9d /* 5.1.27; its bits are in pci/pam.h */
#define MCH_ESMRAMC         0x9e /* 5.1.28 */
#define MCH_ESMRAMC_T_EN    0x01u
#define MCH_ESMRAMC_TSEG_SZ 0x06u /* 1, 2, 8 MiB; all ones is reserved: QEMU's largest */
#define MCH_TOLUD           0xb0  /* 5.1.35, 16 bits: bits 31:20 of the address in 15:4 */

#endif
