/* SPDX-License-Identifier: BSD-2-Clause */
/* What a machine consists of, as far as its state depends on it: both ends must have the same. */
#ifndef TN_HOST_MIG_CONFIG_H
#define TN_HOST_MIG_CONFIG_H
#include "core/device.h"
#include "util/buf.h"
#include "vm/memory.h"

enum { MIG_NAME = 256, MIG_MAX_BLOCKS = 4096, MIG_MAX_DEVICES = 65536 };

/* The blocks that a guest can see, in the order of their names. */
struct mig_blocks {
    struct tn_mem **mem;
    char **name;     /* unique */
    uint64_t *pages; /* of each */
    uint32_t n;
};
/* 0, or -errno with e: two of one name. Main thread. */
int mig_blocks_find(struct vm *vm, struct mig_blocks *b, struct tn_err *e);
void mig_blocks_fini(struct mig_blocks *b);

/* Devices whose state is of the machine's, parents first: until fn is not 0. Main thread. */
int mig_each_device(struct vm *vm, int (*fn)(void *o, struct device *d), void *o);

/* The payload of MIG_CONFIG. Main thread. */
int mig_config_save(struct vm *vm, const struct mig_blocks *b, struct buf *out, struct tn_err *e);
/* Is this machine such a one? *order gets the blocks of the file in its order, which
 * mig_blocks_fini() takes. The first difference is named. Main thread. */
int mig_config_check(struct vm *vm, const void *p, size_t len, struct mig_blocks *order,
                     struct tn_err *e);
/* The same as text for people, or as a JSON object. Any thread. */
int mig_config_print(const void *p, size_t len, int json, struct buf *out, struct tn_err *e);
/* What a file has, by the file alone: pages of each block. The caller frees *pages. Any thread. */
int mig_config_pages(const void *p, size_t len, uint64_t **pages, uint32_t *n, struct tn_err *e);

#endif
