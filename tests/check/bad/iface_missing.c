/* SPDX-License-Identifier: BSD-2-Clause */
/* It provides what nothing answers.
 * breaks: meta/class
 * says: no get_iface */
#include <tenon/plugin.h>
static const char *const provided[] = {"org.example.gadget/1", NULL};
#define EXTRA .provides = provided
#include "device.h"
