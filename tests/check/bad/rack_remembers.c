/* SPDX-License-Identifier: BSD-2-Clause */
/* A refused child has changed the provider.
 * breaks: addresses/bounds
 * says: has changed with the refusal */
#define IN_CHECK(s) s->index = at
#include "rack.h"
