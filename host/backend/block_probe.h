/* SPDX-License-Identifier: BSD-2-Clause */
/* Image formats that are known, and not built in. */
#ifndef TN_HOST_BLOCK_PROBE_H
#define TN_HOST_BLOCK_PROBE_H
#include "block_impl.h"

/* What the first n bytes of an image look like: "qcow2", ...; NULL: plain bytes. [any] */
const char *block_probe(const uint8_t *p, uint64_t n);
int block_is_foreign(const char *format); /* is it one of those */
/* Reads the beginning of b, which file= called name: 0, or -EINVAL with e if it holds another
 * format than raw. Main thread. */
int block_refuse_formats(struct tn_blk *b, const char *name, struct tn_err *e);

#endif
