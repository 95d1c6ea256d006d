/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace events of plugins: switched by -trace patterns, written to the log. */
#ifndef TN_HOST_TRACE_H
#define TN_HOST_TRACE_H
#include "vm.h"
#include <tenon/trace.h>

struct tracer *tracer_new(struct vm *vm);
void tracer_free(struct tracer *t); /* NULL is fine */
/* A glob over event names ("edu_*", "-edu_dma" switches off); kept for events that are added later. */
int tracer_enable(struct vm *vm, const char *pattern, struct tn_err *e);
extern const struct tn_trace trace_table; /* TN_TRACE_1 */

#endif
