/* SPDX-License-Identifier: BSD-2-Clause */
/* It says that it loads what it does not load.
 * breaks: state/older
 * says: was refused */
#define MIN_VERSION 1
#define IN_POST_LOAD(s, e) \
    if (version < 2)       \
    return tn_fail(s->d, e, EINVAL, "too old")
#include "device.h"
