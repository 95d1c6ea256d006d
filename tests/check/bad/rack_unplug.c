/* SPDX-License-Identifier: BSD-2-Clause */
/* A bus that answers neither yes nor why not when a child is to go.
 * breaks: addresses/unplug
 * says: answers 1 */
#include <tenon/base.h>
static int unplug(void *bus, void *child, struct tn_err *e);
#define BUS_CALLS .unplug_request = unplug
#include "rack.h"
static int unplug(void *bus, void *child, struct tn_err *e)
{
    (void)bus, (void)child, (void)e;
    return 1;
}
