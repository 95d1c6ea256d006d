/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the Motorola MC146818A; names in brackets are headings and tables of its data sheet
 * (MC146818A Real-Time Clock Plus RAM, 1984). The century byte is a PC convention. */
#ifndef TN_MC146818_REGS_H
#define TN_MC146818_REGS_H

/* Addresses [Figure 12, Address Map; Table 2, Time, Calendar and Alarm Data Modes] */
#define RTC_SECONDS       0x00
#define RTC_SECONDS_ALARM 0x01
#define RTC_MINUTES       0x02
#define RTC_MINUTES_ALARM 0x03
#define RTC_HOURS         0x04
#define RTC_HOURS_ALARM   0x05
#define RTC_DAY_OF_WEEK   0x06 /* Sunday = 1 */
#define RTC_DAY_OF_MONTH  0x07
#define RTC_MONTH         0x08
#define RTC_YEAR          0x09
#define RTC_REG_A         0x0a
#define RTC_REG_B         0x0b
#define RTC_REG_C         0x0c
#define RTC_REG_D         0x0d
#define RTC_RAM           0x0e /* the first byte of RAM */
#define RTC_CENTURY       0x32 /* as the ACPI FADT of a PC says */
#define RTC_CENTURY_PS2   0x37 /* where IBM's PS/2 had it */
#define RTC_SIZE          0x80

/* Two ones on top of an alarm byte: any value matches [Time, Calendar, and Alarm Locations]. */
#define RTC_ALARM_ANY 0xc0
#define RTC_HOURS_PM  0x80 /* in 12-hour mode */

/* Register A [Register A] */
#define RTC_A_UIP      0x80 /* update in progress; read-only */
#define RTC_A_DV       0x70 /* time base and divider [Table 4] */
#define RTC_A_DV_4MHZ  0x00
#define RTC_A_DV_1MHZ  0x10
#define RTC_A_DV_32KHZ 0x20 /* 6x and 7x hold the divider in reset */
#define RTC_A_RS       0x0f /* rate of the periodic interrupt [Table 5] */
#define RTC_A_POWER_ON (RTC_A_DV_32KHZ | 6)

/* Register B [Register B] */
#define RTC_B_SET  0x80 /* no updates; the guest sets the time */
#define RTC_B_PIE  0x40
#define RTC_B_AIE  0x20
#define RTC_B_UIE  0x10
#define RTC_B_SQWE 0x08
#define RTC_B_DM   0x04 /* 1: binary, 0: BCD */
#define RTC_B_24H  0x02
#define RTC_B_DSE  0x01 /* daylight savings */

/* Register C [Register C]; PF, AF, UF stand where B has their enables */
#define RTC_C_IRQF  0x80
#define RTC_C_PF    0x40
#define RTC_C_AF    0x20
#define RTC_C_UF    0x10
#define RTC_C_FLAGS (RTC_C_PF | RTC_C_AF | RTC_C_UF)

/* Register D [Register D] */
#define RTC_D_VRT 0x80 /* valid RAM and time */

/* UIP is up for this long before an update [Table 3, t BUC]. */
#define RTC_UIP_NS 244140u
/* The first update comes half a second after the divider leaves reset [Divider Control]. */
#define RTC_FIRST_UPDATE_NS 500000000u

#endif
