/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving counts.
 * breaks: state/fresh-round-trip
 * says: saved, loaded */
#define IN_PRE_SAVE(s) s->index++
#include "device.h"
