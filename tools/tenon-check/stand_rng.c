/* SPDX-License-Identifier: BSD-2-Clause */
/* A source of entropy that is not one: an object of the strict host with TN_RNG_1, for links. */
#include "parts.h"
#include "stand_in.h"
#include <tenon/rng.h>

struct reader {
    struct res r;
    void (*entropy)(void *arg, const uint8_t *p, uint32_t n);
    void *arg;
    uint32_t wanted, gen; /* gen: moves with cancel() */
};
struct want {
    struct reader *r;
    uint32_t len, gen;
};

static void reader_release(struct res *r)
{
    (void)r;
}

static void *rng_open(void *s, struct tn_dev *pub,
                      void (*entropy)(void *, const uint8_t *, uint32_t), void *arg,
                      struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    (void)s;
    enter_realize(d, "rng->open");
    if (inject_err(d, e, ENODEV, "rng->open"))
        return NULL;
    struct reader *r = res_new(d, "reader of entropy", sizeof *r, reader_release);
    r->entropy = entropy;
    r->arg = arg;
    return r;
}

static void give(void *o)
{
    static const uint8_t bytes[64] = {4}; /* chosen by fair dice roll, as always in tests */
    struct want *w = o;
    struct reader *r = w->r;
    uint32_t n = w->len < sizeof bytes ? w->len : (uint32_t)sizeof bytes;
    if (!r->r.dead && r->gen == w->gen)
        CALL(r->r.d, R_MAIN | R_DEV, "tn_rng entropy", r->entropy(r->arg, bytes, n));
    free(w);
}

static void rng_want(void *h, uint32_t len)
{
    struct reader *r = h;
    res_check(&r->r, "rng->want");
    enter(r->r.d, R_ANY, "rng->want");
    if (!len)
        violation("rng.h: want: at least 1", "rng->want of 0 bytes");
    struct want *w = XNEW(struct want);
    *w = (struct want){r, len, r->gen};
    job_add(r->r.d->h, NULL, give, w);
}

static void rng_cancel(void *h)
{
    struct reader *r = h;
    res_check(&r->r, "rng->cancel");
    enter(r->r.d, R_MAIN | R_VCPU, "rng->cancel");
    r->gen++;
}

static void rng_close(void *h)
{
    struct reader *r = h;
    res_check(&r->r, "rng->close");
    enter(r->r.d, R_MAIN, "rng->close");
    res_drop(&r->r);
}

static const struct tn_rng rng_ops = {.struct_size = sizeof(struct tn_rng),
                                      .open = rng_open,
                                      .want = rng_want,
                                      .cancel = rng_cancel,
                                      .close = rng_close};

static const void *iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_RNG_1) == 0 ? &rng_ops : NULL;
}

static const char *const provides[] = {TN_RNG_1, NULL};
const struct tn_class stand_in_rng = {.struct_size = sizeof(struct tn_class),
                                      .kind = TN_K_OBJECT,
                                      .name = "stand-in-rng",
                                      .provides = provides,
                                      .instance_size = 8,
                                      .get_iface = iface};
