/* SPDX-License-Identifier: BSD-2-Clause */
/* Format raw: the disk is what the node below holds, or the part of it from offset= on, size= bytes
 * long. Without those the node is left out of the way. */
#include "block_filter.h"

#include <errno.h>
#include <inttypes.h>

struct raw {
    struct filter f;
    uint64_t offset, size; /* bytes; size 0: to the end */
};

static int check_window(const struct raw *w, struct tn_err *e)
{
    uint64_t have = w->f.file->info.size;
    if (w->offset > have)
        return err_set(e, EINVAL,
                       "Offset (%" PRIu64 ") cannot be greater than size of the containing file "
                       "(%" PRIu64 ")",
                       w->offset, have);
    if (w->size > have - w->offset)
        return err_set(e, EINVAL,
                       "The sum of offset (%" PRIu64 ") and size (%" PRIu64
                       ") has to be smaller or "
                       "equal to the  actual size of the containing file (%" PRIu64 ")",
                       w->offset, w->size, have);
    if (w->size % BLK_BLOCK)
        return err_set(e, EINVAL, "Specified size is not multiple of %d", BLK_BLOCK);
    if (w->offset % w->f.file->info.logical)
        return err_set(e, EINVAL, "Offset (%" PRIu64 ") is not a multiple of the block size %u",
                       w->offset, w->f.file->info.logical);
    return 0;
}

static int raw_realize(void *s, struct tn_err *e)
{
    struct raw *w = s;
    int r = check_window(w, e);
    if (r == 0)
        r = filter_realize(&w->f, e);
    if (r == 0 && !w->offset && !w->size)
        filter_blk(&w->f)->elided = w->f.file;
    return r;
}

static int raw_info(void *s, struct tn_blk_info *out)
{
    const struct raw *w = s;
    struct tn_blk_info i = w->f.file->info;
    i.size = i.size > w->offset ? i.size - w->offset : 0;
    if (w->size && w->size < i.size)
        i.size = w->size;
    return blk_info_out(&i, out);
}

static void *raw_queue(void *s, struct tn_ctx *c, struct tn_err *e)
{
    return filter_queue(s, sizeof(struct filter_queue), c, e);
}

static int raw_submit(void *p, struct tn_blk_req *r)
{
    struct filter_queue *q = p;
    if (r->op != TN_BLK_FLUSH)
        r->off += ((const struct raw *)q->f)->offset;
    lane_pass(q->below, r);
    return 0;
}

static const struct tn_blk_backend raw_ops = {
    .struct_size = sizeof raw_ops,
    .info = raw_info,
    .queue = raw_queue,
    .queue_del = filter_queue_del,
    .submit = raw_submit,
    .flush_batch = filter_flush_batch,
    .access = filter_access,
};

static const struct tn_prop raw_props[] = {
    FILTER_PROP(struct raw),
    TN_PROP(struct raw, offset, "offset", U64, 0, "bytes before the disk begins"),
    TN_PROP(struct raw, size, "size", U64, 0, "bytes of the disk; 0 = all that is there"),
};

const struct tn_class blk_raw_class = {
    .struct_size = sizeof(struct tn_class),
    .kind = TN_K_BLOCK,
    .name = "raw",
    .desc = "The plain bytes of a disk",
    .instance_size = sizeof(struct raw),
    .props = raw_props,
    .nprops = sizeof raw_props / sizeof raw_props[0],
    .prop_stride = sizeof raw_props[0],
    .bus_ops = &raw_ops,
    .init = filter_init,
    .realize = raw_realize,
    .unrealize = filter_unrealize,
};
