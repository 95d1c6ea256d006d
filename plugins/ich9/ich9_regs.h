/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the ICH9's LPC interface bridge, device 31 function 0. Sections are those of the
 * Intel I/O Controller Hub 9 datasheet (316972-004). */
#ifndef ICH9_REGS_H
#define ICH9_REGS_H

#define ICH9_LPC_VENDOR   0x8086
#define ICH9_LPC_DEVICE   0x2918 /* 82801IB */
#define ICH9_LPC_REVISION 0x02
#define ICH9_LPC_CLASS    0x0601 /* ISA bridge */

/* PCI configuration registers (13.1) */
#define ICH9_PMBASE            0x40 /* 13.1.13; bit 0: I/O space */
#define ICH9_PMBASE_ADDRESS    0xff80u
#define ICH9_ACPI_CNTL         0x44 /* 13.1.14 */
#define ICH9_ACPI_CNTL_ACPI_EN 0x80u
#define ICH9_GPIOBASE          0x48 /* 13.1.15 */
#define ICH9_GC                0x4c /* 13.1.16 */
#define ICH9_PIRQA_ROUT        0x60 /* 13.1.17; to PIRQD at 0x63 */
#define ICH9_SIRQ_CNTL         0x64 /* 13.1.18 */
#define ICH9_PIRQE_ROUT        0x68 /* 13.1.19; to PIRQH at 0x6b */
#define ICH9_LPC_IBDF          0x6c /* 13.1.20 */
#define ICH9_LPC_IO_DEC        0x80 /* 13.1.21 */
#define ICH9_LPC_EN            0x82 /* 13.1.22 */
#define ICH9_GEN1_DEC          0x84 /* 13.1.23; to GEN4_DEC at 0x90 */
#define ICH9_GEN_PMCON_1       0xa0 /* 13.8.1.1 */
#define ICH9_GEN_PMCON_3       0xa4 /* 13.8.1.3 */
#define ICH9_GPI_ROUT          0xb8 /* 13.8.1.7 */
#define ICH9_FWH_SEL1          0xd0 /* 13.1.27 */
#define ICH9_FWH_SEL2          0xd4 /* 13.1.28 */
#define ICH9_FWH_DEC_EN1       0xd8 /* 13.1.29 */
#define ICH9_BIOS_CNTL         0xdc /* 13.1.30 */
#define ICH9_RCBA              0xf0 /* 13.1.35 */
#define ICH9_RCBA_ADDRESS      0xffffc000u
#define ICH9_RCBA_EN           1u

/* Root complex register block, memory (10.1) */
#define ICH9_RCRB_SIZE     0x4000u
#define ICH9_GCS           0x3410u /* 10.1.41, 32 bits */
#define ICH9_GCS_NO_REBOOT 0x20u
#define ICH9_RCRB_DEFAULT  0xfed1c000u /* where firmware puts it */

/* Power management I/O registers, offsets from PMBASE (13.8.3); the others are in
 * acpi_pm_regs.h */
#define ICH9_PM_LEN 0x60
#define ICH9_SMI_EN 0x30 /* 13.8.3.8, 32 bits */
#define ICH9_TCO    0x60 /* 13.9: where those of tco.h begin */

#define ICH9_ACPI_ENABLE  2 /* commands for it, QEMU's */
#define ICH9_ACPI_DISABLE 3
#define ICH9_GPE0_BYTES   8 /* of status; 13.8.3.6 */

#define ICH9_PMBASE_RESET 0x600u /* QEMU's firmware chooses it too, and the next */
#define ICH9_RCBA_RESET   (ICH9_RCRB_DEFAULT | ICH9_RCBA_EN)
#define ICH9_SLP_TYP_S3   1u     /* QEMU's, as the next; hardware has 5 and 7 */
#define ICH9_SLP_TYP_S5   0u

#endif
