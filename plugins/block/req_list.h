/* SPDX-License-Identifier: BSD-2-Clause */
/* A FIFO of block requests, linked through the last of the words that a request has for its back
 * end. No lock of its own. */
#ifndef TN_BLOCK_REQ_LIST_H
#define TN_BLOCK_REQ_LIST_H
#include <tenon/block.h>

enum { REQ_NEXT = 3 }; /* index into tn_blk_req.own */

struct req_list {
    struct tn_blk_req *first, *last;
};

static inline struct tn_blk_req *req_next(const struct tn_blk_req *r)
{
    return (struct tn_blk_req *)(uintptr_t)r->own[REQ_NEXT];
}

static inline void req_push(struct req_list *l, struct tn_blk_req *r)
{
    r->own[REQ_NEXT] = 0;
    if (l->first)
        l->last->own[REQ_NEXT] = (uintptr_t)r;
    else
        l->first = r;
    l->last = r;
}

/* The oldest, NULL if there is none. */
static inline struct tn_blk_req *req_pop(struct req_list *l)
{
    struct tn_blk_req *r = l->first;
    if (r)
        l->first = req_next(r);
    return r;
}

/* Everything in from goes behind what is in l. */
static inline void req_splice(struct req_list *l, struct req_list *from)
{
    if (!from->first)
        return;
    if (l->first)
        l->last->own[REQ_NEXT] = (uintptr_t)from->first;
    else
        l->first = from->first;
    l->last = from->last;
    from->first = NULL;
}

/* 1 if r was in l; it is not any more. */
static inline int req_remove(struct req_list *l, struct tn_blk_req *r)
{
    struct tn_blk_req *before = NULL, *at = l->first;
    for (; at && at != r; at = req_next(at))
        before = at;
    if (!at)
        return 0;
    if (before)
        before->own[REQ_NEXT] = r->own[REQ_NEXT];
    else
        l->first = req_next(r);
    if (l->last == r)
        l->last = before;
    return 1;
}

#endif
