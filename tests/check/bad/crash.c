/* SPDX-License-Identifier: BSD-2-Clause */
/* A read that crashes.
 * breaks: life/used
 * says: Segmentation */
#define IN_READ(s, off) *(volatile char *)(uintptr_t)off = 1
#include "device.h"
