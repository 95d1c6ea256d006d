/* SPDX-License-Identifier: BSD-2-Clause */
/* Levels of interrupt lines, INTx among them: irq.h, docs/abi.md. */
#include "drive.h"
#include "host_pci.h"

enum { ROUNDS = 24, STEPS = 80 };

static const char *needs_state(const struct check *c)
{
    return needs_device(c) ? needs_device(c) : c->cls->state ? NULL : "it saves no state";
}

/* HOLD drives lines and levels, whatever was before: docs/abi.md, Life of an instance, reset. */
static void after_reset(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const char *name = "";
    drive_reset(d, TN_RESET_COLD);
    uint32_t fresh = lines_up(d, &name), seen = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (d->pci)
            pci_firmware(d);
        drive_regs(h, &c->rng, STEPS);
        seen += lines_up(d, &name) != fresh;
        drive_reset(d, TN_RESET_WARM);
        uint32_t now = lines_up(d, &name);
        CHECK(c, now == fresh, "%u lines are asserted after a reset (%s), %u in a fresh device",
              now, name, fresh);
    }
    check_note(c, "a line was asserted in %u of %u rounds", seen, ROUNDS);
    check_end(c, h, d);
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
    {"after-reset", "a reset leaves lines as a fresh device has them",
     "docs/abi.md: Life of an instance, reset", CT_CLASS, needs_device, after_reset},
    {"after-load", "lines are driven again when state was loaded", "state.h: post_load",
     CT_CLASS | CT_LONG, needs_state, after_load},
    {0},
};

const struct check_group group_irq = {"irq", tests};
