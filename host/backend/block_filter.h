/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host's own nodes have in common that stand on one other node and hand requests on. */
#ifndef TN_HOST_BLOCK_FILTER_H
#define TN_HOST_BLOCK_FILTER_H
#include "block_impl.h"
#include <tenon/plugin.h>

/* First in the instance. */
struct filter {
    struct tn_dev *dev;
    struct tn_blk *file; /* property */
    uint32_t adopted;
};
/* First in the state of a context. */
struct filter_queue {
    struct filter *f;
    struct tn_ctx *ctx;
    struct blk_lane *below;
};

#define FILTER_PROP(T) TN_PROP_REF(T, f.file, "file", DRIVE, TN_PF_REQUIRED, "node below")

int filter_init(void *s, struct tn_dev *d);
int filter_realize(struct filter *f, struct tn_err *e); /* takes the node below */
void filter_unrealize(void *s);
struct tn_blk *filter_blk(const struct filter *f); /* the node itself */
int filter_info(void *s, struct tn_blk_info *out);
/* size bytes, zeroed, with the lane below; NULL with e. */
void *filter_queue(struct filter *f, uint64_t size, struct tn_ctx *c, struct tn_err *e);
void filter_queue_del(void *q);
void filter_flush_batch(void *q);
int filter_access(void *s, uint32_t flags, struct tn_err *e);

#endif
