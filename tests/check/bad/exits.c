/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that ends the process.
 * breaks: life/used
 * says: ended from within */
#define IN_WRITE(s, off, v) exit(0)
#include "device.h"
