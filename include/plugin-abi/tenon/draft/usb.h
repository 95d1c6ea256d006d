/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. usb-bus: controllers, hubs and devices (USB 2.0, USB 3.2). Bus and children are one lock domain.
 */
#ifndef TENON_DRAFT_USB_H
#define TENON_DRAFT_USB_H
#include <tenon/bus.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_USB_BUS "usb-bus"
#define TN_USB_DEVICE_1 "tenon.usb-device/1" /**< child_ops */
#define TN_USB_PORT_1 "tenon.usb-port/1"     /**< port_ops */

/** Child data of the bus begins with this. Frozen. */
struct tn_usb_child {
    const char *port;    /**< "2.4", or NULL: the next free one */
    const char *pcap;    /**< capture file, or NULL */
    uint32_t flags;      /**< bit 0: paths name every hub */
    uint8_t attached, reserved[3];
};
/** Rows of tn_bus_type.props, the same in every provider. T: child data whose first member u is a struct tn_usb_child. */
#define TN_USB_BUS_PROPS(T)                                                                                            \
    TN_PROP_STR(T, u.port, "port", NULL, "port on the bus, hubs by dots: 2.4"),                                        \
        TN_PROP_BIT(T, u.flags, "full-path", 0, 1, "firmware and state paths name every hub"),                         \
        TN_PROP_STR(T, u.pcap, "pcap", NULL, "file that gets every packet (linktype usbmon)"),                         \
        TN_PROP_ROW(T, u.attached, "attached", BOOL, TN_PF_RUNTIME | TN_PF_NODEFAULT, 0, 1, 0, 0, NULL, NULL,          \
                    "the guest sees the device")

/** Speeds */
enum { TN_USB_LOW = 1, TN_USB_FULL = 2, TN_USB_HIGH = 4, TN_USB_SUPER = 8 };
/** Token PIDs (USB 2.0 8.3.1) */
enum { TN_USB_SETUP = 0x2d, TN_USB_IN = 0x69, TN_USB_OUT = 0xe1 };
/** Status of a packet */
enum {
    TN_USB_OK = 0,
    TN_USB_NODEV = -1,
    TN_USB_NAK = -2,
    TN_USB_STALL = -3,
    TN_USB_BABBLE = -4,
    TN_USB_IOERROR = -5,
    TN_USB_ASYNC = -6, /**< kept by the device: complete() follows */
    TN_USB_CANCELLED = -7
};
/** tn_usb_packet.flags */
enum {
    TN_USB_SHORT_NOT_OK = 1, /**< a short packet ends the transfer with an error */
    TN_USB_INT_REQ = 2       /**< the guest wants an interrupt for this one */
};
/** One packet, or one whole control transfer. The controller owns it; the device keeps it only after TN_USB_ASYNC. */
struct tn_usb_packet {
    uint32_t struct_size, flags; /**< TN_USB_SHORT_NOT_OK, ... */
    uint64_t id;                 /**< unique in the VM while in flight: the URB of the capture */
    uint32_t pid, ep;            /**< TN_USB_SETUP, IN, OUT; endpoint number */
    uint32_t stream, niov;
    const struct tn_iov *iov;    /**< guest memory, concurrent: read once */
    uint64_t len, actual;        /**< bytes */
    uint8_t setup[8];            /**< control: the SETUP stage; the data stage is iov */
    int32_t status, reserved;    /**< out: TN_USB_* */
    void *hc, *dev;              /**< a word for each side */
};

/** tn_usb_dev_ops.flags */
enum {
    TN_USBF_HUB = 1,
    TN_USBF_MANUAL_ATTACH = 2 /**< hotplugged, it starts with attached=false */
};
/** FWD: TN_USB_DEVICE_1, in class->bus_ops. */
struct tn_usb_dev_ops {
    uint32_t struct_size, flags;
    uint32_t speeds, reserved; /**< TN_USB_* that the device can do: the bus chooses, and warns when none fits */
    /** [ctx][dev] do p, standard requests included (the descriptors are the device's); TN_USB_*, also in p->status */
    int (*packet)(void *s, struct tn_usb_packet *p);
    /** [ctx][dev] 0: p is free now. TN_PENDING: still used, port->complete follows with TN_USB_CANCELLED; iov stays
     * mapped, the guest is told at once */
    int (*cancel)(void *s, struct tn_usb_packet *p);
    /** [ctx][dev] port reset at TN_USB_* speed: default state, address 0 (USB 2.0 9.1.1.3) */
    void (*reset)(void *s, uint32_t speed);
    /** [ctx][dev] on a port (1) or off it (0) */
    void (*attached)(void *s, uint32_t on);
    /** [ctx][dev] n streams for a bulk endpoint, 0 frees them; NULL = has none */
    int (*streams)(void *s, uint32_t ep, uint32_t n);
    /** [ctx][dev] 1 and *out: the device with that address is this one, or below it (a hub asks on); 0 */
    uint32_t (*find)(void *s, uint32_t address, struct tn_dev **out);
};
/** FWD: reactions of whoever gave ports to a bus: a hub, or a companion controller. */
struct tn_usb_hub_ops {
    uint32_t struct_size, flags;
    /** [ctx][dev] something at speed TN_USB_* is on the port */
    void (*attach)(void *s, uint32_t port, uint32_t speed);
    /** [ctx][dev] it is gone: every packet of the port is cancelled before this returns */
    void (*detach)(void *s, uint32_t port);
    /** [ctx][dev] remote wakeup, or an endpoint has something to say */
    void (*wakeup)(void *s, uint32_t port, uint32_t ep, uint32_t stream);
    /** [ctx][dev] companion only: a packet that it issued */
    void (*complete)(void *s, uint32_t port, struct tn_usb_packet *p);
};
/** FWD: TN_USB_PORT_1; p is the handle of core->port. */
struct tn_usb_port {
    uint32_t struct_size, flags;
    /** [ctx][dev] end of a packet that was TN_USB_ASYNC; never inside packet() or cancel() */
    void (*complete)(void *p, struct tn_usb_packet *pkt);
    /** [ctx][dev] remote wakeup (ep 0), or: endpoint ep is worth polling */
    void (*wakeup)(void *p, uint32_t ep, uint32_t stream);
    /** [ctx][dev] the device attaches (1) or detaches (0) itself; its attached property follows */
    int (*attach)(void *p, uint32_t on);
    /** [main] a hub: n ports below its own path (2 -> 2.1, ..); 0 takes them back, what is on them is dropped first */
    int (*ports)(void *p, uint32_t n, uint32_t speeds, const struct tn_usb_hub_ops *o, void *s, struct tn_err *e);
    /** [ctx][dev] what sits on port n of this hub; -ENOENT when empty */
    int (*port)(void *p, uint32_t n, struct tn_dev **dev, uint32_t *speed);
};

#define TN_USB_MASTER_1 "tenon.usb-master/1"
/** FWD: TN_USB_MASTER_1, by tn_core.query_bus of an EHCI's bus (masterbus=, firstport=). */
struct tn_usb_master {
    uint32_t struct_size, flags;
    /** [main] companion d takes ports first..first+n-1 for low and full speed (EHCI 1.0 4.2) */
    int (*companion)(void *bus, struct tn_dev *d, uint32_t first, uint32_t n, const struct tn_usb_hub_ops *o, void *s,
                     struct tn_err *e);
    /** [ctx][dev] what companion d sees on port n; -ENOENT when empty or owned by the EHCI */
    int (*port)(void *bus, struct tn_dev *d, uint32_t n, const struct tn_usb_dev_ops **ops, void **s, uint32_t *speed);
};

#ifdef __cplusplus
}
#endif
#endif
