/* SPDX-License-Identifier: BSD-2-Clause */
#include "hold.h"

enum {
    WINDOW = 64, /* answers */
    PAUSE_NS =
        20000000, /* longer than that nothing came: it was not us who kept the driver waiting */
    SLOW_NS = 4000000,      /* a request: nothing to win */
    LOOK_MOST_NS = 2000000, /* for one request */
    HOLD_LEAST_NS = 1000000,
    HOLD_MOST_NS = 5000000,
    HOLD_REQUESTS = 16, /* of a slow driver, between the two */
    IN_VAIN = 4, /* holds with nothing found, before a window ends early */
    STAY = 32,   /* windows with holding, before it is tried without again */
    PATIENCE_MOST = 8,
    BEYOND = 16
};

static uint64_t at_most(uint64_t v, uint64_t most)
{
    return v < most ? v : most;
}

/* ---- windows ---- */

static void open_window(struct hold *h, uint64_t now, bool holding)
{
    h->holding = holding;
    h->from = now;
    h->n = h->found = h->empty = 0;
}

/* Holding has lost: the other way again, for longer each time. */
static void give_up(struct hold *h, uint64_t now)
{
    h->patience = (uint32_t)at_most(h->patience ? h->patience * 2 : 2, PATIENCE_MOST);
    h->rest = h->patience;
    h->expect = h->once = 0;
    open_window(h, now, false);
}

static void judge_holding(struct hold *h, uint64_t now)
{
    if (h->each[1] > h->each[0] - h->each[0] / 8) {
        give_up(h, now);
        return;
    }
    h->patience = 0;
    if (h->rest)
        h->rest--;
    open_window(h, now, h->rest != 0);
}

static void judge_free(struct hold *h, uint64_t now)
{
    if (h->rest)
        h->rest--;
    bool try = !h->rest && h->each[0] < SLOW_NS;
    if (try)
        h->rest = STAY;
    open_window(h, now, try);
}

static void close_window(struct hold *h, uint64_t now)
{
    h->each[h->holding] = (now - h->from) / h->n + 1;
    if (h->holding)
        judge_holding(h, now);
    else
        judge_free(h, now);
}

/* ---- a hold ---- */

bool hold_begin(struct hold *h, uint64_t now, uint32_t n)
{
    if (!h->holding || (h->expect && n >= h->expect && h->beyond < BEYOND))
        return false;
    h->on = 1;
    h->answers = n;
    h->began = h->last = now;
    return true;
}

/* The driver came to rest after so many. */
static void learn_expected(struct hold *h)
{
    h->expect = h->answers == h->once ? h->once : 0;
    h->once = h->answers;
    h->beyond = 0;
}

uint64_t hold_patience(const struct hold *h)
{
    return at_most(h->each[0], LOOK_MOST_NS);
}

/* The longest that the driver is kept waiting: where it is slow, longer. */
static uint64_t longest(const struct hold *h)
{
    uint64_t some = HOLD_REQUESTS * h->each[0];
    return some < HOLD_LEAST_NS ? HOLD_LEAST_NS : at_most(some, HOLD_MOST_NS);
}

bool hold_look(struct hold *h, uint64_t now, bool found)
{
    if (found)
        h->last = now;
    if (now - h->began > longest(h))
        return false;
    if (h->expect && h->answers >= h->expect && h->beyond < BEYOND)
        return false;
    if (now - h->last <= hold_patience(h))
        return true;
    if (h->last != h->began)
        learn_expected(h);
    return false;
}

void hold_told(struct hold *h, uint64_t now, uint32_t n)
{
    bool paused = now - h->told > PAUSE_NS;
    h->beyond += h->on;
    h->found += h->on && h->last != h->began;
    h->empty += h->on && h->last == h->began;
    h->on = h->wants = 0;
    h->told = now;
    if (paused) {
        open_window(h, now, h->holding);
        return;
    }
    h->n += n;
    if (h->holding && h->empty >= IN_VAIN && h->empty > 2 * h->found)
        give_up(h, now);
    else if (h->n >= WINDOW)
        close_window(h, now);
}
