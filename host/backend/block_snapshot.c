/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_open.h"

#include <errno.h>

struct device *blk_snapshot(struct vm *vm, struct device *d, struct tn_err *e)
{
    (void)vm, (void)d;
    err_set(e, ENOTSUP, "snapshot=on: not yet");
    return NULL;
}
