/* SPDX-License-Identifier: BSD-2-Clause */
#include "input_host.h"

#include "core/device.h"
#include "core/loop.h"
#include "util/alloc.h"
#include <errno.h>
#include <linux/input.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_QUEUED = 1024, /* events that wait for one device */
    MAX_CHORDS = 256   /* that wait to be typed */
};

struct handler {
    struct managed m;
    TAILQ_ENTRY(handler) link;
    struct inputs *all;
    const char *name;
    uint32_t mask, linked;
    const struct tn_input_ops *ops;
    void *s;
    struct tn_bh *bh;
    struct tn_input_event *queue;
    uint32_t queued, whole, room; /* whole: events of finished frames */
    uint32_t overrun;             /* the frame that is coming is dropped */
    uint32_t active, told;        /* is it the one for some kind; what active() last said */
};
struct chord { /* keys that are pressed together */
    STAILQ_ENTRY(chord) next;
    uint16_t code[INPUT_CHORD];
    uint32_t n;
    uint64_t hold_ns;
};
struct inputs {
    struct vm *vm;
    STAILQ_HEAD(, chord) chords; /* the first is held down; main thread's */
    uint32_t nchords;
    struct tn_timer *release;               /* NULL before the first */
    pthread_mutex_t lock;                   /* leaf: everything here */
    TAILQ_HEAD(handlers, handler) handlers; /* most recently activated first */
    uint32_t leds;
    void (*on_leds)(void *, uint32_t);
    void *on_leds_o;
};

struct inputs *inputs_new(struct vm *vm)
{
    struct inputs *i = XNEW(struct inputs);
    i->vm = vm;
    STAILQ_INIT(&i->chords);
    pthread_mutex_init(&i->lock, NULL);
    TAILQ_INIT(&i->handlers);
    return i;
}

void inputs_free(struct inputs *i)
{
    if (!i)
        return;
    for (struct chord *c; (c = STAILQ_FIRST(&i->chords)); free(c))
        STAILQ_REMOVE_HEAD(&i->chords, next);
    if (i->release)
        timer_del(i->release);
    pthread_mutex_destroy(&i->lock);
    free(i);
}

/* ---- who gets what; with the lock held ---- */

static struct handler *target(struct inputs *i, uint32_t kind)
{
    struct handler *h;
    TAILQ_FOREACH(h, &i->handlers, link)
    if (h->mask & kind)
        return h;
    return NULL;
}

/* Buttons are the ranges of linux/input-event-codes.h between the two blocks of keys. */
static uint32_t kind_of(const struct tn_input_event *v)
{
    switch (v->type) {
    case EV_KEY:
        return (v->code >= BTN_MISC && v->code < KEY_OK) ? TN_IN_BTN : TN_IN_KEY;
    case EV_REL:
        return TN_IN_REL;
    case EV_ABS:
        return v->code >= ABS_MT_SLOT && v->code <= ABS_MT_TOOL_Y ? TN_IN_MTT : TN_IN_ABS;
    default:
        return 0;
    }
}

static void update_active(struct inputs *i)
{
    struct handler *h;
    TAILQ_FOREACH(h, &i->handlers, link)
    {
        h->active = 0;
        for (uint32_t kind = 1; kind <= TN_IN_MTT; kind <<= 1)
            h->active |= (h->mask & kind) && target(i, kind) == h;
        if (h->active != h->told)
            bh_kick(h->bh);
    }
}

/* ---- queues ---- */

static void enqueue(struct handler *h, const struct tn_input_event *v)
{
    if (h->queued == MAX_QUEUED)
        h->overrun = 1;
    if (h->overrun)
        return;
    if (h->queued == h->room) {
        h->room = h->room ? 2 * h->room : 16;
        h->queue = xrealloc(h->queue, h->room * sizeof *h->queue);
    }
    h->queue[h->queued] = *v;
    h->queue[h->queued++].struct_size = sizeof *v;
}

/* The frame ends for everybody who got a part of it. */
static void finish_frame(struct handler *h, const struct tn_input_event *sync)
{
    if (h->queued == h->whole && !h->overrun)
        return;
    enqueue(h, sync);
    if (h->overrun)
        h->queued = h->whole;
    h->overrun = 0;
    if (h->queued == h->whole)
        return;
    h->whole = h->queued;
    bh_kick(h->bh);
}

static void route(struct inputs *i, const struct tn_input_event *v)
{
    struct handler *h;
    if (v->type == EV_SYN && v->code == SYN_REPORT) {
        TAILQ_FOREACH(h, &i->handlers, link)
        finish_frame(h, v);
        return;
    }
    uint32_t kind = kind_of(v);
    h = kind ? target(i, kind) : NULL;
    if (h)
        enqueue(h, v);
}

void inputs_inject(struct vm *vm, const struct tn_input_event *v, uint32_t n, uint32_t stride)
{
    struct inputs *i = vm->inputs;
    if (!i)
        return;
    pthread_mutex_lock(&i->lock);
    for (uint32_t k = 0; k < n; k++)
        route(i, (const struct tn_input_event *)(const void *)((const char *)v +
                                                               (uint64_t)k * stride));
    pthread_mutex_unlock(&i->lock);
}

/* ---- typing for the guest ---- */

static void stroke(struct vm *vm, uint16_t code, int down)
{
    const struct tn_input_event v[] = {
        {sizeof v[0], EV_KEY, code, down},
        {sizeof v[0], EV_SYN, SYN_REPORT, 0},
    };
    inputs_inject(vm, v, ARRAY_SIZE(v), sizeof v[0]);
}

static void press(struct inputs *i)
{
    const struct chord *c = STAILQ_FIRST(&i->chords);
    for (uint32_t k = 0; c && k < c->n; k++)
        stroke(i->vm, c->code[k], 1);
    if (c)
        timer_arm(i->release, clock_now(&i->vm->clock, TN_CLK_VM) + c->hold_ns);
}

static void release_chord(void *p)
{
    struct inputs *i = p;
    struct chord *c = STAILQ_FIRST(&i->chords);
    for (uint32_t k = c->n; k-- > 0;)
        stroke(i->vm, c->code[k], 0);
    STAILQ_REMOVE_HEAD(&i->chords, next);
    i->nchords--;
    free(c);
    press(i);
}

int inputs_type(struct vm *vm, const uint16_t *code, uint32_t n, uint64_t hold_ns)
{
    struct inputs *i = vm->inputs;
    if (!i || n > INPUT_CHORD || i->nchords == MAX_CHORDS)
        return !i ? -ENOTSUP : n > INPUT_CHORD ? -EINVAL : -EBUSY;
    i->nchords++;
    struct chord *c = XNEW(struct chord);
    memcpy(c->code, code, n * sizeof *code);
    c->n = n;
    c->hold_ns = hold_ns;
    if (!i->release)
        i->release = timer_new(vm->main, NULL, 0, TN_CLK_VM, release_chord, i);
    int first = STAILQ_EMPTY(&i->chords);
    STAILQ_INSERT_TAIL(&i->chords, c, next);
    if (first)
        press(i);
    return 0;
}

/* ---- delivery: home context, device's lock ---- */

/* Takes the finished frames out of the queue; the caller frees them. */
static struct tn_input_event *take_frames(struct handler *h, uint32_t *n, uint32_t *active)
{
    pthread_mutex_lock(&h->all->lock);
    *n = h->whole;
    *active = h->active;
    struct tn_input_event *v = *n ? xcalloc(*n, sizeof *v) : NULL;
    if (v) {
        memcpy(v, h->queue, *n * sizeof *v);
        memmove(h->queue, h->queue + *n, (h->queued - *n) * sizeof *v);
    }
    h->queued -= *n;
    h->whole = 0;
    pthread_mutex_unlock(&h->all->lock);
    return v;
}

static void tell_active(struct handler *h, uint32_t active)
{
    pthread_mutex_lock(&h->all->lock);
    int changed = h->told != active;
    h->told = active;
    pthread_mutex_unlock(&h->all->lock);
    if (changed && TN_HAS(h->ops, active))
        h->ops->active(h->s, active);
}

static void deliver(void *s)
{
    struct handler *h = s;
    uint32_t n, active, first = 0;
    AUTO_FREE struct tn_input_event *v = take_frames(h, &n, &active);
    if (active)
        tell_active(h, 1); /* before its first event, and the end behind its last */
    for (uint32_t i = 0; i < n; i++)
        if (v[i].type == EV_SYN) {
            h->ops->event(h->s, v + first, i + 1 - first, sizeof *v);
            first = i + 1;
        }
    tell_active(h, active);
}

/* ---- TN_INPUT_1 ---- */

static void unlink_handler(struct managed *m)
{
    struct handler *h = (struct handler *)m;
    pthread_mutex_lock(&h->all->lock);
    if (h->linked) {
        TAILQ_REMOVE(&h->all->handlers, h, link);
        h->linked = 0;
        update_active(h->all);
    }
    pthread_mutex_unlock(&h->all->lock);
}

static void release(struct managed *m)
{
    struct handler *h = (struct handler *)m;
    unlink_handler(m);
    managed_del(m);
    free(h->queue);
    free(h);
}

static int t_handler(struct tn_dev *pub, const char *name, uint32_t mask,
                     const struct tn_input_ops *ops, void *s, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct inputs *i = d->vm->inputs;
    if (!i)
        return err_set(e, ENOTSUP, "this machine has no input");
    if (!mask || !TN_HAS(ops, event))
        return err_set(e, EINVAL, "input handler '%s' takes no events", name);
    struct handler *h = XNEW(struct handler);
    *h = (struct handler){.m = {.stop = unlink_handler, .release = release},
                          .all = i,
                          .name = name,
                          .mask = mask,
                          .ops = ops,
                          .s = s,
                          .linked = 1};
    managed_add(d, &h->m);
    h->bh = bh_new(d->home, d, 0, deliver, h); /* released before h, as it is younger */
    pthread_mutex_lock(&i->lock);
    TAILQ_INSERT_TAIL(&i->handlers, h, link);
    update_active(i);
    pthread_mutex_unlock(&i->lock);
    return 0;
}

/* Puts d's handlers in front, or behind all others; the order among them stays. */
static void move(struct inputs *i, const struct device *d, uint32_t on)
{
    struct handlers mine = TAILQ_HEAD_INITIALIZER(mine);
    struct handler *h, *next;
    for (h = TAILQ_FIRST(&i->handlers); h; h = next) {
        next = TAILQ_NEXT(h, link);
        if (h->m.dev != d)
            continue;
        TAILQ_REMOVE(&i->handlers, h, link);
        TAILQ_INSERT_TAIL(&mine, h, link);
    }
    if (!on) {
        TAILQ_CONCAT(&i->handlers, &mine, link);
        return;
    }
    TAILQ_CONCAT(&mine, &i->handlers, link);
    TAILQ_CONCAT(&i->handlers, &mine, link);
}

static void t_activate(struct tn_dev *pub, uint32_t on)
{
    struct device *d = device_of(pub);
    struct inputs *i = d->vm->inputs;
    if (!i)
        return;
    pthread_mutex_lock(&i->lock);
    move(i, d, on);
    update_active(i);
    pthread_mutex_unlock(&i->lock);
}

/* Only the keyboard that gets the keys has its LEDs shown. */
static void t_leds(struct tn_dev *pub, uint32_t bits)
{
    struct device *d = device_of(pub);
    struct inputs *i = d->vm->inputs;
    if (!i)
        return;
    pthread_mutex_lock(&i->lock);
    const struct handler *h = target(i, TN_IN_KEY);
    int changed = h && h->m.dev == d && i->leds != bits;
    if (changed)
        i->leds = bits;
    if (changed && i->on_leds)
        i->on_leds(i->on_leds_o, bits);
    pthread_mutex_unlock(&i->lock);
}

static void t_inject(struct tn_dev *pub, const char *console, const struct tn_input_event *v,
                     uint32_t n, uint32_t stride)
{
    (void)console; /* there is one */
    inputs_inject(device_of(pub)->vm, v, n, stride);
}

void inputs_on_leds(struct vm *vm, void (*fn)(void *o, uint32_t bits), void *o)
{
    struct inputs *i = vm->inputs;
    pthread_mutex_lock(&i->lock);
    i->on_leds = fn;
    i->on_leds_o = o;
    pthread_mutex_unlock(&i->lock);
}

uint32_t inputs_leds(struct vm *vm)
{
    struct inputs *i = vm->inputs;
    pthread_mutex_lock(&i->lock);
    uint32_t bits = i->leds;
    pthread_mutex_unlock(&i->lock);
    return bits;
}

const struct tn_input input_table = {
    .struct_size = sizeof input_table,
    .handler = t_handler,
    .activate = t_activate,
    .leds = t_leds,
    .inject = t_inject,
};
