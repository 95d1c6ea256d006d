/* SPDX-License-Identifier: BSD-2-Clause */
/* PC16550D UART: the chip alone. Whoever embeds it gives a table of callbacks and calls in with
 * register accesses, received characters, modem lines and expired timers.
 *
 * Threads: none of its own, no lock. The owner serialises all calls on one instance. Callbacks run
 * inside these calls. A callback may call uart16550_receive*() on the same instance (rx_accept is
 * meant for that) and nothing else. */
#ifndef TN_UART16550_H
#define TN_UART16550_H
#include <stdint.h>

#include "uart16550_regs.h"

#define UART16550_CLOCK_HZ 1843200u /* the crystal of a PC: 115200 baud with divisor 1 */

/* Flags of uart16550_init(). */
#define UART16550_GATE_OUT2 \
    1u /* OUT2 off cuts the interrupt line off, as the driver chip on a PC's board does */
#define UART16550_PACE 2u /* a character leaves the transmitter only after its time on the line */

/* Timers that the environment keeps for the chip. */
#define UART16550_TIMER_RX 0u /* character timeout */
#define UART16550_TIMER_TX 1u /* end of a character; with UART16550_PACE only */

/* Line settings as the guest programmed them. */
struct uart16550_params {
    uint32_t baud;
    uint8_t data_bits; /* 5..8 */
    uint8_t parity;    /* 'N' none, 'O' odd, 'E' even, 'M' mark, 'S' space */
    uint8_t stop_bits; /* 1 or 2; 2 with 5 data bits means 1.5 */
    uint8_t reserved;
};

/* What the chip needs from outside. Every pointer is set; o is the opaque of uart16550_init(). */
struct uart16550_env {
    /* The interrupt line changed to level (0 or 1). */
    void (*irq)(void *o, uint32_t level);
    /* Sends up to n characters, never waits. Returns how many were taken; after less than n,
     * uart16550_tx_ready() follows once there is room again. p is valid during the call. */
    uint32_t (*tx)(void *o, const uint8_t *p, uint32_t n);
    /* The receiver was full and has room again: uart16550_rx_room() is not 0. */
    void (*rx_accept)(void *o);
    /* Speed or framing changed. */
    void (*set_params)(void *o, const struct uart16550_params *p);
    /* The transmitter starts (1) or ends (0) sending a break. */
    void (*set_break)(void *o, uint32_t on);
    /* DTR and RTS changed; lines is UART_MCR_DTR | UART_MCR_RTS, set = asserted. */
    void (*set_modem)(void *o, uint32_t lines);
    /* The clock of the timers, in ns. Never runs backwards. */
    uint64_t (*now_ns)(void *o);
    /* Calls uart16550_timer(timer) at deadline; replaces an earlier deadline of the same timer. */
    void (*arm_timer)(void *o, uint32_t timer, uint64_t deadline_ns);
    void (*disarm_timer)(void *o, uint32_t timer);
};

/* All of the chip's state, as fixed-width fields that a state table can name. env, opaque, flags
 * and clock_hz are configuration; `derived` are caches that uart16550_post_load() computes again.
 */
struct uart16550 {
    const struct uart16550_env *env;
    void *opaque;
    uint32_t flags;
    uint32_t clock_hz;

    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    uint8_t lsr;         /* THRE, TEMT and latched errors; DR and FIFOE come from the FIFO */
    uint8_t msr;         /* lines and deltas */
    uint8_t modem_in;    /* UART_MSR_LINES as they are on the pins */
    uint8_t rbr;         /* the last character read */
    uint8_t thri;        /* transmitter holding register empty: interrupt latch */
    uint8_t thri_by_iir; /* the guest acknowledges that latch by reading IIR */
    uint8_t timeout;     /* character timeout: interrupt latch */
    uint8_t rx_armed;    /* UART16550_TIMER_RX runs */
    uint8_t rx_touched;  /* FIFO activity since it was armed */
    uint8_t tx_busy;     /* UART16550_TIMER_TX runs */
    uint8_t rx_head, rx_count;
    uint8_t tx_head, tx_count;
    uint8_t rx_data[UART_FIFO_SIZE];
    uint8_t rx_err[UART_FIFO_SIZE]; /* UART_LSR_CHAR of each character */
    uint8_t tx_data[UART_FIFO_SIZE];

    /* derived */
    uint8_t irq_level;
    uint8_t break_out;
    uint8_t modem_out;
    uint8_t rx_errors; /* characters of rx_err that are not 0 */
    uint8_t framing;   /* LCR bits last given to set_params */
    uint32_t baud;     /* likewise */
};

/* Makes a chip in its power-on state: 9600 baud, 5 data bits, CTS, DSR and DCD asserted. Calls
 * nothing.
 * @u: storage of the caller. @env, @opaque: must outlive u. @clock_hz: input clock, not 0. @flags:
 * UART16550_*. */
void uart16550_init(struct uart16550 *u, const struct uart16550_env *env, void *opaque,
                    uint32_t clock_hz, uint32_t flags);

/* Master reset [7.0]: registers and FIFOs as the data sheet's table says, timers off, outputs
 * updated. Scratchpad, divisor and modem inputs stay. */
void uart16550_reset(struct uart16550 *u);

/* Guest access to register reg (0..7; higher bits are ignored). Reads have side effects. */
uint8_t uart16550_read(struct uart16550 *u, uint32_t reg);
void uart16550_write(struct uart16550 *u, uint32_t reg, uint8_t v);

/* How many characters uart16550_receive() takes now without an overrun. 0: wait for rx_accept. */
uint32_t uart16550_rx_room(const struct uart16550 *u);
/* n characters arrive; those beyond the room are lost with an overrun error. */
void uart16550_receive(struct uart16550 *u, const uint8_t *p, uint32_t n);
/* One character arrives with errors (UART_LSR_PE, UART_LSR_FE). */
void uart16550_receive_error(struct uart16550 *u, uint8_t c, uint8_t errors);
/* A break arrives: a NUL character with UART_LSR_BI [8.4, bit 4]. */
void uart16550_receive_break(struct uart16550 *u);
/* The modem inputs are now lines (UART_MSR_LINES, set = asserted). */
void uart16550_set_modem(struct uart16550 *u, uint8_t lines);
/* The environment can take characters again; or, after a load, for the first time. */
void uart16550_tx_ready(struct uart16550 *u);
/* Timer UART16550_TIMER_* expired. */
void uart16550_timer(struct uart16550 *u, uint32_t timer);

/* Time of one character on the line, start to stop bits, in ns, with the present settings. */
uint64_t uart16550_char_ns(const struct uart16550 *u);

/* After the state fields were loaded: checks them, computes the derived ones and gives every output
 * to the environment, but for characters: those wait for uart16550_tx_ready(). Returns 0, or
 * -EINVAL (u is then as after uart16550_init()) if a field is impossible. */
int uart16550_post_load(struct uart16550 *u);

#endif
