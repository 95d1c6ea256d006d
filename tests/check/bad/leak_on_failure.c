/* SPDX-License-Identifier: BSD-2-Clause */
/* A realize that fails leaves its memory.
 * breaks: inject/leaks
 * says: of memory */
#define KEEPS_MEMORY
#define IN_UNREALIZE(s) free(s->memory)
#include "device.h"
