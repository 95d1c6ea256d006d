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
