/* SPDX-License-Identifier: BSD-2-Clause */
/* Register accesses, time passing in small and huge steps in both directions, and loaded states.
 * After each step the line is what registers B and C say, and a timer runs only for an enabled
 * interrupt. */
#include <stdlib.h>

#include "mc146818.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct mc146818 r;
    const uint8_t *p, *end;
    uint64_t now;
    uint32_t irq, armed;
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

static void on_time_set(void *o, int64_t seconds, uint32_t ns)
{
    (void)o;
    if (ns >= 1000000000 || seconds < -62167219200 || seconds > 253402300799 + 3 * 86400)
        abort();
}

static uint64_t on_now(void *o)
{
    return ((struct world *)o)->now;
}

static void on_arm(void *o, uint64_t deadline)
{
    (void)deadline;
    ((struct world *)o)->armed = 1;
}

static void on_disarm(void *o)
{
    ((struct world *)o)->armed = 0;
}

static void on_alarm(void *o)
{
    (void)o;
}

static const struct mc146818_env env = {on_irq, on_time_set, on_now, on_arm, on_disarm, on_alarm};

static void check(const struct world *w)
{
    const uint8_t *cmos = w->r.cmos;
    uint32_t want = (cmos[RTC_REG_B] & cmos[RTC_REG_C] & RTC_C_FLAGS) != 0;
    if (w->irq != want || (cmos[RTC_REG_C] & 0x0f) || cmos[RTC_REG_D] != RTC_D_VRT)
        abort();
    if (w->armed && !(cmos[RTC_REG_B] & ~cmos[RTC_REG_C] & RTC_C_FLAGS))
        abort();
}

static void pass_time(struct world *w)
{
    uint8_t how = next(w);
    uint64_t step = (uint64_t)next(w) << (how & 63);
    w->now += how & 0x40 ? -step : step;
    if (!w->armed)
        return;
    w->armed = 0;
    mc146818_timer(&w->r);
}

/* A saved state is as hostile as a guest. */
static void load(struct world *w)
{
    uint8_t *state = w->r.cmos;
    uint8_t *end = (uint8_t *)(&w->r + 1);
    for (uint8_t n = next(w) % 16; n; n--)
        state[next(w) % (end - state)] = next(w);
    w->irq = ~0u;
    w->armed = 0;
    mc146818_post_load(&w->r);
}

static void act(struct world *w, uint8_t op)
{
    switch (op & 7) {
    case 0:
    case 1:
        mc146818_write_index(&w->r, next(w) & 15);
        mc146818_write(&w->r, next(w));
        break;
    case 2:
        mc146818_write_index(&w->r, next(w));
        mc146818_read(&w->r);
        break;
    case 3:
    case 4:
        pass_time(w);
        break;
    case 5:
        load(w);
        break;
    case 6:
        mc146818_reset(&w->r);
        break;
    default:
        mc146818_set_time(&w->r, (int64_t)(((uint64_t)next(w) << (op >> 2)) - 70), next(w));
        mc146818_time(&w->r);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.p = data, .end = data + size};
    mc146818_init(&w.r, &env, &w, next(&w) & 1);
    while (w.p < w.end) {
        act(&w, next(&w));
        check(&w);
    }
    return 0;
}
