/* SPDX-License-Identifier: BSD-2-Clause */
/* Built for another major version.
 * breaks: meta/sizes
 * says: it is for ABI */
#define PLUGIN .version = "1", .abi_major = 9
#include "device.h"
