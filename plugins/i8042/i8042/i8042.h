/* SPDX-License-Identifier: BSD-2-Clause */
/* 8042 keyboard controller with its PS/2 keyboard and mouse: the chips alone.
 *
 * Threads: none of its own, no lock. The owner serialises all calls on one instance. Callbacks run
 * inside these calls and don't call back. */
#ifndef TN_I8042_H
#define TN_I8042_H
#include <stdint.h>

#include "i8042_regs.h"
#include "ps2_kbd.h"
#include "ps2_mouse.h"

/* What the controller needs from outside. Every pointer is set; o is the opaque of i8042_init(). */
struct i8042_env {
    /* Interrupt line 1 (keyboard) or 12 (mouse) changed to level (0 or 1). */
    void (*irq)(void *o, uint32_t line, uint32_t level);
    /* The A20 gate changed to level. */
    void (*a20)(void *o, uint32_t level);
    /* The guest resets the machine (FE to port 0x64, or output port bit 0). */
    void (*reset)(void *o);
    /* The keyboard's LEDs are now mask: bit 0 scroll, 1 num, 2 caps. */
    void (*leds)(void *o, uint32_t mask);
};

/* All of the state, as fixed-width fields that a state table can name. */
struct i8042 {
    const struct i8042_env *env;
    void *opaque;

    uint8_t ram[I8042_RAM_SIZE]; /* location 0 is the command byte */
    uint8_t last_was_command;    /* status bit 3 */
    uint8_t command;             /* that waits for its data byte; 0: none */
    uint8_t out;                 /* output buffer */
    uint8_t out_full;
    uint8_t out_aux; /* it came from the mouse, or is to look so */
    uint8_t answer;  /* the controller's own byte on its way to the output buffer */
    uint8_t answer_full;
    uint8_t answer_aux;
    uint8_t release;     /* translation: 0x80 after a break prefix */
    uint8_t output_port; /* reset and A20 */
    struct ps2_kbd kbd;
    struct ps2_mouse mouse;

    /* derived: computed again by i8042_post_load() */
    uint8_t irq_kbd, irq_aux, a20, leds;
};

/* Power-on state, both devices enabled, interrupts on, no translation, A20 open. Calls nothing.
 * @env, @opaque: must outlive c. */
void i8042_init(struct i8042 *c, const struct i8042_env *env, void *opaque);
/* Back to the power-on state, devices included; outputs follow. */
void i8042_reset(struct i8042 *c);

/* Guest access to port 0x60. The read takes the byte out of the output buffer. */
uint8_t i8042_read_data(struct i8042 *c);
void i8042_write_data(struct i8042 *c, uint8_t v);
/* Guest access to port 0x64. */
uint8_t i8042_read_status(const struct i8042 *c);
void i8042_write_command(struct i8042 *c, uint8_t v);

/* Linux KEY_* went down (1, also to repeat it) or up (0). Returns 1 if the keyboard took it. */
uint32_t i8042_key(struct i8042 *c, uint32_t key, uint32_t down);
/* The mouse moved by REL_X, REL_Y, REL_WHEEL, and its buttons are now PS2_MOUSE_*. */
void i8042_mouse(struct i8042 *c, int32_t x, int32_t y, int32_t wheel, uint32_t buttons);

/* After the state fields were loaded: makes them legal and gives every output to the environment.
 */
void i8042_post_load(struct i8042 *c);

#endif
