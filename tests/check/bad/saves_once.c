/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving again saves something else.
 * breaks: state/save-twice
 * says: saved twice */
#define IN_PRE_SAVE(s) \
    if (s->pad[0]++)   \
    s->index ^= 1
#include "device.h"
