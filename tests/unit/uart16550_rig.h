/* SPDX-License-Identifier: BSD-2-Clause */
/* A UART, and a host around it that writes down what it asks for. */
#ifndef TN_TEST_UART16550_RIG_H
#define TN_TEST_UART16550_RIG_H
#include <errno.h>

#include "tap.h"
#include "uart16550.h"

/* The environment of one chip, made of plain records of what it asked for. */
struct rig {
    struct uart16550 u;
    uint32_t irq, raised;
    uint8_t sent[256];
    uint32_t nsent, tx_calls, tx_limit; /* the back end takes this many more */
    uint32_t accepts, params_calls, breaks;
    struct uart16550_params params;
    uint32_t break_on, modem, disarmed;
    uint64_t now, deadline[2];
    const char *feed; /* given to the chip from rx_accept */
};

static inline void env_irq(void *o, uint32_t level)
{
    struct rig *r = o;
    r->irq = level;
    r->raised += level;
}

static inline uint32_t env_tx(void *o, const uint8_t *p, uint32_t n)
{
    struct rig *r = o;
    uint32_t take = n < r->tx_limit ? n : r->tx_limit;
    r->tx_calls++;
    r->tx_limit -= take;
    for (uint32_t i = 0; i < take; i++)
        r->sent[r->nsent++ & 255] = p[i];
    return take;
}

static inline void env_rx_accept(void *o)
{
    struct rig *r = o;
    r->accepts++;
    uint32_t room = uart16550_rx_room(&r->u);
    while (r->feed && *r->feed && room--)
        uart16550_receive(&r->u, (const uint8_t *)r->feed++, 1);
}

static inline void env_set_params(void *o, const struct uart16550_params *p)
{
    struct rig *r = o;
    r->params = *p;
    r->params_calls++;
}

static inline void env_set_break(void *o, uint32_t on)
{
    struct rig *r = o;
    r->break_on = on;
    r->breaks++;
}

static inline void env_set_modem(void *o, uint32_t lines)
{
    ((struct rig *)o)->modem = lines;
}

static inline uint64_t env_now(void *o)
{
    return ((struct rig *)o)->now;
}

static inline void env_arm(void *o, uint32_t timer, uint64_t deadline)
{
    ((struct rig *)o)->deadline[timer] = deadline;
}

static inline void env_disarm(void *o, uint32_t timer)
{
    struct rig *r = o;
    r->deadline[timer] = 0;
    r->disarmed++;
}

static const struct uart16550_env env = {env_irq,        env_tx,        env_rx_accept,
                                         env_set_params, env_set_break, env_set_modem,
                                         env_now,        env_arm,       env_disarm};

/* Timers whose deadline passes run in order. */
static inline void step(struct rig *r, uint64_t ns)
{
    uint64_t end = r->now + ns;
    for (;;) {
        uint32_t t = r->deadline[1] && (!r->deadline[0] || r->deadline[1] < r->deadline[0]);
        if (!r->deadline[t] || r->deadline[t] > end)
            break;
        r->now = r->deadline[t];
        r->deadline[t] = 0;
        uart16550_timer(&r->u, t);
    }
    r->now = end;
}

static inline uint8_t in(struct rig *r, uint32_t reg)
{
    return uart16550_read(&r->u, reg);
}

static inline void out(struct rig *r, uint32_t reg, uint8_t v)
{
    uart16550_write(&r->u, reg, v);
}

static inline void rig_flags(struct rig *r, uint32_t flags)
{
    memset(r, 0, sizeof *r);
    r->tx_limit = 1000;
    uart16550_init(&r->u, &env, r, UART16550_CLOCK_HZ, flags);
}

/* 115200 8N1 */
static inline void rig_init(struct rig *r)
{
    rig_flags(r, 0);
    out(r, UART_LCR, UART_LCR_DLAB | 3);
    out(r, UART_DLL, 1);
    out(r, UART_DLM, 0);
    out(r, UART_LCR, 3);
}

static inline void receive(struct rig *r, const char *s)
{
    uart16550_receive(&r->u, (const uint8_t *)s, (uint32_t)strlen(s));
}

static inline uint8_t iir(struct rig *r)
{
    return in(r, UART_IIR) & 0x0f;
}

#endif
