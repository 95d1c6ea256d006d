/* SPDX-License-Identifier: BSD-2-Clause */
/* A flag of the future.
 * breaks: meta/flags
 * says: does not know */
#define EXTRA .flags = 1u << 30
#include "device.h"
