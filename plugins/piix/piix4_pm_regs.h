/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the PIIX4's power management, device 1 function 3. Sections are those of the Intel
 * 82371AB datasheet (290562-001). */
#ifndef PIIX4_PM_REGS_H
#define PIIX4_PM_REGS_H

#define PIIX4_PM_VENDOR   0x8086
#define PIIX4_PM_DEVICE   0x7113
#define PIIX4_PM_REVISION 0x03
#define PIIX4_PM_CLASS    0x0680 /* other bridge */

#define PIIX4_PMBA             0x40 /* 7.1.11; bit 0: I/O space */
#define PIIX4_PMBA_ADDRESS     0xffc0u
#define PIIX4_CNTA             0x44 /* 7.1.12; CNTB at 0x48, GPICTL at 0x4c */
#define PIIX4_DEVRESD          0x50 /* 7.1.15; and on to DEVRESJ at 0x7c: device monitors */
#define PIIX4_DEVACTB          0x58 /* 7.1.17 */
#define PIIX4_DEVACTB_APMC_EN  (1u << 25) /* set: firmware does not look for SMM, which there is not */
#define PIIX4_PMREGMISC        0x80 /* 7.1.27 */
#define PIIX4_PMREGMISC_PMIOSE 1u   /* the PM block answers */
#define PIIX4_SMBBA            0x90 /* 7.1.28; bit 0: I/O space */
#define PIIX4_SMBHSTCFG        0xd2 /* 7.1.29 */
#define PIIX4_SMBREV           0xd6 /* 7.1.33 */

/* The PM block (7.3): PM1 and the timer where acpi_pm_regs.h says. */
#define PIIX4_PM_LEN     0x40
#define PIIX4_PMBA_RESET 0x600u /* QEMU's firmware chooses it too */

/* QEMU's: GPE0 apart from the block, with wires for what is plugged; commands to APM_CNT. */
#define PIIX4_GPE0         0xafe0
#define PIIX4_GPE0_BYTES   2 /* of status */
#define PIIX4_ACPI_ENABLE  0xf1
#define PIIX4_ACPI_DISABLE 0xf0
#define PIIX4_SLP_TYP_S3   1 /* as in the chip (7.3.3), and the last */
#define PIIX4_SLP_TYP_S5   0

#endif
