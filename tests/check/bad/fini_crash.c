/* SPDX-License-Identifier: BSD-2-Clause */
/* fini that believes that realize was there.
 * breaks: life/init-fini
 * says: Segmentation */
#define IN_FINI(s) *(volatile char *)s->memory = 1
#include "device.h"
