/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport's state: registers only. The device is at rest when it is saved, so nothing of
 * stop.c is under way; queues go on from the child's indices in vt_resume(). */
#include "virtio-transport/transport.h"
#include <errno.h>
#include <stdio.h>

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
};

/* One part for each queue: how many there are is the device's to say, not the file's. */
static int save(void *s, struct tn_save *o, struct tn_err *e)
{
    struct vt *v = s;
    const struct tn_stream *stream = TN_GET(v->d, struct tn_stream, TN_STREAM_1);
    int r = stream->put(o, "nqueues", TN_S_U32, &v->nqueues, 1);
    for (uint32_t i = 0; r == 0 && i < v->nqueues; i++) {
        char name[16];
        snprintf(name, sizeof name, "queue%u", i);
        r = stream->put_sub(o, name, &queue_state, &v->q[i]);
    }
    return r < 0 ? tn_fail(v->d, e, -r, "the queues cannot be saved") : 0;
}

static int load(void *s, struct tn_load *i, struct tn_err *e)
{
    struct vt *v = s;
    const struct tn_stream *stream = TN_GET(v->d, struct tn_stream, TN_STREAM_1);
    uint32_t n = 0;
    int r = stream->get(i, "nqueues", TN_S_U32, &n, 1);
    if (r == 0 && n != v->nqueues)
        return tn_fail(v->d, e, EINVAL, "the state has %u queues, the device %u", n, v->nqueues);
    for (uint32_t k = 0; r == 0 && k < n; k++) {
        char name[16];
        snprintf(name, sizeof name, "queue%u", k);
        r = stream->get_sub(i, name, &queue_state, &v->q[k]);
    }
    return r < 0 ? tn_fail(v->d, e, -r, "the queues cannot be loaded") : 0;
}

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
    int r = check_queues(v, e);
    if (r < 0)
        return r;
    if (v->status > 0xff)
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
    .save = save,
    .load = load,
};
