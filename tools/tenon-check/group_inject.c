/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call of the host that may fail does, one after the other. */
#include "host_misc.h"
#include "host_pci.h"
#include "host_tables.h"
#include "left.h"
#include "stand_virtio.h"
#include <tenon/machine.h>

enum { CALLS_MAX = 400, STEPS = 60, ROUNDS = 40 };

/* One life with the n-th call failing. 0: nothing failed any more. */
static int fail_nth(struct check *c, uint64_t n, int null_err)
{
    struct host *h = host_new(c);
    struct tn_err e = {0};
    struct dev *d = check_make(c, &h);
    h->fallible = 0;
    h->fail_at = n;
    h->null_err = null_err;
    int r = dev_realize(d, &e);
    int failed = h->failed != NULL;
    if (r == 0 && failed) { /* it goes on without: an optimisation, or a mistake that shows now */
        dev_reset(d, TN_RESET_COLD);
        dev_resume(d);
        for (int i = 0; i < STEPS; i++)
            guest_step(h, &c->rng);
    }
    check_end(c, h, d);
    return failed;
}

static void realizable(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    check_end(c, h, d);
}

static void realize(struct check *c)
{
    realizable(c);
    for (uint64_t n = 1; n < CALLS_MAX && fail_nth(c, n, 0); n++)
        ;
}

static void realize_null(struct check *c)
{
    realizable(c);
    for (uint64_t n = 1; n < CALLS_MAX && fail_nth(c, n, 1); n++)
        ;
}

struct failing {
    struct check *c;
    uint64_t n;
};

static void fail_often(void *o, uint32_t lives)
{
    const struct failing *f = o;
    while (lives--)
        fail_nth(f->c, f->n, 0);
}

/* "Likewise, nothing is left": the failures of one call, many times. */
static void leaks(struct check *c)
{
    realizable(c);
    for (uint64_t n = 1; n < CALLS_MAX && fail_nth(c, n, 0); n++) {
        struct failing f = {c, n};
        fail_often(&f, 10); /* until the allocator's caches are full */
        left_lives(c, fail_often, &f, 40);
    }
}

/* Tables are built at each start: a builder whose call fails says so. */
static void builders(struct check *c)
{
    uint64_t n = 0;
    int failed = 1;
    for (; failed && n < CALLS_MAX; n++) {
        struct host *h = NULL;
        struct tn_err e = {0};
        struct dev *d = check_start(c, &h);
        h->fallible = 0;
        h->fail_at = n + 1;
        int r = host_build(h, &e);
        failed = h->failed != NULL;
        CHECK(c, !failed || r == 0 || e.err,
              "a builder answered %d after %s had failed and did not fill e", r, h->failed);
        check_end(c, h, d);
    }
    if (n == 1)
        check_skip(c, "it builds no tables");
}

/* While it runs: a call now and then fails, wherever it is. */
static void running(struct check *c)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct host *h = NULL;
        struct dev *d = check_start(c, &h);
        for (int i = 0; i < STEPS; i++) {
            h->fail_at = h->fallible + 1 + rng_below(&c->rng, 4);
            guest_step(h, &c->rng);
        }
        h->fail_at = 0;
        check_end(c, h, d);
    }
}

#define REALIZE "class.h: realize; docs/abi.md: Managed resources"
static const struct check_test tests[] = {
    {"realize",
     "whatever call of the host fails in realize, it fails with a reason, or lives on without",
     REALIZE, CT_CLASS, NULL, realize},
    {"realize-null", "likewise with no error to fill: e may be NULL", "base.h: struct tn_err",
     CT_CLASS, NULL, realize_null},
    {"leaks", "a realize that fails half-way leaves nothing behind", REALIZE, CT_CLASS | CT_LONG,
     NULL, leaks},
    {"builders", "a builder of tables whose call fails says so", "acpi.h, fdt.h: builder", CT_CLASS,
     NULL, builders},
    {"running", "calls that fail while it runs are no crash", "docs/abi.md: Errors", CT_CLASS, NULL,
     running},
    {0},
};

const struct check_group group_inject = {"inject", tests};
