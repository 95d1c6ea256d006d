/* SPDX-License-Identifier: BSD-2-Clause */
/* A running property refused without a reason.
 * breaks: props/runtime
 * says: no reason */
#include <errno.h>
#include <tenon/plugin.h>
static int prop_changed(void *s, const char *name, struct tn_err *e)
{
    (void)s, (void)name, (void)e;
    return -EINVAL;
}
#define PROPS                                                                                \
    TN_PROP_ROW(struct gadget, size, "size", U32, TN_PF_RUNTIME, 0, 16, 0, 4096, NULL, NULL, \
                "bytes")
#define EXTRA .prop_changed = prop_changed
#include "device.h"
