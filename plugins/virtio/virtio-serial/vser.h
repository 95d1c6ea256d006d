/* SPDX-License-Identifier: BSD-2-Clause */
/* A console device (VIRTIO 1.3, 5.3): queues, control messages, and the bus that its ports are on.
 * Everything runs in the main context with the device's lock, which its ports share, unless it says
 * otherwise. */
#ifndef TN_VSER_H
#define TN_VSER_H
#include <tenon/virtio-serial.h>

#include "control.h"
#include "virtio/vdev.h"

enum {
    VIRTIO_ID_CONSOLE = 3, /* 5.3.1 */
    /* 5.3.3 */
    VIRTIO_CONSOLE_F_SIZE = 0,
    VIRTIO_CONSOLE_F_MULTIPORT = 1,
    VIRTIO_CONSOLE_F_EMERG_WRITE = 2,
    /* 5.3.2; the queues of port n > 0 are 2n+2 and 2n+3 */
    VSER_CONTROL_RX = 2,
    VSER_CONTROL_TX = 3,
    /* struct virtio_console_config, 5.3.4 */
    VSER_CONFIG_COLS = 0,         /* le16 */
    VSER_CONFIG_ROWS = 2,         /* le16 */
    VSER_CONFIG_MAX_NR_PORTS = 4, /* le32 */
    VSER_CONFIG_EMERG_WR = 8,     /* le32 */
    VSER_CONFIG_LEN = 12,

    VSER_PORTS_MAX = 511,
    VSER_DATA_QUEUE = 128, /* descriptors */
    VSER_CONTROL_QUEUE = 32,
    VSER_EMERGENCY = 1024, /* bytes kept for the main context */
};

/* A port's place on the bus: the bus's data of a child. */
struct vser_port {
    struct tn_vserial_child v;
    struct vser *dev;
    uint32_t id;
    uint32_t told_open; /* guest_open as the port last heard it */
    const struct tn_vserial_ops *ops;
    void *s;
};

/* What the guest sends to one port. */
struct vser_lane {
    struct vq_elem *el; /* the buffer that the port has not taken whole */
    uint64_t done;      /* bytes of it, or of the next one after a stop, that it has */
};

struct vser {
    struct vdev v;
    uint32_t max_ports; /* properties */
    uint8_t emergency_write;
    struct control control;
    struct vser_port **port; /* by number; NULL: none */
    struct vser_lane *lane;
    struct tn_bus *bus;
    struct tn_bh *news; /* for ports, from a vCPU */
    uint8_t emergency[VSER_EMERGENCY];
    uint32_t nemergency;
};

static inline uint32_t vser_rx_index(uint32_t id)
{
    return id ? 2 * id + 2 : 0;
}
static inline struct vdev_queue *vser_rx(struct vser *s, uint32_t id)
{
    return &s->v.q[vser_rx_index(id)];
}
static inline struct vdev_queue *vser_tx(struct vser *s, uint32_t id)
{
    return &s->v.q[vser_rx_index(id) + 1];
}
/* The port of a queue; not of a control queue. */
static inline uint32_t vser_port_of(const struct vdev_queue *q)
{
    return q->index < 2 ? 0 : q->index / 2 - 1;
}

/* ---- virtio_serial.c ---- */
/* Sends what the driver has to be told, as far as it has buffers. */
void vser_say(struct vser *s);

/* ---- data.c ---- */
void vser_tx_handle(struct vdev_queue *q);   /* vdev_queue.handle, of transmit queues */
void vser_tx_stopping(struct vdev_queue *q); /* vdev_queue.stopping */
void vser_rx_handle(struct vdev_queue *q);
/* The port is gone, or its host's side: what it has not taken, nobody will. */
void vser_tx_discard(struct vser *s, uint32_t id);
/* Tells ports whether the guest's side is open, where that has changed. */
void vser_tell_ports(struct vser *s);
/* struct tn_vserial_port; p is a struct vser_port */
uint64_t vser_room(void *p);
uint64_t vser_write(void *p, const void *buf, uint64_t n);
void vser_accept(void *p);

/* ---- ports.c ---- */
/* Makes the bus, in realize. */
int vser_bus_create(struct vser *s, struct tn_err *e);

extern const struct tn_bus_type vser_bus_type;
extern const struct tn_class virtconsole_class, virtserialport_class; /* port.c */

#endif
