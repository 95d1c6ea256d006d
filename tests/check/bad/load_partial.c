/* SPDX-License-Identifier: BSD-2-Clause */
/* It saves by hand and loads by nothing.
 * breaks: state/table
 * says: one of save and load */
#include <tenon/plugin.h>
static int save(void *s, struct tn_save *o, struct tn_err *e)
{
    (void)s, (void)o, (void)e;
    return 0;
}
#define STATE_CALLS .save = save
#include "device.h"
