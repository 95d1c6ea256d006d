/* SPDX-License-Identifier: BSD-2-Clause */
/* A drive without a medium: `-drive if=none,id=cd`. */
#include "block_impl.h"

#include <errno.h>

struct empty {
    struct tn_dev *dev;
};

static int empty_init(void *s, struct tn_dev *d)
{
    ((struct empty *)s)->dev = d;
    return 0;
}

static int empty_info(void *s, struct tn_blk_info *out)
{
    const struct tn_blk_info i = {.flags = TN_BLKF_REMOVABLE, .logical = 1};
    (void)s;
    return blk_info_out(&i, out);
}

static void *empty_queue(void *s, struct tn_ctx *c, struct tn_err *e)
{
    (void)c, (void)e;
    return s;
}

static int empty_submit(void *q, struct tn_blk_req *r)
{
    (void)q, (void)r;
    return -ENOMEDIUM;
}

static const struct tn_blk_backend empty_ops = {
    .struct_size = sizeof empty_ops,
    .info = empty_info,
    .queue = empty_queue,
    .submit = empty_submit,
};

const struct tn_class blk_empty_class = {
    .struct_size = sizeof(struct tn_class),
    .flags = TN_C_INTERNAL,
    .kind = TN_K_BLOCK,
    .name = "no-medium",
    .desc = "A drive without a medium",
    .instance_size = sizeof(struct empty),
    .bus_ops = &empty_ops,
    .init = empty_init,
};
