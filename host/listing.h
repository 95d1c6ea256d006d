/* SPDX-License-Identifier: BSD-2-Clause */
/* What `help` prints: classes, properties, machines. From the index and constant data; no plugin
 * code runs. */
#ifndef TN_HOST_LISTING_H
#define TN_HOST_LISTING_H
#include "cli/options.h"
#include "core/vm.h"
#include "util/buf.h"

/* 1: a list was asked for and is in out; 0: none was; -errno with e: of something that does not
 * exist. */
int listing_wanted(struct vm *vm, const struct cli_options *o, struct buf *out, struct tn_err *e);

/* The same for one class of kind; and the names of all classes that users can make (TN_K_DEVICE,
 * TN_K_OBJECT). For monitors. 1 or -errno with e. */
int listing_properties(struct vm *vm, uint32_t kind, const char *name, struct buf *out,
                       struct tn_err *e);
void listing_classes(struct vm *vm, uint32_t kind, struct buf *out);

/* -M help and -cpu help: names as -M and -cpu take them. */
void listing_machines(const struct cli_options *o, struct buf *out);
void listing_cpus(struct buf *out);

#endif
