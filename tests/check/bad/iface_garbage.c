/* SPDX-License-Identifier: BSD-2-Clause */
/* get_iface compares the beginning of an id only.
 * breaks: meta/interfaces
 * says: answers */
#include <string.h>
#include <tenon/plugin.h>
static const char *const provided[] = {"org.example.gadget/1", NULL};
static const void *get_iface(void *s, const char *id)
{
    (void)s;
    return strncmp(id, provided[0], strlen(provided[0])) == 0 ? provided : NULL;
}
#define EXTRA .provides = provided, .get_iface = get_iface
#include "device.h"
