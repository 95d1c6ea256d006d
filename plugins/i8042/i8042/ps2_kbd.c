/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 keyboard. Names in brackets are headings of the chapter "Keyboards (101- and 102-Key)". */
#include "ps2_kbd.h"

#include <string.h>

#include "ps2_keymap.h"

#define MOD_CTRL  0x03
#define MOD_SHIFT 0x0c
#define MOD_ALT   0x30

#define MAX_CODES 8 /* of one key event: Pause */

#define PRINT_PLAIN   0 /* with a shift made up around it */
#define PRINT_SHIFTED 1
#define PRINT_SYSRQ   2

/* ---- scan codes [Scan Codes] ---- */

struct codes {
    uint8_t n, b[MAX_CODES];
};

static void add(struct codes *c, uint8_t b)
{
    c->b[c->n++] = b;
}

static void add_set2(struct codes *c, uint16_t code, uint32_t down)
{
    if (code > 0xff)
        add(c, 0xe0);
    if (!down)
        add(c, KBD_BREAK);
    add(c, (uint8_t)code);
}

static uint8_t modifier_bit(uint32_t key)
{
    static const uint8_t keys[] = {PS2_KEY_LEFTCTRL,   PS2_KEY_RIGHTCTRL, PS2_KEY_LEFTSHIFT,
                                   PS2_KEY_RIGHTSHIFT, PS2_KEY_LEFTALT,   PS2_KEY_RIGHTALT};
    for (uint32_t i = 0; i < sizeof keys; i++)
        if (keys[i] == key)
            return (uint8_t)(1u << i);
    return 0;
}

static uint8_t print_form(const struct ps2_kbd *k)
{
    if (k->modifiers & MOD_ALT)
        return PRINT_SYSRQ;
    return k->modifiers & (MOD_CTRL | MOD_SHIFT) ? PRINT_SHIFTED : PRINT_PLAIN;
}

static void add_print(struct ps2_kbd *k, struct codes *c, uint32_t down)
{
    if (down)
        k->print_form = print_form(k);
    if (k->print_form == PRINT_SYSRQ) {
        add_set2(c, 0x84, down);
        return;
    }
    if (k->print_form == PRINT_PLAIN && down)
        add_set2(c, 0xe012, 1);
    add_set2(c, 0xe07c, down);
    if (k->print_form == PRINT_PLAIN && !down)
        add_set2(c, 0xe012, 0);
}

/* Make and break in one, when the key goes down; with Ctrl it is Break. */
static void add_pause(const struct ps2_kbd *k, struct codes *c, uint32_t down)
{
    static const uint8_t pause[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    if (!down)
        return;
    if (k->modifiers & MOD_CTRL) {
        add_set2(c, 0xe07e, 1);
        add_set2(c, 0xe07e, 0);
        return;
    }
    memcpy(c->b, pause, sizeof pause);
    c->n = sizeof pause;
}

static void add_make_only(struct codes *c, uint8_t code, uint32_t down)
{
    if (down)
        add(c, code);
}

static void codes_set2(struct ps2_kbd *k, struct codes *c, uint32_t key, uint32_t down)
{
    uint16_t code = ps2_set2(key);
    if (key == PS2_KEY_SYSRQ)
        add_print(k, c, down);
    else if (key == PS2_KEY_PAUSE)
        add_pause(k, c, down);
    else if (code > KBD_BREAK && code <= 0xff) /* the two Korean keys have no break code */
        add_make_only(c, (uint8_t)code, down);
    else if (code)
        add_set2(c, code, down);
}

/* Set 1 is set 2 as the controller would translate it. */
static void set2_to_set1(struct codes *c)
{
    uint8_t n = 0, release = 0;
    for (uint8_t i = 0; i < c->n; i++) {
        if (c->b[i] == KBD_BREAK) {
            release = 0x80;
            continue;
        }
        c->b[n++] = ps2_xlate(c->b[i]) | release;
        release = 0;
    }
    c->n = n;
}

static uint32_t makes_only(const struct ps2_kbd *k, uint8_t code)
{
    return k->make_only[code / 8] >> code % 8 & 1;
}

static void codes_set3(const struct ps2_kbd *k, struct codes *c, uint32_t key, uint32_t down)
{
    uint8_t code = ps2_set3(key);
    if (!code || (!down && makes_only(k, code)))
        return;
    if (!down)
        add(c, KBD_BREAK);
    add(c, code);
}

/* The code after the last that fits says that keys were lost [Buffer]. */
static void overrun(struct ps2_kbd *k)
{
    if (k->overrun)
        return;
    const uint8_t b = k->scan_set == 1 ? KBD_OVERRUN_SET1 : KBD_OVERRUN;
    k->q.limit = KBD_QUEUE + 1;
    k->overrun = (uint8_t)ps2_put(&k->q, &b, 1);
    k->q.limit = KBD_QUEUE;
}

uint32_t ps2_kbd_key(struct ps2_kbd *k, uint32_t key, uint32_t down)
{
    struct codes c = {0};
    uint8_t bit = modifier_bit(key);
    k->modifiers = down ? k->modifiers | bit : k->modifiers & ~bit;
    if (!k->enabled)
        return 0;
    if (k->scan_set == 3)
        codes_set3(k, &c, key, down);
    else
        codes_set2(k, &c, key, down);
    if (k->scan_set == 1)
        set2_to_set1(&c);
    if (!c.n)
        return 0;
    if (!k->q.count)
        k->overrun = 0;
    if (!k->overrun && ps2_put(&k->q, c.b, c.n))
        return 1;
    overrun(k);
    return 0;
}

/* ---- commands [Commands from the System] ---- */

static void set_defaults(struct ps2_kbd *k)
{
    ps2_flush_data(&k->q);
    k->scan_set = 2;
    k->typematic = KBD_TYPEMATIC_DEFAULT;
    memset(k->make_only, 0, sizeof k->make_only);
}

static void power_on(struct ps2_kbd *k)
{
    ps2_flush(&k->q);
    set_defaults(k);
    k->enabled = 1;
    k->leds = 0;
    k->command = 0;
    k->overrun = 0;
}

void ps2_kbd_init(struct ps2_kbd *k)
{
    memset(k, 0, sizeof *k);
    k->q.limit = KBD_QUEUE;
    power_on(k);
}

static void set_scan_set(struct ps2_kbd *k, uint8_t v)
{
    if (v > 3) {
        ps2_reply(&k->q, PS2_RESEND);
        return;
    }
    ps2_reply(&k->q, PS2_ACK);
    if (v)
        k->scan_set = v;
    else
        ps2_reply(&k->q, k->scan_set);
}

static void set_key_type(struct ps2_kbd *k, uint8_t command, uint8_t code)
{
    uint8_t bit = (uint8_t)(1u << code % 8);
    if (command == KBD_CMD_KEY_MAKE_BREAK)
        k->make_only[code / 8] &= ~bit;
    else
        k->make_only[code / 8] |= bit;
    k->command = command; /* more codes may follow */
    ps2_reply(&k->q, PS2_ACK);
}

static void parameter(struct ps2_kbd *k, uint8_t command, uint8_t v)
{
    switch (command) {
    case KBD_CMD_SET_LEDS:
        k->leds = v & 7;
        ps2_reply(&k->q, PS2_ACK);
        break;
    case KBD_CMD_TYPEMATIC:
        k->typematic = v & 0x7f;
        ps2_reply(&k->q, PS2_ACK);
        break;
    case KBD_CMD_SCAN_SET:
        set_scan_set(k, v);
        break;
    default:
        set_key_type(k, command, v);
        break;
    }
}

static void ack_and_wait(struct ps2_kbd *k, uint8_t command)
{
    k->command = command;
    ps2_reply(&k->q, PS2_ACK);
}

static void set_all_keys(struct ps2_kbd *k, uint8_t make_only)
{
    memset(k->make_only, make_only, sizeof k->make_only);
    ps2_reply(&k->q, PS2_ACK);
}

static void identify(struct ps2_kbd *k)
{
    ps2_reply(&k->q, PS2_ACK);
    ps2_reply(&k->q, KBD_ID_0);
    ps2_reply(&k->q, KBD_ID_1);
}

static void reset(struct ps2_kbd *k)
{
    power_on(k);
    ps2_reply(&k->q, PS2_ACK);
    ps2_reply(&k->q, PS2_BAT_OK);
}

static void enable(struct ps2_kbd *k)
{
    ps2_flush_data(&k->q);
    k->enabled = 1;
    ps2_reply(&k->q, PS2_ACK);
}

static void defaults(struct ps2_kbd *k, uint8_t command)
{
    set_defaults(k);
    if (command == PS2_CMD_DISABLE)
        k->enabled = 0;
    ps2_reply(&k->q, PS2_ACK);
}

/* A command in place of a parameter takes effect and ends the one that waited. */
void ps2_kbd_write(struct ps2_kbd *k, uint8_t v)
{
    uint8_t waiting = k->command;
    k->command = 0;
    if (waiting && v < KBD_CMD_SET_LEDS) {
        parameter(k, waiting, v);
        return;
    }
    switch (v) {
    case KBD_CMD_SET_LEDS:
    case KBD_CMD_SCAN_SET:
    case KBD_CMD_TYPEMATIC:
    case KBD_CMD_KEY_TYPEMATIC:
    case KBD_CMD_KEY_MAKE_BREAK:
    case KBD_CMD_KEY_MAKE:
        ack_and_wait(k, v);
        break;
    case KBD_CMD_ECHO:
        ps2_reply(&k->q, PS2_ECHO);
        break;
    case PS2_CMD_GET_ID:
        identify(k);
        break;
    case PS2_CMD_ENABLE:
        enable(k);
        break;
    case PS2_CMD_DISABLE:
    case PS2_CMD_DEFAULTS:
        defaults(k, v);
        break;
    case KBD_CMD_ALL_TYPEMATIC:
    case KBD_CMD_ALL_MAKE:
        set_all_keys(k, 0xff);
        break;
    case KBD_CMD_ALL_MAKE_BREAK:
    case KBD_CMD_ALL:
        set_all_keys(k, 0);
        break;
    case PS2_CMD_RESEND:
        ps2_reply(&k->q, k->q.last);
        break;
    case PS2_CMD_RESET:
        reset(k);
        break;
    default:
        ps2_reply(&k->q, PS2_RESEND);
        break;
    }
}

void ps2_kbd_sanitize(struct ps2_kbd *k)
{
    ps2_sanitize(&k->q, KBD_QUEUE + 1);
    k->q.limit = KBD_QUEUE;
    if (k->scan_set < 1 || k->scan_set > 3)
        k->scan_set = 2;
    k->leds &= 7;
}
