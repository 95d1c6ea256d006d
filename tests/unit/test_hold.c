/* SPDX-License-Identifier: BSD-2-Clause */
/* When notifications are held back: against a model of a driver whose kicks and interrupts cost it
 * time. */
#include "virtio/hold.h"

#include "tap.h"

/* A driver with one processor: it makes requests until depth of them are out, and is interrupted
 * when it is told. */
struct driver {
    uint32_t depth;
    uint64_t make, kick, interrupt,
        idle; /* ns: a request, a kick, an interrupt; thought when all is done */
};
struct outcome {
    uint64_t ns, requests, interrupts;
};

static void answer_and_tell(struct hold *h, struct outcome *o, const struct driver *d, uint32_t n)
{
    hold_told(h, o->ns, n);
    o->interrupts++;
    o->ns += d->interrupt;
}

/* The device answers each request at once; returns how many were out when the driver was told. */
static uint32_t one_hold(struct hold *h, struct outcome *o, const struct driver *d)
{
    uint32_t out = 1;
    uint64_t made = o->ns + d->make; /* the next one is there */
    for (;;) {
        o->ns += 500; /* a look */
        bool found = out < d->depth && o->ns >= made;
        if (found) {
            out++;
            h->answers++;
            made = o->ns + d->make;
        }
        if (!hold_look(h, o->ns, found))
            return out;
    }
}

static struct outcome drive(struct hold *h, const struct driver *d, uint64_t requests)
{
    struct outcome o = {.ns = 1000000000};
    uint64_t from = o.ns;
    while (o.requests < requests) {
        uint32_t n = 1;
        o.ns += d->make + d->kick + d->idle;
        if (hold_begin(h, o.ns, 1))
            n = one_hold(h, &o, d);
        o.requests += n;
        answer_and_tell(h, &o, d, n);
    }
    o.ns -= from;
    return o;
}

/* Without any holding. */
static uint64_t plain(const struct driver *d, uint64_t requests)
{
    return requests * (d->make + d->kick + d->idle + d->interrupt);
}

TEST(many_requests_share_an_interrupt_where_the_driver_adds_them_fast)
{
    struct hold h = {0};
    struct driver d = {.depth = 8, .make = 5000, .kick = 5000, .interrupt = 10000};
    struct outcome o = drive(&h, &d, 100000);
    CHECK(o.interrupts * 4 < o.requests);
    CHECK(o.ns * 2 < plain(&d, o.requests));
}

TEST(a_slow_driver_gains_too)
{
    struct hold h = {0};
    struct driver d = {.depth = 32, .make = 100000, .kick = 100000, .interrupt = 150000};
    struct outcome o = drive(&h, &d, 100000);
    CHECK(o.interrupts * 4 < o.requests);
    CHECK(o.ns * 5 < plain(&d, o.requests) * 3);
}

/* As under emulation, where nothing is fast: each step is longer than a whole hold of a fast one. */
TEST(a_very_slow_driver_gains_too)
{
    struct hold h = {0};
    struct driver d = {.depth = 8, .make = 600000, .kick = 300000, .interrupt = 700000};
    struct outcome o = drive(&h, &d, 100000);
    CHECK(o.interrupts * 2 < o.requests);
    CHECK(o.ns * 4 < plain(&d, o.requests) * 3);
}

TEST(a_driver_that_waits_for_each_answer_loses_next_to_nothing)
{
    for (uint64_t make = 1000; make <= 1000000; make *= 10) {
        struct hold h = {0};
        struct driver d = {.depth = 1, .make = make, .kick = make, .interrupt = make};
        struct outcome o = drive(&h, &d, 100000);
        CHECK(o.ns * 100 < plain(&d, o.requests) * 102);
    }
}

TEST(where_an_interrupt_is_cheap_nothing_is_lost)
{
    struct hold h = {0};
    struct driver d = {.depth = 2, .make = 50000, .kick = 100, .interrupt = 100};
    struct outcome o = drive(&h, &d, 100000);
    CHECK(o.ns * 100 < plain(&d, o.requests) * 103);
}

TEST(seldom_requests_are_never_held)
{
    struct hold h = {0};
    struct driver d = {.depth = 8, .make = 1000, .kick = 1000, .interrupt = 1000, .idle = 30000000};
    struct outcome o = drive(&h, &d, 1000);
    CHECK_EQ(o.interrupts, o.requests);
}

TEST(a_driver_that_goes_over_to_waiting_is_noticed)
{
    struct hold h = {0};
    struct driver deep = {.depth = 8, .make = 5000, .kick = 5000, .interrupt = 10000}, one = deep;
    one.depth = 1;
    drive(&h, &deep, 10000);
    struct outcome o = drive(&h, &one, 20000);
    CHECK(o.ns * 100 < plain(&one, o.requests) * 103);
    o = drive(&h, &deep, 50000);
    CHECK(o.interrupts * 3 < o.requests);
}

TEST(a_hold_ends_in_bounded_time_whatever_comes)
{
    struct hold h = {0};
    struct driver d = {.depth = 8, .make = 5000, .kick = 5000, .interrupt = 10000};
    drive(&h, &d, 10000);
    uint64_t now = 5000000000, begun;
    for (begun = now; !hold_begin(&h, now, 1); now += 1000)
        hold_told(&h, now, 1);
    for (begun = now; hold_look(&h, now, true); now += 1000)
        CHECK(now - begun < 2000000);
}

int main(void)
{
    RUN(many_requests_share_an_interrupt_where_the_driver_adds_them_fast);
    RUN(a_slow_driver_gains_too);
    RUN(a_very_slow_driver_gains_too);
    RUN(a_driver_that_waits_for_each_answer_loses_next_to_nothing);
    RUN(where_an_interrupt_is_cheap_nothing_is_lost);
    RUN(seldom_requests_are_never_held);
    RUN(a_driver_that_goes_over_to_waiting_is_noticed);
    RUN(a_hold_ends_in_bounded_time_whatever_comes);
    return tap_done();
}
