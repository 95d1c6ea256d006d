/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace events of the host itself, switched by the same patterns as those of devices and written to
 * the same places. While an event is off its place costs a predicted branch. */
#ifndef TN_HOST_TRACE_POINT_H
#define TN_HOST_TRACE_POINT_H
#include "vm.h"
#include <tenon/trace.h>

enum trace_point {
    TRACE_RUN_STATE,
    TRACE_MIGRATION_STATE,
    TRACE_QMP_COMMAND,
    TRACE_QMP_ANSWER,
    TRACE_QMP_EVENT,
    TRACE_REGION_ADD,
    TRACE_REGION_PLACE,
    TRACE_REGION_DEL,
    TRACE_MEMORY_MAP,
    TRACE_MEMORY_UNMAP,
    TRACE_VCPU_EXIT,
    TRACE_IRQ_LINE,
    TRACE_IRQ_ROUTE,
    TRACE_IRQ_MESSAGE,
    TRACE_LOOP_EVENT,
    TRACE_LOOP_TIMER,
    TRACE_POINTS
};
/* Names and texts; constant. */
const struct tn_trace_event *trace_points(void);

/* text: what the event's %s stands for, or NULL. Any thread, under any leaf lock. */
void trace_emit(struct vm *vm, enum trace_point p, const char *text, const uint64_t *arg,
                uint32_t n);

/* The place of event p. Arguments, whole numbers, are evaluated if it is on. */
#define trace_host(vm, p, text, ...)                                                          \
    do {                                                                                      \
        const struct tn_trace_event *ev_ = (vm)->trace;                                       \
        if (ev_ && __builtin_expect(__atomic_load_n(&ev_[p].enabled, __ATOMIC_RELAXED), 0)) { \
            const uint64_t a_[] = {0, ##__VA_ARGS__};                                         \
            trace_emit(vm, p, text, a_ + 1, sizeof a_ / sizeof a_[0] - 1);                    \
        }                                                                                     \
    } while (0)

#endif
