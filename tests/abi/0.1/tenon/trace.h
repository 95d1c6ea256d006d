/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Trace events: declared by the plugin, switched by the host; one predictable branch while off.
 */
#ifndef TENON_TRACE_H
#define TENON_TRACE_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** fmt: printf-like with %d, %u, %x and an l modifier only; every argument is a uint64_t. enabled is the host's. */
struct tn_trace_event {
    const char *name, *fmt;
    uint32_t enabled, id;
};
#define TN_TRACE_1 "tenon.trace/1"
/** TN_TRACE_1 */
struct tn_trace {
    uint32_t struct_size, rev;
    /** [main] in realize: n events that live in the instance, stride bytes apart. Managed */
    void (*add)(struct tn_dev *d, struct tn_trace_event *ev, uint32_t n, uint32_t stride);
    /** [any] use tn_trace() */
    void (*emit)(struct tn_dev *d, const struct tn_trace_event *ev, const uint64_t *arg, uint32_t n);
};
#define tn_trace(d, t, ev, ...)                                                                                        \
    do {                                                                                                               \
        if (__builtin_expect((ev)->enabled, 0)) {                                                                      \
            const uint64_t a_[] = {__VA_ARGS__};                                                                       \
            (t)->emit(d, ev, a_, sizeof a_ / sizeof a_[0]);                                                            \
        }                                                                                                              \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
