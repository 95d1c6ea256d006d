/* SPDX-License-Identifier: BSD-2-Clause */
/* The control messages of a console device: VIRTIO 1.3, 5.3.6.2. This knows no queue: messages of
 * the driver are handed in, and those for the driver are fetched when it has a buffer for them.
 *
 * Nothing is queued. What the driver has still to be told is a set of bits for each port, sent in
 * the order that the driver needs; so a driver that gives no buffers, or repeats its messages for
 * ever, costs nothing, and what has become untrue before it could be said is never said.
 */
#ifndef TN_VSER_CONTROL_H
#define TN_VSER_CONTROL_H
#include <stdbool.h>
#include <stdint.h>

/* struct virtio_console_control */
enum {
    CONTROL_ID = 0,    /* le32 */
    CONTROL_EVENT = 4, /* le16 */
    CONTROL_VALUE = 6, /* le16 */
    CONTROL_LEN = 8,
    CONTROL_RESIZE_LEN = 4, /* struct virtio_console_resize, behind it */
};

/* Its events. The specification also calls the second and third VIRTIO_CONSOLE_PORT_ADD and
 * _REMOVE. */
enum {
    VIRTIO_CONSOLE_DEVICE_READY = 0,
    VIRTIO_CONSOLE_DEVICE_ADD,
    VIRTIO_CONSOLE_DEVICE_REMOVE,
    VIRTIO_CONSOLE_PORT_READY,
    VIRTIO_CONSOLE_CONSOLE_PORT,
    VIRTIO_CONSOLE_RESIZE,
    VIRTIO_CONSOLE_PORT_OPEN,
    VIRTIO_CONSOLE_PORT_NAME,
};

/* What the driver has to be told of a port, lowest bit first. */
enum {
    SAY_REMOVE = 1, /* of the port that had this number before */
    SAY_ADD = 2,
    SAY_CONSOLE = 4,
    SAY_NAME = 8,
    SAY_RESIZE = 16,
    SAY_OPEN = 32,
    SAY_ALL = 63
};

struct control_port {
    /* the host's side */
    uint8_t present, console, host_open;
    uint16_t cols, rows; /* 0: unknown */
    const char *name;    /* or NULL */
    /* the driver's side */
    uint8_t announced;  /* DEVICE_ADD has been sent */
    uint8_t ready;      /* PORT_READY has come */
    uint8_t guest_open; /* PORT_OPEN of the driver */
    uint8_t told_open;  /* PORT_OPEN as it was last sent */
    uint8_t blinked;    /* the host's side was closed since then */
    uint8_t say;        /* SAY_* */
};

struct control {
    struct control_port *port; /* nports */
    uint32_t nports;
    uint8_t driver_ready;
};

struct control_message {
    uint8_t head[CONTROL_LEN];
    uint8_t size[CONTROL_RESIZE_LEN];
    const void *extra; /* what follows head */
    uint32_t extra_len;
};

/* What a message of the driver came to. */
enum control_result {
    CONTROL_OK,
    CONTROL_GUEST_OPEN, /* the guest's side of a port may have changed */
    CONTROL_FAILED,     /* the driver says that it could not set the port or device up */
    CONTROL_BAD         /* against the specification: ignored */
};

/* ---- the driver ---- */

/* A message: the CONTROL_LEN bytes of its head; nothing that a driver sends is longer. */
enum control_result control_receive(struct control *c, const uint8_t *head);
/* The next message for the driver; false if there is none. It counts as sent. m->extra is good
 * until the port goes. */
bool control_next(struct control *c, struct control_message *m);
bool control_pending(const struct control *c);
/* A driver without VIRTIO_CONSOLE_F_MULTIPORT runs: its port 0 is open for as long as it does. */
void control_single(struct control *c);
/* The device was reset. */
void control_reset(struct control *c);
/* State was loaded: 0, or the number of a port that the driver knows and that is not there, plus 1.
 * Bits that cannot be are taken out; ports that the driver does not know will be announced. */
uint32_t control_loaded(struct control *c);

/* ---- the host's side; id is below nports ---- */

/* A port is there; name, or NULL, lives until control_remove(). */
void control_add(struct control *c, uint32_t id, bool console, const char *name);
void control_remove(struct control *c, uint32_t id);
/* Also before control_add(). */
void control_host_open(struct control *c, uint32_t id, bool open);
void control_resize(struct control *c, uint32_t id, uint16_t cols, uint16_t rows);

#endif
