/* SPDX-License-Identifier: BSD-2-Clause */
/* A write behind its instance.
 * breaks: life/one-life
 * says: Segmentation */
#define IN_TIMER(s)
#define IN_RESUME(s) ((volatile uint8_t *)s)[sizeof *s + 4096] = 1
#include "device.h"
