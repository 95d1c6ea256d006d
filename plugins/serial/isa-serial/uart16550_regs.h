/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the National Semiconductor PC16550D; numbers in brackets are sections of its data
 * sheet (PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs, June 1995). */
#ifndef TN_UART16550_REGS_H
#define TN_UART16550_REGS_H

/* Register offsets [8.0, table I]. The first two are divisor latches while LCR.DLAB is set. */
#define UART_RBR   0 /* read: receiver buffer */
#define UART_THR   0 /* write: transmitter holding */
#define UART_DLL   0 /* DLAB: divisor latch, low byte [8.3] */
#define UART_DLM   1 /* DLAB: divisor latch, high byte [8.3] */
#define UART_IER   1 /* interrupt enable [8.7] */
#define UART_IIR   2 /* read: interrupt identification [8.6] */
#define UART_FCR   2 /* write: FIFO control [8.5] */
#define UART_LCR   3 /* line control [8.1] */
#define UART_MCR   4 /* modem control [8.8] */
#define UART_LSR   5 /* line status [8.4] */
#define UART_MSR   6 /* modem status [8.9] */
#define UART_SCR   7 /* scratchpad [8.10] */
#define UART_NREGS 8

/* IER [8.7] */
#define UART_IER_ERBFI 0x01 /* received data available, and timeout in FIFO mode */
#define UART_IER_ETBEI 0x02 /* transmitter holding register empty */
#define UART_IER_ELSI  0x04 /* receiver line status */
#define UART_IER_EDSSI 0x08 /* modem status */
#define UART_IER_MASK  0x0f

/* IIR [8.6, table IV], in order of priority */
#define UART_IIR_RLS  0x06 /* receiver line status */
#define UART_IIR_RDA  0x04 /* received data available */
#define UART_IIR_CTI  0x0c /* character timeout */
#define UART_IIR_THRE 0x02 /* transmitter holding register empty */
#define UART_IIR_MS   0x00 /* modem status */
#define UART_IIR_NONE 0x01 /* no interrupt is pending */
#define UART_IIR_FIFO 0xc0 /* set while the FIFOs are enabled */

/* FCR [8.5] */
#define UART_FCR_ENABLE   0x01
#define UART_FCR_RX_RESET 0x02
#define UART_FCR_TX_RESET 0x04
#define UART_FCR_DMA      0x08
#define UART_FCR_TRIGGER  0xc0 /* 1, 4, 8 or 14 characters */

/* LCR [8.1] */
#define UART_LCR_WLS  0x03 /* word length - 5 */
#define UART_LCR_STB  0x04 /* 2 stop bits (1.5 with 5 data bits) */
#define UART_LCR_PEN  0x08 /* parity enable */
#define UART_LCR_EPS  0x10 /* even parity */
#define UART_LCR_SP   0x20 /* stick parity */
#define UART_LCR_SB   0x40 /* set break */
#define UART_LCR_DLAB 0x80 /* divisor latch access */

/* MCR [8.8] */
#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_MCR_OUT1 0x04
#define UART_MCR_OUT2 0x08
#define UART_MCR_LOOP 0x10
#define UART_MCR_MASK 0x1f

/* LSR [8.4] */
#define UART_LSR_DR    0x01 /* data ready */
#define UART_LSR_OE    0x02 /* overrun error */
#define UART_LSR_PE    0x04 /* parity error */
#define UART_LSR_FE    0x08 /* framing error */
#define UART_LSR_BI    0x10 /* break interrupt */
#define UART_LSR_THRE  0x20 /* transmitter holding register empty */
#define UART_LSR_TEMT  0x40 /* transmitter empty */
#define UART_LSR_FIFOE 0x80 /* an error is somewhere in the receiver FIFO */
#define UART_LSR_CHAR  (UART_LSR_PE | UART_LSR_FE | UART_LSR_BI) /* travel with a character */
#define UART_LSR_ERROR (UART_LSR_OE | UART_LSR_CHAR)             /* raise a line status interrupt */

/* MSR [8.9] */
#define UART_MSR_DCTS  0x01
#define UART_MSR_DDSR  0x02
#define UART_MSR_TERI  0x04 /* trailing edge of RI */
#define UART_MSR_DDCD  0x08
#define UART_MSR_CTS   0x10
#define UART_MSR_DSR   0x20
#define UART_MSR_RI    0x40
#define UART_MSR_DCD   0x80
#define UART_MSR_DELTA 0x0f
#define UART_MSR_LINES 0xf0

#define UART_FIFO_SIZE 16 /* [8.11] */

#endif
