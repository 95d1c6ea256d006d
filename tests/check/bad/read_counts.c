/* SPDX-License-Identifier: BSD-2-Clause */
/* Each read of a register counts.
 * breaks: regions/reads-settle
 * says: again and again */
#define IN_READ(s, off) s->index++
#include "device.h"
