/* SPDX-License-Identifier: BSD-2-Clause */
/* A property of its bus lies behind the data that each child has.
 * breaks: bus/types
 * says: not inside the 2 bytes */
#define SEAT_SIZE 2
#include "provider.h"
