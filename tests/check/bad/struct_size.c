/* SPDX-License-Identifier: BSD-2-Clause */
/* It says that its description has less than ABI 1.0 had.
 * breaks: meta/sizes
 * says: says that it has 8 bytes */
#define PLUGIN .version = "1", .struct_size = 8
#include "device.h"
