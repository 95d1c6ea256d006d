/* SPDX-License-Identifier: BSD-2-Clause */
/* A serial port of any card: the UART with its character device, timers and interrupt line. The
 * card says where the registers are. All functions run with the device's lock held. */
#ifndef TN_SERIAL_PORT_H
#define TN_SERIAL_PORT_H
#include <tenon/chardev.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/region.h>
#include <tenon/state.h>
#include <tenon/trace.h>

#include "uart16550.h"

enum { SERIAL_TRACE_READ, SERIAL_TRACE_WRITE, SERIAL_TRACE_IRQ, SERIAL_TRACES };
extern const struct tn_trace_event serial_trace_events[SERIAL_TRACES]; /* of each port */

/* What the card decides. */
struct serial_port_config {
    struct tn_chr *chr;   /* NULL: what is sent is lost, nothing is received */
    struct tn_line *line; /* of the device */
    uint32_t baudbase;    /* baud with divisor 1: a 16th of the UART's clock; not 0 */
    uint32_t flags;       /* UART16550_* */
    uint32_t wakeup;      /* a received character wakes a suspended machine */
};

struct serial_port {
    struct uart16550 chip;
    struct serial_port_config config;
    struct tn_dev *dev;
    const struct tn_chardev *chardev;
    const struct tn_irq *irq;
    const struct tn_loop *loop;
    const struct tn_machine *machine;
    const struct tn_trace *trace;
    struct tn_timer *timer[2]; /* UART16550_TIMER_* */
    struct tn_timer
        *modem_poll;    /* while the guest wants interrupts of lines that nobody announces */
    uint32_t has_modem; /* the character device knows its modem lines */
    struct tn_trace_event events[SERIAL_TRACES];
};

/* Makes port s of device d; in its realize. Needs TN_LOOP_1, TN_IRQ_1, TN_CHARDEV_1; what it takes
 * is managed. Returns 0 or -errno with e filled. */
int serial_port_realize(struct serial_port *s, struct tn_dev *d,
                        const struct serial_port_config *config, struct tn_err *e);
/* The registers, at offsets 0 to 7; called with the struct serial_port. */
extern const struct tn_region_ops serial_port_ops;
/* Master reset of the chip; in phase TN_RESET_HOLD. */
void serial_port_reset(struct serial_port *s);
void serial_port_resume(struct serial_port *s);
/* State of a struct serial_port, for a TN_S_SUB field of the device. */
extern const struct tn_state serial_port_state;

#endif
