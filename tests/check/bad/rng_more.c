/* SPDX-License-Identifier: BSD-2-Clause */
/* It always gives as much as it has.
 * breaks: backend/rng-wants
 * says: were wanted */
#include <tenon/rng.h>
static const void *iface(void *self, const char *id);
static const char *const provides[] = {TN_RNG_1, NULL};
#define NEEDS TN_LOOP_1
#define CLASS .kind = TN_K_OBJECT, .provides = provides, .get_iface = iface
#include "backend.h"

struct reader {
    struct gadget *s;
    struct tn_bh *bh;
    void (*entropy)(void *arg, const uint8_t *p, uint32_t n);
    void *arg;
};

static void give(void *p)
{
    static const uint8_t bytes[4096] = {4};
    struct reader *r = p;
    r->entropy(r->arg, bytes, sizeof bytes);
}

static void *open(void *self, struct tn_dev *d,
                  void (*entropy)(void *arg, const uint8_t *p, uint32_t n), void *arg,
                  struct tn_err *e)
{
    struct gadget *s = self;
    struct reader *r = calloc(1, sizeof *r);
    if (r)
        *r = (struct reader){s, s->loop->bh(d, NULL, 0, give, r), entropy, arg};
    if (!r || !r->bh) {
        free(r);
        (void)tn_fail(s->d, e, ENOMEM, "no memory for a reader");
        return NULL;
    }
    return r;
}

static void want(void *h, uint32_t len)
{
    struct reader *r = h;
    (void)len;
    r->s->loop->kick(r->bh);
}

static void cancel(void *h)
{
    (void)h;
}

static void shut(void *h)
{
    struct reader *r = h;
    r->s->loop->bh_del(r->bh);
    free(r);
}

static const struct tn_rng rng = {
    .struct_size = sizeof rng, .open = open, .want = want, .cancel = cancel, .close = shut};

static const void *iface(void *self, const char *id)
{
    (void)self;
    return strcmp(id, TN_RNG_1) == 0 ? &rng : NULL;
}
