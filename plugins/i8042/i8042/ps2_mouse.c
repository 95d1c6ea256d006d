/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 mouse. Names in brackets are headings of the chapter "Mouse". */
#include "ps2_mouse.h"

#include <string.h>

#define MOTION_MAX 0x7fff

static int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* ---- packets [Data Report] ---- */

static uint32_t packet_size(const struct ps2_mouse *m)
{
    return m->id == MOUSE_ID_PLAIN ? 3 : 4;
}

/* [Scaling]: small movements stay exact, larger ones are doubled. */
static int32_t scaled(const struct ps2_mouse *m, int32_t v)
{
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    if (!m->scale2 || m->remote)
        return v;
    int32_t size = v < 0 ? -v : v;
    size = size < (int32_t)sizeof small ? small[size] : clamp(2 * size, 0, 255);
    return v < 0 ? -size : size;
}

/* Takes up to 255 counts out of *left and returns what the packet says. */
static int32_t take_motion(const struct ps2_mouse *m, int16_t *left)
{
    int32_t v = clamp(*left, -255, 255);
    *left = (int16_t)(*left - v);
    return scaled(m, v);
}

static uint8_t take_wheel(struct ps2_mouse *m)
{
    int32_t v =
        clamp(m->dz, m->id == MOUSE_ID_EXPLORER ? -8 : -127, m->id == MOUSE_ID_EXPLORER ? 7 : 127);
    m->dz = (int16_t)(m->dz - v);
    if (m->id != MOUSE_ID_EXPLORER)
        return (uint8_t)v;
    return (uint8_t)((v & 0x0f) | (m->buttons & PS2_MOUSE_SIDE ? MOUSE_PKT_BUTTON4 : 0) |
                     (m->buttons & PS2_MOUSE_EXTRA ? MOUSE_PKT_BUTTON5 : 0));
}

/* The three buttons stand in the packet as in our mask. */
static void make_packet(struct ps2_mouse *m, uint8_t p[4])
{
    int32_t x = take_motion(m, &m->dx), y = take_motion(m, &m->dy);
    p[0] = (uint8_t)(MOUSE_PKT_ONE |
                     (m->buttons & (PS2_MOUSE_LEFT | PS2_MOUSE_RIGHT | PS2_MOUSE_MIDDLE)) |
                     (x < 0 ? MOUSE_PKT_XSIGN : 0) | (y < 0 ? MOUSE_PKT_YSIGN : 0));
    p[1] = (uint8_t)x;
    p[2] = (uint8_t)y;
    p[3] = take_wheel(m);
    m->reported = m->buttons;
}

static uint8_t visible_buttons(const struct ps2_mouse *m)
{
    return m->id == MOUSE_ID_EXPLORER ? PS2_MOUSE_ALL
                                      : PS2_MOUSE_LEFT | PS2_MOUSE_RIGHT | PS2_MOUSE_MIDDLE;
}

static int buttons_changed(const struct ps2_mouse *m)
{
    return (m->buttons ^ m->reported) & visible_buttons(m);
}

static int moved(const struct ps2_mouse *m)
{
    return m->dx || m->dy || (m->dz && m->id != MOUSE_ID_PLAIN);
}

/* Each change of a button gets a packet while there is room; movement waits until the guest has
 * taken the packets before it, and adds up meanwhile: a slow guest sees the pointer late by one
 * packet, not by a queue of them. */
void ps2_mouse_sync(struct ps2_mouse *m)
{
    uint32_t size = packet_size(m);
    if (!m->enabled || m->remote || m->wrap)
        return;
    while (ps2_room(&m->q) >= size && (buttons_changed(m) || (moved(m) && m->q.count < size))) {
        uint8_t p[4];
        make_packet(m, p);
        ps2_put(&m->q, p, size);
    }
}

static int16_t add_motion(int16_t have, int32_t more)
{
    return (int16_t)clamp(have + clamp(more, -MOTION_MAX, MOTION_MAX), -MOTION_MAX, MOTION_MAX);
}

void ps2_mouse_move(struct ps2_mouse *m, int32_t x, int32_t y, int32_t wheel)
{
    if (!m->enabled && !m->remote)
        return;
    m->dx = add_motion(m->dx, x);
    m->dy = add_motion(m->dy, -clamp(y, -MOTION_MAX, MOTION_MAX));
    if (m->id != MOUSE_ID_PLAIN)
        m->dz = add_motion(m->dz, -clamp(wheel, -MOTION_MAX, MOTION_MAX));
}

void ps2_mouse_buttons(struct ps2_mouse *m, uint32_t mask)
{
    m->buttons = mask & PS2_MOUSE_ALL;
}

/* ---- commands [Commands] ---- */

static void forget_motion(struct ps2_mouse *m)
{
    m->dx = m->dy = m->dz = 0;
}

static void set_defaults(struct ps2_mouse *m)
{
    m->enabled = m->remote = m->wrap = m->scale2 = 0;
    m->resolution = MOUSE_RESOLUTION_DEFAULT;
    m->rate = MOUSE_RATE_DEFAULT;
    forget_motion(m);
}

static void power_on(struct ps2_mouse *m)
{
    ps2_flush(&m->q);
    set_defaults(m);
    m->id = MOUSE_ID_PLAIN;
    m->command = 0;
    m->rates[0] = m->rates[1] = 0;
    m->reported = m->buttons;
}

void ps2_mouse_init(struct ps2_mouse *m)
{
    memset(m, 0, sizeof *m);
    m->q.limit = MOUSE_QUEUE;
    power_on(m);
}

/* The sequence of the last three rates unlocks the wheel and the two side buttons. */
static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
    if (m->rates[0] == 200 && m->rates[1] == 100 && rate == 80)
        m->id = MOUSE_ID_WHEEL;
    else if (m->rates[0] == 200 && m->rates[1] == 200 && rate == 80)
        m->id = MOUSE_ID_EXPLORER;
    m->rates[0] = m->rates[1];
    m->rates[1] = rate;
    m->rate = rate;
    ps2_reply(&m->q, PS2_ACK);
}

static void set_resolution(struct ps2_mouse *m, uint8_t v)
{
    if (v > 3) {
        ps2_reply(&m->q, PS2_RESEND);
        return;
    }
    m->resolution = v;
    ps2_reply(&m->q, PS2_ACK);
}

static void report_status(struct ps2_mouse *m)
{
    uint8_t b = m->buttons;
    ps2_reply(&m->q, PS2_ACK);
    ps2_reply(&m->q,
              (uint8_t)((b & PS2_MOUSE_RIGHT ? 1 : 0) | (b & PS2_MOUSE_MIDDLE ? 2 : 0) |
                        (b & PS2_MOUSE_LEFT ? 4 : 0) | (m->scale2 ? MOUSE_STATUS_SCALE_2 : 0) |
                        (m->enabled ? MOUSE_STATUS_ENABLED : 0) |
                        (m->remote ? MOUSE_STATUS_REMOTE : 0)));
    ps2_reply(&m->q, m->resolution);
    ps2_reply(&m->q, m->rate);
}

static void report_packet(struct ps2_mouse *m)
{
    uint8_t p[4];
    make_packet(m, p);
    ps2_reply(&m->q, PS2_ACK);
    for (uint32_t i = 0; i < packet_size(m); i++)
        ps2_reply(&m->q, p[i]);
}

static void reset(struct ps2_mouse *m)
{
    power_on(m);
    ps2_reply(&m->q, PS2_ACK);
    ps2_reply(&m->q, PS2_BAT_OK);
    ps2_reply(&m->q, MOUSE_ID_PLAIN);
}

/* Commands that set one mode and say yes. */
static int set_mode(struct ps2_mouse *m, uint8_t v)
{
    switch (v) {
    case MOUSE_CMD_SCALE_1:
    case MOUSE_CMD_SCALE_2:
        m->scale2 = v == MOUSE_CMD_SCALE_2;
        break;
    case MOUSE_CMD_STREAM:
    case MOUSE_CMD_REMOTE:
        m->remote = v == MOUSE_CMD_REMOTE;
        forget_motion(m);
        break;
    case MOUSE_CMD_WRAP_ON:
    case MOUSE_CMD_WRAP_OFF:
        m->wrap = v == MOUSE_CMD_WRAP_ON;
        break;
    case PS2_CMD_ENABLE:
    case PS2_CMD_DISABLE:
        m->enabled = v == PS2_CMD_ENABLE;
        forget_motion(m);
        break;
    case PS2_CMD_DEFAULTS:
        set_defaults(m);
        break;
    case MOUSE_CMD_RATE:
    case MOUSE_CMD_RESOLUTION:
        m->command = v;
        break;
    default:
        return 0;
    }
    ps2_reply(&m->q, PS2_ACK);
    return 1;
}

static void command(struct ps2_mouse *m, uint8_t v)
{
    if (set_mode(m, v))
        return;
    switch (v) {
    case MOUSE_CMD_STATUS:
        report_status(m);
        break;
    case MOUSE_CMD_READ:
        report_packet(m);
        break;
    case PS2_CMD_GET_ID:
        ps2_reply(&m->q, PS2_ACK);
        ps2_reply(&m->q, m->id);
        break;
    case PS2_CMD_RESEND:
        ps2_reply(&m->q, m->q.last);
        break;
    case PS2_CMD_RESET:
        reset(m);
        break;
    default:
        ps2_reply(&m->q, PS2_RESEND);
        break;
    }
}

/* A command cuts off the packets on their way, so that no half of one follows the answer; the
 * buttons are told again. */
static void drop_packets(struct ps2_mouse *m)
{
    if (!m->q.count)
        return;
    ps2_flush_data(&m->q);
    m->reported = (uint8_t)~m->buttons;
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t v)
{
    uint8_t waiting = m->command;
    m->command = 0;
    if (m->wrap && v != MOUSE_CMD_WRAP_OFF && v != PS2_CMD_RESET) {
        ps2_reply(&m->q, v);
        return;
    }
    drop_packets(m);
    if (waiting == MOUSE_CMD_RATE)
        set_rate(m, v);
    else if (waiting == MOUSE_CMD_RESOLUTION)
        set_resolution(m, v);
    else
        command(m, v);
}

void ps2_mouse_sanitize(struct ps2_mouse *m)
{
    ps2_sanitize(&m->q, MOUSE_QUEUE);
    if (m->id != MOUSE_ID_WHEEL && m->id != MOUSE_ID_EXPLORER)
        m->id = MOUSE_ID_PLAIN;
    m->buttons &= PS2_MOUSE_ALL;
    m->dx = add_motion(m->dx, 0);
    m->dy = add_motion(m->dy, 0);
    m->dz = add_motion(m->dz, 0);
}
