/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Trace events: declared by the plugin, switched by the host; one predictable branch while off.
 */
#ifndef TENON_TRACE_H
#define TENON_TRACE_H
#include <tenon/base.h>
#ifdef TN_TRACE_SDT
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#endif
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
/** Where the plugin is built with TN_TRACE_SDT, tn_trace_point() is also a static probe for tracers from outside
 * (bpftrace, perf, SystemTap): provider "tenon", the event's name and arguments, whether the event is on or off. It costs
 * an instruction that does nothing */
#ifdef TN_TRACE_SDT
#define TN_TRACE_PROBE(name, ...) STAP_PROBEV(tenon, name, __VA_ARGS__)
#else
#define TN_TRACE_PROBE(name, ...) ((void)0)
#endif
/** The place of the event that ev describes and that is called name, a word without quotes. At least one argument; they are
 * evaluated more than once */
#define tn_trace_point(d, t, ev, name, ...)                                                                            \
    do {                                                                                                               \
        TN_TRACE_PROBE(name, __VA_ARGS__);                                                                             \
        tn_trace(d, t, ev, __VA_ARGS__);                                                                               \
    } while (0)
/** The same event without a probe. */
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
