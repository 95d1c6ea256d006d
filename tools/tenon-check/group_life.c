/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an instance: docs/abi.md, Life of an instance. */
#include "host.h"
#include "host_misc.h"
#include "left.h"
#include "stand_virtio.h"
#include <string.h>
#include <tenon/machine.h>
#include <time.h>

enum { LIVES = 1000, WARM_UP = 30, STEPS = 300 };

static void make_only(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_make(c, &h);
    check_end(c, h, d);
}

static void one_life(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    host_run(h, 1000000000);
    check_end(c, h, d);
}

static void used(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (int i = 0; i < STEPS; i++)
        guest_step(h, &c->rng);
    check_end(c, h, d);
}

static void life(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (int i = 0; i < 3; i++)
        guest_step(h, &c->rng);
    check_end(c, h, d);
}

/* A thousand, or as many as a third of the time limit has room for. */
static void lives(struct check *c)
{
    time_t until = time(NULL) + 1 + c->o->timeout_s / 3;
    uint32_t n = 0;
    for (int i = 0; i < WARM_UP; i++)
        life(c);
    struct left before = left_now();
    for (; n < LIVES && time(NULL) < until; n++)
        life(c);
    struct left after = left_now();
    check_note(c, "%u lives", n);
    left_check(c, &before, &after, n);
}

/* Nothing of one machine shows in another: globals would. */
static void two_machines(struct check *c)
{
    struct host *h[2] = {NULL, NULL};
    struct dev *d[2] = {check_start(c, &h[0]), check_start(c, &h[1])};
    struct rng r[2] = {c->rng, c->rng};
    for (int i = 0; i < STEPS; i++)
        guest_step(h[i & 1], &r[i & 1]);
    CHECK(
        c, memcmp(&h[0]->log, &h[1]->log, sizeof h[0]->log) == 0,
        "two machines did the same, and not the same came of it: something is shared between them");
    check_end(c, h[0], d[0]);
    for (int i = 0; i < STEPS; i++)
        guest_step(h[1], &r[1]);
    check_end(c, h[1], d[1]);
}

static const char *real_time(const struct check *c)
{
    return c->cls->kind == TN_K_DEVICE ? NULL : "what it does depends on files, peers or time";
}

/* A second one of the class beside the first: it comes to life, or says why not. */
static void second(struct check *c)
{
    struct host *h = NULL;
    struct tn_err e = {0};
    struct dev *d = check_start(c, &h), *x = check_make(c, &h);
    if (dev_realize(x, &e) == 0) {
        dev_reset(x, TN_RESET_COLD);
        dev_resume(x);
        host_run(h, 1000000);
    }
    dev_free(x);
    for (int i = 0; i < 50; i++)
        guest_step(h, &c->rng);
    check_end(c, h, d);
}

static void pauses(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t why = TN_Q_SAVE; why <= TN_Q_MEMORY; why++) {
        for (int i = 0; i < 20; i++)
            guest_step(h, &c->rng);
        int r = dev_quiesce(d, why);
        CHECK(c, r == 0, "quiesce(%u) failed: %d", why, r);
        host_run(h, 0);
        dev_resume(d);
    }
    check_end(c, h, d);
}

/* While it is quiet nothing starts: no message, no DMA, no output. The host's rules find DMA and
 * I/O; time stands still. */
static void quiet(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (int i = 0; i < STEPS; i++)
        guest_step(h, &c->rng);
    CHECK(c, dev_quiesce(d, TN_Q_SAVE) == 0, "quiesce failed");
    host_run(h, 0);
    struct host_log before = h->log;
    host_run(h, 1000000000);
    CHECK(c, h->log.blk_out == before.blk_out && h->log.net_out == before.net_out,
          "it did I/O while it was quiet");
    dev_resume(d);
    check_end(c, h, d);
}

/* Each service that the plugin says it can do without. */
static void without_wants(struct check *c)
{
    for (const char *const *w = c->plugin->wants; *w; w++) {
        struct host *h = host_new(c);
        struct tn_err e = {0};
        h->without[0] = *w;
        struct dev *d = check_make(c, &h);
        if (dev_realize(d, &e) == 0) {
            dev_reset(d, TN_RESET_COLD);
            dev_resume(d);
            for (int i = 0; i < 100; i++)
                guest_step(h, &c->rng);
        } else {
            check_note(c, "without %s: %s", *w, e.text);
        }
        check_end(c, h, d);
    }
}

static const char *no_wants(const struct check *c)
{
    return c->plugin->wants && *c->plugin->wants ? NULL : "it wants no service";
}

static int names(const struct tn_plugin *p, const char *service)
{
    for (const char *const *n = p->needs; n && *n; n++)
        if (strcmp(*n, service) == 0)
            return 1;
    for (const char *const *n = p->wants; n && *n; n++)
        if (strcmp(*n, service) == 0)
            return 1;
    return 0;
}

/* A plugin asks for what needs and wants name, and for nothing else: who reads the table knows what
 * it uses. */
static void declared(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (int i = 0; i < 50; i++)
        guest_step(h, &c->rng);
    for (uint32_t i = 0; i < h->nasked; i++) {
        int known = strcmp(h->asked[i], TN_CORE_1) == 0 || names(c->plugin, h->asked[i]);
        for (uint32_t k = 0; c->with[k]; k++)
            known |= names(c->with[k], h->asked[i]);
        CHECK(c, known, "it asks for '%s', which neither needs nor wants names", h->asked[i]);
    }
    check_end(c, h, d);
}

static void events(struct check *c)
{
    struct host *h = NULL;
    struct tn_err e = {0};
    struct dev *d = check_start(c, &h);
    for (uint32_t ev = TN_ON_POWERDOWN; ev <= TN_ON_MEMORY_PLUG; ev++) {
        host_event(h, ev, ev == TN_ON_RUNSTATE, &e);
        host_run(h, 1000000);
    }
    check_end(c, h, d);
}

#define LIFE "docs/abi.md: Life of an instance"
static const struct check_test tests[] = {
    {"init-fini", "fini also comes after an init that succeeded and a realize that never came",
     "class.h: fini", CT_CLASS, NULL, make_only},
    {"one-life", "an instance is made, runs for a second, and goes", LIFE, CT_CLASS, NULL,
     one_life},
    {"used", "it also goes after a guest has used it", LIFE, CT_CLASS, NULL, used},
    {"thousand", "a thousand lives leave no memory, descriptor, thread or mapping behind",
     "docs/abi.md: Managed resources, Types and ownership", CT_CLASS, NULL, lives},
    {"two-machines", "two machines in one process know nothing of each other",
     "docs/abi.md: Finding and loading", CT_CLASS, real_time, two_machines},
    {"second", "a second instance beside the first comes to life, or says why not", LIFE, CT_CLASS,
     NULL, second},
    {"pauses", "quiesce and resume, for each reason, again and again", "class.h: quiesce", CT_CLASS,
     NULL, pauses},
    {"quiet", "after quiesce nothing is in flight and nothing starts", "class.h: quiesce", CT_CLASS,
     NULL, quiet},
    {"without-wants", "without a service of wants it works, or says why not", "plugin.h: wants",
     CT_CLASS, no_wants, without_wants},
    {"declared", "it asks for no service that needs and wants do not name",
     "plugin.h: needs, wants", CT_CLASS, NULL, declared},
    {"events", "power button, wake-up and run state come at any time", "machine.h: on", CT_CLASS,
     NULL, events},
    {0},
};

const struct check_group group_life = {"life", tests};
