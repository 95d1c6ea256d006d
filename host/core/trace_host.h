/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace events of plugins: switched by -trace patterns, written to the log as "NAME TEXT". */
#ifndef TN_HOST_TRACE_H
#define TN_HOST_TRACE_H
#include "vm.h"
#include <tenon/trace.h>

struct buf;

struct tracer *tracer_new(struct vm *vm);
void tracer_free(struct tracer *t); /* NULL is fine */
/* A glob over event names ("edu_*", "-edu_dma" switches off); kept for events that are added later.
 * Of several that fit an event the last one decides. 0, or -EINVAL for an empty one. Main thread.
 */
int tracer_enable(struct vm *vm, const char *pattern, struct tn_err *e);
/* The patterns of a file, one a line; "#" begins a comment. 0 or -errno with e set. Main thread. */
int tracer_enable_file(struct vm *vm, const char *path, struct tn_err *e);
/* Appends fmt of a trace event with its n arguments: %d, %u and %x take the low 32 bits of one,
 * with an l modifier all 64. A missing argument shows as "?", any other conversion as it is
 * written. Any thread. */
void trace_format(struct buf *out, const char *fmt, const uint64_t *arg, uint32_t n);
extern const struct tn_trace trace_table; /* TN_TRACE_1 */

#endif
