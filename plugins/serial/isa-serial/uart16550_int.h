/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the UART share. Not for users of the chip. */
#ifndef TN_UART16550_INT_H
#define TN_UART16550_INT_H
#include "uart16550.h"

#define UART_FIFO_MASK (UART_FIFO_SIZE - 1)

static inline int uart_fifo_on(const struct uart16550 *u)
{
    return u->fcr & UART_FCR_ENABLE;
}

static inline uint32_t uart_fifo_depth(const struct uart16550 *u)
{
    return uart_fifo_on(u) ? UART_FIFO_SIZE : 1;
}

/* Brings the interrupt line to what the registers say. */
void uart_update_irq(struct uart16550 *u);

uint8_t uart_read_rbr(struct uart16550 *u);
uint8_t uart_read_lsr(struct uart16550 *u);
void uart_write_thr(struct uart16550 *u, uint8_t v);
/* Forget what the FIFO holds; the caller updates the interrupt. */
void uart_rx_flush(struct uart16550 *u);
void uart_tx_flush(struct uart16550 *u);
/* Starts the character timeout if it applies, or restarts it. */
void uart_arm_timeout(struct uart16550 *u);
/* Tells the back end if the receiver has room. */
void uart_offer_room(struct uart16550 *u);
/* Sends what waits in the transmit FIFO, as far as the back end takes it. */
void uart_tx_drain(struct uart16550 *u);
void uart_tx_update_lsr(struct uart16550 *u); /* THRE and TEMT, from what waits */

#endif
