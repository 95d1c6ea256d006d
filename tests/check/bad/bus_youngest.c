/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes that the youngest of its children leaves first.
 * breaks: bus/come-and-go
 * says: Aborted */
#define IN_DETACH(s, leaves)   \
    if ((s)->memory != leaves) \
    abort()
#include "provider.h"
