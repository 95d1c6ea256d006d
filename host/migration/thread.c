/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that ask the main loop. */
#include "core/loop.h"
#include "impl.h"
#include <errno.h>
#include <string.h>

/* The main loop does what is asked, and may run itself meanwhile. */
static void serve(void *p)
{
    struct helper *h = p;
    pthread_mutex_lock(&h->lock);
    int (*fn)(void *o, struct tn_err *e) = h->fn;
    pthread_mutex_unlock(&h->lock);
    if (!fn)
        return;
    int r = fn(h->o, h->e);
    pthread_mutex_lock(&h->lock);
    h->result = r;
    h->fn = NULL;
    pthread_cond_broadcast(&h->cond);
    pthread_mutex_unlock(&h->lock);
}

int helper_start(struct helper *h, struct vm *vm, const char *name, void *(*body)(void *), void *o,
                 struct tn_err *e)
{
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->cond, NULL);
    h->bh = bh_new(vm->main, NULL, 0, serve, h);
    int r = pthread_create(&h->thread, NULL, body, o);
    if (r) {
        bh_del(h->bh);
        return err_set(e, r, "no thread for migration: %s", strerror(r));
    }
    pthread_setname_np(h->thread, name);
    return 0;
}

int helper_ask(struct helper *h, int (*fn)(void *o, struct tn_err *e), void *o, struct tn_err *e)
{
    pthread_mutex_lock(&h->lock);
    h->fn = h->quit ? NULL : fn;
    h->o = o;
    h->e = e;
    h->result = -ECANCELED;
    if (h->fn)
        bh_kick(h->bh);
    while (h->fn && !h->quit)
        pthread_cond_wait(&h->cond, &h->lock);
    h->fn = NULL;
    int r = h->result;
    pthread_mutex_unlock(&h->lock);
    return r == -ECANCELED ? err_set(e, ECANCELED, "migration was cancelled") : r;
}

void helper_join(struct helper *h)
{
    pthread_mutex_lock(&h->lock);
    h->quit = 1;
    pthread_cond_broadcast(&h->cond);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    bh_del(h->bh);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->cond);
}
