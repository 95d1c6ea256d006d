/* SPDX-License-Identifier: BSD-2-Clause */
/* A composition that presets a property that there is not.
 * breaks: life/init-fini
 * says: the composition presets */
#define PRESET "colour", "red"
#include "pair.h"
