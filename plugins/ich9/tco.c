/* SPDX-License-Identifier: BSD-2-Clause */
#include "tco.h"

#include <string.h>

void tco_init(struct tco *t, const struct tco_env *env, void *owner)
{
    memset(t, 0, sizeof *t);
    t->env = env;
    t->owner = owner;
}

/* ---- the timer ---- */

static void halt(struct tco *t)
{
    uint64_t now = t->env->now(t->owner);
    if (!t->expires)
        return;
    t->left = now < t->expires ? (uint16_t)((t->expires - now + TCO_TICK_NS - 1) / TCO_TICK_NS) : 0;
    t->expires = 0;
    t->env->arm(t->owner, 0);
}

static void run_from(struct tco *t, uint64_t now)
{
    t->expires = now + t->left * TCO_TICK_NS;
    t->env->arm(t->owner, t->expires);
}

/* Counts on from when it ended, or, if that is long ago, from now. */
static void run_on(struct tco *t, uint64_t at)
{
    uint64_t now = t->env->now(t->owner);
    run_from(t, now - at < t->left * TCO_TICK_NS ? at : now);
}

/* 13.9.11: less than four ticks are four. */
static void load(struct tco *t)
{
    uint16_t ticks = t->tmr & TCO_TMR_MASK;
    t->left = ticks < TCO_TMR_LEAST ? TCO_TMR_LEAST : ticks;
}

static int halted(const struct tco *t)
{
    return (t->cnt[0] & TCO1_CNT_TMR_HLT) != 0;
}

/* 13.9.1 */
static void reload(struct tco *t)
{
    t->stage = 0;
    load(t);
    if (!halted(t))
        run_from(t, t->env->now(t->owner));
}

static uint32_t ticks_left(const struct tco *t)
{
    uint64_t now = t->env->now(t->owner);
    if (!t->expires)
        return t->left;
    return now < t->expires ? (uint32_t)((t->expires - now + TCO_TICK_NS - 1) / TCO_TICK_NS) : 0;
}

/* The first timeout is the guest's to handle; the second is its end. */
void tco_expired(struct tco *t)
{
    uint64_t at = t->expires;
    if (!at)
        return;
    t->sts[0] |= TCO1_STS_TIMEOUT;
    t->expires = 0;
    load(t);
    if (t->stage++ == 0)
        return run_on(t, at);
    t->stage = 0;
    t->sts[1] |= TCO2_STS_SECOND_TO | TCO2_STS_BOOT;
    if (t->env->no_reboot(t->owner))
        run_on(t, at);
    else
        t->env->bite(t->owner);
}

static void set_defaults(struct tco *t)
{
    t->cnt[1] = TCO2_CNT_RESET;
    t->sw_irq = TCO_SW_IRQ_RESET;
    t->tmr = TCO_TMR_RESET;
}

void tco_reset(struct tco *t)
{
    const struct tco_env *env = t->env;
    void *owner = t->owner;
    env->arm(owner, 0);
    tco_init(t, env, owner);
    set_defaults(t);
}

int tco_is_reset(const struct tco *t)
{
    struct tco fresh;
    tco_init(&fresh, t->env, t->owner);
    set_defaults(&fresh);
    return memcmp(fresh.sts, t->sts, sizeof t->sts) == 0 &&
           memcmp(fresh.cnt, t->cnt, sizeof t->cnt) == 0 && fresh.tmr == t->tmr && !t->expires &&
           !t->left && !t->stage && !t->dat_in && !t->dat_out && !t->message[0] && !t->message[1] &&
           !t->wdcnt && fresh.sw_irq == t->sw_irq;
}

void tco_loaded(struct tco *t)
{
    t->env->arm(t->owner, t->expires);
}

/* ---- registers ---- */

/* The word at an even offset. */
static uint32_t read_word(const struct tco *t, uint32_t off)
{
    switch (off) {
    case TCO_RLD:
        return ticks_left(t);
    case TCO_DAT_IN:
        return t->dat_in | (uint32_t)t->dat_out << 8;
    case TCO1_STS:
    case TCO2_STS:
        return t->sts[(off - TCO1_STS) / 2];
    case TCO1_CNT:
    case TCO2_CNT:
        return t->cnt[(off - TCO1_CNT) / 2];
    case TCO_MESSAGE1:
        return t->message[0] | (uint32_t)t->message[1] << 8;
    case TCO_WDCNT:
        return t->wdcnt;
    case TCO_SW_IRQ_GEN:
        return t->sw_irq;
    case TCO_TMR:
        return t->tmr;
    default:
        return 0;
    }
}

uint32_t tco_read(const struct tco *t, uint32_t off, uint32_t size)
{
    uint32_t v = read_word(t, off & ~1u) >> (8 * (off & 1));
    return size == 1 ? v & 0xff : v & 0xffff;
}

/* 13.9.6: once locked, TCO1_CNT stays so until a reset. */
static void write_control(struct tco *t, uint16_t v)
{
    int was = halted(t);
    t->cnt[0] = (v & TCO1_CNT_WRITABLE) | (t->cnt[0] & TCO1_CNT_LOCK);
    if (halted(t)) {
        halt(t);
    } else if (was) {
        if (!t->left)
            load(t);
        run_from(t, t->env->now(t->owner));
    }
}

/* The word at an even offset; mask: which of its bytes are written. */
static void write_word(struct tco *t, uint32_t off, uint16_t v, uint16_t mask)
{
    uint16_t merged = (uint16_t)((read_word(t, off) & ~(uint32_t)mask) | v);
    switch (off) {
    case TCO_RLD:
        return reload(t);
    case TCO1_STS:
        t->sts[0] &= (uint16_t) ~(v & (TCO1_STS_CLEARS | TCO1_STS_INT));
        return;
    case TCO2_STS:
        t->sts[1] &= (uint16_t) ~(v & TCO2_STS_CLEARS);
        return;
    case TCO1_CNT:
        return write_control(t, merged);
    case TCO2_CNT:
        t->cnt[1] = merged & TCO2_CNT_WRITABLE;
        return;
    case TCO_TMR:
        t->tmr = merged & TCO_TMR_MASK;
        return;
    default:
        return;
    }
}

/* 13.9.2, 13.9.3: mailboxes between firmware and system tell that they are written. */
static int write_byte_register(struct tco *t, uint32_t off, uint8_t v)
{
    switch (off) {
    case TCO_DAT_IN:
        t->dat_in = v;
        t->sts[0] |= TCO1_STS_SW_SMI;
        return 1;
    case TCO_DAT_OUT:
        t->dat_out = v;
        t->sts[0] |= TCO1_STS_INT;
        return 1;
    case TCO_MESSAGE1:
    case TCO_MESSAGE2:
        t->message[off - TCO_MESSAGE1] = v;
        return 1;
    case TCO_WDCNT:
        t->wdcnt = v;
        return 1;
    case TCO_SW_IRQ_GEN:
        t->sw_irq = v;
        return 1;
    default:
        return 0;
    }
}

void tco_write(struct tco *t, uint32_t off, uint32_t size, uint32_t value)
{
    if (write_byte_register(t, off, (uint8_t)value)) {
        if (size == 2)
            write_byte_register(t, off + 1, (uint8_t)(value >> 8));
        return;
    }
    uint32_t shift = 8 * (off & 1), mask = size == 1 ? 0xffu << shift : 0xffff;
    write_word(t, off & ~1u, (uint16_t)(value << shift & mask), (uint16_t)mask);
}
