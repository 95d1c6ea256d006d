/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8042 keyboard controller. Names in brackets are headings of the IBM Personal System/2
 * Hardware Interface Technical Reference, chapter "Keyboard and Auxiliary Device Controller". */
#ifndef TN_I8042_REGS_H
#define TN_I8042_REGS_H

/* Ports, as an ISA machine places them. */
#define I8042_DATA    0x60 /* read: output buffer; write: input buffer, data */
#define I8042_COMMAND 0x64 /* read: status; write: input buffer, command */

/* Status register [Status Register] */
#define I8042_STATUS_OBF    0x01 /* output buffer full */
#define I8042_STATUS_IBF    0x02 /* input buffer full */
#define I8042_STATUS_SYS    0x04 /* system flag, from the command byte */
#define I8042_STATUS_CMD    0x08 /* the last write was a command */
#define I8042_STATUS_UNLOCK 0x10 /* keyboard not inhibited by the key lock */
#define I8042_STATUS_AUX    0x20 /* the output buffer holds a byte of the auxiliary device */

/* Command byte [Controller Command Byte], RAM location 0 */
#define I8042_CB_KBD_INT 0x01
#define I8042_CB_AUX_INT 0x02
#define I8042_CB_SYS     0x04
#define I8042_CB_KBD_OFF 0x10
#define I8042_CB_AUX_OFF 0x20
#define I8042_CB_XLATE   0x40 /* scan code set 2 to set 1 */
#define I8042_CB_MASK    0x7f

/* Commands to port 0x64 [Commands] */
#define I8042_CMD_READ_RAM      0x20 /* ..0x3f */
#define I8042_CMD_WRITE_RAM     0x60 /* ..0x7f, one data byte */
#define I8042_CMD_AUX_OFF       0xa7
#define I8042_CMD_AUX_ON        0xa8
#define I8042_CMD_AUX_TEST      0xa9
#define I8042_CMD_SELF_TEST     0xaa
#define I8042_CMD_KBD_TEST      0xab
#define I8042_CMD_KBD_OFF       0xad
#define I8042_CMD_KBD_ON        0xae
#define I8042_CMD_READ_INPUT    0xc0
#define I8042_CMD_READ_OUTPUT   0xd0
#define I8042_CMD_WRITE_OUTPUT  0xd1 /* one data byte, as the three that follow */
#define I8042_CMD_WRITE_KBD_OBF 0xd2
#define I8042_CMD_WRITE_AUX_OBF 0xd3
#define I8042_CMD_WRITE_AUX     0xd4
#define I8042_CMD_A20_OFF       0xdd /* of many later controllers */
#define I8042_CMD_A20_ON        0xdf
#define I8042_CMD_READ_TEST     0xe0
#define I8042_CMD_PULSE         0xf0 /* ..0xff: output lines whose bit is 0 go low for 6 us */

#define I8042_SELF_TEST_OK 0x55
#define I8042_TEST_OK      0x00

/* Output port [Output Port] */
#define I8042_OUT_RESET   0x01 /* 0 resets the processor */
#define I8042_OUT_A20     0x02
#define I8042_OUT_KBD_INT 0x10
#define I8042_OUT_AUX_INT 0x20
#define I8042_OUT_KBD_CLK 0x40
#define I8042_OUT_KBD_DAT 0x80

#define I8042_IN_UNLOCKED 0x80 /* input port: the key lock is open */

#define I8042_RAM_SIZE 32

#endif
