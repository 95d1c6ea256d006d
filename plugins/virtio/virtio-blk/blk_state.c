/* SPDX-License-Identifier: BSD-2-Clause */
/* What a disk is in another process: where its queues stand, what they keep, the driver's cache. */
#include <errno.h>
#include <stdlib.h>

#include "blk_regs.h"
#include "util/bytes.h"
#include "virtio_blk.h"

/* Numbers of a kept request, before its pieces. */
enum { WORD_IDS, WORD_PIECES, WORDS };
enum { MAX_WORDS = 1 << 20 };

static uint32_t words_of(const struct vq_kept *k)
{
    return WORDS + 2 * (k->nout + k->nin);
}

static void pack(const struct vq_kept *k, uint64_t *w)
{
    w[WORD_IDS] = k->id | (uint64_t)k->ndesc << 16 | (uint64_t)k->seq << 32;
    w[WORD_PIECES] = k->nout | (uint64_t)k->nin << 32;
    w += WORDS;
    for (uint32_t i = 0; i < k->nout + k->nin; i++) {
        *w++ = k->piece[i].iova;
        *w++ = k->piece[i].len;
    }
}

/* The request at w, of which n words are left. NULL: there is none, or no memory. */
static struct vq_kept *unpack(const uint64_t *w, uint64_t n)
{
    if (n < WORDS)
        return NULL;
    uint64_t nout = w[WORD_PIECES] & UINT32_MAX, nin = w[WORD_PIECES] >> 32;
    if (nout + nin > (n - WORDS) / 2)
        return NULL;
    struct vq_kept *k = vq_kept_new((uint32_t)nout, (uint32_t)nin);
    if (!k)
        return NULL;
    k->id = (uint16_t)w[WORD_IDS];
    k->ndesc = (uint16_t)(w[WORD_IDS] >> 16);
    k->seq = (uint16_t)(w[WORD_IDS] >> 32);
    w += WORDS;
    for (uint32_t i = 0; i < nout + nin; i++) {
        k->piece[i].iova = *w++;
        k->piece[i].len = *w++;
    }
    return k;
}

static const struct tn_stream *stream_of(const struct blk_queue *q)
{
    return TN_GET(q->s->v.d, struct tn_stream, TN_STREAM_1);
}

static int save_kept(struct blk_queue *q, struct tn_save *o)
{
    uint64_t n = 0, at = 0;
    for (const struct vq_kept *k = q->parked; k; k = k->next)
        n += words_of(k);
    uint64_t *w = n <= MAX_WORDS ? calloc(n ? n : 1, sizeof *w) : NULL;
    if (!w)
        return -ENOMEM;
    for (const struct vq_kept *k = q->parked; k; k = k->next) {
        pack(k, w + at);
        at += words_of(k);
    }
    int r = stream_of(q)->put(o, "kept", TN_S_U64, w, (uint32_t)n);
    free(w);
    return r;
}

/* With VIRTIO_F_IN_ORDER the driver has been told of nothing from the first kept request on: all of
 * it is taken from the ring once more, and what was done is done again. */
static int save_queue(void *self, struct tn_save *o, struct tn_err *e)
{
    struct blk_queue *q = self;
    struct vdev_queue at = *q->vq;
    bool again = q->parked && q->s->v.vq_flags & TN_VQ_IN_ORDER;
    if (again)
        at.place.avail = at.place.used;
    int r = stream_of(q)->put_sub(o, "place", &vdev_queue_state, &at);
    if (r == 0 && !again)
        r = save_kept(q, o);
    return r < 0 ? tn_fail(q->s->v.d, e, -r, "queue %u cannot be saved", q->vq->index) : 0;
}

static int load_kept(struct blk_queue *q, struct tn_load *i)
{
    int64_t n = stream_of(q)->get_count(i, "kept");
    if (n < 0)
        return n == -ENOENT ? 0 : (int)n;
    uint64_t *w = n <= MAX_WORDS ? calloc(n ? (uint64_t)n : 1, sizeof *w) : NULL;
    int r = w ? stream_of(q)->get(i, "kept", TN_S_U64, w, (uint32_t)n) : -ENOMEM;
    for (int64_t at = 0; r == 0 && at < n;) {
        struct vq_kept *k = unpack(w + at, (uint64_t)(n - at));
        r = k ? 0 : -EINVAL;
        if (k) {
            at += words_of(k);
            blk_queue_keep(q, k);
        }
    }
    free(w);
    return r;
}

static int load_queue(void *self, struct tn_load *i, struct tn_err *e)
{
    struct blk_queue *q = self;
    blk_queue_forget(q);
    int r = stream_of(q)->get_sub(i, "place", &vdev_queue_state, q->vq);
    if (r == 0)
        r = load_kept(q, i);
    return r < 0 ? tn_fail(q->s->v.d, e, -r, "queue %u cannot be loaded", q->vq->index) : 0;
}

static const struct tn_state queue_state = {
    .struct_size = sizeof queue_state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-blk-queue",
    .save = save_queue,
    .load = load_queue,
};

static int pre_save(void *self, struct tn_err *e)
{
    struct virtio_blk *s = self;
    (void)e;
    s->saved_capacity = get_le64(s->config + BLK_CFG_CAPACITY);
    s->saved_writeback = s->config[BLK_CFG_WRITEBACK];
    return 0;
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct virtio_blk *s = self;
    (void)version;
    if (s->saved_capacity != get_le64(s->config + BLK_CFG_CAPACITY))
        return tn_fail(s->v.d, e, EINVAL, "the disk had %llu sectors",
                       (unsigned long long)s->saved_capacity);
    blk_config_set_cache(s, s->saved_writeback);
    return 0;
}

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct virtio_blk, saved_capacity, "capacity", U64, 1),
    TN_FIELD_ROW(struct virtio_blk, saved_writeback, "writeback", U8, 1),
    {.name = "queues",
     .type = TN_S_SUB,
     .offset = offsetof(struct virtio_blk, q),
     .count = offsetof(struct virtio_blk, v.nq),
     .sub = &queue_state,
     .stride = sizeof(struct blk_queue),
     .max = UINT16_MAX,
     .flags = TN_SF_PTR | TN_SF_COUNT_AT},
};

const struct tn_state blk_state = {
    .struct_size = sizeof blk_state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-blk",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .pre_save = pre_save,
    .post_load = post_load,
};
