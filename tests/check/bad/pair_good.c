/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing is wrong with it.
 * breaks: nothing
 * says: nothing */
#include "pair.h"
