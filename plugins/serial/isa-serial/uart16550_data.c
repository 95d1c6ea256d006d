/* SPDX-License-Identifier: BSD-2-Clause */
/* PC16550D UART: receiver, transmitter and their FIFOs.
 *
 * A THR write with an idle transmitter is one tx() callback, and no interrupt work unless the
 * driver has the transmitter interrupt on. Characters that the back end refuses wait in the
 * transmit FIFO. */
#include "uart16550_int.h"

/* ---- receiver [8.4, 8.11] ---- */

/* [8.11]: the timeout is 4 character times without an arrival or a read. Reads only leave a mark:
 * the timer looks at it when it expires and waits again, so that reading a character costs no clock
 * and no timer call. */
void uart_arm_timeout(struct uart16550 *u)
{
    u->rx_touched = 1;
    if (u->rx_armed || !uart_fifo_on(u) || !u->rx_count || !(u->ier & UART_IER_ERBFI))
        return;
    u->rx_armed = 1;
    u->rx_touched = 0;
    u->env->arm_timer(u->opaque, UART16550_TIMER_RX,
                      u->env->now_ns(u->opaque) + 4 * uart16550_char_ns(u));
}

static void rx_timer(struct uart16550 *u)
{
    u->rx_armed = 0;
    if (u->rx_touched) {
        uart_arm_timeout(u);
    } else if (uart_fifo_on(u) && u->rx_count) {
        u->timeout = 1;
        uart_update_irq(u);
    }
}

/* An error shows in LSR when its character reaches the top of the FIFO [8.4, bits 2-4]. */
static void reveal_errors(struct uart16550 *u)
{
    u->lsr |= u->rx_err[u->rx_head];
}

static void rx_push(struct uart16550 *u, uint8_t c, uint8_t errors)
{
    if (u->rx_count >= uart_fifo_depth(u)) {
        u->lsr |= UART_LSR_OE;
        /* Without FIFO the new character replaces the old one; with it the shift register is
         * overwritten [8.4, bit 1]. */
        if (uart_fifo_on(u))
            return;
        u->rx_count = 0;
        u->rx_errors = 0;
    }
    uint8_t at = (u->rx_head + u->rx_count) & UART_FIFO_MASK;
    u->rx_data[at] = c;
    u->rx_err[at] = errors;
    u->rx_errors += errors != 0;
    if (u->rx_count++ == 0)
        reveal_errors(u);
}

static void rx_arrived(struct uart16550 *u)
{
    uart_arm_timeout(u);
    uart_update_irq(u);
}

/* The loop disconnects SIN: the back end waits meanwhile. */
uint32_t uart16550_rx_room(const struct uart16550 *u)
{
    uint32_t depth = uart_fifo_depth(u);
    if ((u->mcr & UART_MCR_LOOP) || u->rx_count >= depth)
        return 0;
    return depth - u->rx_count;
}

void uart16550_receive(struct uart16550 *u, const uint8_t *p, uint32_t n)
{
    if ((u->mcr & UART_MCR_LOOP) || !n)
        return;
    for (uint32_t i = 0; i < n; i++)
        rx_push(u, p[i], 0);
    rx_arrived(u);
}

void uart16550_receive_error(struct uart16550 *u, uint8_t c, uint8_t errors)
{
    if (u->mcr & UART_MCR_LOOP)
        return;
    rx_push(u, c, errors & UART_LSR_CHAR);
    rx_arrived(u);
}

void uart16550_receive_break(struct uart16550 *u)
{
    uart16550_receive_error(u, 0, UART_LSR_BI);
}

void uart_offer_room(struct uart16550 *u)
{
    if (uart16550_rx_room(u))
        u->env->rx_accept(u->opaque);
}

/* The back end is asked for more when the last character is read, not after each: one call brings a
 * FIFO full. */
uint8_t uart_read_rbr(struct uart16550 *u)
{
    if (!u->rx_count)
        return u->rbr;
    u->rbr = u->rx_data[u->rx_head];
    u->rx_errors -= u->rx_err[u->rx_head] != 0;
    u->rx_head = (u->rx_head + 1) & UART_FIFO_MASK;
    u->timeout = 0;
    if (--u->rx_count) {
        reveal_errors(u);
        uart_arm_timeout(u);
    }
    uart_update_irq(u);
    uint8_t c = u->rbr;
    if (!u->rx_count)
        uart_offer_room(u);
    return c;
}

uint8_t uart_read_lsr(struct uart16550 *u)
{
    uint8_t v = u->lsr | (u->rx_count ? UART_LSR_DR : 0);
    if (uart_fifo_on(u) && u->rx_errors)
        v |= UART_LSR_FIFOE;
    if (!(u->lsr & UART_LSR_ERROR))
        return v;
    u->lsr &= ~UART_LSR_ERROR;
    if (u->rx_count && u->rx_err[u->rx_head]) {
        u->rx_err[u->rx_head] = 0;
        u->rx_errors--;
    }
    uart_update_irq(u);
    return v;
}

void uart_rx_flush(struct uart16550 *u)
{
    u->rx_head = u->rx_count = u->rx_errors = 0;
    u->timeout = 0;
}

/* ---- transmitter [8.4 bits 5 and 6, 8.6] ---- */

/* A THR write lowers the interrupt and the emptied register raises it again: a driver that
 * acknowledges by writing needs that edge on an edge-triggered input. One that reads IIR has taken
 * the line down itself, or will before it counts on the next edge, so that a burst of writes needs
 * no two line changes each. */
static void thr_emptied(struct uart16550 *u)
{
    if (u->thri && !u->thri_by_iir) {
        u->thri = 0;
        uart_update_irq(u);
    }
    u->thri = 1;
    uart_update_irq(u);
}

void uart_tx_update_lsr(struct uart16550 *u)
{
    uint8_t empty = u->tx_count == 0;
    uint8_t raised = empty && !(u->lsr & UART_LSR_THRE);
    u->lsr &= ~(UART_LSR_THRE | UART_LSR_TEMT);
    if (empty)
        u->lsr |= UART_LSR_THRE | (u->tx_busy ? 0 : UART_LSR_TEMT);
    u->thri = empty && (u->thri || raised);
}

static void tx_start_char_time(struct uart16550 *u)
{
    u->tx_busy = 1;
    u->env->arm_timer(u->opaque, UART16550_TIMER_TX,
                      u->env->now_ns(u->opaque) + uart16550_char_ns(u));
}

static uint32_t tx_run(const struct uart16550 *u)
{
    uint32_t to_end = UART_FIFO_SIZE - u->tx_head;
    if (u->flags & UART16550_PACE)
        return u->tx_count ? 1 : 0;
    return u->tx_count < to_end ? u->tx_count : to_end;
}

void uart_tx_drain(struct uart16550 *u)
{
    while (u->tx_count && !u->tx_busy) {
        uint32_t n = tx_run(u);
        uint32_t taken = u->env->tx(u->opaque, u->tx_data + u->tx_head, n);
        if (taken > n)
            taken = n;
        u->tx_head = (u->tx_head + taken) & UART_FIFO_MASK;
        u->tx_count -= taken;
        if (taken && (u->flags & UART16550_PACE))
            tx_start_char_time(u);
        if (taken < n)
            break;
    }
    uart_tx_update_lsr(u);
    uart_update_irq(u);
}

/* A full FIFO loses the character, a full holding register is overwritten: the guest did not look
 * at THRE. */
static void tx_push(struct uart16550 *u, uint8_t c)
{
    if (u->tx_count >= uart_fifo_depth(u)) {
        if (uart_fifo_on(u))
            return;
        u->tx_count = 0;
    }
    u->tx_data[(u->tx_head + u->tx_count++) & UART_FIFO_MASK] = c;
}

/* Characters of the back end pass whole: a guest that never programs LCR, whose reset value means 5
 * bits, still gets its text out. Only the loop, where a driver can tell, cuts them to word length.
 */
static uint8_t word_mask(const struct uart16550 *u)
{
    return 0xff >> (3 - (u->lcr & UART_LCR_WLS));
}

void uart_write_thr(struct uart16550 *u, uint8_t v)
{
    if (u->mcr & UART_MCR_LOOP) {
        rx_push(u, v & word_mask(u), 0);
        thr_emptied(u);
        rx_arrived(u);
        return;
    }
    int idle = !u->tx_count && !(u->flags & UART16550_PACE);
    if (idle && u->env->tx(u->opaque, &v, 1)) {
        thr_emptied(u);
        return;
    }
    tx_push(u, v);
    uart_tx_update_lsr(u);
    uart_update_irq(u);
    if (u->flags & UART16550_PACE)
        uart_tx_drain(u);
}

void uart16550_tx_ready(struct uart16550 *u)
{
    if (u->tx_count)
        uart_tx_drain(u);
}

static void tx_timer(struct uart16550 *u)
{
    u->tx_busy = 0;
    uart_tx_drain(u);
}

void uart_tx_flush(struct uart16550 *u)
{
    u->tx_head = u->tx_count = 0;
    uart_tx_update_lsr(u);
}

void uart16550_timer(struct uart16550 *u, uint32_t timer)
{
    if (timer == UART16550_TIMER_RX && u->rx_armed)
        rx_timer(u);
    else if (timer == UART16550_TIMER_TX && u->tx_busy)
        tx_timer(u);
}
