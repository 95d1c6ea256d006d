/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace events of plugins, and of the host (trace_point.h): switched by -trace patterns and by monitors; written to the log as "NAME
 * TEXT", or to a file (trace_file.h). Main thread, if nothing else is said. */
#ifndef TN_HOST_TRACE_H
#define TN_HOST_TRACE_H
#include "vm.h"
#include <tenon/trace.h>

struct buf;

struct tracer *tracer_new(struct vm *vm);
void tracer_free(struct tracer *t); /* NULL is fine */
/* A glob over event names ("edu_*", "-edu_dma" switches off); kept for events that are added later.
 * Of several that fit an event the last one decides. 0, or -EINVAL for an empty one. */
int tracer_enable(struct vm *vm, const char *pattern, struct tn_err *e);
/* The patterns of a file, one a line; "#" begins a comment. 0 or -errno with e set. */
int tracer_enable_file(struct vm *vm, const char *path, struct tn_err *e);
int tracer_is_pattern(const char *text); /* it has a *, ? or [ */

/* Each event that exists or has existed and whose name fits glob, once, in order of names, until fn
 * is not 0. on: some instance has it switched on. */
int tracer_each(struct vm *vm, const char *glob, int (*fn)(void *o, const char *name, uint32_t on),
                void *o);
/* Names among the patterns of which nobody has the event: a warning each. */
void tracer_warn_unused(struct vm *vm);

/* From now on events go to the file at path instead of the log; an older file is finished. 0 or
 * -errno with e: as it was. */
int tracer_file(struct vm *vm, const char *path, struct tn_err *e);
const char *tracer_file_path(struct vm *vm);         /* NULL: events go to the log */
void tracer_file_record(struct vm *vm, uint32_t on); /* 0: events go nowhere for the time being */
uint32_t tracer_file_records(struct vm *vm);
void tracer_file_flush(struct vm *vm);

/* Appends fmt of a trace event with its n arguments: %d, %u and %x take the low 32 bits of one,
 * with an l modifier all 64. A missing argument shows as "?", any other conversion as it is
 * written. Any thread. */
void trace_format(struct buf *out, const char *fmt, const uint64_t *arg, uint32_t n);
extern const struct tn_trace trace_table; /* TN_TRACE_1 */

#endif
