/* SPDX-License-Identifier: BSD-2-Clause */
/* A bus that refuses a new address of a child without a reason.
 * breaks: addresses/runtime
 * says: answers -22 */
#include <tenon/base.h>
static int changed(void *bus, void *child, const char *name, struct tn_err *e);
#define PLACE_FLAGS TN_PF_RUNTIME
#define BUS_CALLS   .prop_changed = changed
#include "rack.h"
static int changed(void *bus, void *child, const char *name, struct tn_err *e)
{
    (void)bus, (void)child, (void)name, (void)e;
    return -EINVAL;
}
