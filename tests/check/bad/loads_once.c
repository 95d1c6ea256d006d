/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading again loads something else.
 * breaks: state/load-twice
 * says: loaded twice */
#define IN_POST_LOAD(s, e) \
    if (s->pad[0]++)       \
    s->index++
#include "device.h"
