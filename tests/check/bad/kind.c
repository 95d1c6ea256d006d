/* SPDX-License-Identifier: BSD-2-Clause */
/* A class of no known kind.
 * breaks: meta/class
 * says: its kind 77 */
#define EXTRA .kind = 77
#include "device.h"
