/* SPDX-License-Identifier: BSD-2-Clause */
/* The handle: its life, who is attached to it, and what a front end calls. */
#include "chardev_impl.h"

#include "core/loop.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- life ---- */

void chr_ref(struct tn_chr *c)
{
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
}

void chr_unref(struct tn_chr *c)
{
    if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    close_fd(&c->log_fd);
    chr_drop_fds(c);
    pthread_mutex_destroy(&c->lock);
    free(c->filename);
    free(c->in.data);
    free(c->out.data);
    free(c);
}

void chr_set_filename(struct tn_chr *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    free(c->filename);
    if (vasprintf(&c->filename, fmt, ap) < 0)
        c->filename = NULL;
    va_end(ap);
}

void chr_kick_front(struct tn_chr *c, uint32_t which)
{
    if (c->front[which].bh)
        bh_kick(c->front[which].bh);
}

void chr_kick_back(struct tn_chr *c)
{
    if (c->back_bh)
        bh_kick(c->back_bh);
}

void chr_add_mark(struct chr_marks *m, struct chr_mark k)
{
    m->v[m->n++] = k;
}

/* The back end is gone: front ends hear of it, and write into the void from here on. */
static void release_back(struct managed *m)
{
    struct tn_chr *c = (struct tn_chr *)m;
    managed_del(m);
    pthread_mutex_lock(&c->lock);
    struct tn_bh *bh = c->back_bh;
    c->back->handle = NULL;
    c->back = NULL;
    c->back_bh = NULL;
    for (uint32_t i = 0; i < CHR_FRONTS; i++)
        if (c->front[i].gen) {
            c->front[i].pending = c->open ? 1u << TN_CHR_CLOSED : 0;
            chr_kick_front(c, i);
        }
    c->open = 0;
    pthread_mutex_unlock(&c->lock);
    if (bh)
        bh_del(bh);
    chr_unref(c);
}

struct tn_chr *chardev_create(struct device *d)
{
    const struct tn_chr_backend *be = d->pub.cls->bus_ops;
    if (d->handle || !TN_HAS(be, room) || !TN_HAS(be, write))
        return d->handle;
    struct tn_chr *c = XNEW(struct tn_chr);
    c->m.release = release_back;
    pthread_mutex_init(&c->lock, NULL);
    c->refs = 1;
    c->back = d;
    c->be = be;
    c->log_fd = -1;
    c->in = (struct chr_ring){.data = xcalloc(1, CHR_RING), .size = CHR_RING};
    c->out = (struct chr_ring){.data = xcalloc(1, CHR_RING), .size = CHR_RING};
    managed_add(d, &c->m);
    d->handle = c;
    d->handle_type = TN_P_CHARDEV;
    return c;
}

struct tn_chr *chardev_find(struct vm *vm, const char *id)
{
    struct device *d = device_find(vm, TN_K_CHARDEV, id);
    return d && d->handle_type == TN_P_CHARDEV ? d->handle : NULL;
}

/* ---- attaching ---- */

/* Tells the back end of a front end that came or went; of both if one followed the other. */
static void tell_frontend(void *p)
{
    struct tn_chr *c = p;
    void *s = c->back->pub.self;
    pthread_mutex_lock(&c->lock);
    uint32_t was = c->told_session, is = c->nfronts ? c->session : 0;
    c->told_session = is;
    pthread_mutex_unlock(&c->lock);
    if (was && was != is) {
        c->be->room(s, 0);
        if (TN_HAS(c->be, frontend))
            c->be->frontend(s, 0);
    }
    if (is && was != is && TN_HAS(c->be, frontend))
        c->be->frontend(s, 1);
}

/* What the last front end did not read is nobody's. */
static void forget_input(struct tn_chr *c)
{
    ring_drop(&c->in, ring_used(&c->in));
    c->events.n = 0;
    c->discard = c->credit = 0;
}

static void detach(struct chr_front *f)
{
    struct tn_chr *c = f->c;
    pthread_mutex_lock(&c->lock);
    struct tn_bh *bh = f->bh;
    struct device *back = c->back;
    uint32_t which = (uint32_t)(f - c->front);
    buf_free(&f->kept);
    *f = (struct chr_front){.c = c};
    c->nfronts--;
    if (c->focus == which)
        forget_input(c);
    for (uint32_t i = 0; c->focus == which && i < CHR_FRONTS; i++)
        if (c->front[i].gen) {
            c->focus = i;
            c->front[i].pending |= 1u << TN_CHR_MUX_IN;
            chr_kick_front(c, i);
        }
    pthread_mutex_unlock(&c->lock);
    bh_del(bh);
    if (back) {
        back->holds--;
        device_defer(back, tell_frontend, c);
    }
    chr_unref(c);
}

/* The front end leaves: no call into it begins from here on. */
static void stop_front(struct managed *m)
{
    struct chr_front *f = (struct chr_front *)m;
    pthread_mutex_lock(&f->c->lock);
    f->gen = 0;
    pthread_mutex_unlock(&f->c->lock);
}

static void release_front(struct managed *m)
{
    managed_del(m);
    detach((struct chr_front *)m);
}

static struct chr_front *free_front(struct tn_chr *c)
{
    if (c->nfronts && !c->mux)
        return NULL;
    for (uint32_t i = 0; i < CHR_FRONTS; i++)
        if (!c->front[i].bh)
            return &c->front[i];
    return NULL;
}

/* A device has the focus of a mux before the host's own front ends: what is typed at first goes to
 * the guest. */
static void give_focus(struct tn_chr *c, struct chr_front *f)
{
    if (!c->nfronts) {
        forget_input(c);
        c->session++;
    }
    if (!c->nfronts || (f->dev && !c->front[c->focus].dev)) {
        if (c->nfronts) {
            c->front[c->focus].pending |= 1u << TN_CHR_MUX_OUT;
            chr_kick_front(c, c->focus);
        }
        c->focus = (uint32_t)(f - c->front);
        c->credit = 0;
        c->starved = 1; /* the back end is told once f takes input */
    }
}

/* A bottom half that goes with the handle, not with its device: another thread may kick it until
 * then. */
static struct tn_bh *own_bh(struct tn_ctx *ctx, struct device *d, void (*fn)(void *), void *s)
{
    struct tn_bh *bh = bh_new(ctx, d, 0, fn, s);
    managed_del(&bh->m);
    return bh;
}

void chr_make_back_bh(struct tn_chr *c)
{
    struct tn_bh *bh = own_bh(c->back->home, c->back, back_run, c);
    pthread_mutex_lock(&c->lock);
    c->back_bh = bh;
    bh_kick(bh); /* there may be output */
    pthread_mutex_unlock(&c->lock);
}

void chr_back_changed(struct tn_chr *c)
{
    device_defer(c->back, tell_frontend, c);
}

static int attach_front(struct tn_chr *c, struct device *d, const struct tn_chr_ops *o, void *s)
{
    struct chr_front *f = c && c->back ? free_front(c) : NULL;
    if (!f)
        return c && c->back ? -EBUSY : -ENODEV;
    struct device *back = c->back;
    struct tn_bh *bh = own_bh(d ? d->home : back->vm->main, d, front_run, f);
    struct tn_bh *back_bh = c->back_bh ? NULL : own_bh(back->home, back, back_run, c);
    pthread_mutex_lock(&c->lock); /* a leaf: nothing above could be done under it */
    *f = (struct chr_front){.m.release = release_front,
                            .m.stop = stop_front,
                            .c = c,
                            .dev = d,
                            .ops = o,
                            .s = s,
                            .bh = bh};
    if (back_bh)
        c->back_bh = back_bh;
    give_focus(c, f);
    c->nfronts++;
    f->gen = ++c->last_gen ? c->last_gen : ++c->last_gen;
    f->pending = (c->open ? 1u << TN_CHR_OPENED : 0) | (c->size.cols ? 1u << TN_CHR_RESIZED : 0);
    bh_kick(bh);
    pthread_mutex_unlock(&c->lock);
    chr_ref(c);
    back->holds++;
    managed_add(d, &f->m);
    device_defer(back, tell_frontend, c);
    return 0;
}

static int t_attach(struct tn_chr *c, struct tn_dev *d, const struct tn_chr_ops *o, void *s)
{
    return attach_front(c, device_of(d), o, s);
}

int chardev_attach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s)
{
    if (c)
        __atomic_store_n(&c->takes_fds, 1, __ATOMIC_RELAXED);
    return attach_front(c, NULL, o, s);
}

static struct chr_front *host_front(struct tn_chr *c, const struct tn_chr_ops *o, const void *s)
{
    for (uint32_t i = 0; i < CHR_FRONTS; i++)
        if (c->front[i].gen && !c->front[i].dev && c->front[i].ops == o && c->front[i].s == s)
            return &c->front[i];
    return NULL;
}

void chardev_detach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s)
{
    struct chr_front *f = host_front(c, o, s);
    if (f)
        detach(f);
}

int chardev_has_focus(struct tn_chr *c, const struct tn_chr_ops *o, void *s)
{
    pthread_mutex_lock(&c->lock);
    const struct chr_front *f = host_front(c, o, s);
    int yes = f == &c->front[c->focus];
    pthread_mutex_unlock(&c->lock);
    return yes;
}

int chardev_peer_left(struct tn_chr *c)
{
    pthread_mutex_lock(&c->lock);
    int yes = c->peer_left != 0;
    pthread_mutex_unlock(&c->lock);
    return yes;
}

int chardev_frontend_open(struct tn_chr *c)
{
    return chr_attached(c);
}

/* ---- output and the rest ---- */

/* The host's own writer on the main thread is heard before it goes on: it may be about to exit. */
static void run_back_now(struct tn_chr *c)
{
    struct device *back = c->back;
    if (!back || domain_any_held() || !loop_here(back->home))
        return;
    domain_lock(back->domain);
    back_run(c);
    domain_unlock(back->domain);
}

static int64_t t_write(struct tn_chr *c, const void *p, uint64_t n)
{
    if (!c || n > INT64_MAX)
        return c ? -EINVAL : (int64_t)n;
    pthread_mutex_lock(&c->lock);
    if (!c->back) {
        pthread_mutex_unlock(&c->lock);
        return (int64_t)n;
    }
    uint32_t done = c->mux ? mux_put(c, p, n) : ring_put(&c->out, p, n);
    if (done < n)
        c->out_short = 1;
    chr_kick_back(c);
    pthread_mutex_unlock(&c->lock);
    run_back_now(c);
    return done;
}

static void t_accept(struct tn_chr *c)
{
    if (!c)
        return;
    __atomic_add_fetch(&c->accepts, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&c->credit, __ATOMIC_SEQ_CST) && !ring_used(&c->in))
        return; /* it was known, and nothing waits */
    pthread_mutex_lock(&c->lock);
    chr_kick_front(c, c->focus);
    pthread_mutex_unlock(&c->lock);
}

/* What the other side drove when it was last looked at; and another look, for the next question. */
static int get_modem(struct tn_chr *c, uint32_t *modem)
{
    if (c->modem_state == 2)
        return -ENOTSUP;
    *modem = c->modem_state ? c->modem : TN_MODEM_CTS | TN_MODEM_DSR | TN_MODEM_DCD;
    c->look_modem = 1;
    chr_kick_back(c);
    return 0;
}

/* Room for one more setting: when there is none, an older one of the same kind has no say any more.
 */
static void forget_setting(struct chr_marks *m, uint32_t what)
{
    uint32_t i = 0;
    while (i < m->n - 1 && m->v[i].what != what)
        i++;
    memmove(&m->v[i], &m->v[i + 1], (m->n - i - 1) * sizeof m->v[0]);
    m->n--;
}

static int add_setting(struct tn_chr *c, uint32_t what, const void *arg, uint32_t len)
{
    struct chr_mark k = {.at = c->out.head, .what = what};
    uint32_t size = what == TN_CHR_SET_PARAMS ? sizeof k.params : sizeof k.value;
    if (what < TN_CHR_SET_PARAMS || what > TN_CHR_GET_MODEM || !arg || len < size)
        return -EINVAL;
    if (c->unsupported & 1u << what)
        return -ENOTSUP;
    memcpy(&k.params, arg, size); /* or value, at the same place */
    if (c->settings.n == CHR_MARKS)
        forget_setting(&c->settings, what);
    chr_add_mark(&c->settings, k);
    chr_kick_back(c);
    return 0;
}

static int get_size(struct tn_chr *c, void *arg, uint32_t len)
{
    if (!c->size.cols || !arg || len < sizeof c->size)
        return -ENOTSUP;
    memcpy(arg, &c->size, sizeof c->size);
    return 0;
}

static int t_set(struct tn_chr *c, uint32_t what, void *arg, uint32_t len)
{
    if (!c)
        return -ENOTSUP;
    pthread_mutex_lock(&c->lock);
    int r = -ENOTSUP;
    if (what == TN_CHR_GET_SIZE)
        r = get_size(c, arg, len);
    else if (c->back && TN_HAS(c->be, set))
        r = what == TN_CHR_GET_MODEM && arg && len >= sizeof(uint32_t)
                ? get_modem(c, arg)
                : add_setting(c, what, arg, len);
    pthread_mutex_unlock(&c->lock);
    return r;
}

static int t_take(struct tn_chr *c, struct tn_dev *d, int *fd, uint32_t timeout_ms,
                  struct tn_err *e)
{
    (void)d;
    *fd = -1;
    if (!c || !c->back || !TN_HAS(c->be, take))
        return err_set(e, ENOTSUP, "chardev '%s' is not a socket",
                       c && c->back ? device_id(c->back) : "?");
    struct device *back = c->back;
    int entered = domain_enter(back->domain);
    int r = c->be->take(back->pub.self, fd, timeout_ms, e);
    domain_leave(back->domain, entered);
    return r;
}

const struct tn_chardev chardev_table = {
    .struct_size = sizeof(struct tn_chardev),
    .rev = 1,
    .attach = t_attach,
    .write = t_write,
    .accept = t_accept,
    .set = t_set,
    .take = t_take,
};
