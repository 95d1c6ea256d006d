/* SPDX-License-Identifier: BSD-2-Clause */
/* The back end's side of the handle. */
#include "chardev_impl.h"

#include "core/loop.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

/* ---- input and events ---- */

uint32_t chr_space(struct tn_chr *c, uint8_t **p)
{
    uint8_t *at;
    return chr_attached(c) ? ring_free_run(&c->in, p ? p : &at) : 0;
}

uint32_t chr_room(struct tn_chr *c, uint8_t **p)
{
    pthread_mutex_lock(&c->lock);
    uint8_t *at;
    int read_ahead = c->credit || c->mux; /* C-a x is heard though the guest reads nothing */
    uint32_t n = read_ahead ? ring_free_run(&c->in, p ? p : &at) : 0;
    c->starved = n == 0;
    pthread_mutex_unlock(&c->lock);
    return n;
}

void chr_commit(struct tn_chr *c, uint32_t n)
{
    uint8_t *p;
    if (c->mux) {
        ring_free_run(&c->in, &p);
        n = mux_filter(c, p, n);
    }
    pthread_mutex_lock(&c->lock);
    ring_commit(&c->in, n);
    chr_kick_front(c, c->focus);
    pthread_mutex_unlock(&c->lock);
}

static void add_event(struct tn_chr *c, uint32_t ev)
{
    if (c->events.n < CHR_MARKS)
        chr_add_mark(&c->events, (struct chr_mark){.at = c->in.head, .what = ev});
}

/* Connections have come and gone while the front end took nothing: only the end of the first and
 * the state now matter. */
static void squeeze_events(struct tn_chr *c)
{
    c->discard_to = c->in.head;
    c->discard = 1;
    c->events.n = 0;
    add_event(c, TN_CHR_CLOSED);
}

void chr_peer_left(struct tn_chr *c)
{
    pthread_mutex_lock(&c->lock);
    ring_drop(&c->out, ring_used(&c->out));
    for (uint32_t i = 0; i < c->settings.n; i++)
        c->settings.v[i].at = c->out.tail;
    c->peer_left = 1;
    chr_kick_back(c); /* who waits for space has it */
    pthread_mutex_unlock(&c->lock);
}

void chr_event(struct tn_chr *c, uint32_t ev)
{
    pthread_mutex_lock(&c->lock);
    if (ev == TN_CHR_OPENED || ev == TN_CHR_CLOSED)
        c->open = ev == TN_CHR_OPENED;
    if (c->nfronts) {
        int full = c->events.n == CHR_MARKS && ev != TN_CHR_BREAK;
        if (full)
            squeeze_events(c);
        if (!full || ev != TN_CHR_CLOSED)
            add_event(c, ev);
        chr_kick_front(c, c->focus);
    }
    pthread_mutex_unlock(&c->lock);
}

void chr_resized(struct tn_chr *c, struct tn_chr_size size)
{
    pthread_mutex_lock(&c->lock);
    c->size = size;
    for (uint32_t i = 0; i < CHR_FRONTS; i++)
        if (c->front[i].gen) {
            c->front[i].pending |= 1u << TN_CHR_RESIZED;
            chr_kick_front(c, i);
        }
    pthread_mutex_unlock(&c->lock);
}

int chr_attached(struct tn_chr *c)
{
    pthread_mutex_lock(&c->lock);
    int yes = c->nfronts != 0;
    pthread_mutex_unlock(&c->lock);
    return yes;
}

/* ---- output ---- */

static void log_output(struct tn_chr *c, const uint8_t *p, uint64_t n)
{
    if (c->log_fd < 0)
        return;
    ssize_t r = write(c->log_fd, p, n);
    (void)r; /* a full disk must not stop the guest */
}

static int next_setting(struct tn_chr *c, struct chr_mark *k)
{
    pthread_mutex_lock(&c->lock);
    int due = c->settings.n && c->settings.v[0].at == c->out.tail;
    if (due) {
        *k = c->settings.v[0];
        memmove(&c->settings.v[0], &c->settings.v[1], --c->settings.n * sizeof *k);
    }
    pthread_mutex_unlock(&c->lock);
    return due;
}

static uint32_t next_output(struct tn_chr *c, const uint8_t **p)
{
    pthread_mutex_lock(&c->lock);
    uint32_t n = ring_peek(&c->out, p);
    if (c->settings.n && c->settings.v[0].at - c->out.tail < n)
        n = c->settings.v[0].at - c->out.tail;
    pthread_mutex_unlock(&c->lock);
    return n;
}

static void apply_setting(struct tn_chr *c, struct chr_mark *k)
{
    uint32_t len = k->what == TN_CHR_SET_PARAMS ? sizeof k->params : sizeof k->value;
    if (c->be->set(c->back->pub.self, k->what, &k->params, len) != -ENOTSUP)
        return;
    pthread_mutex_lock(&c->lock);
    c->unsupported |= 1u << k->what;
    pthread_mutex_unlock(&c->lock);
}

/* One setting or one stretch of output; 0 when there is nothing more, or the back end takes no
 * more. */
static int write_one(struct tn_chr *c)
{
    struct chr_mark k;
    const uint8_t *p;
    if (next_setting(c, &k)) {
        apply_setting(c, &k);
        return 1;
    }
    uint32_t n = next_output(c, &p);
    if (!n)
        return 0;
    int64_t r = c->be->write(c->back->pub.self, p, n);
    if (r < 0 || r > n)
        r = n; /* it cannot be written, ever: it is swallowed, as on a line that ends nowhere */
    log_output(c, p, (uint64_t)r);
    ring_drop(&c->out, (uint32_t)r);
    c->out_blocked = r < n;
    return r == n;
}

static void look_at_modem(struct tn_chr *c)
{
    uint32_t modem = 0;
    int r = c->be->set(c->back->pub.self, TN_CHR_GET_MODEM, &modem, sizeof modem);
    pthread_mutex_lock(&c->lock);
    c->modem = modem;
    c->modem_state = r < 0 ? 2 : 1;
    pthread_mutex_unlock(&c->lock);
}

static void tell_writable(struct tn_chr *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->out_short && ring_space(&c->out) >= CHR_RING / 2) {
        c->out_short = 0;
        for (uint32_t i = 0; i < CHR_FRONTS; i++) {
            c->front[i].writable = c->front[i].gen != 0;
            chr_kick_front(c, i);
        }
    }
    pthread_mutex_unlock(&c->lock);
}

static uint32_t take_flag(struct tn_chr *c, uint32_t *flag)
{
    pthread_mutex_lock(&c->lock);
    uint32_t was = *flag;
    *flag = 0;
    pthread_mutex_unlock(&c->lock);
    return was;
}

void back_run(void *p)
{
    struct tn_chr *c = p;
    if (take_flag(c, &c->tell_room)) {
        uint32_t n = chr_room(c, NULL);
        if (n)
            c->be->room(c->back->pub.self, n);
    }
    if (take_flag(c, &c->look_modem))
        look_at_modem(c);
    while (!c->out_blocked && write_one(c))
        ;
    tell_writable(c);
}

void chr_writable(struct tn_chr *c)
{
    c->out_blocked = 0;
    pthread_mutex_lock(&c->lock);
    chr_kick_back(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- "tenon.chr-feed/1" ---- */

static struct tn_chr *chr_of(struct tn_dev *d)
{
    return device_of(d)->handle;
}

static uint64_t f_room(struct tn_dev *d)
{
    struct tn_chr *c = chr_of(d);
    return chr_room(c, NULL) ? ring_space(&c->in) : 0;
}

static void f_input(struct tn_dev *d, const void *p, uint64_t n)
{
    struct tn_chr *c = chr_of(d);
    for (uint8_t *to; n;) {
        uint32_t run = chr_space(c, &to);
        if (!run)
            return; /* more than room(): a broken back end loses it */
        run = n < run ? (uint32_t)n : run;
        memcpy(to, p, run);
        chr_commit(c, run);
        p = (const uint8_t *)p + run;
        n -= run;
    }
}

static void f_event(struct tn_dev *d, uint32_t ev)
{
    if (ev >= TN_CHR_OPENED && ev <= TN_CHR_BREAK)
        chr_event(chr_of(d), ev);
}

static void f_writable(struct tn_dev *d)
{
    chr_writable(chr_of(d));
}

const struct tn_chr_feed chr_feed_table = {
    .struct_size = sizeof(struct tn_chr_feed),
    .rev = 1,
    .room = f_room,
    .input = f_input,
    .event = f_event,
    .writable = f_writable,
};
