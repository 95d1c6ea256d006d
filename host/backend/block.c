/* SPDX-License-Identifier: BSD-2-Clause */
/* The front end's table: who is attached to a disk, and what becomes of its errors. */
#include "block_impl.h"

#include "block_runtime.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- attaching ---- */

static void release_front(struct managed *m)
{
    struct blk_front *f = (struct blk_front *)m;
    struct tn_blk *b = f->b;
    managed_del(m);
    while (!LIST_EMPTY(&f->queues)) /* newer than f: gone already, as a rule */
        blkq_free(LIST_FIRST(&f->queues));
    b->front = NULL;
    blk_account_front(b, NULL);
    b->dev->holds--;
    blk_access(b, 0, NULL);
    if (f->dev->realize_done)
        block_let_go(b);
    free(f);
}

static const char *user_name(const struct tn_blk *b)
{
    return b->drive ? b->drive : device_id(b->dev);
}

static int may_attach(struct tn_blk *b, uint32_t flags, const struct tn_blk_ops *o,
                      struct tn_err *e)
{
    struct tn_blk_info i;
    blk_front_info(b, &i);
    if (b->front && b->automatic)
        return err_set(
            e, EBUSY,
            "Drive '%s' is already in use because it has been automatically connected to "
            "another device (did you need 'if=none' in the drive options?)",
            b->drive);
    if (b->front && b->drive)
        return err_set(e, EBUSY, "Drive '%s' is already in use by another device", b->drive);
    if (b->front || b->parent)
        return err_set(e, EBUSY, "Permission conflict on node '%s': it is in use by '%s' already",
                       user_name(b), device_id(b->front ? b->front->dev : b->parent->dev));
    if ((flags & TN_BLKA_WRITE) && (i.flags & TN_BLKF_READONLY))
        return err_set(e, EACCES, "Block node is read-only");
    if (!(i.flags & TN_BLKF_INSERTED) && !TN_HAS(o, media))
        return err_set(e, ENOMEDIUM, "Device needs media, but drive is empty");
    return 0;
}

static int t_attach(struct tn_blk *b, struct tn_dev *d, uint32_t flags, const struct tn_blk_ops *o,
                    void *s, struct tn_err *e)
{
    if (!b)
        return err_set(e, EINVAL, "drive property not set");
    flags &= TN_BLKA_WRITE | TN_BLKA_SHARE_RW;
    int r = may_attach(b, flags, o, e);
    if (r == 0)
        r = block_front_access(b, flags | TN_BLKA_READ, e);
    if (r < 0)
        return r;
    struct blk_front *f = XNEW(struct blk_front);
    *f = (struct blk_front){.m.release = release_front,
                            .b = b,
                            .dev = device_of(d),
                            .ops = o,
                            .s = s,
                            .access = flags | TN_BLKA_READ};
    LIST_INIT(&f->queues);
    b->front = f;
    blk_account_front(b, f->dev);
    b->dev->holds++;
    managed_add(f->dev, &f->m);
    return 0;
}

static struct tn_blkq *t_queue(struct tn_blk *b, struct tn_ctx *c, uint32_t flags)
{
    struct blk_front *f = b ? b->front : NULL;
    struct tn_blkq *q;
    ERR_AUTO e = {0};
    if (!f)
        return NULL;
    c = c ? c : f->dev->home;
    LIST_FOREACH(q, &f->queues, link)
    if (q->ctx == c)
        return q;
    if (!loop_here(b->dev->vm->main) || !(q = blkq_new(b, f->dev, c, flags, &e))) {
        log_line(LOG_ERROR, "%s: %s", device_id(f->dev),
                 e.err ? err_text(&e) : "a queue is made by the main thread only");
        return NULL;
    }
    LIST_INSERT_HEAD(&f->queues, q, link);
    return q;
}

/* ---- errors ---- */

/* block/io: policy of a drive when the device says auto: read errors are reported, a full disk
 * stops the machine. */
static uint32_t policy_of(const struct tn_blk *b, uint32_t op, uint32_t policy)
{
    if (policy == TN_BLKE_AUTO)
        policy = op == TN_BLK_READ ? b->rerror : b->werror;
    if (policy == TN_BLKE_AUTO)
        policy = op == TN_BLK_READ ? TN_BLKE_REPORT : TN_BLKE_ENOSPC;
    return policy;
}

static uint32_t action_of(const struct tn_blk *b, uint32_t op, int err, uint32_t policy)
{
    policy = policy_of(b, op, policy);
    return policy != TN_BLKE_ENOSPC ? policy : err == ENOSPC ? TN_BLKE_STOP : TN_BLKE_REPORT;
}

static void tell_error(const struct tn_blk *b, uint32_t op, int err, uint32_t action)
{
    struct kv_node *data = kv_new(KV_DICT);
    const struct tn_blk *image = block_image(b);
    ret_str(data, "qom-path", b->front ? b->front->dev->path : "");
    ret_str(data, "device", b->drive ? b->drive : "");
    ret_str(data, "node-name", image->dev->id);
    ret_str(data, "operation", op == TN_BLK_READ ? "read" : "write");
    ret_str(data, "action",
            action == TN_BLKE_IGNORE ? "ignore"
            : action == TN_BLKE_STOP ? "stop"
                                     : "report");
    if (action == TN_BLKE_STOP)
        ret_bool(data, "nospace", err == ENOSPC);
    ret_str(data, "reason", strerror(err));
    monitor_event(b->dev->vm, "BLOCK_IO_ERROR", data);
}

static int t_on_error(struct tn_blk *b, uint32_t op, int err, uint32_t policy)
{
    err = err < 0 ? -err : err;
    uint32_t action = action_of(b, op, err, policy);
    tell_error(b, op, err, action);
    if (action != TN_BLKE_STOP)
        return action == TN_BLKE_IGNORE;
    __atomic_store_n(&b->io_error, (uint32_t)err, __ATOMIC_RELAXED);
    AUTO_FREE char *text =
        xasprintf("%s: %s: %s; the machine is paused", user_name(b),
                  op == TN_BLK_READ ? "read error" : "write error", strerror(err));
    run_io_error(b->dev->vm, text);
    return 2;
}

static int t_write_cache(struct tn_blk *b, uint32_t on)
{
    __atomic_store_n(&b->write_back, on ? 1 : 0, __ATOMIC_RELAXED);
    return 0;
}

/* Removable media come with the first controller that has them. */
static int t_tray(struct tn_blk *b, uint32_t open, uint32_t locked)
{
    (void)b, (void)open, (void)locked;
    return -ENOTSUP;
}

static int t_info(struct tn_blk *b, struct tn_blk_info *out)
{
    struct tn_blk_info i;
    blk_front_info(b, &i);
    return blk_info_out(&i, out);
}

static void t_flush_batch(struct tn_blkq *q)
{
    blkq_flush(q);
}

const struct tn_block block_table = {
    .struct_size = sizeof block_table,
    .rev = 1,
    .attach = t_attach,
    .info = t_info,
    .queue = t_queue,
    .submit = blkq_submit,
    .flush_batch = t_flush_batch,
    .cancel = blkq_cancel,
    .on_error = t_on_error,
    .write_cache = t_write_cache,
    .tray = t_tray,
    .refused = blkq_refused,
};
