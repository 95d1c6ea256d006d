/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the ACPI fixed hardware and of the reset control register. Sections are those of
 * ACPI 6.5 unless another book is named; the places are those of the ICH9
 * (datasheet 13.8.3, 13.7.5). */
#ifndef ACPI_PM_REGS_H
#define ACPI_PM_REGS_H

/* Offsets from PMBASE. PM1a and the timer are at the same ones in the PIIX4. */
#define ACPI_PM1_STS      0x00 /* PM1a_EVT status, 16 bits (4.8.3.1.1) */
#define ACPI_PM1_EN       0x02 /* PM1a_EVT enable, 16 bits (4.8.3.1.2) */
#define ACPI_PM1_CNT      0x04 /* PM1a_CNT, 16 bits (4.8.3.2.1) */
#define ACPI_PM_TMR       0x08 /* PM_TMR, 32 bits (4.8.3.3) */
#define ACPI_PM_FIXED_LEN 0x0c
#define ACPI_PM_GPE0_ICH9 0x20 /* GPE0_BLK: status, then enable (4.8.4.1) */

/* PM1 status and enable bits. */
#define ACPI_PM1_TMR    (1u << 0)
#define ACPI_PM1_BM     (1u << 4) /* status only */
#define ACPI_PM1_GBL    (1u << 5)
#define ACPI_PM1_PWRBTN (1u << 8)
#define ACPI_PM1_SLPBTN (1u << 9)
#define ACPI_PM1_RTC    (1u << 10)
#define ACPI_PM1_WAK    (1u << 15) /* status only */
#define ACPI_PM1_EN_BITS \
    (ACPI_PM1_TMR | ACPI_PM1_GBL | ACPI_PM1_PWRBTN | ACPI_PM1_SLPBTN | ACPI_PM1_RTC)
#define ACPI_PM1_STS_BITS (ACPI_PM1_EN_BITS | ACPI_PM1_BM | ACPI_PM1_WAK)

/* PM1 control bits. */
#define ACPI_PM1_SCI_EN        (1u << 0)
#define ACPI_PM1_BM_RLD        (1u << 1)
#define ACPI_PM1_GBL_RLS       (1u << 2) /* write-only */
#define ACPI_PM1_SLP_TYP_SHIFT 10
#define ACPI_PM1_SLP_TYP       (7u << ACPI_PM1_SLP_TYP_SHIFT)
#define ACPI_PM1_SLP_EN        (1u << 13) /* write-only */

/* The timer (4.8.2.1). */
#define ACPI_PM_TMR_HZ 3579545u

/* SMI command port (5.2.9 SMI_CMD) and the scratch byte beside it (ICH9 13.7.5 APM_CNT, APM_STS).
 */
#define ACPI_APM_CNT 0 /* port 0xb2 */
#define ACPI_APM_STS 1 /* port 0xb3 */

/* Reset Control Register, I/O port 0xcf9 (ICH9 13.7.5 RST_CNT). */
#define RESET_CF9_PORT     0xcf9
#define RESET_CF9_SYS_RST  (1u << 1) /* 1: a hard reset, 0: INIT to the processors */
#define RESET_CF9_RST_CPU  (1u << 2) /* 0 to 1: reset now */
#define RESET_CF9_FULL_RST (1u << 3) /* with a hard reset: power goes off and on */

#endif
