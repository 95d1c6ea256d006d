/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 keyboard with 101 or 102 keys, in scan code sets 1, 2 and 3. The owner serialises all calls
 * and takes bytes with ps2_take(&k->q). */
#ifndef TN_PS2_KBD_H
#define TN_PS2_KBD_H
#include "ps2.h"

struct ps2_kbd {
    struct ps2_queue q;
    uint8_t scan_set;      /* 1..3 */
    uint8_t enabled;       /* scanning */
    uint8_t leds;          /* bit 0 scroll, 1 num, 2 caps */
    uint8_t typematic;     /* rate and delay; repeating is up to who feeds keys in */
    uint8_t command;       /* that waits for its parameter; 0: none */
    uint8_t modifiers;     /* held Ctrl, Shift, Alt keys */
    uint8_t print_form;    /* how Print Screen was made, to break it alike */
    uint8_t overrun;       /* the overrun code is in the queue */
    uint8_t make_only[32]; /* set 3: bit per scan code of keys without break code */
};

/* Power-on state: set 2, scanning, LEDs off, nothing queued. */
void ps2_kbd_init(struct ps2_kbd *k);
/* The controller sends byte v. */
void ps2_kbd_write(struct ps2_kbd *k, uint8_t v);
/* Key Linux KEY_* goes down (1) or up (0); down again is a repeat. Returns 1 if it was queued; 0 if
 * the keyboard is not scanning, has no such key or no room. */
uint32_t ps2_kbd_key(struct ps2_kbd *k, uint32_t key, uint32_t down);
/* Makes loaded fields legal. */
void ps2_kbd_sanitize(struct ps2_kbd *k);

#endif
