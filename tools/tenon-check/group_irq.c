/* SPDX-License-Identifier: BSD-2-Clause */
/* Levels of interrupt lines, INTx among them: irq.h, docs/abi.md. */
#include "drive.h"
#include "host_pci.h"

enum { ROUNDS = 24, STEPS = 80 };

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

static const struct check_test tests[] = {
    {"after-load", "lines are driven again when state was loaded", "state.h: post_load",
     CT_CLASS | CT_LONG, needs_state, after_load},
    {0},
};

const struct check_group group_irq = {"irq", tests};
