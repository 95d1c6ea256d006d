/* SPDX-License-Identifier: BSD-2-Clause */
/* Input and events on their way to a front end. */
#include "chardev_impl.h"

#include "core/loop.h"

/* An event that f is to hear now, 0 if none. A mark is taken by the front end that has the focus,
 * once all bytes before it have been; the other front ends of a mux hear of OPENED and CLOSED too.
 */
static uint32_t pending_event(struct chr_front *f)
{
    for (uint32_t i = 0; i < 2; i++) { /* CLOSED comes last only if it is the state now */
        uint32_t ev = (i == 0) == (f->c->open != 0) ? TN_CHR_CLOSED : TN_CHR_OPENED;
        if (f->pending & 1u << ev) {
            f->pending &= ~(1u << ev);
            return ev;
        }
    }
    uint32_t bit = f->pending ? (uint32_t)__builtin_ctz(f->pending) : 0;
    f->pending &= ~(1u << bit);
    return bit;
}

static void tell_others(struct tn_chr *c, uint32_t ev)
{
    for (uint32_t i = 0; i < CHR_FRONTS; i++)
        if (i != c->focus && c->front[i].gen) {
            c->front[i].pending |= 1u << ev;
            chr_kick_front(c, i);
        }
}

static void move_focus(struct tn_chr *c, uint32_t to)
{
    if (to == c->focus || !c->front[to].gen)
        return;
    c->front[c->focus].pending |= 1u << TN_CHR_MUX_OUT;
    c->front[to].pending |= 1u << TN_CHR_MUX_IN;
    chr_kick_front(c, c->focus);
    c->focus = to;
    c->credit = 0;
    c->starved = 1;
    chr_kick_front(c, to);
}

static uint32_t take_mark(struct tn_chr *c)
{
    struct chr_mark k = c->events.v[0];
    memmove(&c->events.v[0], &c->events.v[1], --c->events.n * sizeof k);
    if (k.what == CHR_MARK_FOCUS) {
        move_focus(c, k.value);
        return 0;
    }
    if (k.what != TN_CHR_BREAK)
        tell_others(c, k.what);
    return k.what;
}

static int has_focus(const struct chr_front *f)
{
    return f == &f->c->front[f->c->focus];
}

static uint32_t kept(const struct chr_front *f)
{
    return (uint32_t)f->kept.len - f->kept_at;
}

static void drop_kept(struct chr_front *f, uint32_t n)
{
    f->kept_at += n;
    if (!kept(f)) {
        buf_free(&f->kept);
        f->kept_at = 0;
    }
}

/* The focus is to go elsewhere, and f does not read what was typed before: that waits for f. 0 if
 * there is no such wish. */
static int set_aside(struct chr_front *f, uint32_t gen)
{
    struct tn_chr *c = f->c;
    const uint8_t *p;
    uint32_t i = 0;
    pthread_mutex_lock(&c->lock);
    while (i < c->events.n && c->events.v[i].what != CHR_MARK_FOCUS)
        i++;
    int wanted = f->gen == gen && has_focus(f) && i < c->events.n;
    for (uint32_t n; wanted && (n = c->events.v[i].at - c->in.tail); ring_drop(&c->in, n)) {
        uint32_t run = ring_peek(&c->in, &p);
        n = n < run ? n : run;
        if (kept(f) + n <= CHR_RING) /* who types more than that for a deaf guest loses it */
            buf_add(&f->kept, p, n);
    }
    for (uint32_t k = 0; wanted && k < i; k++)
        c->events.v[k].at = c->in.tail;
    pthread_mutex_unlock(&c->lock);
    return wanted;
}

static uint32_t closed_waits(const struct tn_chr *c)
{
    for (uint32_t i = 0; i < c->events.n; i++)
        if (c->events.v[i].what == TN_CHR_CLOSED)
            return 1;
    return 0;
}

static uint32_t next_event(struct chr_front *f, uint32_t gen)
{
    struct tn_chr *c = f->c;
    uint32_t ev = 0;
    pthread_mutex_lock(&c->lock);
    if (f->gen == gen && c->discard && has_focus(f)) {
        uint32_t n = c->discard_to - c->in.tail;
        ring_drop(&c->in, n <= ring_used(&c->in) ? n : 0);
        drop_kept(f, kept(f));
        c->discard = 0;
    }
    if (f->gen == gen)
        ev = pending_event(f);
    while (!ev && f->gen == gen && has_focus(f) && c->events.n && c->events.v[0].at == c->in.tail)
        ev = take_mark(c);
    if (ev == TN_CHR_OPENED)
        c->peer_left = c->peer_left && closed_waits(c);
    pthread_mutex_unlock(&c->lock);
    return ev;
}

/* Bytes for f in one piece, up to the next mark. */
static uint32_t next_input(struct chr_front *f, uint32_t gen, const uint8_t **p)
{
    struct tn_chr *c = f->c;
    uint32_t n = 0;
    pthread_mutex_lock(&c->lock);
    if (f->gen == gen && has_focus(f) && kept(f)) {
        *p = f->kept.data + f->kept_at;
        n = kept(f);
    } else if (f->gen == gen && has_focus(f)) {
        n = ring_peek(&c->in, p);
        if (c->events.n && c->events.v[0].at - c->in.tail < n)
            n = c->events.v[0].at - c->in.tail;
    }
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* f may have detached itself inside the callback; then its input is gone already. */
static int taken(struct chr_front *f, uint32_t gen, uint32_t n)
{
    pthread_mutex_lock(&f->c->lock);
    int still = f->gen == gen;
    if (still && kept(f))
        drop_kept(f, n);
    else if (still)
        ring_drop(&f->c->in, n);
    pthread_mutex_unlock(&f->c->lock);
    return still;
}

static uint32_t ask_room(const struct tn_chr_ops *o, void *s)
{
    return o && o->room && o->input ? o->room(s) : 0;
}

/* One event or one stretch of input; 0 when there is nothing more for now. */
static int deliver_one(struct chr_front *f, uint32_t gen, const struct tn_chr_ops *o, void *s)
{
    const uint8_t *p;
    uint32_t ev = next_event(f, gen);
    if (ev) {
        if (o && o->event)
            o->event(s, ev);
        return 1;
    }
    uint32_t n = next_input(f, gen, &p), room = n ? ask_room(o, s) : 0;
    if (!room)
        return set_aside(f, gen);
    n = n < room ? n : room;
    o->input(s, p, n);
    return taken(f, gen, n);
}

/* f takes input now, or does not: seen is what accepts was before it was asked, so that an accept()
 * since is not lost. */
static void give_credit(struct chr_front *f, uint32_t room, uint32_t seen)
{
    struct tn_chr *c = f->c;
    __atomic_store_n(&c->credit, room != 0, __ATOMIC_SEQ_CST);
    if (!room && __atomic_load_n(&c->accepts, __ATOMIC_SEQ_CST) != seen)
        bh_kick(f->bh);
    if (room && c->starved && ring_space(&c->in) >= CHR_RING / 2) {
        c->starved = 0;
        c->tell_room = 1;
        chr_kick_back(c);
    }
}

/* What the back end is to know. Returns 1 if writable() is due. */
static int settle(struct chr_front *f, uint32_t gen, uint32_t room, uint32_t seen)
{
    struct tn_chr *c = f->c;
    int due = 0;
    pthread_mutex_lock(&c->lock);
    if (f->gen == gen && has_focus(f))
        give_credit(f, room, seen);
    if (f->gen == gen) {
        due = f->writable != 0;
        f->writable = 0;
    }
    pthread_mutex_unlock(&c->lock);
    return due;
}

static int is_there(struct chr_front *f, uint32_t gen)
{
    pthread_mutex_lock(&f->c->lock);
    int yes = f->gen == gen;
    pthread_mutex_unlock(&f->c->lock);
    return yes;
}

void front_run(void *p)
{
    struct chr_front *f = p;
    struct tn_chr *c = f->c;
    pthread_mutex_lock(&c->lock);
    uint32_t gen = f->gen;
    const struct tn_chr_ops *o = f->ops;
    void *s = f->s;
    pthread_mutex_unlock(&c->lock);
    if (!gen)
        return;
    chr_ref(c);
    while (deliver_one(f, gen, o, s))
        ;
    if (is_there(f, gen)) {
        uint32_t seen = __atomic_load_n(&c->accepts, __ATOMIC_SEQ_CST);
        if (settle(f, gen, ask_room(o, s), seen) && o && o->writable)
            o->writable(s);
    }
    chr_unref(c);
}
