/* SPDX-License-Identifier: BSD-2-Clause */
/* A write in front of its instance.
 * breaks: life/one-life
 * says: beside the instance */
#define IN_RESUME(s) ((volatile uint8_t *)s)[-1] = 1
#include "device.h"
