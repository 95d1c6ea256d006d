/* SPDX-License-Identifier: BSD-2-Clause */
/* The Fixed ACPI Description Table, as far as event hardware fills it in: byte offsets, and the
 * Generic Address Structure of a register (ACPI 6.5 5.2.9, 5.2.3.2). */
#ifndef ACPI_FADT_H
#define ACPI_FADT_H
#include "util/bytes.h"

#define FADT_SCI_INT       46 /* 16 bits */
#define FADT_SMI_CMD       48 /* 32 bits: port */
#define FADT_ACPI_ENABLE   52 /* value for it */
#define FADT_ACPI_DISABLE  53 /* value for it */
#define FADT_PM1A_EVT_BLK  56 /* 32 bits: port; so the next three */
#define FADT_PM1A_CNT_BLK  64
#define FADT_PM_TMR_BLK    76
#define FADT_GPE0_BLK      80
#define FADT_PM1_EVT_LEN   88 /* bytes; so the next three */
#define FADT_PM1_CNT_LEN   89
#define FADT_PM_TMR_LEN    91
#define FADT_GPE0_BLK_LEN  92
#define FADT_FLAGS         112 /* 32 bits */
#define FADT_RESET_REG     116 /* Generic Address Structure */
#define FADT_RESET_VALUE   128
#define FADT_X_PM1A_EVT    148 /* Generic Address Structure; so the next five */
#define FADT_X_PM1A_CNT    172
#define FADT_X_PM_TMR      208
#define FADT_X_GPE0        220
#define FADT_SLEEP_CONTROL 244
#define FADT_SLEEP_STATUS  256
#define FADT_LEN_V5        268 /* up to and with SLEEP_STATUS_REG */

/* Flags (table 5.10) */
#define FADT_PWR_BUTTON    (1u << 4) /* the power button is not a fixed one */
#define FADT_SLP_BUTTON    (1u << 5) /* the sleep button is not a fixed one */
#define FADT_TMR_VAL_EXT   (1u << 8) /* the PM timer has 32 bits */
#define FADT_RESET_REG_SUP (1u << 10)
#define FADT_HW_REDUCED    (1u << 20) /* no fixed hardware */

/* Generic Address Structure */
enum { GAS_MEMORY = 0, GAS_IO = 1 };

/* Writes one at p: a register of bits bits, accessed in units of size bytes (1, 2, 4). */
static inline void put_gas(uint8_t *p, uint8_t space, uint32_t bits, uint32_t size,
                           uint64_t address)
{
    p[0] = space;
    p[1] = (uint8_t)bits;
    p[2] = 0;                               /* bit offset */
    p[3] = (uint8_t)(size == 4 ? 3 : size); /* 1 byte, 2 word, 3 dword */
    put_le64(p + 4, address);
}

static inline void fadt_set_flags(uint8_t *fadt, uint32_t set, uint32_t clear)
{
    put_le32(fadt + FADT_FLAGS, (get_le32(fadt + FADT_FLAGS) & ~clear) | set);
}

#endif
