/* SPDX-License-Identifier: BSD-2-Clause */
/* virtconsole and virtserialport: a character device as a port of a console device. */
#include <errno.h>
#include <string.h>
#include <tenon/chardev.h>
#include <tenon/core.h>
#include <tenon/loop.h>

#include "vser.h"

/* Linux's console driver waits for each write with a lock held. A reader of the console that has
 * stopped must not stop the guest: after this long what it writes is dropped, until the reader goes
 * on. */
#define CONSOLE_PATIENCE_NS 1000000000u

struct port {
    struct tn_dev *dev;
    struct tn_chr *chr;
    const char *name;
    const struct tn_vserial_port *port;
    void *p;
    const struct tn_chardev *chardev;
    const struct tn_loop *loop;
    struct tn_timer *patience;
    uint8_t console, waits, dropping;
};

/* ---- from the guest ---- */

/* A character device that is gone takes everything. */
static uint64_t write_piece(struct port *s, const struct tn_iov *v)
{
    int64_t n = s->chr ? s->chardev->write(s->chr, v->base, v->len) : (int64_t)v->len;
    return n < 0 || (uint64_t)n > v->len ? v->len : (uint64_t)n;
}

static void be_patient(struct port *s)
{
    if (s->console && !s->waits)
        s->loop->arm(s->patience, s->loop->now(s->dev, TN_CLK_REAL) + CONSOLE_PATIENCE_NS);
    s->waits = 1;
}

static uint64_t data(void *self, const struct tn_iov *v, uint32_t n)
{
    struct port *s = self;
    uint64_t taken = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t piece = s->dropping ? v[i].len : write_piece(s, &v[i]);
        taken += piece;
        if (piece < v[i].len) {
            be_patient(s);
            break;
        }
    }
    return taken;
}

static void patience_ends(void *self)
{
    struct port *s = self;
    if (!s->waits)
        return;
    s->dropping = 1;
    s->dev->core->warn(s->dev, "nobody reads the console: its output is dropped");
    s->port->accept(s->p);
}

static void go_on(struct port *s)
{
    s->waits = s->dropping = 0;
    s->loop->disarm(s->patience);
    s->port->accept(s->p);
}

/* ---- from the character device ---- */

static uint32_t room(void *self)
{
    const struct port *s = self;
    uint64_t n = s->port->room(s->p);
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void input(void *self, const uint8_t *p, uint32_t n)
{
    struct port *s = self;
    s->port->write(s->p, p, n);
}

static void resized(struct port *s)
{
    struct tn_chr_size size;
    if (s->console && s->chardev->set(s->chr, TN_CHR_GET_SIZE, &size, sizeof size) == 0)
        s->port->resize(s->p, size.cols, size.rows);
}

/* A console is there whether or not somebody looks at it; a port is a connection. */
static void event(void *self, uint32_t ev)
{
    struct port *s = self;
    if (ev == TN_CHR_RESIZED)
        resized(s);
    if (ev != TN_CHR_OPENED && ev != TN_CHR_CLOSED)
        return;
    if (!s->console)
        s->port->host_open(s->p, ev == TN_CHR_OPENED);
    go_on(s);
}

static void writable(void *self)
{
    go_on(self);
}

static const struct tn_chr_ops chr_ops = {.struct_size = sizeof chr_ops,
                                          .room = room,
                                          .input = input,
                                          .event = event,
                                          .writable = writable};

/* ---- struct tn_vserial_ops ---- */

static const char *name(void *self)
{
    const struct port *s = self;
    return s->name;
}

static void more_room(void *self)
{
    struct port *s = self;
    if (s->chr)
        s->chardev->accept(s->chr);
}

/* What the host sends waits in the character device until the guest opens its side. */
static void guest_open(void *self, uint32_t on)
{
    const struct port *s = self;
    if (TN_HAS(s->dev->core, tell))
        s->dev->core->tell(s->dev, TN_TELL_PORT_OPEN, on);
}

static const struct tn_vserial_ops console_ops = {.struct_size = sizeof console_ops,
                                                  .flags = TN_VSERIAL_CONSOLE,
                                                  .name = name,
                                                  .data = data,
                                                  .guest_open = guest_open,
                                                  .room = more_room};

static const struct tn_vserial_ops port_ops = {.struct_size = sizeof port_ops,
                                               .name = name,
                                               .data = data,
                                               .guest_open = guest_open,
                                               .room = more_room};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct port *s = self;
    s->dev = d;
    s->console = d->cls == &virtconsole_class;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct port *s = self;
    s->port = s->dev->core->port(s->dev, &s->p);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->chardev = TN_GET(s->dev, struct tn_chardev, TN_CHARDEV_1);
    s->patience = s->loop->timer(s->dev, NULL, 0, TN_CLK_REAL, patience_ends, s);
    if (!s->patience)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
    if (!s->chr)
        return 0;
    if (s->chardev->attach(s->chr, s->dev, &chr_ops, s) < 0)
        return tn_fail(s->dev, e, EBUSY, "%s: the chardev is in use", s->dev->cls->name);
    if (s->console)
        s->port->host_open(s->p, 1);
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP_REF(struct port, chr, "chardev", CHARDEV, 0, "ID of a chardev to use as a backend"),
    TN_PROP_STR(struct port, name, "name", NULL, "by which the guest finds the port"),
};

#define PORT_CLASS(nm, text, table)                                                         \
    {                                                                                       \
        .struct_size = sizeof(struct tn_class), .flags = TN_C_HOTPLUG, .kind = TN_K_DEVICE, \
        .category = TN_CAT_INPUT, .name = nm, .desc = text, .bus = TN_VSERIAL_BUS,          \
        .instance_size = sizeof(struct port), .props = props,                               \
        .nprops = sizeof props / sizeof props[0], .prop_stride = sizeof props[0],           \
        .bus_ops = &(table), .init = init, .realize = realize                               \
    }

const struct tn_class virtconsole_class =
    PORT_CLASS("virtconsole", "console on a virtio-serial device", console_ops);
const struct tn_class virtserialport_class =
    PORT_CLASS("virtserialport", "port of a virtio-serial device", port_ops);
