/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the PIIX3's PCI to ISA bridge, device 1 function 0. Sections are those of the Intel
 * 82371SB datasheet (290550-002). */
#ifndef PIIX3_REGS_H
#define PIIX3_REGS_H

#define PIIX3_VENDOR   0x8086
#define PIIX3_DEVICE   0x7000
#define PIIX3_REVISION 0x00
#define PIIX3_CLASS    0x0601 /* ISA bridge */

#define PIIX3_IORT     0x4c /* 2.2.9: ISA I/O recovery timer */
#define PIIX3_XBCS     0x4e /* 2.2.10, 16 bits: X-bus chip selects */
#define PIIX3_PIRQRCA  0x60 /* 2.2.11; to PIRQRCD at 0x63 */
#define PIIX3_TOM      0x69 /* 2.2.12: top of memory that ISA masters reach */
#define PIIX3_MSTAT    0x6a /* 2.2.13, 16 bits */
#define PIIX3_MBIRQ0   0x70 /* 2.2.14 */
#define PIIX3_MBDMA0   0x76 /* 2.2.15; MBDMA1 at 0x77 */
#define PIIX3_PCSC     0x78 /* 2.2.16, 16 bits: programmable chip select */
#define PIIX3_APICBASE 0x80 /* 2.2.17 */
#define PIIX3_DLC      0x82 /* 2.2.18 */
#define PIIX3_SMICNTL  0xa0 /* 2.2.19; and on to CTHTMR at 0xae: SMI */
#define PIIX3_SMIEN    0xa2
#define PIIX3_SEE      0xa4
#define PIIX3_FTMR     0xa8
#define PIIX3_CTLTMR   0xac
#define PIIX3_CTHTMR   0xae

#endif
