/* SPDX-License-Identifier: BSD-2-Clause */
/* A bottom half that kicks itself.
 * breaks: life/one-life
 * says: start themselves */
#define IN_BH(s)     s->loop->kick(s->bh)
#define IN_RESUME(s) s->loop->kick(s->bh)
#include "device.h"
