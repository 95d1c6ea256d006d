/* SPDX-License-Identifier: BSD-2-Clause */
/* What a -drive says beside the options of its nodes. */
#ifndef TN_HOST_BLOCK_DRIVE_H
#define TN_HOST_BLOCK_DRIVE_H
#include "block_open.h"

struct drive {
    char *id, *file, *format; /* owned; NULL if not given */
    const char *interface;    /* if= */
    uint64_t bus, unit;
    bool cdrom, snapshot, copy_on_read;
    uint32_t rerror, werror; /* TN_BLKE_* */
    bool account_invalid, account_failed;
    uint64_t *intervals; /* owned; seconds */
    uint32_t nintervals;
    struct throttle_limits limits;
    char *group; /* owned; throttling.group */
};

/* Where a drive sits, for those to come. */
struct block_slot {
    struct block_slot *next;
    char *drive; /* owned */
    const char *interface;
    uint64_t bus, unit;
};
/* A drive of if=virtio: its disk is still to be made. */
struct block_disk {
    struct block_disk *next;
    char *drive;
    const char *where; /* as it was written, for messages; NULL */
};

/* The nodes of v, from the keys that are left of its option, dotted; the topmost is v->id's. 0 or
 * -errno with e. */
int drive_open(struct vm *vm, struct kv_node *flat, const struct drive *v, struct tn_err *e);

/* The nodes of a medium for a drive that is there: the root, which is nobody's. NULL with e. */
struct device *drive_open_medium(struct vm *vm, const char *filename, const char *format,
                                 int read_only, struct tn_err *e);
/* Another drive may sit where this one did. */
void block_forget_slot(struct vm *vm, const char *drive);

#endif
