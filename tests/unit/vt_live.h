/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport whose driver has come up. */
#ifndef TN_VT_LIVE_H
#define TN_VT_LIVE_H
#include "tap.h"
#include "vt_rig.h"

#define ACK     VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER  (ACK | VIRTIO_CONFIG_S_DRIVER)
#define FEATS   (DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define RUNNING (FEATS | VIRTIO_CONFIG_S_DRIVER_OK)

static inline struct rig *rig(void)
{
    static struct rig r;
    if (r.vt.q)
        rig_fini(&r);
    rig_init(&r);
    return &r;
}

static inline void negotiate(struct rig *r, uint64_t features)
{
    vt_set_status(&r->vt, 0);
    vt_set_status(&r->vt, ACK);
    vt_set_status(&r->vt, DRIVER);
    vt_set_driver_features(&r->vt, 0, (uint32_t)features);
    vt_set_driver_features(&r->vt, 1, (uint32_t)(features >> 32));
    vt_set_status(&r->vt, FEATS);
}

#define ALL (VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_RESET) | 0xf)

static inline void enable(struct rig *r, uint32_t q)
{
    r->vt.queue_select = q;
    vt_set_queue_size(&r->vt, 8);
    vt_set_queue_address(&r->vt, &r->vt.q[q].desc, 0x1000 * (q + 1));
    vt_enable_queue(&r->vt, 1);
}

static inline struct rig *live(void)
{
    struct rig *r = rig();
    negotiate(r, ALL);
    for (uint32_t q = 0; q < RIG_QUEUES; q++)
        enable(r, q);
    vt_set_status(&r->vt, RUNNING);
    return r;
}

#endif
