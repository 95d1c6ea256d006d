/* SPDX-License-Identifier: BSD-2-Clause */
/* Scan codes of keys, and the controller's translation of set 2 into set 1. */
#ifndef TN_PS2_KEYMAP_H
#define TN_PS2_KEYMAP_H
#include <stdint.h>

/* Keys that are more than one code, by their Linux KEY_* number. */
#define PS2_KEY_LEFTCTRL   29
#define PS2_KEY_LEFTSHIFT  42
#define PS2_KEY_RIGHTSHIFT 54
#define PS2_KEY_LEFTALT    56
#define PS2_KEY_RIGHTCTRL  97
#define PS2_KEY_SYSRQ      99
#define PS2_KEY_RIGHTALT   100
#define PS2_KEY_PAUSE      119

/* Set 2 code of a Linux KEY_*: the byte, with 0xe000 added if an E0 precedes it; 0: no such key. */
uint16_t ps2_set2(uint32_t key);
/* Set 3 code; 0: no such key. */
uint8_t ps2_set3(uint32_t key);
/* What the controller makes of one byte of set 2 [Keyboard scan code translation]. The F0 prefix is
 * the caller's. */
uint8_t ps2_xlate(uint8_t set2);

#endif
