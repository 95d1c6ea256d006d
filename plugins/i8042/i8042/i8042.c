/* SPDX-License-Identifier: BSD-2-Clause */
/* 8042 keyboard controller. Names in brackets are headings of the chapter "Keyboard and Auxiliary
 * Device Controller". */
#include "i8042.h"

#include <string.h>

#include "ps2_keymap.h"

#define COMMAND_BYTE 0
#define POWER_ON_CB  (I8042_CB_KBD_INT | I8042_CB_AUX_INT)

static uint8_t command_byte(const struct i8042 *c)
{
    return c->ram[COMMAND_BYTE];
}

/* ---- outputs ---- */

static void set_line(struct i8042 *c, uint8_t *now, uint32_t line, uint8_t level)
{
    if (*now == level)
        return;
    *now = level;
    c->env->irq(c->opaque, line, level);
}

/* While the keyboard is off its interrupt is too: a driver that turns it off to talk to the
 * controller polls. */
static void update_irq(struct i8042 *c)
{
    uint8_t cb = command_byte(c);
    uint8_t kbd = c->out_full && !c->out_aux && (cb & I8042_CB_KBD_INT) && !(cb & I8042_CB_KBD_OFF);
    uint8_t aux = c->out_full && c->out_aux && (cb & I8042_CB_AUX_INT);
    set_line(c, &c->irq_kbd, 1, kbd);
    set_line(c, &c->irq_aux, 12, aux);
}

static void update_a20(struct i8042 *c)
{
    uint8_t level = (c->output_port & I8042_OUT_A20) != 0;
    if (c->a20 == level)
        return;
    c->a20 = level;
    c->env->a20(c->opaque, level);
}

static void update_leds(struct i8042 *c)
{
    if (c->leds == c->kbd.leds)
        return;
    c->leds = c->kbd.leds;
    c->env->leds(c->opaque, c->leds);
}

/* ---- output buffer [Output Buffer] ---- */

static void put_out(struct i8042 *c, uint8_t b, uint8_t aux)
{
    c->out = b;
    c->out_aux = aux;
    c->out_full = 1;
}

/* [Keyboard scan code translation]: the break prefix of set 2 becomes bit 7 of the code that
 * follows it. */
static void put_keyboard_byte(struct i8042 *c)
{
    uint8_t b = ps2_take(&c->kbd.q);
    if (!(command_byte(c) & I8042_CB_XLATE)) {
        put_out(c, b, 0);
        return;
    }
    if (b == KBD_BREAK) {
        c->release = 0x80;
        return;
    }
    put_out(c, ps2_xlate(b) | c->release, 0);
    c->release = 0;
}

static void put_mouse_byte(struct i8042 *c)
{
    put_out(c, ps2_take(&c->mouse.q), 1);
    ps2_mouse_sync(&c->mouse);
}

/* The next byte for the guest: the controller's own, the keyboard's, the mouse's. */
static void fill(struct i8042 *c)
{
    uint8_t cb = command_byte(c);
    if (!c->out_full && c->answer_full) {
        put_out(c, c->answer, c->answer_aux);
        c->answer_full = 0;
    }
    while (!c->out_full && !(cb & I8042_CB_KBD_OFF) && ps2_pending(&c->kbd.q))
        put_keyboard_byte(c);
    if (!c->out_full && !(cb & I8042_CB_AUX_OFF) && ps2_pending(&c->mouse.q))
        put_mouse_byte(c);
    update_irq(c);
}

static void answer(struct i8042 *c, uint8_t b, uint8_t aux)
{
    c->answer = b;
    c->answer_aux = aux;
    c->answer_full = 1;
}

/* The line drops before the next byte raises it: the interrupt inputs of a PC want an edge for
 * each. */
uint8_t i8042_read_data(struct i8042 *c)
{
    uint8_t b = c->out;
    if (!c->out_full)
        return b;
    c->out_full = 0;
    update_irq(c);
    fill(c);
    return b;
}

uint8_t i8042_read_status(const struct i8042 *c)
{
    return (uint8_t)((c->out_full ? I8042_STATUS_OBF : 0) |
                     (command_byte(c) & I8042_CB_SYS ? I8042_STATUS_SYS : 0) |
                     (c->last_was_command ? I8042_STATUS_CMD : 0) | I8042_STATUS_UNLOCK |
                     (c->out_full && c->out_aux ? I8042_STATUS_AUX : 0));
}

/* ---- commands [Commands] ---- */

static void set_command_bits(struct i8042 *c, uint8_t clear, uint8_t set)
{
    c->ram[COMMAND_BYTE] = (uint8_t)((command_byte(c) & ~clear) | set);
}

static uint8_t read_output_port(const struct i8042 *c)
{
    return c->output_port | I8042_OUT_KBD_CLK | I8042_OUT_KBD_DAT |
           (c->irq_kbd ? I8042_OUT_KBD_INT : 0) | (c->irq_aux ? I8042_OUT_AUX_INT : 0);
}

static void write_output_port(struct i8042 *c, uint8_t v)
{
    c->output_port = (v & I8042_OUT_A20) | I8042_OUT_RESET;
    update_a20(c);
    if (!(v & I8042_OUT_RESET))
        c->env->reset(c->opaque);
}

/* Of the lines that a pulse can take low, only that of reset is connected to something that minds.
 */
static void pulse(struct i8042 *c, uint8_t v)
{
    if (!(v & I8042_OUT_RESET))
        c->env->reset(c->opaque);
}

static void self_test(struct i8042 *c)
{
    set_command_bits(c, 0, I8042_CB_SYS);
    answer(c, I8042_SELF_TEST_OK, 0);
}

static void fixed_command(struct i8042 *c, uint8_t v)
{
    switch (v) {
    case I8042_CMD_AUX_OFF:
        set_command_bits(c, 0, I8042_CB_AUX_OFF);
        break;
    case I8042_CMD_AUX_ON:
        set_command_bits(c, I8042_CB_AUX_OFF, 0);
        break;
    case I8042_CMD_KBD_OFF:
        set_command_bits(c, 0, I8042_CB_KBD_OFF);
        break;
    case I8042_CMD_KBD_ON:
        set_command_bits(c, I8042_CB_KBD_OFF, 0);
        break;
    case I8042_CMD_SELF_TEST:
        self_test(c);
        break;
    case I8042_CMD_KBD_TEST:
    case I8042_CMD_AUX_TEST:
        answer(c, I8042_TEST_OK, 0);
        break;
    case I8042_CMD_READ_INPUT:
        answer(c, I8042_IN_UNLOCKED, 0);
        break;
    case I8042_CMD_READ_OUTPUT:
        answer(c, read_output_port(c), 0);
        break;
    case I8042_CMD_READ_TEST:
        answer(c, 0, 0);
        break;
    case I8042_CMD_A20_OFF:
    case I8042_CMD_A20_ON:
        write_output_port(c, I8042_OUT_RESET | (v == I8042_CMD_A20_ON ? I8042_OUT_A20 : 0));
        break;
    case I8042_CMD_WRITE_OUTPUT:
    case I8042_CMD_WRITE_KBD_OBF:
    case I8042_CMD_WRITE_AUX_OBF:
    case I8042_CMD_WRITE_AUX:
        c->command = v;
        break;
    default: /* the others do nothing, and a guest that probes for them waits for no answer */
        break;
    }
}

void i8042_write_command(struct i8042 *c, uint8_t v)
{
    c->last_was_command = 1;
    c->command = 0;
    if ((v & 0xe0) == I8042_CMD_READ_RAM)
        answer(c, c->ram[v & (I8042_RAM_SIZE - 1)], 0);
    else if ((v & 0xe0) == I8042_CMD_WRITE_RAM)
        c->command = v;
    else if (v >= I8042_CMD_PULSE)
        pulse(c, v);
    else
        fixed_command(c, v);
    fill(c);
}

static void write_ram(struct i8042 *c, uint8_t at, uint8_t v)
{
    c->ram[at] = at == COMMAND_BYTE ? v & I8042_CB_MASK : v;
}

/* A byte for a device turns its interface on [Commands, D4; Input Buffer]. */
static void write_keyboard(struct i8042 *c, uint8_t v)
{
    set_command_bits(c, I8042_CB_KBD_OFF, 0);
    ps2_kbd_write(&c->kbd, v);
    update_leds(c);
}

static void write_mouse(struct i8042 *c, uint8_t v)
{
    set_command_bits(c, I8042_CB_AUX_OFF, 0);
    ps2_mouse_write(&c->mouse, v);
    ps2_mouse_sync(&c->mouse);
}

void i8042_write_data(struct i8042 *c, uint8_t v)
{
    uint8_t command = c->command;
    c->last_was_command = 0;
    c->command = 0;
    switch (command) {
    case 0:
        write_keyboard(c, v);
        break;
    case I8042_CMD_WRITE_OUTPUT:
        write_output_port(c, v);
        break;
    case I8042_CMD_WRITE_KBD_OBF:
    case I8042_CMD_WRITE_AUX_OBF:
        answer(c, v, command == I8042_CMD_WRITE_AUX_OBF);
        break;
    case I8042_CMD_WRITE_AUX:
        write_mouse(c, v);
        break;
    default:
        write_ram(c, command & (I8042_RAM_SIZE - 1), v);
        break;
    }
    fill(c);
}

/* ---- events ---- */

uint32_t i8042_key(struct i8042 *c, uint32_t key, uint32_t down)
{
    uint32_t taken = ps2_kbd_key(&c->kbd, key, down);
    fill(c);
    return taken;
}

void i8042_mouse(struct i8042 *c, int32_t x, int32_t y, int32_t wheel, uint32_t buttons)
{
    ps2_mouse_move(&c->mouse, x, y, wheel);
    ps2_mouse_buttons(&c->mouse, buttons);
    ps2_mouse_sync(&c->mouse);
    fill(c);
}

/* ---- life ---- */

static void power_on(struct i8042 *c)
{
    memset(c->ram, 0, sizeof c->ram);
    c->ram[COMMAND_BYTE] = POWER_ON_CB;
    c->last_was_command = 1;
    c->command = c->release = 0;
    c->out = c->out_full = c->out_aux = 0;
    c->answer = c->answer_full = c->answer_aux = 0;
    c->output_port = I8042_OUT_RESET | I8042_OUT_A20;
    ps2_kbd_init(&c->kbd);
    ps2_mouse_init(&c->mouse);
}

void i8042_init(struct i8042 *c, const struct i8042_env *env, void *opaque)
{
    memset(c, 0, sizeof *c);
    c->env = env;
    c->opaque = opaque;
    c->a20 = 1;
    power_on(c);
}

static void update_outputs(struct i8042 *c)
{
    update_irq(c);
    update_a20(c);
    update_leds(c);
}

void i8042_reset(struct i8042 *c)
{
    power_on(c);
    update_outputs(c);
}

/* No value of an output: the next update gives it to the environment, whatever it is. */
#define UNKNOWN 0xff

void i8042_post_load(struct i8042 *c)
{
    c->ram[COMMAND_BYTE] &= I8042_CB_MASK;
    c->output_port = (c->output_port & I8042_OUT_A20) | I8042_OUT_RESET;
    c->release &= 0x80;
    ps2_kbd_sanitize(&c->kbd);
    ps2_mouse_sanitize(&c->mouse);
    c->irq_kbd = c->irq_aux = c->a20 = c->leds = UNKNOWN;
    update_outputs(c);
    fill(c);
}
