/* SPDX-License-Identifier: BSD-2-Clause */
/* Port accesses, keys, mouse events and loaded states in any order. After each step the queues are
 * in bounds and the interrupt lines are what status and command byte say. */
#include <stdlib.h>

#include "i8042.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct i8042 c;
    const uint8_t *p, *end;
    uint32_t line[16], a20;
};

static uint8_t next(struct world *w)
{
    return w->p < w->end ? *w->p++ : 0;
}

static int32_t next32(struct world *w)
{
    uint32_t v = next(w);
    return (int32_t)((v << (next(w) & 31)) - 100);
}

/* Only changes are reported. */
static void change(uint32_t *now, uint32_t to)
{
    if (*now == to)
        abort();
    *now = to;
}

static void on_irq(void *o, uint32_t line, uint32_t level)
{
    if (line != 1 && line != 12)
        abort();
    change(&((struct world *)o)->line[line], level);
}

static void on_a20(void *o, uint32_t level)
{
    change(&((struct world *)o)->a20, level);
}

static void on_reset(void *o)
{
    (void)o;
}

static void on_leds(void *o, uint32_t mask)
{
    (void)o;
    if (mask > 7)
        abort();
}

static const struct i8042_env env = {on_irq, on_a20, on_reset, on_leds};

static void check(struct world *w)
{
    const struct i8042 *c = &w->c;
    uint8_t status = i8042_read_status(c);
    uint32_t full = status & I8042_STATUS_OBF, aux = (status & I8042_STATUS_AUX) != 0;
    uint8_t cb = c->ram[0];
    uint32_t kbd_line = full && !aux && (cb & I8042_CB_KBD_INT) && !(cb & I8042_CB_KBD_OFF);
    uint32_t aux_line = full && aux && (cb & I8042_CB_AUX_INT);
    if (w->line[1] != kbd_line || w->line[12] != aux_line)
        abort();
    if (c->kbd.q.count > KBD_QUEUE + 1 || c->mouse.q.count > MOUSE_QUEUE)
        abort();
    if (c->kbd.q.reply_count > PS2_REPLY_SIZE || c->mouse.q.reply_count > PS2_REPLY_SIZE)
        abort();
}

/* A saved state is as hostile as a guest. */
static void load(struct world *w)
{
    uint8_t *state = w->c.ram;
    uint8_t *end = (uint8_t *)(&w->c + 1);
    for (uint8_t n = next(w) % 16; n; n--) {
        uint32_t at = next(w) | (uint32_t)next(w) << 8;
        state[at % (uint32_t)(end - state)] = next(w);
    }
    w->line[1] = w->line[12] = w->a20 = ~0u;
    i8042_post_load(&w->c);
}

static void act(struct world *w, uint8_t op)
{
    switch (op & 7) {
    case 0:
        i8042_write_data(&w->c, next(w));
        break;
    case 1:
        i8042_write_command(&w->c, next(w));
        break;
    case 2:
        i8042_write_command(&w->c, I8042_CMD_WRITE_AUX);
        i8042_write_data(&w->c, next(w));
        break;
    case 3:
        i8042_read_data(&w->c);
        break;
    case 4:
        i8042_key(&w->c, next(w), op & 8);
        break;
    case 5:
        i8042_mouse(&w->c, next32(w), next32(w), next32(w), next(w));
        break;
    case 6:
        i8042_write_data(&w->c, 0xe6 + (op >> 3));
        break;
    default:
        if (op & 0x20)
            load(w);
        else
            i8042_reset(&w->c);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.p = data, .end = data + size, .a20 = 1};
    i8042_init(&w.c, &env, &w);
    while (w.p < w.end) {
        act(&w, next(&w));
        check(&w);
    }
    return 0;
}
