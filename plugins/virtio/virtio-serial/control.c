/* SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include <string.h>

#include "util/bytes.h"

/* ---- from the driver ---- */

/* All ports that it does not know. */
static void announce(struct control *c)
{
    for (uint32_t i = 0; i < c->nports; i++)
        if (c->port[i].present && !c->port[i].announced)
            c->port[i].say |= SAY_ADD;
}

static enum control_result device_ready(struct control *c, uint16_t value)
{
    c->driver_ready = value == 1;
    if (!c->driver_ready)
        return CONTROL_FAILED;
    announce(c);
    return CONTROL_OK;
}

/* The driver can use the port now, and hears what there is to know about it. */
static enum control_result port_ready(struct control_port *p, uint16_t value)
{
    p->ready = value == 1;
    if (!p->ready)
        return CONTROL_FAILED;
    p->told_open = p->blinked = 0;
    p->say |= (p->console ? SAY_CONSOLE : 0) | (p->name ? SAY_NAME : 0) |
              (p->console && p->cols && p->rows ? SAY_RESIZE : 0) | (p->host_open ? SAY_OPEN : 0);
    return CONTROL_OK;
}

static enum control_result port_open(struct control_port *p, uint16_t value)
{
    p->guest_open = value != 0;
    return CONTROL_GUEST_OPEN;
}

enum control_result control_receive(struct control *c, const uint8_t *head)
{
    uint32_t id = get_le32(head + CONTROL_ID);
    uint16_t event = get_le16(head + CONTROL_EVENT), value = get_le16(head + CONTROL_VALUE);
    if (event == VIRTIO_CONSOLE_DEVICE_READY)
        return device_ready(c, value);
    if (id >= c->nports ||
        (event != VIRTIO_CONSOLE_PORT_READY && event != VIRTIO_CONSOLE_PORT_OPEN))
        return CONTROL_BAD;
    struct control_port *p = &c->port[id];
    if (!p->announced)
        return CONTROL_OK; /* its answer crossed the removal of the port */
    return event == VIRTIO_CONSOLE_PORT_READY ? port_ready(p, value) : port_open(p, value);
}

void control_single(struct control *c)
{
    if (c->nports && c->port[0].present)
        c->port[0].guest_open = 1;
}

static void forget_driver(struct control_port *p)
{
    p->announced = p->ready = p->guest_open = p->told_open = p->blinked = p->say = 0;
}

void control_reset(struct control *c)
{
    c->driver_ready = 0;
    for (uint32_t i = 0; i < c->nports; i++)
        forget_driver(&c->port[i]);
}

uint32_t control_loaded(struct control *c)
{
    for (uint32_t i = 0; i < c->nports; i++) {
        struct control_port *p = &c->port[i];
        if (p->announced && !p->present)
            return i + 1;
        p->say &= p->present ? SAY_ALL : SAY_REMOVE;
        if (p->ready && p->told_open != p->host_open)
            p->say |= SAY_OPEN;
    }
    if (c->driver_ready)
        announce(c);
    return 0;
}

/* ---- for the driver ---- */

static struct control_port *first_with_news(const struct control *c)
{
    for (uint32_t i = 0; i < c->nports; i++)
        if (c->port[i].say)
            return &c->port[i];
    return NULL;
}

bool control_pending(const struct control *c)
{
    return first_with_news(c) != NULL;
}

/* Somebody who came back is seen to have left before: two messages. Returns the value of this one.
 */
static uint16_t say_open(struct control_port *p)
{
    bool close = p->told_open && (p->blinked || !p->host_open);
    p->told_open = !close && p->host_open;
    p->blinked = 0;
    if (p->told_open == p->host_open)
        p->say &= (uint8_t)~SAY_OPEN;
    return p->told_open;
}

/* DEVICE_ADD and DEVICE_REMOVE come in pairs, for numbers below max_nr_ports (5.3.6.2.1). */
static uint16_t say_one(struct control_port *p, uint8_t what, uint16_t *value,
                        struct control_message *m)
{
    *value = what == SAY_CONSOLE || what == SAY_NAME;
    switch (what) {
    case SAY_REMOVE:
        return VIRTIO_CONSOLE_DEVICE_REMOVE;
    case SAY_ADD:
        p->announced = 1;
        return VIRTIO_CONSOLE_DEVICE_ADD;
    case SAY_CONSOLE:
        return VIRTIO_CONSOLE_CONSOLE_PORT;
    case SAY_NAME:
        m->extra = p->name;
        m->extra_len = (uint32_t)strlen(p->name);
        return VIRTIO_CONSOLE_PORT_NAME;
    case SAY_RESIZE:
        put_le16(m->size, p->cols);
        put_le16(m->size + 2, p->rows);
        m->extra = m->size;
        m->extra_len = CONTROL_RESIZE_LEN;
        return VIRTIO_CONSOLE_RESIZE;
    default:
        *value = say_open(p);
        return VIRTIO_CONSOLE_PORT_OPEN;
    }
}

bool control_next(struct control *c, struct control_message *m)
{
    struct control_port *p = first_with_news(c);
    if (!p)
        return false;
    uint8_t what = (uint8_t)(p->say & -p->say);
    uint16_t value;
    if (what != SAY_OPEN)
        p->say &= (uint8_t)~what;
    *m = (struct control_message){0};
    uint16_t event = say_one(p, what, &value, m);
    put_le32(m->head + CONTROL_ID, (uint32_t)(p - c->port));
    put_le16(m->head + CONTROL_EVENT, event);
    put_le16(m->head + CONTROL_VALUE, value);
    return true;
}

/* ---- the host's side ---- */

void control_add(struct control *c, uint32_t id, bool console, const char *name)
{
    struct control_port *p = &c->port[id];
    p->present = 1;
    p->console = console;
    p->name = name && *name ? name : NULL;
    if (c->driver_ready)
        p->say |= SAY_ADD;
}

void control_remove(struct control *c, uint32_t id)
{
    struct control_port *p = &c->port[id];
    uint8_t owed = p->announced ? SAY_REMOVE : p->say & SAY_REMOVE;
    *p = (struct control_port){.say = owed};
}

void control_host_open(struct control *c, uint32_t id, bool open)
{
    struct control_port *p = &c->port[id];
    if (p->host_open == open)
        return;
    p->host_open = open;
    p->blinked |= !open && p->told_open;
    if (p->ready)
        p->say |= SAY_OPEN;
    if (p->told_open == open && !p->blinked)
        p->say &= (uint8_t)~SAY_OPEN; /* opened and closed before it could be said */
}

void control_resize(struct control *c, uint32_t id, uint16_t cols, uint16_t rows)
{
    struct control_port *p = &c->port[id];
    bool same = p->cols == cols && p->rows == rows;
    p->cols = cols;
    p->rows = rows;
    if (!same && p->ready && p->console)
        p->say |= SAY_RESIZE;
}
