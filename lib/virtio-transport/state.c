/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport's state: registers only. The device is at rest when it is saved, so nothing of
 * stop.c is under way; queues go on from the child's indices in vt_resume(). */
#include "virtio-transport/transport.h"
#include <errno.h>

static const struct tn_field queue_fields[] = {
    TN_FIELD(struct vt_queue, size, U16),   TN_FIELD(struct vt_queue, vector, U16),
    TN_FIELD(struct vt_queue, enabled, U8), TN_FIELD(struct vt_queue, fresh, U8),
    TN_FIELD(struct vt_queue, desc, U64),   TN_FIELD(struct vt_queue, driver, U64),
    TN_FIELD(struct vt_queue, device, U64),
};
static const struct tn_state queue_state = {
    .struct_size = sizeof queue_state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-transport-queue",
    .fields = queue_fields,
    .nfields = sizeof queue_fields / sizeof queue_fields[0],
    .field_stride = sizeof queue_fields[0],
};

static const struct tn_field fields[] = {
    TN_FIELD(struct vt, status, U32),
    TN_FIELD(struct vt, generation, U32),
    TN_FIELD_ARRAY(struct vt, driver, U64),
    TN_FIELD_ARRAY(struct vt, agreed, U64),
    TN_FIELD(struct vt, device_feature_select, U32),
    TN_FIELD(struct vt, driver_feature_select, U32),
    TN_FIELD(struct vt, queue_select, U32),
    TN_FIELD(struct vt, shm_select, U32),
    TN_FIELD(struct vt, early, U32),
    {.name = "queues",
     .type = TN_S_SUB,
     .offset = offsetof(struct vt, q),
     .count = offsetof(struct vt, nqueues),
     .sub = &queue_state,
     .stride = sizeof(struct vt_queue),
     .max = VIRTIO_MAX_QUEUES,
     .flags = TN_SF_PTR | TN_SF_COUNT_AT},
};

static int check_queues(struct vt *v, struct tn_err *e)
{
    for (uint32_t i = 0; i < v->nqueues; i++) {
        const struct vt_queue *q = &v->q[i];
        if (q->size > q->max || q->enabled > 1 || (q->enabled && !q->size))
            return tn_fail(v->d, e, EINVAL, "queue %u of %u descriptors cannot be loaded", i,
                           q->size);
    }
    return 0;
}

/* Features are negotiated anew with the child: it may be another version of itself. */
static int post_load(void *s, uint32_t version, struct tn_err *e)
{
    struct vt *v = s;
    (void)version;
    if (v->status > 0xff || check_queues(v, e) < 0)
        return tn_fail(v->d, e, EINVAL, "the state of the virtio transport makes no sense");
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        if (v->agreed[i] & ~v->offered[i])
            return tn_fail(v->d, e, EINVAL, "features 0x%llx of word %u are not offered here",
                           (unsigned long long)(v->agreed[i] & ~v->offered[i]), i);
    return vt_negotiated_again(v, e);
}

const struct tn_state vt_state = {
    .struct_size = sizeof vt_state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-transport",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};
