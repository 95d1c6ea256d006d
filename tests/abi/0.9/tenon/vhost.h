/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * vhost: a network back end that serves a device's rings itself (vhost-net, vhost-user). A front end finds it by
 * tn_netdev.get_iface(TN_VHOST_1).
 */
#ifndef TENON_VHOST_H
#define TENON_VHOST_H
#include <tenon/virtio.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Events: the back end went, came (queues must be started again), has new config, does not answer */
enum { TN_VHOST_DOWN = 1, TN_VHOST_UP, TN_VHOST_CONFIG, TN_VHOST_HUNG };
struct tn_vhost_events {
    uint32_t struct_size, flags;
    /** [ctx][dev] of the front end; TN_VHOST_* */
    void (*event)(void *s, uint32_t ev);
};

#define TN_VHOST_1 "tenon.vhost/1"
/** FWD: TN_VHOST_1; v is the handle that came with it. */
struct tn_vhost {
    uint32_t struct_size, flags;
    /** [main] d takes the back end: it listens to memory as d and sends it, IOTLB and dirty log. -EBUSY */
    int (*open)(void *v, struct tn_dev *d, uint32_t nqueues, const struct tn_vhost_events *ev, void *s, struct tn_err *e);
    /** [main] in: wanted, out: possible */
    int (*features)(void *v, uint64_t *f, uint32_t nwords);
    /** [vcpu][dev] posted; as: where the rings are */
    int (*negotiated)(void *v, const uint64_t *f, uint32_t nwords, struct tn_as *as);
    /** [vcpu][dev] posted; kick and call are borrowed until stopped; base: last index (split), or indices and wrap bits
     * (packed) */
    int (*queue_start)(void *v, const struct tn_vq *q, int kick, int call, uint64_t base);
    /** [vcpu][dev] 0, or TN_PENDING: stopped(arg, err, base) follows in the front end's home context, without [dev]. A
     * hung back end: err -ETIMEDOUT after the deadline, base from the in-flight record or the used index */
    int (*queue_stop)(void *v, uint32_t q, void (*stopped)(void *arg, int err, uint64_t base), void *arg);
    /** [vcpu][dev] posted: one queue of a multiqueue device on or off */
    void (*queue_enable)(void *v, uint32_t q, uint32_t on);
    /** [main] returns after the last event() and stopped() */
    void (*close)(void *v);
};

#ifdef __cplusplus
}
#endif
#endif
