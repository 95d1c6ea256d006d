/* SPDX-License-Identifier: BSD-2-Clause */
/* MC146818 registers through ports 0x70 and 0x71. */
#ifndef TN_GUEST_CMOS_H
#define TN_GUEST_CMOS_H
#include "io.h"

#define CMOS_SECONDS 0x00
#define CMOS_MINUTES 0x02
#define CMOS_HOURS   0x04
#define CMOS_DAY     0x07
#define CMOS_MONTH   0x08
#define CMOS_YEAR    0x09
#define CMOS_A       0x0a /* UIP 7, divider 6:4, rate 3:0 */
#define CMOS_B       0x0b
#define CMOS_C       0x0c /* interrupt flags; reading clears them */
#define CMOS_D       0x0d
#define CMOS_CENTURY 0x32
#define CMOS_FREE    0x72 /* RAM that firmware leaves alone */

#define A_UIP 0x80
#define B_PIE 0x40
#define B_BIN 0x04
#define B_24H 0x02
#define C_PF  0x40
#define D_VRT 0x80

static inline uint8_t cmos_read(uint8_t reg)
{
    out8(0x70, reg);
    return in8(0x71);
}

static inline void cmos_write(uint8_t reg, uint8_t v)
{
    out8(0x70, reg);
    out8(0x71, v);
}

#endif
