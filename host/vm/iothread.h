/* SPDX-License-Identifier: BSD-2-Clause */
/* -object iothread: an event context with a thread of its own. */
#ifndef TN_HOST_IOTHREAD_H
#define TN_HOST_IOTHREAD_H
#include <tenon/plugin.h>

struct vm;
struct device;

extern const struct tn_plugin iothread_plugin;

/* From here on each has its thread as soon as it is there: the sandbox's filters are made. Main
 * thread. */
void iothreads_start(struct vm *vm);

struct iothread_info {
    int thread; /* as gettid(); 0: there is none yet */
    uint64_t poll_max_ns, poll_grow, poll_shrink;
};
/* 0, or -EINVAL: d is no iothread. Main thread. */
int iothread_info(const struct device *d, struct iothread_info *i);

#endif
