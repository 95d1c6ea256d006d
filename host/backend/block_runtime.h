/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks while the machine runs: what monitors do to them. Main thread; 0 or -errno with e, in
 * QEMU's words, and then nothing has changed. */
#ifndef TN_HOST_BLOCK_RUNTIME_H
#define TN_HOST_BLOCK_RUNTIME_H
#include "block_open.h"

/* The drive of that id; NULL. */
struct tn_blk *block_drive(struct vm *vm, const char *id);
/* The disk of a device by its id or path; NULL. *found: there is such a device. */
struct tn_blk *block_of_device(struct vm *vm, const char *id, int *found);
/* Is it what monitors count as a disk: a drive, or a node that a device uses. */
int block_is_disk(const struct tn_blk *b);
/* The uppermost node that the user has asked for: below limits and snapshots of a -drive. */
struct tn_blk *block_image(const struct tn_blk *b);
/* Limits of a disk: the throttle node on top; NULL: there is none. */
struct throttle_group *block_group(const struct tn_blk *b);
int block_is_empty(const struct tn_blk *b); /* a drive without a medium */

int block_node_del(struct vm *vm, const char *name, struct tn_err *e);  /* blockdev-del */
int block_drive_del(struct vm *vm, const char *name, struct tn_err *e); /* drive_del */
/* A device has left b: a -drive of its own goes, too. Soon. */
void block_let_go(struct tn_blk *b);
/* block_set_io_throttle: group NULL: one of b's own. Without limits there is none any more. */
int block_set_limits(struct tn_blk *b, const char *group, const struct throttle_limits *l,
                     struct tn_err *e);
/* eject of a drive that no device uses. */
int block_eject(struct tn_blk *b, struct tn_err *e);
/* blockdev-change-medium; format NULL: as it was, or raw. */
int block_change(struct tn_blk *b, const char *filename, const char *format, int read_only,
                 struct tn_err *e);
/* blockdev-reopen: list of options of nodes; of all or of none. */
int block_reopen(struct vm *vm, const struct kv_node *list, struct tn_err *e);
/* The node on top of all that stand on b. */
struct tn_blk *block_root(struct tn_blk *b);
/* b, drained, may have another size, other limits or flags: so it and those above are asked anew. */
void block_take_changes(struct tn_blk *b);
/* block_resize. */
int block_resize_disk(struct tn_blk *b, uint64_t size, struct tn_err *e);
/* The name of the image as a file name or an URL; the caller frees it. */
char *block_filename(const struct tn_blk *b);
/* The text of a property of d; the caller frees it. NULL: none, or not given. */
char *block_option(const struct device *d, const char *name);

#endif
