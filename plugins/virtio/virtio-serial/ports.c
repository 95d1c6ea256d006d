/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus of a console device: which numbers its ports have, and how they come and go. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vser.h"

/* ---- numbers ---- */

/* Number 0 is a console's: a driver without VIRTIO_CONSOLE_F_MULTIPORT has no other port. */
static uint32_t free_number(const struct vser *s, bool console)
{
    uint32_t id = console ? 0 : 1;
    while (id < s->max_ports && s->port[id])
        id++;
    return id;
}

static int check_number(const struct vser *s, uint32_t id, bool console, struct tn_err *e)
{
    if (id >= s->max_ports)
        return tn_fail(s->v.d, e, EINVAL,
                       "virtio-serial-bus: Out-of-range port id specified, max. allowed: %u",
                       s->max_ports - 1);
    if (s->port[id])
        return tn_fail(s->v.d, e, EEXIST, "virtio-serial-bus: A port already exists at id %u", id);
    if (id == 0 && !console)
        return tn_fail(s->v.d, e, EINVAL,
                       "Port number 0 on virtio-serial devices reserved for virtconsole devices "
                       "for backward compatibility.");
    return 0;
}

struct search {
    struct tn_dev *dev;
    const char *name;
};

static int has_name(void *o, struct tn_dev *port)
{
    const struct search *what = o;
    const void *ops;
    void *s;
    if (port->core->query(what->dev, port, TN_VSERIAL_DEVICE_1, &ops, &s) < 0)
        return 0;
    const struct tn_vserial_ops *p = ops;
    const char *name = p->name ? p->name(s) : NULL;
    return name && strcmp(name, what->name) == 0;
}

/* The guest finds a port by its name alone, whatever device it is on. */
static int check_name(const struct vser *s, const char *name, struct tn_err *e)
{
    struct search what = {s->v.d, name};
    if (name && s->v.d->core->each(s->v.d, TN_VSERIAL_DEVICE_1, has_name, &what))
        return tn_fail(s->v.d, e, EEXIST, "virtio-serial-bus: A port already exists by name %s",
                       name);
    return 0;
}

/* ---- tn_bus_type ---- */

static int check(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e)
{
    struct vser *s = bus;
    struct vser_port *p = child;
    const struct tn_vserial_ops *o = ops;
    bool console = o->flags & TN_VSERIAL_CONSOLE;
    uint32_t id = p->v.nr == UINT32_MAX ? free_number(s, console) : p->v.nr;
    int r = check_number(s, id, console, e);
    if (r == 0)
        r = check_name(s, o->name ? o->name(d->self) : NULL, e);
    if (r < 0)
        return r;
    *p = (struct vser_port){.v.nr = id, .dev = s, .id = id, .ops = o, .s = d->self};
    s->port[id] = p;
    return 0;
}

static int plugged(void *bus, void *child, struct tn_err *e)
{
    struct vser *s = bus;
    struct vser_port *p = child;
    (void)e;
    control_add(&s->control, p->id, p->ops->flags & TN_VSERIAL_CONSOLE,
                p->ops->name ? p->ops->name(p->s) : NULL);
    vser_say(s);
    vdev_poke(vser_rx(s, p->id)); /* a driver with one port only has it now */
    return 0;
}

/* The driver is told, and need not agree (5.3.6.2). */
static void detach(void *bus, void *child)
{
    struct vser *s = bus;
    struct vser_port *p = child;
    control_remove(&s->control, p->id);
    s->port[p->id] = NULL;
    vser_tx_discard(s, p->id);
    vser_say(s);
}

static int path(void *bus, void *child, char *buf, uint64_t len)
{
    (void)bus;
    return snprintf(buf, len, "%u", ((struct vser_port *)child)->id);
}

static int fw_path(void *bus, void *child, char *buf, uint64_t len)
{
    (void)bus;
    return snprintf(buf, len, "port@%u", ((struct vser_port *)child)->id);
}

static const struct tn_prop props[] = {TN_VSERIAL_BUS_PROPS(struct vser_port)};

const struct tn_bus_type vser_bus_type = {
    .struct_size = sizeof vser_bus_type,
    .flags = TN_BUS_ONE_DOMAIN,
    .name = TN_VSERIAL_BUS,
    .child_ops = TN_VSERIAL_DEVICE_1,
    .port_ops = TN_VSERIAL_PORT_1,
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .child_size = sizeof(struct vser_port),
    .check = check,
    .plugged = plugged,
    .fw_path = fw_path,
    .detach = detach,
    .path = path,
};

/* ---- what a port calls ---- */

static void host_open(void *self, uint32_t on)
{
    struct vser_port *p = self;
    struct vser *s = p->dev;
    control_host_open(&s->control, p->id, on != 0);
    if (!on)
        vser_tx_discard(s, p->id);
    vser_say(s);
}

/* 5.3.6: the configuration space has the size of port 0. */
static void resize(void *self, uint32_t cols, uint32_t rows)
{
    struct vser_port *p = self;
    struct vser *s = p->dev;
    control_resize(&s->control, p->id, (uint16_t)cols, (uint16_t)rows);
    if (p->id == 0 && vdev_has(&s->v, VIRTIO_CONSOLE_F_SIZE))
        s->v.port->config_changed(s->v.p);
    vser_say(s);
}

static const struct tn_vserial_port port_ops = {
    .struct_size = sizeof port_ops,
    .room = vser_room,
    .write = vser_write,
    .accept = vser_accept,
    .host_open = host_open,
    .resize = resize,
};

int vser_bus_create(struct vser *s, struct tn_err *e)
{
    return s->v.d->core->bus_create(s->v.d, &vser_bus_type, NULL, &port_ops, s, &s->bus, e);
}
