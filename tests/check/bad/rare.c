/* SPDX-License-Identifier: BSD-2-Clause */
/* It falls over where two things come together.
 * breaks: fuzz/walks
 * says: Aborted */
#define IN_WRITE(s, off, v)                                   \
    if (off == 8 && v == 0xffffffff && s->reg[1] == 1u << 31) \
    abort()
#include "device.h"
