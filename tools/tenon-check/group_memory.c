/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that runs out: each allocation of the plugin's own fails, one after the other. */
#include "drive.h"
#include "fault_alloc.h"
#include "left.h"
#include "virtio_drive.h"

enum { ALLOCATIONS_MAX = 300, STEPS = 60, ROUNDS = 30, WARM = 10, REPEATS = 40 };

static const char *not_here(const struct check *c)
{
    (void)c;
    return alloc_cannot();
}

/* "init answers 0 or -ENOMEM": the only moment when an instance may fail to come to be. */
static struct dev *make(struct check *c, struct host **h, uint64_t n)
{
    *h = host_new(c);
    alloc_fail(n);
    struct dev *d = check_make_in(c, *h);
    CHECK(c, d || alloc_failed(), "init failed though there is memory");
    return d;
}

static void live(struct check *c, struct host *h, struct dev *d)
{
    dev_reset(d, TN_RESET_COLD);
    dev_resume(d);
    drive_all(h, &c->rng, STEPS);
}

/* One life with the n-th allocation failing in init or realize. 0: there was no n-th one. */
static int fail_nth(struct check *c, uint64_t n, int use)
{
    struct host *h;
    struct tn_err e = {0};
    check_at(c, "allocation %llu fails", (unsigned long long)n);
    struct dev *d = make(c, &h, n);
    int r = d ? dev_realize(d, &e) : -ENOMEM, failed = alloc_failed();
    alloc_fail(0);
    if (r == 0 && failed && use)
        live(c, h, d); /* it goes on without: it has to work all the same */
    if (d)
        dev_free(d);
    host_free(h);
    return failed;
}

static void realizable(struct check *c)
{
    struct host *h = NULL;
    alloc_plugin(c->plugin);
    for (uint32_t i = 0; c->with[i]; i++)
        alloc_plugin(c->with[i]);
    struct dev *d = check_start(c, &h);
    check_end(c, h, d);
}

static void realize(struct check *c)
{
    uint64_t n = 1;
    realizable(c);
    while (n < ALLOCATIONS_MAX && fail_nth(c, n, 1))
        n++;
    if (n == 1)
        check_skip(c, "it allocates nothing until it is realized");
    check_note(c, "%llu allocations", (unsigned long long)n - 1);
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

/* "Likewise, nothing is left": the failures of one allocation, many times. */
static void leaks(struct check *c)
{
    uint64_t n = 1;
    realizable(c);
    for (; n < ALLOCATIONS_MAX && fail_nth(c, n, 0); n++) {
        struct failing f = {c, n};
        fail_often(&f, WARM); /* until the allocator's caches are full */
        left_lives(c, fail_often, &f, REPEATS);
    }
    if (n == 1)
        check_skip(c, "it allocates nothing until it is realized");
}

/* While it runs: an allocation now and then fails, wherever it is. */
static void running(struct check *c)
{
    uint64_t failed = 0;
    realizable(c);
    for (int round = 0; round < ROUNDS; round++) {
        struct host *h = NULL;
        struct dev *d = check_start(c, &h);
        for (int i = 0; i < STEPS; i++) {
            alloc_fail(1 + rng_below(&c->rng, 3));
            guest_step(h, &c->rng);
            failed += (uint64_t)alloc_failed();
        }
        alloc_fail(0);
        check_end(c, h, d);
    }
    check_note(c, "%llu allocations failed", (unsigned long long)failed);
}

/* Of a device on the virtio-bus: requests that find no memory may break it; a reset mends that. */
static void requests(struct check *c)
{
    uint64_t failed = 0;
    realizable(c);
    for (int round = 0; round < ROUNDS; round++) {
        struct host *h = NULL;
        struct dev *d = vdrive_start(c, &h, 0);
        struct vdrive *x = vdrive_new();
        vdrive_open(x, c, d, ~(uint64_t)0);
        for (int i = 0; i < 8; i++) {
            alloc_fail(1 + rng_below(&c->rng, 6));
            vdrive_traffic(x, 1);
            failed += (uint64_t)alloc_failed();
        }
        alloc_fail(0);
        vport_reset(vport_of(d));
        vdrive_open(x, c, d, ~(uint64_t)0);
        vdrive_traffic(x, 4);
        vdrive_expect_done(x);
        vdrive_free(x);
        check_end(c, h, d);
    }
    check_note(c, "%llu allocations failed", (unsigned long long)failed);
}

static const char *needs_virtio(const struct check *c)
{
    const char *bus = c->pair ? c->pair->child->bus : c->cls->bus;
    return not_here(c)                              ? not_here(c)
           : bus && strcmp(bus, TN_VIRTIO_BUS) == 0 ? NULL
                                                    : "it is not on the virtio-bus";
}

/* A save or a load that cannot have its memory says so, and the device lives on. */
static void state(struct check *c)
{
    struct tn_err e = {0};
    realizable(c);
    for (uint64_t n = 1, failed = 1; failed && n < ALLOCATIONS_MAX; n++) {
        struct host *h = NULL;
        struct st_part saved = {0};
        struct dev *d = check_start(c, &h);
        drive_all(h, &c->rng, STEPS);
        if (dev_quiesce(d, TN_Q_SAVE) < 0)
            check_fail(c, "quiesce failed");
        e = (struct tn_err){0};
        alloc_fail(n);
        int r = dev_save(d, &saved, &e);
        if (r == 0)
            r = dev_load(d, &saved, &e);
        failed = (uint64_t)alloc_failed();
        alloc_fail(0);
        CHECK(c, r == 0 || e.err, "a callback of save or load answered %d, and nobody said why", r);
        st_free(&saved);
        dev_resume(d);
        drive_all(h, &c->rng, STEPS);
        check_end(c, h, d);
    }
}

static const char *needs_state(const struct check *c)
{
    return not_here(c) ? not_here(c) : c->cls->state ? NULL : "it has no state";
}

#define REALIZE "class.h: init, realize; docs/abi.md: Errors"
static const struct check_test tests[] = {
    {"realize", "whatever allocation fails in init or realize, it fails with a reason, or lives on",
     REALIZE, CT_CLASS, not_here, realize},
    {"leaks", "an instance that ran out of memory half-way leaves nothing behind", REALIZE,
     CT_CLASS | CT_LONG, not_here, leaks},
    {"running", "memory that runs out while it runs is no crash", "docs/abi.md: Errors", CT_CLASS,
     not_here, running},
    {"requests", "requests of a virtio driver that find no memory are no crash; a reset mends it",
     "virtio 1.3 2.1.2", CT_CLASS | CT_LONG, needs_virtio, requests},
    {"state", "a save or a load without memory is refused with a reason", "state.h: save, load",
     CT_CLASS, needs_state, state},
    {0},
};

const struct check_group group_memory = {"memory", tests};
