/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of the PS/2 keyboard and mouse. Keyboard: IBM Personal System/2 Hardware Interface
 * Technical Reference, "Keyboards (101- and 102-Key)". Mouse: same, "Mouse"; wheel and five
 * buttons: Microsoft, "IntelliMouse" notes. */
#ifndef TN_PS2_REGS_H
#define TN_PS2_REGS_H

/* Answers of both [Commands to the System] */
#define PS2_ACK    0xfa
#define PS2_BAT_OK 0xaa
#define PS2_RESEND 0xfe
#define PS2_ECHO   0xee

/* Commands of both */
#define PS2_CMD_GET_ID   0xf2
#define PS2_CMD_ENABLE   0xf4
#define PS2_CMD_DISABLE  0xf5
#define PS2_CMD_DEFAULTS 0xf6
#define PS2_CMD_RESEND   0xfe
#define PS2_CMD_RESET    0xff

/* Keyboard commands [Commands from the System] */
#define KBD_CMD_SET_LEDS       0xed /* parameter: bit 0 scroll, 1 num, 2 caps */
#define KBD_CMD_ECHO           0xee
#define KBD_CMD_SCAN_SET       0xf0 /* parameter: 1..3, 0 asks */
#define KBD_CMD_TYPEMATIC      0xf3 /* parameter: rate and delay */
#define KBD_CMD_ALL_TYPEMATIC  0xf7 /* set 3 only, as the six that follow */
#define KBD_CMD_ALL_MAKE_BREAK 0xf8
#define KBD_CMD_ALL_MAKE       0xf9
#define KBD_CMD_ALL            0xfa
#define KBD_CMD_KEY_TYPEMATIC  0xfb /* these three: scan codes of keys until the next command */
#define KBD_CMD_KEY_MAKE_BREAK 0xfc
#define KBD_CMD_KEY_MAKE       0xfd

#define KBD_ID_0              0xab
#define KBD_ID_1              0x83
#define KBD_TYPEMATIC_DEFAULT 0x2b /* 10.9 characters a second after 500 ms */
#define KBD_OVERRUN_SET1      0xff
#define KBD_OVERRUN           0x00 /* sets 2 and 3 */
#define KBD_BREAK             0xf0 /* prefix in sets 2 and 3 */
#define KBD_QUEUE             16   /* bytes of scan codes [Buffer] */

/* Mouse commands */
#define MOUSE_CMD_SCALE_1    0xe6
#define MOUSE_CMD_SCALE_2    0xe7
#define MOUSE_CMD_RESOLUTION 0xe8 /* parameter: 0..3, 1 << n counts per mm */
#define MOUSE_CMD_STATUS     0xe9
#define MOUSE_CMD_STREAM     0xea
#define MOUSE_CMD_READ       0xeb
#define MOUSE_CMD_WRAP_OFF   0xec
#define MOUSE_CMD_WRAP_ON    0xee
#define MOUSE_CMD_REMOTE     0xf0
#define MOUSE_CMD_RATE       0xf3 /* parameter: samples a second */

/* Status byte of MOUSE_CMD_STATUS; bits 0..2 are right, middle, left button */
#define MOUSE_STATUS_SCALE_2 0x10
#define MOUSE_STATUS_ENABLED 0x20
#define MOUSE_STATUS_REMOTE  0x40

/* First byte of a packet */
#define MOUSE_PKT_LEFT   0x01
#define MOUSE_PKT_RIGHT  0x02
#define MOUSE_PKT_MIDDLE 0x04
#define MOUSE_PKT_ONE    0x08
#define MOUSE_PKT_XSIGN  0x10
#define MOUSE_PKT_YSIGN  0x20
/* Fourth byte with MOUSE_ID_EXPLORER */
#define MOUSE_PKT_BUTTON4 0x10
#define MOUSE_PKT_BUTTON5 0x20

#define MOUSE_ID_PLAIN           0
#define MOUSE_ID_WHEEL           3 /* after sample rates 200, 100, 80 */
#define MOUSE_ID_EXPLORER        4 /* after sample rates 200, 200, 80 */
#define MOUSE_RATE_DEFAULT       100
#define MOUSE_RESOLUTION_DEFAULT 2
#define MOUSE_QUEUE              64 /* bytes of packets */

#endif
