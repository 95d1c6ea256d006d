/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 mouse: three buttons, wheel (IntelliMouse) and five buttons (IntelliMouse Explorer). The
 * owner serialises all calls, takes bytes with ps2_take(&m->q) and then calls ps2_mouse_sync(). */
#ifndef TN_PS2_MOUSE_H
#define TN_PS2_MOUSE_H
#include "ps2.h"

/* Bits of ps2_mouse_buttons() */
#define PS2_MOUSE_LEFT   0x01u
#define PS2_MOUSE_RIGHT  0x02u
#define PS2_MOUSE_MIDDLE 0x04u
#define PS2_MOUSE_SIDE   0x08u
#define PS2_MOUSE_EXTRA  0x10u
#define PS2_MOUSE_ALL    0x1fu

struct ps2_mouse {
    struct ps2_queue q;
    uint8_t enabled;    /* data reporting in stream mode */
    uint8_t remote;     /* only asked packets */
    uint8_t wrap;       /* echoes what it gets */
    uint8_t scale2;     /* scaling 2:1 */
    uint8_t resolution; /* 0..3 */
    uint8_t rate;       /* samples a second */
    uint8_t id;         /* MOUSE_ID_* */
    uint8_t command;    /* that waits for its parameter; 0: none */
    uint8_t rates[2];   /* the two sample rates before the last */
    uint8_t buttons;    /* as they are */
    uint8_t reported;   /* as the last packet said */
    int16_t dx, dy, dz; /* not yet reported; right, up, and wheel towards the user are positive */
};

/* Power-on state: reporting off, no wheel. */
void ps2_mouse_init(struct ps2_mouse *m);
/* The controller sends byte v. */
void ps2_mouse_write(struct ps2_mouse *m, uint8_t v);
/* Movement in the sense of Linux REL_X, REL_Y (down) and REL_WHEEL (away from the user). */
void ps2_mouse_move(struct ps2_mouse *m, int32_t x, int32_t y, int32_t wheel);
/* The buttons are now mask. */
void ps2_mouse_buttons(struct ps2_mouse *m, uint32_t mask);
/* End of an event, or room in the queue: makes packets if there is something to report. */
void ps2_mouse_sync(struct ps2_mouse *m);
/* Makes loaded fields legal. */
void ps2_mouse_sanitize(struct ps2_mouse *m);

#endif
