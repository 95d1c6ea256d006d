/* SPDX-License-Identifier: BSD-2-Clause */
/* PC16550D UART: registers, interrupts, line and modem control. The characters are in
 * uart16550_data.c. Section numbers are those of the data sheet. */
#include "uart16550_int.h"

#include <errno.h>
#include <string.h>

/* ---- interrupts [8.6, 8.7] ---- */

static uint32_t rx_trigger(const struct uart16550 *u)
{
    static const uint8_t level[] = {1, 4, 8, 14};
    return uart_fifo_on(u) ? level[u->fcr >> 6] : 1;
}

/* The pending interrupt of highest priority, as IIR names it [8.6, table IV]. */
static uint8_t iir_source(const struct uart16550 *u)
{
    if ((u->ier & UART_IER_ELSI) && (u->lsr & UART_LSR_ERROR))
        return UART_IIR_RLS;
    if ((u->ier & UART_IER_ERBFI) && u->rx_count >= rx_trigger(u))
        return UART_IIR_RDA;
    if ((u->ier & UART_IER_ERBFI) && u->timeout)
        return UART_IIR_CTI;
    if ((u->ier & UART_IER_ETBEI) && u->thri)
        return UART_IIR_THRE;
    if ((u->ier & UART_IER_EDSSI) && (u->msr & UART_MSR_DELTA))
        return UART_IIR_MS;
    return UART_IIR_NONE;
}

/* With the loop on, the OUT2 pin is inactive whatever MCR says [8.8, bit 4]. */
static int irq_gated(const struct uart16550 *u)
{
    return (u->flags & UART16550_GATE_OUT2) &&
           (u->mcr & (UART_MCR_OUT2 | UART_MCR_LOOP)) != UART_MCR_OUT2;
}

void uart_update_irq(struct uart16550 *u)
{
    uint8_t level = iir_source(u) != UART_IIR_NONE && !irq_gated(u);
    if (level == u->irq_level)
        return;
    u->irq_level = level;
    u->env->irq(u->opaque, level);
}

/* ---- line settings [8.1, 8.3] ---- */

static uint32_t divisor(const struct uart16550 *u)
{
    return u->dll | (uint32_t)u->dlm << 8;
}

uint64_t uart16550_char_ns(const struct uart16550 *u)
{
    uint64_t half_bits = 2 * (1 + 5 + (u->lcr & UART_LCR_WLS) + 1);
    if (u->lcr & UART_LCR_PEN)
        half_bits += 2;
    if (u->lcr & UART_LCR_STB)
        half_bits += u->lcr & UART_LCR_WLS ? 2 : 1;
    uint32_t div = divisor(u);
    return half_bits * 8 * 1000000000u * (div ? div : 1) / u->clock_hz;
}

static uint8_t parity_of(uint8_t lcr)
{
    if (!(lcr & UART_LCR_PEN))
        return 'N';
    if (lcr & UART_LCR_SP)
        return lcr & UART_LCR_EPS ? 'S' : 'M';
    return lcr & UART_LCR_EPS ? 'E' : 'O';
}

/* The settings take effect with an LCR write that leaves DLAB clear: the two halves of a new
 * divisor never pass for a speed of their own. */
static void update_params(struct uart16550 *u)
{
    uint32_t div = divisor(u);
    if ((u->lcr & UART_LCR_DLAB) || !div)
        return;
    uint32_t baud = u->clock_hz / (16 * div);
    uint8_t framing =
        u->lcr & (UART_LCR_WLS | UART_LCR_STB | UART_LCR_PEN | UART_LCR_EPS | UART_LCR_SP);
    if (baud == u->baud && framing == u->framing)
        return;
    u->baud = baud;
    u->framing = framing;
    const struct uart16550_params p = {
        .baud = baud,
        .data_bits = 5 + (framing & UART_LCR_WLS),
        .parity = parity_of(framing),
        .stop_bits = framing & UART_LCR_STB ? 2 : 1,
    };
    u->env->set_params(u->opaque, &p);
}

/* Set break acts on SOUT only, and the loop holds SOUT marking [8.1 bit 6, 8.8 bit 4]. */
static void update_break(struct uart16550 *u)
{
    uint8_t on = (u->lcr & UART_LCR_SB) && !(u->mcr & UART_MCR_LOOP);
    if (on == u->break_out)
        return;
    u->break_out = on;
    u->env->set_break(u->opaque, on);
}

/* ---- modem lines [8.8, 8.9] ---- */

/* The loop connects DTR to DSR, RTS to CTS, OUT1 to RI and OUT2 to DCD [8.8, bit 4]. */
static uint8_t modem_inputs(const struct uart16550 *u)
{
    if (!(u->mcr & UART_MCR_LOOP))
        return u->modem_in;
    return (u->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) | (u->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
           (u->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) | (u->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

/* The delta bits stand 4 below their lines; that of RI reports its end only. */
static void update_msr(struct uart16550 *u)
{
    uint8_t now = modem_inputs(u);
    uint8_t changed = (u->msr ^ now) & UART_MSR_LINES;
    if (now & UART_MSR_RI)
        changed &= ~UART_MSR_RI;
    u->msr = now | (u->msr & UART_MSR_DELTA) | changed >> 4;
}

static void update_modem_out(struct uart16550 *u)
{
    uint8_t out = u->mcr & UART_MCR_LOOP ? 0 : u->mcr & (UART_MCR_DTR | UART_MCR_RTS);
    if (out == u->modem_out)
        return;
    u->modem_out = out;
    u->env->set_modem(u->opaque, out);
}

void uart16550_set_modem(struct uart16550 *u, uint8_t lines)
{
    u->modem_in = lines & UART_MSR_LINES;
    update_msr(u);
    uart_update_irq(u);
}

/* ---- registers [8.0] ---- */

/* Enabling the transmitter interrupt over an empty register raises it: that is how drivers start to
 * send [8.6]. */
static void write_ier(struct uart16550 *u, uint8_t v)
{
    uint8_t changed = u->ier ^ v;
    u->ier = v & UART_IER_MASK;
    if (changed & UART_IER_ETBEI) {
        u->thri = (u->ier & UART_IER_ETBEI) && (u->lsr & UART_LSR_THRE);
        u->thri_by_iir = 0;
    }
    if (changed & UART_IER_ERBFI)
        uart_arm_timeout(u);
    uart_update_irq(u);
}

/* [8.5]: bits other than 0 are programmed only together with it; a change of bit 0 clears both
 * FIFOs. */
static void write_fcr(struct uart16550 *u, uint8_t v)
{
    int had_room = uart16550_rx_room(u) != 0;
    uint8_t reset = 0;
    if ((u->fcr ^ v) & UART_FCR_ENABLE)
        reset = UART_FCR_RX_RESET | UART_FCR_TX_RESET;
    else if (v & UART_FCR_ENABLE)
        reset = v;
    u->fcr = v & UART_FCR_ENABLE ? v & (UART_FCR_ENABLE | UART_FCR_DMA | UART_FCR_TRIGGER) : 0;
    if (reset & UART_FCR_RX_RESET)
        uart_rx_flush(u);
    if (reset & UART_FCR_TX_RESET)
        uart_tx_flush(u);
    uart_update_irq(u);
    if (!had_room)
        uart_offer_room(u);
}

static void write_lcr(struct uart16550 *u, uint8_t v)
{
    u->lcr = v;
    update_params(u);
    update_break(u);
}

static void write_mcr(struct uart16550 *u, uint8_t v)
{
    int had_room = uart16550_rx_room(u) != 0;
    u->mcr = v & UART_MCR_MASK;
    update_msr(u);
    update_modem_out(u);
    update_break(u);
    uart_update_irq(u);
    if (!had_room)
        uart_offer_room(u);
}

static uint8_t read_iir(struct uart16550 *u)
{
    uint8_t source = iir_source(u);
    if (source == UART_IIR_THRE) {
        u->thri = 0;
        u->thri_by_iir = 1;
        uart_update_irq(u);
    }
    return source | (uart_fifo_on(u) ? UART_IIR_FIFO : 0);
}

static uint8_t read_msr(struct uart16550 *u)
{
    uint8_t v = u->msr;
    u->msr &= UART_MSR_LINES;
    if (v & UART_MSR_DELTA)
        uart_update_irq(u);
    return v;
}

uint8_t uart16550_read(struct uart16550 *u, uint32_t reg)
{
    int dlab = u->lcr & UART_LCR_DLAB;
    switch (reg & (UART_NREGS - 1)) {
    case UART_RBR:
        return dlab ? u->dll : uart_read_rbr(u);
    case UART_IER:
        return dlab ? u->dlm : u->ier;
    case UART_IIR:
        return read_iir(u);
    case UART_LCR:
        return u->lcr;
    case UART_MCR:
        return u->mcr;
    case UART_LSR:
        return uart_read_lsr(u);
    case UART_MSR:
        return read_msr(u);
    default:
        return u->scr;
    }
}

void uart16550_write(struct uart16550 *u, uint32_t reg, uint8_t v)
{
    int dlab = u->lcr & UART_LCR_DLAB;
    switch (reg & (UART_NREGS - 1)) {
    case UART_THR:
        if (dlab)
            u->dll = v;
        else
            uart_write_thr(u, v);
        break;
    case UART_IER:
        if (dlab)
            u->dlm = v;
        else
            write_ier(u, v);
        break;
    case UART_FCR:
        write_fcr(u, v);
        break;
    case UART_LCR:
        write_lcr(u, v);
        break;
    case UART_MCR:
        write_mcr(u, v);
        break;
    case UART_SCR:
        u->scr = v;
        break;
    default: /* LSR is for factory tests, MSR is read-only [8.4, 8.9] */
        break;
    }
}

/* ---- life ---- */

/* No value of an output: the next update gives it to the environment, whatever it is. */
#define UNKNOWN 0xff

static void reset_registers(struct uart16550 *u)
{
    u->ier = u->fcr = u->lcr = u->mcr = 0;
    u->thri = u->thri_by_iir = 0;
    u->tx_busy = u->rx_armed = u->rx_touched = 0;
    uart_rx_flush(u);
    u->tx_head = u->tx_count = 0;
    memset(u->rx_data, 0, sizeof u->rx_data); /* what was typed before is nobody's any more */
    memset(u->rx_err, 0, sizeof u->rx_err);
    memset(u->tx_data, 0, sizeof u->tx_data);
    u->lsr = UART_LSR_THRE | UART_LSR_TEMT;
    u->msr = u->modem_in;
}

void uart16550_init(struct uart16550 *u, const struct uart16550_env *env, void *opaque,
                    uint32_t clock_hz, uint32_t flags)
{
    memset(u, 0, sizeof *u);
    u->env = env;
    u->opaque = opaque;
    u->clock_hz = clock_hz;
    u->flags = flags;
    u->dll = 12;
    u->modem_in = UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
    reset_registers(u);
}

static void update_outputs(struct uart16550 *u)
{
    update_break(u);
    update_modem_out(u);
    uart_update_irq(u);
}

void uart16550_reset(struct uart16550 *u)
{
    if (u->rx_armed)
        u->env->disarm_timer(u->opaque, UART16550_TIMER_RX);
    if (u->tx_busy)
        u->env->disarm_timer(u->opaque, UART16550_TIMER_TX);
    reset_registers(u);
    update_outputs(u);
    uart_offer_room(u);
}

static int state_possible(const struct uart16550 *u)
{
    uint32_t depth = uart_fifo_depth(u);
    return u->rx_head < UART_FIFO_SIZE && u->tx_head < UART_FIFO_SIZE && u->rx_count <= depth &&
           u->tx_count <= depth;
}

static void sanitize(struct uart16550 *u)
{
    u->ier &= UART_IER_MASK;
    u->mcr &= UART_MCR_MASK;
    u->lsr &= UART_LSR_ERROR | UART_LSR_THRE | UART_LSR_TEMT;
    u->modem_in &= UART_MSR_LINES;
    u->msr = modem_inputs(u) | (u->msr & UART_MSR_DELTA);
    u->rx_errors = 0;
    for (uint32_t i = 0; i < UART_FIFO_SIZE; i++)
        u->rx_err[i] &= UART_LSR_CHAR;
    for (uint32_t i = 0; i < u->rx_count; i++)
        u->rx_errors += u->rx_err[(u->rx_head + i) & UART_FIFO_MASK] != 0;
}

int uart16550_post_load(struct uart16550 *u)
{
    if (!state_possible(u)) {
        uart16550_init(u, u->env, u->opaque, u->clock_hz, u->flags);
        return -EINVAL;
    }
    sanitize(u);
    u->baud = 0;
    u->break_out = u->modem_out = u->irq_level = UNKNOWN;
    u->rx_armed = 0;
    uart_arm_timeout(u);
    u->tx_busy = 0;
    uart_tx_update_lsr(u);
    if (u->lcr)
        update_params(u);
    update_outputs(u);
    return 0;
}
