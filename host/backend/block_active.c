/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has the disks while a machine is on its way from one process to another: one of them. Main
 * thread. */
#include "block_impl.h"

#include <errno.h>
#include <string.h>

int block_front_access(struct tn_blk *b, uint32_t flags, struct tn_err *e)
{
    return b->dev->vm->disks_away ? 0 : blk_access(b, flags, e);
}

static int take(struct tn_blk *b, struct tn_err *e)
{
    return blk_access(b, b->front->access, e);
}

static int let_go(struct tn_blk *b, struct tn_err *e)
{
    int r = b->front->access & TN_BLKA_WRITE ? block_flush_now(b) : 0;
    if (r < 0 && r != -ENOTSUP)
        return err_set(e, -r, "Block node '%s' cannot be flushed: %s",
                       b->drive ? b->drive : device_id(b->dev), strerror(-r));
    return blk_access(b, 0, e);
}

static int each(struct vm *vm, uint32_t on, const struct device *end, struct tn_err *e,
                const struct device **failed)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        struct tn_blk *b = d != end && d->stage == DEV_REALIZED ? blk_of(d) : NULL;
        int r = b && b->front ? (on ? take(b, e) : let_go(b, e)) : 0;
        if (d == end)
            return 0;
        if (r < 0) {
            *failed = d;
            return r;
        }
    }
    return 0;
}

int block_activate(struct vm *vm, uint32_t on, struct tn_err *e)
{
    const struct device *failed = NULL;
    ERR_AUTO ignored = {0};
    if (!vm->disks_away == (on != 0))
        return 0;
    int r = each(vm, on, NULL, e, &failed);
    if (r == 0)
        vm->disks_away = !on;
    else
        each(vm, !on, failed, &ignored, &failed);
    return r;
}
