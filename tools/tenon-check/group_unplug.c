/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving: quiesce under load, guests that never answer, going twice. class.h, docs/abi.md: Life of
 * an instance. */
#include "drive.h"
#include "host_pci.h"
#include <errno.h>

enum { ROUNDS = 40, STEPS = 60 };

static const char *needs_hotplug(const struct check *c)
{
    return c->cls->flags & TN_C_HOTPLUG ? NULL : "its class is not TN_C_HOTPLUG";
}

static const char *needs_quiesce(const struct check *c)
{
    return c->cls->quiesce ? NULL : "it has no quiesce";
}

/* In the middle of whatever it does. */
static void under_load(struct check *c)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct host *h = NULL;
        struct dev *d = check_start(c, &h);
        drive_all(h, &c->rng, rng_below(&c->rng, STEPS));
        check_end(c, h, d);
    }
}

/* And goes on where it was. */
static void stop_and_go(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        drive_all(h, &c->rng, rng_below(&c->rng, STEPS));
        int r = dev_quiesce(d, 1 + rng_below(&c->rng, TN_Q_MEMORY));
        CHECK(c, r == 0, "quiesce fails with %d", r);
        dev_resume(d);
    }
    check_end(c, h, d);
}

/* Past the deadline: "cut the back end off, 0 is the only answer". */
static void force(struct check *c)
{
    for (uint32_t i = 0; i < ROUNDS / 4; i++) {
        struct host *h = NULL;
        struct dev *d = check_start(c, &h);
        int r = 0;
        drive_all(h, &c->rng, STEPS);
        d->stage = ST_QUIESCING;
        d->pending = 1;
        CALL(d, R_MAIN | R_DEV, "quiesce", r = c->cls->quiesce(d->pub.self, TN_Q_UNPLUG, 0));
        if (r == TN_PENDING && d->pending)
            CALL(d, R_MAIN | R_DEV, "quiesce",
                 r = c->cls->quiesce(d->pub.self, TN_Q_UNPLUG, TN_QF_FORCE));
        CHECK(c, r == 0 || !d->pending,
              "quiesce with TN_QF_FORCE answered %d: 0 is the only answer", r);
        d->pending = 0;
        d->stage = ST_QUIET;
        check_end(c, h, d);
    }
}

static int request(struct check *c, struct dev *d, const char *when)
{
    struct tn_err e = {0};
    int r = 0;
    if (c->cls->unplug_request)
        CALL(d, R_MAIN | R_DEV, "unplug_request", r = c->cls->unplug_request(d->pub.self, &e));
    CHECK(c, r != TN_PENDING, "unplug_request answers TN_PENDING (%s), which is not used here",
          when);
    CHECK(c, r <= 0, "unplug_request answers %d (%s)", r, when);
    CHECK(c, r == 0 || e.err, "unplug_request answers %d (%s) and does not fill e", r, when);
    return r;
}

/* The guest is asked, and never answers; asked again; and goes on using the device. */
static void no_answer(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 3; i++) {
        drive_regs(h, &c->rng, 30);
        request(c, d, i ? "asked again" : "asked once");
        host_run(h, 60000000000);
    }
    check_end(c, h, d);
}

/* The host took it away for good before the guest could answer; what was asked of it has no echo.
 */
static void gone_meanwhile(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    request(c, d, "asked once");
    dev_free(d);
    host_run(h, 60000000000);
    host_free(h);
}

/* Plugged into a machine that runs, again and again. */
static void hot_add(struct check *c)
{
    struct host *h = host_new(c);
    struct tn_err e = {0};
    for (uint32_t i = 0; i < 8; i++) {
        struct dev *d = check_make(c, &h);
        d->hotplugged = 1;
        if (dev_realize(d, &e) < 0)
            check_skip(c, "it cannot be realized here: %s", e.text);
        dev_reset(d, TN_RESET_COLD);
        dev_resume(d);
        if (d->pci)
            pci_firmware(d);
        drive_all(h, &c->rng, STEPS);
        dev_free(d);
        host_run(h, 1000000);
    }
    host_free(h);
}

static const struct check_test tests[] = {
    {"under-load", "an instance goes in the middle of its work", "docs/abi.md: Life of an instance",
     CT_CLASS, NULL, under_load},
    {"stop-and-go", "quiesce and resume at any time, for any reason", "class.h: quiesce, resume",
     CT_CLASS, NULL, stop_and_go},
    {"force", "past the deadline quiesce answers 0", "class.h: TN_QF_FORCE", CT_CLASS,
     needs_quiesce, force},
    {"no-answer",
     "a guest that never answers an unplug request does no harm, nor does asking again",
     "class.h: unplug_request", CT_CLASS, needs_hotplug, no_answer},
    {"gone-meanwhile", "an instance goes while its guest is still asked", "class.h: unplug_request",
     CT_CLASS, needs_hotplug, gone_meanwhile},
    {"hot-add", "an instance comes to a machine that runs, and goes, many times",
     "class.h: TN_C_HOTPLUG", CT_CLASS, needs_hotplug, hot_add},
    {0},
};

const struct check_group group_unplug = {"unplug", tests};
