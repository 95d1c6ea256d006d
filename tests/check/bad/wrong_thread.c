/* SPDX-License-Identifier: BSD-2-Clause */
/* A timer made on a vCPU.
 * breaks: life/used
 * says: was called in */
#define IN_WRITE(s, off, v) s->loop->timer(s->d, NULL, 0, TN_CLK_VM, timer_fires, s)
#include "device.h"
