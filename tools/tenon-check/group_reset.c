/* SPDX-License-Identifier: BSD-2-Clause */
/* Reset: class.h, reset. */
#include "host_pci.h"
#include "stand_virtio.h"
#include "state_tree.h"

enum { STEPS = 400, ROUNDS = 8 };

static void use(struct check *c, struct host *h, int steps)
{
    for (int i = 0; i < steps; i++)
        guest_step(h, &c->rng);
}

static void state_of(struct check *c, struct dev *d, struct st_part *out)
{
    struct tn_err e = {0};
    CHECK(c, dev_save(d, out, &e) == 0, "saving failed: %s", e.text);
}

static void one_round(struct check *c)
{
    struct host *h = NULL;
    struct st_part fresh, after;
    BUF_AUTO where = {0};
    struct dev *d = check_start(c, &h);
    CHECK(c, dev_quiesce(d, TN_Q_RESET) == 0, "quiesce failed");
    dev_reset(d, TN_RESET_COLD);
    state_of(c, d, &fresh);
    uint64_t then = h->parts->vm_now;
    dev_resume(d);
    if (d->pci)
        pci_firmware(d);
    use(c, h, STEPS);
    CHECK(c, dev_quiesce(d, TN_Q_RESET) == 0, "quiesce failed");
    dev_reset(d, TN_RESET_COLD);
    state_of(c, d, &after);
    st_earlier(&after, h->parts->vm_now - then); /* a timer that reset arms */
    CHECK(c, !st_differs(&fresh, &after, c->o->sticky, &where),
          "fresh and reset differ: %s (if it is meant to survive: --sticky)", buf_cstr(&where));
    st_free(&fresh);
    st_free(&after);
    dev_resume(d);
    check_end(c, h, d);
}

static void fresh_state(struct check *c)
{
    for (int i = 0; i < ROUNDS; i++)
        one_round(c);
}

static const char *no_state(const struct check *c)
{
    return c->cls->state ? NULL : "it has no state to compare";
}

static const char *no_reset(const struct check *c)
{
    return c->cls->reset ? NULL : "it has no reset";
}

/* Every kind, at any time, again and again. */
static void kinds(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 30; i++) {
        use(c, h, 20);
        CHECK(c, dev_quiesce(d, TN_Q_RESET) == 0, "quiesce failed");
        dev_reset(d, TN_RESET_COLD + i % TN_RESET_PM);
        dev_resume(d);
        if (d->pci)
            pci_firmware(d);
    }
    check_end(c, h, d);
}

/* ENTER forgets and touches nobody; lines fall in HOLD or EXIT at the latest. */
static void lines_fall(struct check *c)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct host *h = NULL;
        struct res *r;
        struct dev *d = check_start(c, &h);
        use(c, h, STEPS);
        CHECK(c, dev_quiesce(d, TN_Q_RESET) == 0, "quiesce failed");
        dev_reset(d, TN_RESET_COLD);
        TAILQ_FOREACH(r, &d->res, link)
        CHECK(c, strcmp(r->kind, "line") != 0 || !((struct tn_line *)(void *)r)->level,
              "line %u is still raised after a reset", ((struct tn_line *)(void *)r)->n);
        CHECK(c, !d->pci || !d->pci->intx, "INTx is still raised after a reset");
        dev_resume(d);
        check_end(c, h, d);
    }
}

/* Phases: calls out of ENTER are what the header forbids. */
static void enter_is_silent(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    use(c, h, STEPS);
    CHECK(c, dev_quiesce(d, TN_Q_RESET) == 0, "quiesce failed");
    struct host_log before = h->log;
    CALL(d, R_MAIN | R_DEV, "reset", c->cls->reset(dev_self(d), TN_RESET_COLD, TN_RESET_ENTER));
    CHECK(c,
          h->log.irqs == before.irqs && h->log.requests == before.requests &&
              h->log.chr_out == before.chr_out,
          "the phase ENTER raised an interrupt, asked something of the machine, or wrote");
    dev_reset(d, TN_RESET_COLD);
    dev_resume(d);
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"fresh-state", "a cold reset leaves the state of a fresh device", "class.h: reset", CT_CLASS,
     no_state, fresh_state},
    {"kinds", "resets of every kind, one after the other, in use", "class.h: TN_RESET_*", CT_CLASS,
     no_reset, kinds},
    {"lines-fall", "after a reset no line of it is raised", "class.h: TN_RESET_HOLD", CT_CLASS,
     no_reset, lines_fall},
    {"enter-is-silent", "the phase ENTER touches nobody else", "class.h: TN_RESET_ENTER", CT_CLASS,
     no_reset, enter_is_silent},
    {0},
};

const struct check_group group_reset = {"reset", tests};
