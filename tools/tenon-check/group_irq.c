/* SPDX-License-Identifier: BSD-2-Clause */
/* Levels of interrupt lines, INTx among them: irq.h, docs/abi.md. */
#include "drive.h"
#include "host_pci.h"
#include <string.h>

enum { ROUNDS = 24, STEPS = 80, OFTEN = 16 };

static const char *needs_state(const struct check *c)
{
    return needs_device(c) ? needs_device(c) : c->cls->state ? NULL : "it saves no state";
}

/* Lines are no state: who loads drives them again. */
static void after_load(struct check *c)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct host *h = NULL, *other = NULL;
        struct dev *d = check_start(c, &h), *to = check_start(c, &other);
        struct st_part saved = {0};
        struct tn_err e = {0};
        const char *name = "";
        drive_regs(h, &c->rng, STEPS);
        if (dev_quiesce(d, TN_Q_SAVE) < 0 || dev_save(d, &saved, &e) < 0)
            check_skip(c, "it cannot be saved here: %s", e.text);
        uint32_t was = lines_up(d, &name);
        dev_quiesce(to, TN_Q_RESET);
        dev_reset(to, TN_RESET_COLD);
        if (dev_load(to, &saved, &e) < 0)
            check_fail(c, "it does not load what it saved: %s", e.text);
        dev_resume(d);
        dev_resume(to);
        CHECK(c, lines_up(to, &name) == was, "%u lines are asserted after a load (%s), %u before",
              lines_up(to, &name), name, was);
        st_free(&saved);
        check_end(c, h, d);
        check_end(c, other, to);
    }
}

/* "HOLD drives lines": before the first reset nothing is up, or the guest of a machine that runs
 * sees an interrupt that nobody made. */
static void early(struct check *c)
{
    struct host *h = NULL;
    struct tn_err e = {0};
    const char *name = "";
    struct dev *d = check_make(c, &h);
    if (dev_realize(d, &e) < 0)
        check_skip(c, "it cannot be realized here: %s", e.text);
    CHECK(c, !lines_up(d, &name), "%s is asserted before the first reset", name);
    check_end(c, h, d);
}

static void resets(struct check *c)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct host *h = NULL;
        struct dev *d = check_start(c, &h);
        uint32_t kind = TN_RESET_COLD + i % TN_RESET_PM;
        const char *name = "";
        drive_regs(h, &c->rng, 3 * STEPS);
        CHECK(c, dev_quiesce(d, TN_Q_RESET) == 0, "quiesce failed");
        dev_reset(d, kind);
        CHECK(c, !lines_up(d, &name), "%s is asserted after a reset of kind %u", name, kind);
        dev_resume(d);
        check_end(c, h, d);
    }
}

static int stuck(const struct tn_line *l)
{
    return !(l->flags & TN_LINE_LEVEL) && l->again >= OFTEN && !l->falls;
}

/* An edge is a change: who raises a line that is up already has told nobody. */
static void edges(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const struct res *r;
    drive_all(h, &c->rng, ROUNDS * STEPS);
    TAILQ_FOREACH(r, &d->res, link)
    {
        const struct tn_line *l = (const void *)r;
        CHECK(c, strcmp(r->kind, "line") != 0 || !stuck(l),
              "an edge-triggered line was raised and %u times raised again, and never lowered",
              l->again);
    }
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"early", "no line is asserted before the first reset", "class.h: TN_RESET_HOLD", CT_CLASS,
     needs_device, early},
    {"resets", "after a reset of any kind no line is asserted, nor INTx", "class.h: TN_RESET_*",
     CT_CLASS, needs_device, resets},
    {"edges", "a line that is edge-triggered comes down before it goes up again",
     "irq.h: TN_LINE_LEVEL", CT_CLASS, needs_device, edges},
    {"after-load", "lines are driven again when state was loaded", "state.h: post_load",
     CT_CLASS | CT_LONG, needs_state, after_load},
    {0},
};

const struct check_group group_irq = {"irq", tests};
