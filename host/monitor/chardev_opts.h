/* SPDX-License-Identifier: BSD-2-Clause */
/* A back end as chardev-add describes it, in -chardev's terms. */
#ifndef TN_HOST_CHARDEV_OPTS_H
#define TN_HOST_CHARDEV_OPTS_H
#include "monitor.h"

/* backend has been checked against ChardevBackend. The options of -chardev, the caller's; *fd: the
 * name of getfd's descriptor that they use, in backend; NULL: none. NULL with e. */
struct kv_node *chardev_opts(struct vm *vm, const char *id, const struct kv_node *backend,
                             const char **fd, struct tn_err *e);

#endif
