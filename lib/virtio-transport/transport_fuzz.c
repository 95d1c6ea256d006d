/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver that writes anything to the registers in any order, while the child takes its time and
 * the host pauses, resets and loads. What tenon/virtio.h promises the child holds all the same (the
 * rig checks it at each call), and in the end a reset brings everything back to the start. */
#include "../../tests/unit/vt_rig.h"

struct input {
    const uint8_t *p;
    size_t n;
};

static uint32_t take(struct input *in)
{
    return in->n ? (in->n--, *in->p++) : 0;
}

static uint32_t take32(struct input *in)
{
    uint32_t v = take(in);
    return v | take(in) << 8 | take(in) << 16 | take(in) << 24;
}

static void queue_op(struct rig *r, struct input *in)
{
    struct vt *v = &r->vt;
    struct vt_queue *q = vt_selected(v);
    switch (take(in) % 8) {
    case 0:
        v->queue_select = take(in) % 5;
        break;
    case 1:
        vt_set_queue_size(v, take32(in));
        break;
    case 2:
        if (q)
            vt_set_queue_address(v, &q->desc, take32(in));
        break;
    case 3:
        vt_enable_queue(v, take(in));
        break;
    case 4:
        vt_reset_queue(v, take(in));
        break;
    case 5:
        vt_disable_queue(v);
        break;
    case 6:
        vt_set_queue_ring(v, take32(in), 4096);
        break;
    default:
        vt_notify(v, take(in) % 4, take(in));
        break;
    }
}

static void status_op(struct rig *r, struct input *in)
{
    struct vt *v = &r->vt;
    switch (take(in) % 6) {
    case 0:
        vt_set_status(v, take(in));
        break;
    case 1:
        vt_set_status_legacy(v, take(in));
        break;
    case 2:
        vt_set_driver_features(v, take(in) % 5, take32(in));
        break;
    case 3:
        vt_set_driver_features_legacy(v, take32(in));
        break;
    case 4:
        vt_notify_legacy(v, take(in) % 4);
        break;
    default: /* what a driver does */
        vt_set_driver_features(v, 0, 0xf);
        vt_set_driver_features(v, 1, take(in) & 1 ? 0x101 : 1);
        vt_set_status(v, 0xb);
        vt_set_status(v, 0xf);
        break;
    }
}

static void child_op(struct rig *r, struct input *in)
{
    switch (take(in) % 6) {
    case 0:
        rig_stopped(r);
        break;
    case 1:
        rig_reset_done(r);
        break;
    case 2:
        r->stop_later = take(in) & 1;
        r->reset_later = take(in) & 1;
        break;
    case 3:
        r->start_fails = take(in) % 8 == 7;
        r->refuses = take(in) & 1;
        break;
    case 4:
        vt_port.config_changed(&r->slot);
        break;
    default:
        vt_port.broken(&r->slot, "fuzz");
        break;
    }
}

/* The host resets and loads a device only when it is at rest. */
static void host_op(struct rig *r, struct input *in)
{
    struct vt *v = &r->vt;
    uint64_t v64 = take(in);
    switch (v64 % 4) {
    case 0:
        vt_config_write(v, take(in), take32(in), 1u << take(in) % 3);
        vt_config_read(v, take32(in), 1u << take(in) % 4);
        break;
    case 1:
        r->no_dma = take(in) & 1;
        vt_dma_changed(v);
        break;
    case 2:
        if (vt_quiesce(v, TN_Q_SAVE, 0) == TN_PENDING) {
            rig_stopped(r);
            rig_reset_done(r);
        }
        if (take(in) & 1)
            vt_reset(v, TN_RESET_COLD, TN_RESET_HOLD);
        vt_resume(v);
        break;
    default:
        break;
    }
}

static void come_to_rest(struct rig *r)
{
    r->stop_later = r->reset_later = 0;
    rig_stopped(r);
    rig_reset_done(r);
    vt_set_status(&r->vt, 0);
    if (vt_status(&r->vt) || r->running || r->stopping || r->doors || r->stalls != r->unstalls)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ops[])(struct rig *, struct input *) = {queue_op, status_op, child_op,
                                                                host_op,  queue_op,  status_op};
    struct input in = {data, size};
    struct rig r;
    rig_init(&r);
    while (in.n) {
        ops[take(&in) % (sizeof ops / sizeof ops[0])](&r, &in);
        if (r.broken_promise) {
            fprintf(stderr, "promise broken: %s\n", r.broken_promise);
            abort();
        }
    }
    come_to_rest(&r);
    rig_fini(&r);
    return 0;
}
