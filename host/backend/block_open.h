/* SPDX-License-Identifier: BSD-2-Clause */
/* From options to nodes. Main thread. */
#ifndef TN_HOST_BLOCK_OPEN_H
#define TN_HOST_BLOCK_OPEN_H
#include "block_impl.h"
#include "block_throttle.h"
#include "cli/kvtree.h"

/* Everything of a VM's block layer that belongs to no node: vm->block. */
struct block_state {
    struct throttle_groups groups;
    uint32_t anon;            /* numbers for node names */
    struct block_disk *disks; /* of if=virtio, -drive's first first */
    struct block_slot *slots; /* of -drive: where a disk sits */
};
struct block_state *block_state(struct vm *vm); /* made at the first call */

/* What any node may say; children that are part of their parent's option take it over. */
struct blk_node_opts {
    bool read_only, auto_read_only, direct, no_flush, force_share;
    bool unmap;
    bool writethrough; /* -drive only: of the device on top */
    enum blk_detect detect;
};

/* Whose words messages are in. */
enum blk_style { BLK_BLOCKDEV, BLK_DRIVE };

/* Reads the keys of any node from tree into *o, which holds what is the default. */
int blk_node_opts(const struct kv_node *tree, enum blk_style style, struct blk_node_opts *o,
                  struct tn_err *e);
int blk_is_node_key(const char *key); /* is it one of those */
/* What a child takes over from the option that it is written in. */
struct blk_node_opts blk_inherited(const struct blk_node_opts *o);

/* Opens the node that tree describes, children first; o: its own, as blk_node_opts() left them. A
 * "file" that is a text names a node that is there; below: it is that node, whatever tree says. On
 * failure nothing is left. */
struct device *blk_open(struct vm *vm, const struct kv_node *tree, const struct blk_node_opts *o,
                        struct device *below, enum blk_style style, struct tn_err *e);
/* One node, not yet open, with another name than tree says: for device_realize(), and blk_opened(). */
struct device *blk_prepare(struct vm *vm, const struct kv_node *tree, const struct blk_node_opts *o,
                           enum blk_style style, struct tn_err *e);
/* Takes apart what blk_open() has made: d and what is below it. */
void blk_close(struct device *d);
/* A drive without a medium; limits of a group on top of d, which stays if there is no node. NULL
 * with e. */
struct device *blk_open_empty(struct vm *vm, struct tn_err *e);
struct device *blk_open_throttle(struct vm *vm, const char *group, struct device *d,
                                 struct tn_err *e);
/* Is there a class of that name, and does it stand on another node? */
int blk_is_driver(struct vm *vm, const char *name);
int blk_is_format(struct vm *vm, const char *name);

/* Puts a temporary file on top of d, which is only read from here on: the new root, or NULL with e.
 */
struct device *blk_snapshot(struct vm *vm, struct device *d, struct tn_err *e);

/* What is the file's name that -drive has, in terms of a protocol node? Sets driver and options in
 * out, a dict. 0, or -EINVAL with *err: "Unknown protocol 'x'". [any] */
int blk_parse_filename(const char *name, struct kv_node *out, char **err);
/* Sets what a protocol's own driver= makes of the name, the same way. */
int blk_parse_for(const char *driver, const char *name, struct kv_node *out, char **err);

#endif
