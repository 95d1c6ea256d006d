/* SPDX-License-Identifier: BSD-2-Clause */
/* Back ends that go, or give way to another, while the machine runs. Main thread. */
#include "chardev_io.h"

#include "cli/kvtree.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

int chardev_remove(struct vm *vm, const char *id, struct tn_err *e)
{
    const struct tn_chr *c = chardev_find(vm, id);
    struct device *d = c ? c->back : NULL;
    if (!d)
        return err_set(e, ENOENT, "Chardev '%s' not found", id);
    if (d->holds || d->busy)
        return err_set(e, EBUSY, "Chardev '%s' is busy", id);
    device_free(d);
    return 0;
}

int chardev_send_break(struct vm *vm, const char *id, struct tn_err *e)
{
    struct tn_chr *c = chardev_find(vm, id);
    if (!c)
        return err_set(e, ENOENT, "Chardev '%s' not found", id);
    int entered = domain_enter(c->back->domain);
    chr_event(c, TN_CHR_BREAK);
    domain_leave(c->back->domain, entered);
    return 0;
}

/* ---- one back end in the place of another ---- */

/* Those of the host itself do not expect it: a session would go on in the middle of a line. */
static int may_change(const struct tn_chr *c, struct tn_err *e)
{
    if (c->mux)
        return err_set(e, ENOTSUP, "Mux device hotswap not supported yet");
    for (uint32_t i = 0; i < CHR_FRONTS; i++)
        if (c->front[i].gen && !c->front[i].dev)
            return err_set(e, ENOTSUP, "Chardev user does not support chardev hotswap");
    return 0;
}

/* to takes from's place among what its device releases. */
static void take_place(struct managed *to, struct managed *from)
{
    struct device *d = from->dev;
    pthread_mutex_lock(&d->managed_lock);
    to->dev = d;
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to->prev->next = to;
    from->next = from->prev = NULL;
    pthread_mutex_unlock(&d->managed_lock);
}

static void swap_ids(struct device *a, struct device *b)
{
    char *id = a->id, *path = a->path;
    a->id = b->id;
    a->path = b->path;
    b->id = id;
    b->path = path;
}

/* The host's own classes remember their handle. */
static void set_handle(struct device *d, struct tn_chr *c)
{
    d->handle = c;
    if (d->pub.cls->init == chr_common_init)
        ((struct chr_common *)d->pub.self)->chr = c;
}

/* What c has of its back end becomes n's, and the other way round. The lock of c is held; nobody
 * but the back end knows n. */
static void swap_backs(struct tn_chr *c, struct tn_chr *n)
{
    struct device *old = c->back, *new = n->back;
    struct tn_chr was = *c;
    c->back = new;
    c->be = n->be;
    c->filename = n->filename;
    c->log_fd = n->log_fd;
    c->open = n->open;
    c->size = n->size;
    n->back = old;
    n->be = was.be;
    n->filename = was.filename;
    n->log_fd = was.log_fd;
    n->open = was.open;
    n->mux = was.mux;
    set_handle(new, c);
    set_handle(old, n);
    c->back_bh = NULL; /* was bound to the old one's context */
    c->told_session = c->out_blocked = c->modem_state = c->look_modem = c->unsupported = 0;
    c->starved = 1; /* what the new one has not been told yet */
    for (uint32_t i = 0; i < CHR_FRONTS; i++) {
        if (!c->front[i].gen)
            continue;
        c->front[i].pending |=
            (was.open ? 1u << TN_CHR_CLOSED : 0) | (c->open ? 1u << TN_CHR_OPENED : 0);
        chr_kick_front(c, i);
    }
}

static void replace(struct tn_chr *c, struct tn_chr *n)
{
    struct device *old = c->back, *new = n->back;
    struct managed here = {0};
    struct tn_bh *bh = c->back_bh;
    uint32_t holds = old->holds;
    take_place(&here, &c->m);
    take_place(&c->m, &n->m);
    take_place(&n->m, &here);
    pthread_mutex_lock(&c->lock);
    swap_backs(c, n);
    pthread_mutex_unlock(&c->lock);
    if (bh)
        bh_del(bh);
    old->holds = 0;
    new->holds += holds;
    swap_ids(old, new);
    chr_make_back_bh(c);
    device_free(old); /* and n with it */
    chr_back_changed(c);
}

int chardev_change(struct vm *vm, const char *id, const struct kv_node *dict, struct tn_err *e)
{
    struct tn_chr *c = chardev_find(vm, id);
    struct device *new;
    if (!c)
        return err_set(e, ENOENT, "Chardev '%s' does not exist", id);
    if (c->back->busy)
        return err_set(e, EBUSY, "Chardev '%s' is busy", id);
    if (may_change(c, e) < 0)
        return -ENOTSUP;
    KV_AUTO *opts = kv_clone(dict);
    AUTO_FREE char *other = xasprintf("%s.new", id);
    kv_set(opts, "id", other);
    int r = device_add(vm, TN_K_CHARDEV, opts, &new, e);
    if (r < 0)
        return r;
    replace(c, new->handle);
    return 0;
}
