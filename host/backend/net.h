/* SPDX-License-Identifier: BSD-2-Clause */
/* Network back ends between their front end (a NIC) and the world: -netdev, -nic, -net. All
 * functions are for the main thread. */
#ifndef TN_HOST_NET_H
#define TN_HOST_NET_H
#include "core/device.h"
#include <tenon/net.h>

struct cli_options;

extern const struct tn_netdev netdev_table;         /* TN_NETDEV_1: front ends call it */
extern const struct tn_net_feed net_feed_table;     /* TN_NET_FEED_1: back ends call it */
extern const struct tn_net_filters net_chain_table; /* TN_NET_FILTER_CHAIN_1: filters call it */
extern const struct tn_plugin net_plugin; /* the host's own: hubport, and the object filter-dump */

/* Gives a new instance of kind TN_K_NETDEV its handle (d->handle), once. It goes with d. */
struct tn_net *net_create(struct device *d);
/* The handle of a back end by id; NULL. */
struct tn_net *net_find(struct vm *vm, const char *id);
/* set_link: the cable of a back end, or of the NIC with that id, is plugged in (up 1) or out (0).
 * -ENODEV with e: "Device 'x' not found". */
int net_set_link(struct vm *vm, const char *id, int up, struct tn_err *e);

/* netdev_del: the back end goes; a NIC that it has stays, without a link. One that serves its NIC's
 * queues (vhost) is -EBUSY. 0 or -errno with e. */
int net_remove(struct vm *vm, const char *id, struct tn_err *e);
/* query-rx-filter: appends one entry for each NIC, or for the one called name (NULL: all), to list.
 * 0 or -errno with e. */
struct kv_node;
int net_query_rx(struct vm *vm, const char *name, struct kv_node *list, struct tn_err *e);
/* `info network`, appended to out. */
struct buf;
void net_describe(struct vm *vm, struct buf *out);
/* `info usernet`: what back ends that forward ports say. */
void net_describe_forwards(struct vm *vm, struct buf *out);
/* The forwarder called id; NULL: the first one. Its self in *self. NULL: there is none. */
const struct tn_net_forwards *net_forwards(struct vm *vm, const char *id, struct device **d);
/* announce-self. Names: of NICs, NULL: all. Times are milliseconds. */
struct net_announce_params {
    int64_t initial, max, rounds, step;
    const struct kv_node *interfaces; /* a list of texts; NULL: every NIC */
    const char *id;                   /* "" if there is none */
};
void net_announce(struct vm *vm, const struct net_announce_params *p);

/* -netdev, netdev_add: creates the back end that dict says ("type", "id", properties; dotted or
 * nested). */
int net_add(struct vm *vm, const struct kv_node *dict, struct tn_err *e);
/* Every -netdev; then the back ends and hub ports of -nic and -net. Before the machine's devices.
 */
int net_add_backends(struct vm *vm, const struct cli_options *o, struct tn_err *e);
/* The NICs of -nic and -net. After the machine's devices, before the user's. */
int net_add_nics(struct vm *vm, const struct cli_options *o, struct tn_err *e);
/* Does an object of this class wait until back ends exist: it names one. */
int net_object_is_late(struct vm *vm, const char *cls);
/* What nobody uses: a line of warning each. */
void net_warn_unused(struct vm *vm);
void net_free(struct vm *vm); /* vm->nets */

#endif
