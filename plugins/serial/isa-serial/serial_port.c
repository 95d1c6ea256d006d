/* SPDX-License-Identifier: BSD-2-Clause */
#include "serial_port.h"

#include <errno.h>
#include <string.h>
#include <tenon/core.h>

#include "isa.h"

#define MODEM_POLL_NS 10000000u

/* ---- what the chip asks for ---- */

static void set_irq(void *opaque, uint32_t level)
{
    struct serial_port *s = opaque;
    tn_trace_point(s->dev, s->trace, &s->events[SERIAL_TRACE_IRQ], serial_irq, level);
    s->irq->set(s->config.line, level);
}

/* A character device that is gone takes everything: the guest must not wait for it. */
static uint32_t transmit(void *opaque, const uint8_t *p, uint32_t n)
{
    struct serial_port *s = opaque;
    int64_t taken = s->config.chr ? s->chardev->write(s->config.chr, p, n) : n;
    return taken < 0 || taken > n ? n : (uint32_t)taken;
}

static void accept_more(void *opaque)
{
    struct serial_port *s = opaque;
    if (s->config.chr)
        s->chardev->accept(s->config.chr);
}

static void chr_set(struct serial_port *s, uint32_t what, void *arg, uint32_t len)
{
    if (s->config.chr)
        s->chardev->set(s->config.chr, what, arg, len); /* most have no such thing */
}

/* A host's port has no mark and space: they are sent as the parity that they equal on NUL. */
static uint32_t host_parity(uint8_t parity)
{
    return parity == 'M' ? 'O' : parity == 'S' ? 'E' : parity;
}

static void set_params(void *opaque, const struct uart16550_params *p)
{
    struct tn_chr_params params = {.struct_size = sizeof params,
                                   .baud = p->baud,
                                   .data_bits = p->data_bits,
                                   .stop_bits = p->stop_bits,
                                   .parity = host_parity(p->parity)};
    chr_set(opaque, TN_CHR_SET_PARAMS, &params, sizeof params);
}

static void set_break(void *opaque, uint32_t on)
{
    chr_set(opaque, TN_CHR_SET_BREAK, &on, sizeof on);
}

_Static_assert(TN_MODEM_DTR == UART_MCR_DTR && TN_MODEM_RTS == UART_MCR_RTS, "outputs as in MCR");

static void set_modem(void *opaque, uint32_t lines)
{
    chr_set(opaque, TN_CHR_SET_MODEM, &lines, sizeof lines);
}

static uint64_t now_ns(void *opaque)
{
    struct serial_port *s = opaque;
    return s->loop->now(s->dev, TN_CLK_VM);
}

static void arm_timer(void *opaque, uint32_t timer, uint64_t deadline_ns)
{
    struct serial_port *s = opaque;
    s->loop->arm(s->timer[timer], deadline_ns);
}

static void disarm_timer(void *opaque, uint32_t timer)
{
    struct serial_port *s = opaque;
    s->loop->disarm(s->timer[timer]);
}

static const struct uart16550_env env = {
    .irq = set_irq,
    .tx = transmit,
    .rx_accept = accept_more,
    .set_params = set_params,
    .set_break = set_break,
    .set_modem = set_modem,
    .now_ns = now_ns,
    .arm_timer = arm_timer,
    .disarm_timer = disarm_timer,
};

static void rx_timer(void *self)
{
    struct serial_port *s = self;
    uart16550_timer(&s->chip, UART16550_TIMER_RX);
}

static void tx_timer(void *self)
{
    struct serial_port *s = self;
    uart16550_timer(&s->chip, UART16550_TIMER_TX);
}

/* ---- modem lines of a real port: the host does not announce changes ---- */

_Static_assert(TN_MODEM_CTS << 2 == UART_MSR_CTS && TN_MODEM_DSR << 2 == UART_MSR_DSR &&
                   TN_MODEM_RI << 2 == UART_MSR_RI && TN_MODEM_DCD << 2 == UART_MSR_DCD,
               "inputs as in MSR, two bits lower");

static int read_modem(struct serial_port *s)
{
    uint32_t lines = 0;
    if (!s->config.chr ||
        s->chardev->set(s->config.chr, TN_CHR_GET_MODEM, &lines, sizeof lines) < 0)
        return -ENOTSUP;
    uart16550_set_modem(&s->chip, lines << 2 & UART_MSR_LINES);
    return 0;
}

static void watch_modem(struct serial_port *s)
{
    if (s->has_modem && (s->chip.ier & UART_IER_EDSSI))
        s->loop->arm(s->modem_poll, now_ns(s) + MODEM_POLL_NS);
    else
        s->loop->disarm(s->modem_poll);
}

static void poll_modem(void *self)
{
    read_modem(self);
    watch_modem(self);
}

/* ---- registers ---- */

static uint64_t read_register(void *self, uint64_t off, uint32_t size)
{
    struct serial_port *s = self;
    (void)size;
    if (off == UART_MSR && s->has_modem)
        read_modem(s);
    uint8_t value = uart16550_read(&s->chip, (uint32_t)off);
    tn_trace_point(s->dev, s->trace, &s->events[SERIAL_TRACE_READ], serial_read, off, value);
    return value;
}

static void write_register(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct serial_port *s = self;
    (void)size;
    tn_trace_point(s->dev, s->trace, &s->events[SERIAL_TRACE_WRITE], serial_write, off, value);
    uart16550_write(&s->chip, (uint32_t)off, (uint8_t)value);
    if (off == UART_IER)
        watch_modem(s);
}

const struct tn_region_ops serial_port_ops = {.struct_size = sizeof serial_port_ops,
                                              ISA_BYTE_WIDE,
                                              .read = read_register,
                                              .write = write_register};

/* ---- what the character device brings ---- */

static uint32_t room(void *self)
{
    const struct serial_port *s = self;
    return uart16550_rx_room(&s->chip);
}

static void wake_up(struct serial_port *s)
{
    if (s->config.wakeup && TN_HAS(s->machine, request))
        s->machine->request(s->dev, TN_REQ_WAKEUP, "serial port");
}

static void input(void *self, const uint8_t *p, uint32_t n)
{
    struct serial_port *s = self;
    wake_up(s);
    uart16550_receive(&s->chip, p, n);
}

static void event(void *self, uint32_t ev)
{
    struct serial_port *s = self;
    if (ev == TN_CHR_BREAK)
        uart16550_receive_break(&s->chip);
}

static void writable(void *self)
{
    struct serial_port *s = self;
    uart16550_tx_ready(&s->chip);
}

static const struct tn_chr_ops chr_ops = {.struct_size = sizeof chr_ops,
                                          .room = room,
                                          .input = input,
                                          .event = event,
                                          .writable = writable};

/* ---- life ---- */

const struct tn_trace_event serial_trace_events[SERIAL_TRACES] = {
    [SERIAL_TRACE_READ] = {"serial_read", "register %lu is 0x%lx", 0, 0},
    [SERIAL_TRACE_WRITE] = {"serial_write", "register %lu is set to 0x%lx", 0, 0},
    [SERIAL_TRACE_IRQ] = {"serial_irq", "interrupt line goes to %lu", 0, 0},
};

static void add_traces(struct serial_port *s)
{
    memcpy(s->events, serial_trace_events, sizeof serial_trace_events);
    s->trace = TN_GET(s->dev, struct tn_trace, TN_TRACE_1);
    if (s->trace)
        s->trace->add(s->dev, s->events, SERIAL_TRACES, sizeof s->events[0]);
}

static int make_timers(struct serial_port *s, struct tn_err *e)
{
    static void (*const fn[])(void *) = {
        [UART16550_TIMER_RX] = rx_timer, [UART16550_TIMER_TX] = tx_timer};
    for (uint32_t i = 0; i < 2; i++)
        s->timer[i] = s->loop->timer(s->dev, NULL, 0, TN_CLK_VM, fn[i], s);
    s->modem_poll = s->loop->timer(s->dev, NULL, 0, TN_CLK_VM, poll_modem, s);
    return s->timer[0] && s->timer[1] && s->modem_poll
               ? 0
               : tn_fail(s->dev, e, ENOMEM, "no memory for timers");
}

int serial_port_realize(struct serial_port *s, struct tn_dev *d,
                        const struct serial_port_config *config, struct tn_err *e)
{
    s->dev = d;
    s->config = *config;
    s->chardev = TN_GET(d, struct tn_chardev, TN_CHARDEV_1);
    s->irq = TN_GET(d, struct tn_irq, TN_IRQ_1);
    s->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    s->machine = TN_GET(d, struct tn_machine, TN_MACHINE_1);
    add_traces(s);
    uart16550_init(&s->chip, &env, s, 16 * config->baudbase, config->flags);
    if (make_timers(s, e) < 0)
        return -ENOMEM;
    if (config->chr && s->chardev->attach(config->chr, d, &chr_ops, s) < 0)
        return tn_fail(d, e, EBUSY, "%s: the chardev is in use", d->cls->name);
    s->has_modem = read_modem(s) == 0;
    return 0;
}

void serial_port_reset(struct serial_port *s)
{
    uart16550_reset(&s->chip);
    watch_modem(s);
}

/* What a load brought goes out only now: until here the machine that saved it may go on instead. */
void serial_port_resume(struct serial_port *s)
{
    uart16550_tx_ready(&s->chip);
}

/* ---- state ---- */

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct serial_port *s = self;
    (void)version;
    if (uart16550_post_load(&s->chip) < 0)
        return tn_fail(s->dev, e, EINVAL, "a FIFO holds more than it can");
    watch_modem(s);
    return 0;
}

#define FIELD(f) TN_FIELD_ROW(struct serial_port, chip.f, #f, U8, 1)
#define FIFO(f)  TN_FIELD_ROW(struct serial_port, chip.f, #f, U8, UART_FIFO_SIZE)

static const struct tn_field fields[] = {
    FIELD(ier),      FIELD(fcr),     FIELD(lcr),         FIELD(mcr),     FIELD(scr),
    FIELD(dll),      FIELD(dlm),     FIELD(lsr),         FIELD(msr),     FIELD(modem_in),
    FIELD(rbr),      FIELD(thri),    FIELD(thri_by_iir), FIELD(timeout), FIELD(rx_head),
    FIELD(rx_count), FIELD(tx_head), FIELD(tx_count),    FIFO(rx_data),  FIFO(rx_err),
    FIFO(tx_data),
};

const struct tn_state serial_port_state = {
    .struct_size = sizeof serial_port_state,
    .version = 1,
    .min_version = 1,
    .name = "serial-port",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};
