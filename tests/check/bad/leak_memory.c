/* SPDX-License-Identifier: BSD-2-Clause */
/* It never frees its memory.
 * breaks: life/thousand
 * says: of memory */
#define KEEPS_MEMORY
#include "device.h"
