/* SPDX-License-Identifier: BSD-2-Clause */
/* A read that does not return.
 * breaks: life/used
 * says: did not end */
#define IN_READ(s, off) for (volatile int x = 1; x;)
#include "device.h"
