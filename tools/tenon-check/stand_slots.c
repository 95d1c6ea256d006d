/* SPDX-License-Identifier: BSD-2-Clause */
/* Two more buses of the strict host: places for transports in memory, and ports of a virtio
 * console. */
#include "parts.h"
#include "services.h"
#include "stand_bus.h"

enum { SLOT_BASE = 0xfeb00000, SLOT_SIZE = 512, SLOT_GSI = 5, ROOM = 100 };

static int place(void *p, struct tn_mmio_place *out)
{
    struct tn_mmio_place x = {out->struct_size, 0, SLOT_BASE,  SLOT_SIZE,
                              SLOT_GSI,         0, 0xc0000000, 0xcfffffff};
    (void)p;
    enter(NULL, R_MAIN, "mmio_slot->place");
    memcpy(out, &x, out->struct_size < sizeof x ? out->struct_size : sizeof x);
    return 0;
}

static const struct tn_mmio_slot slot_ops = {.struct_size = sizeof(struct tn_mmio_slot),
                                             .place = place};

static int slot_attach(void *bus, void *child, struct tn_dev *pub, const void *ops, void *s,
                       struct tn_err *e)
{
    (void)bus, (void)child, (void)ops, (void)s, (void)e;
    dev_of(pub)->port_ops = &slot_ops;
    return 0;
}

const struct tn_bus_type slot_bus_type = {.struct_size = sizeof(struct tn_bus_type),
                                          .max_children = 1,
                                          .name = TN_MMIO_SLOT_BUS,
                                          .port_ops = TN_MMIO_SLOT_1,
                                          .attach = slot_attach};

/* ---- virtio-serial-bus ---- */

struct vserial_port {
    struct tn_vserial_child child; /* first: the bus's properties */
    struct dev *d;
    int open;
};

static struct vserial_port *in(void *p, const char *what)
{
    struct vserial_port *v = p;
    if (!v || !v->d)
        violation("virtio-serial.h: p is the handle of core->port", "%s with another handle", what);
    enter(v->d, R_MAIN | R_CTX, what);
    return v;
}

static uint64_t vs_room(void *p)
{
    in(p, "virtio_serial->room");
    return ROOM;
}

static uint64_t vs_write(void *p, const void *buf, uint64_t n)
{
    in(p, "virtio_serial->write");
    if (n > ROOM || (n && !buf))
        violation("virtio-serial.h: write: at most room()", "virtio_serial->write of %llu bytes",
                  (unsigned long long)n);
    return n;
}

static void vs_accept(void *p)
{
    in(p, "virtio_serial->accept");
}

static void vs_host_open(void *p, uint32_t on)
{
    struct vserial_port *v = in(p, "virtio_serial->host_open");
    if (on > 1)
        violation("virtio-serial.h: host_open: 1 or 0", "virtio_serial->host_open(%u)", on);
    v->open = (int)on;
}

static void vs_resize(void *p, uint32_t cols, uint32_t rows)
{
    (void)cols, (void)rows;
    in(p, "virtio_serial->resize");
}

static const struct tn_vserial_port vs_ops = {.struct_size = sizeof(struct tn_vserial_port),
                                              .room = vs_room,
                                              .write = vs_write,
                                              .accept = vs_accept,
                                              .host_open = vs_host_open,
                                              .resize = vs_resize};

static int vs_attach(void *bus, void *child, struct tn_dev *pub, const void *ops, void *s,
                     struct tn_err *e)
{
    struct vserial_port *v = child;
    const struct tn_vserial_ops *o = ops;
    (void)bus, (void)s, (void)e;
    if (!o || o->struct_size < sizeof *o || !o->data)
        violation("virtio-serial.h: struct tn_vserial_ops", "class->bus_ops has no data()");
    v->d = dev_of(pub);
    v->d->port_ops = &vs_ops;
    return 0;
}

static const struct tn_prop vs_props[] = {{.name = "nr",
                                           .type = TN_P_U32,
                                           .offset = offsetof(struct vserial_port, child.nr),
                                           .size = 4,
                                           .defval = 0xffffffffu}};

const struct tn_bus_type vserial_bus_type = {.struct_size = sizeof(struct tn_bus_type),
                                             .name = TN_VSERIAL_BUS,
                                             .child_ops = TN_VSERIAL_DEVICE_1,
                                             .port_ops = TN_VSERIAL_PORT_1,
                                             .props = vs_props,
                                             .nprops = 1,
                                             .prop_stride = sizeof vs_props[0],
                                             .child_size = sizeof(struct vserial_port),
                                             .attach = vs_attach};
