/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in a stream, for people and programs: needs no machine and no plugin. */
#ifndef TN_HOST_MIG_INSPECT_H
#define TN_HOST_MIG_INSPECT_H
#include "format.h"

/* Appends what the stream has to out: a line for each thing, or one JSON object. 0, or -errno with
 * e: then out has what was sound before. Any thread. */
int mig_inspect(struct mig_io io, int json, struct buf *out, struct tn_err *e);

#endif
