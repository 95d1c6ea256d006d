/* SPDX-License-Identifier: BSD-2-Clause */
/* mux=on: several front ends behind one chardev, of which one gets what is typed. Ctrl-A and a
 * letter command the mux. */
#include "chardev_impl.h"

#include "core/loop.h"
#include "vm/run.h"
#include <stdio.h>

enum { ESCAPE = 0x01 }; /* Ctrl-A */

static void help(struct tn_chr *c)
{
    static const char text[] =
        "\r\n"
        "C-a h    this help\r\n"
        "C-a b    send a break\r\n"
        "C-a t    begin each line with the time, or no more\r\n"
        "C-a c    go to the next of the terminal's users, such as the monitor\r\n"
        "C-a x    quit\r\n"
        "C-a C-a  send C-a\r\n";
    pthread_mutex_lock(&c->lock);
    ring_put(&c->out, (const uint8_t *)text, sizeof text - 1);
    chr_kick_back(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- C-a t ---- */

static uint64_t now(struct tn_chr *c)
{
    return clock_now(&c->back->vm->clock, TN_CLK_REAL);
}

static void toggle_stamps(struct tn_chr *c)
{
    pthread_mutex_lock(&c->lock);
    c->stamps_since = c->stamps_since ? 0 : now(c);
    c->line_begins = 0;
    pthread_mutex_unlock(&c->lock);
}

/* 0 if there is no room for it. */
static int put_stamp(struct tn_chr *c)
{
    char text[32];
    uint64_t ms = (now(c) - c->stamps_since) / 1000000;
    int n =
        snprintf(text, sizeof text, "[%02u:%02u:%02u.%03u] ", (unsigned)(ms / 3600000 % 100),
                 (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
    if (ring_space(&c->out) < (uint32_t)n)
        return 0;
    ring_put(&c->out, (const uint8_t *)text, (uint64_t)n);
    return 1;
}

uint32_t mux_put(struct tn_chr *c, const uint8_t *p, uint64_t n)
{
    uint64_t done = 0;
    if (!c->stamps_since)
        return ring_put(&c->out, p, n);
    while (done < n && (!c->line_begins || put_stamp(c))) {
        const uint8_t *end = memchr(p + done, '\n', n - done);
        uint64_t want = end ? (uint64_t)(end - (p + done)) + 1 : n - done;
        uint32_t put = ring_put(&c->out, p + done, want);
        done += put;
        c->line_begins = end && put == want;
        if (put < want)
            break;
    }
    return (uint32_t)done;
}

static void mark(struct tn_chr *c, uint32_t at, uint32_t what, uint32_t value)
{
    pthread_mutex_lock(&c->lock);
    if (c->events.n < CHR_MARKS)
        chr_add_mark(&c->events, (struct chr_mark){.at = at, .what = what, .value = value});
    pthread_mutex_unlock(&c->lock);
}

/* The front end after the one that will have the focus when all marks have been passed. */
static uint32_t next_focus(struct tn_chr *c)
{
    pthread_mutex_lock(&c->lock);
    uint32_t now = c->focus;
    for (uint32_t i = 0; i < c->events.n; i++)
        if (c->events.v[i].what == CHR_MARK_FOCUS)
            now = c->events.v[i].value;
    uint32_t next = now;
    do
        next = (next + 1) % CHR_FRONTS;
    while (next != now && !c->front[next].gen);
    pthread_mutex_unlock(&c->lock);
    return next;
}

/* The letter after Ctrl-A, at position at of the stream. Returns 1 if it is itself for the front
 * end. */
static int command(struct tn_chr *c, uint8_t letter, uint32_t at)
{
    switch (letter) {
    case ESCAPE:
        return 1;
    case 'h':
    case '?':
        help(c);
        break;
    case 'b':
        mark(c, at, TN_CHR_BREAK, 0);
        break;
    case 'c':
        mark(c, at, CHR_MARK_FOCUS, next_focus(c));
        break;
    case 't':
        toggle_stamps(c);
        break;
    case 'x':
        run_request_exit(c->back->vm, 0);
        break;
    }
    return 0;
}

static void keep(struct tn_chr *c, uint8_t *p, uint32_t *n, uint8_t byte)
{
    p[(*n)++] = byte;
    c->mux_escape = 0;
}

uint32_t mux_filter(struct tn_chr *c, uint8_t *p, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!c->mux_escape && p[i] == ESCAPE)
            c->mux_escape = 1;
        else if (!c->mux_escape || command(c, p[i], c->in.head + kept))
            keep(c, p, &kept, p[i]);
        else
            c->mux_escape = 0;
    }
    return kept;
}
