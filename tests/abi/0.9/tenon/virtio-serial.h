/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * The bus of a virtio console device (Virtual I/O Device 1.3, 5.3): each child is one port. The device owns the rings and
 * the control messages; the port moves bytes. Children share the device's lock domain.
 */
#ifndef TENON_VIRTIO_SERIAL_H
#define TENON_VIRTIO_SERIAL_H
#include <tenon/bus.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_VSERIAL_BUS "virtio-serial-bus"
#define TN_VSERIAL_DEVICE_1 "tenon.virtio-serial-device/1" /**< child_ops: struct tn_vserial_ops in class->bus_ops */
#define TN_VSERIAL_PORT_1 "tenon.virtio-serial-port/1"     /**< port_ops: struct tn_vserial_port */

/** Child data of the bus begins with this. Frozen. */
struct tn_vserial_child {
    uint32_t nr;       /**< port number; ~0 = the first free one */
    uint32_t reserved;
};
#define TN_VSERIAL_BUS_PROPS(T)                                                                                        \
    TN_PROP(T, v.nr, "nr", U32, 0xffffffffu, "number of the port, 0 is kept for a console by old drivers")

/** tn_vserial_ops.flags */
enum { TN_VSERIAL_CONSOLE = 1 }; /**< VIRTIO_CONSOLE_CONSOLE_PORT: the guest makes a terminal of it */

/** FWD: what a port gives the device. */
struct tn_vserial_ops {
    uint32_t struct_size, flags; /**< TN_VSERIAL_* */
    /** [main] text for VIRTIO_CONSOLE_PORT_NAME, NULL = none; valid while realized */
    const char *(*name)(void *s);
    /** [ctx][dev] the guest wrote: bytes taken. Less than all: port->accept follows */
    uint64_t (*data)(void *s, const struct tn_iov *v, uint32_t n);
    /** [ctx][dev] the guest's side was opened (1) or closed (0) */
    void (*guest_open)(void *s, uint32_t on);
    /** [ctx][dev] port->room has grown */
    void (*room)(void *s);
};

/** FWD: what the device gives a port; p is the handle of core->port. All [ctx][dev]. */
struct tn_vserial_port {
    uint32_t struct_size, flags;
    /** bytes that the guest's buffers take now; 0 while its side is closed */
    uint64_t (*room)(void *p);
    /** bytes taken, at most room() */
    uint64_t (*write)(void *p, const void *buf, uint64_t n);
    /** data() may be called again */
    void (*accept)(void *p);
    /** the host's side is open (1) or closed (0): VIRTIO_CONSOLE_PORT_OPEN */
    void (*host_open)(void *p, uint32_t on);
    /** size of a console in characters: VIRTIO_CONSOLE_RESIZE, or the config space of port 0 */
    void (*resize)(void *p, uint32_t cols, uint32_t rows);
};

#ifdef __cplusplus
}
#endif
#endif
