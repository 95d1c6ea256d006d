/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the 82441FX PCI and memory controller, device 0 function 0. Sections are those of
 * the Intel 440FX PCIset datasheet (290549-001). */
#ifndef I440FX_REGS_H
#define I440FX_REGS_H

#define I440FX_VENDOR   0x8086
#define I440FX_DEVICE   0x1237
#define I440FX_REVISION 0x02
#define I440FX_CLASS    0x0600 /* host bridge */

#define I440FX_PMCCFG  0x50 /* 3.2.11, 16 bits */
#define I440FX_DETURBO 0x52 /* 3.2.12 */
#define I440FX_DBC     0x53 /* 3.2.13 */
#define I440FX_AXC     0x54 /* 3.2.14 */
#define I440FX_DRT     0x55 /* 3.2.15, 16 bits */
#define I440FX_DRAMC   0x57 /* 3.2.16 */
#define I440FX_DRAMT   0x58 /* 3.2.17 */
#define I440FX_PAM0    0x59 /* 3.2.18; to PAM6 at 0x5f */
#define I440FX_DRB0    0x60 /* 3.2.19; to DRB7 at 0x67 */
#define I440FX_FDHC    0x68 /* 3.2.20 */
#define I440FX_MTT     0x70 /* 3.2.21 */
#define I440FX_CLT     0x71 /* 3.2.22 */
#define I440FX_SMRAM   0x72 /* 3.2.23 */
#define I440FX_ERRCMD  0x90 /* 3.2.24 */
#define I440FX_ERRSTS  0x91 /* 3.2.25 */
#define I440FX_TRC     0x93 /* 3.2.26 */

#endif
