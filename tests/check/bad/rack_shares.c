/* SPDX-License-Identifier: BSD-2-Clause */
/* Two children in one place.
 * breaks: addresses/taken
 * says: two children are at */
#define TAKEN(s, at)
#include "rack.h"
