/* SPDX-License-Identifier: BSD-2-Clause */
/* Register accesses, arriving characters, modem lines, timers and loaded states in any order,
 * against a back end that takes what the input says. After each step the FIFOs are in bounds and
 * the line agrees with IIR. */
#include <stdlib.h>
#include <string.h>

#include "uart16550.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct uart16550 u;
    const uint8_t *p, *end;
    uint32_t irq, armed[2];
    uint64_t now;
};

static uint8_t next(struct world *w)
{
    return w->p < w->end ? *w->p++ : 0;
}

static void on_irq(void *o, uint32_t level)
{
    struct world *w = o;
    if (w->irq == level)
        abort(); /* only changes are reported */
    w->irq = level;
}

static uint32_t on_tx(void *o, const uint8_t *p, uint32_t n)
{
    uint8_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum ^= p[i];
    return (next(o) + (sum & 0)) % (n + 1);
}

static void on_rx_accept(void *o)
{
    struct world *w = o;
    uint8_t buf[UART_FIFO_SIZE] = "fuzz";
    uint32_t room = uart16550_rx_room(&w->u);
    if (!room)
        abort();
    uart16550_receive(&w->u, buf, next(w) % (room + 1));
}

static void on_params(void *o, const struct uart16550_params *p)
{
    (void)o;
    if (!p->baud || p->data_bits < 5 || p->data_bits > 8)
        abort();
}

static void on_level(void *o, uint32_t v)
{
    (void)o;
    (void)v;
}

static uint64_t on_now(void *o)
{
    return ((struct world *)o)->now;
}

static void on_arm(void *o, uint32_t timer, uint64_t deadline)
{
    struct world *w = o;
    if (deadline <= w->now)
        abort();
    w->armed[timer] = 1;
}

static void on_disarm(void *o, uint32_t timer)
{
    ((struct world *)o)->armed[timer] = 0;
}

static const struct uart16550_env env = {on_irq,   on_tx,  on_rx_accept, on_params, on_level,
                                         on_level, on_now, on_arm,       on_disarm};

static void check(struct world *w)
{
    const struct uart16550 *u = &w->u;
    struct uart16550 copy = *u; /* IIR is read on a copy: reading has effects */
    struct world shadow = {.irq = w->irq};
    copy.opaque = &shadow;
    int pending = !(uart16550_read(&copy, UART_IIR) & 1);
    if (u->rx_count > UART_FIFO_SIZE || u->tx_count > UART_FIFO_SIZE || u->rx_errors > u->rx_count)
        abort();
    if (!(u->flags & UART16550_GATE_OUT2) && (uint32_t)pending != w->irq)
        abort();
    if (!(u->lsr & UART_LSR_THRE) != (u->tx_count != 0))
        abort();
}

static void receive(struct world *w)
{
    uint8_t buf[32] = {0};
    uint8_t how = next(w);
    if (how < 0x10)
        uart16550_receive_break(&w->u);
    else if (how < 0x20)
        uart16550_receive_error(&w->u, how, next(w));
    else
        uart16550_receive(&w->u, buf, how % 32);
}

static void expire(struct world *w)
{
    uint32_t t = next(w) & 1;
    w->now += 1000000;
    if (!w->armed[t])
        return;
    w->armed[t] = 0;
    uart16550_timer(&w->u, t);
}

/* A saved state is as hostile as a guest. */
static void load(struct world *w)
{
    uint8_t *state = &w->u.ier;
    uint8_t *end = (uint8_t *)(&w->u + 1);
    for (uint8_t n = next(w) % 8; n; n--)
        state[next(w) % (end - state)] = next(w);
    w->irq = ~0u;
    uart16550_post_load(&w->u);
    if (w->irq == ~0u)
        w->irq = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.p = data, .end = data + size};
    uart16550_init(&w.u, &env, &w, UART16550_CLOCK_HZ, next(&w) & 3);
    while (w.p < w.end) {
        uint8_t op = next(&w);
        switch (op >> 3 & 7) {
        case 0:
        case 1:
            uart16550_write(&w.u, op, next(&w));
            break;
        case 2:
            uart16550_read(&w.u, op);
            break;
        case 3:
            receive(&w);
            break;
        case 4:
            uart16550_set_modem(&w.u, next(&w));
            break;
        case 5:
            expire(&w);
            break;
        case 6:
            uart16550_tx_ready(&w.u);
            break;
        default:
            if (op & 4)
                load(&w);
            else if (op & 2)
                uart16550_reset(&w.u);
            break;
        }
        check(&w);
    }
    return 0;
}
