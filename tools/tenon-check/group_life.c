/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of an instance: docs/abi.md, Life of an instance. */
#include "host.h"

static void run_once(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    host_run(h, 1000000000);
    check_end(c, h, d);
}

static void make_only(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_make(c, &h);
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"init-fini", "fini also comes after an init that succeeded and a realize that never came",
     "class.h: fini", CT_CLASS, NULL, make_only},
    {"one-life", "an instance is made, runs for a second, and goes",
     "docs/abi.md: Life of an instance", CT_CLASS, NULL, run_once},
    {0},
};

const struct check_group group_life = {"life", tests};
