/* SPDX-License-Identifier: BSD-2-Clause */
/* A name that no command line can say.
 * breaks: meta/class-names
 * says: no name for a class */
#define EXTRA .name = "a,b=c"
#include "device.h"
