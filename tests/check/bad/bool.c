/* SPDX-License-Identifier: BSD-2-Clause */
/* A bool of 2.
 * breaks: state/used-round-trip
 * says: not 0 or 1 */
#define IN_PRE_SAVE(s) s->flag = s->reg[3] ? 2 : 0
#include "device.h"
