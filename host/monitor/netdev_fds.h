/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors of getfd's in the options of a network back end. Main thread. */
#ifndef TN_HOST_NETDEV_FDS_H
#define TN_HOST_NETDEV_FDS_H
#include "monitor.h"

/* Puts numbers in the place of names, in fd=, fds=, vhostfd=, vhostfds= and addresses of type fd.
 * names: a list that the names are added to. 0, or -ENOENT with e. */
int netdev_fds(struct vm *vm, struct kv_node *dict, struct kv_node *names, struct tn_err *e);
/* The back end has duplicates of them: the names, and what they stood for, are gone. */
void netdev_fds_used(struct vm *vm, const struct kv_node *names);

#endif
