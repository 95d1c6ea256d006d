/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread in realize.
 * breaks: life/one-life
 * says: from the first resume on */
#define IN_REALIZE(s, e) TN_GET(s->d, struct tn_os, TN_OS_1)->thread(s->d, "x", "x", bh_runs, s, e)
#include "device.h"
