/* SPDX-License-Identifier: BSD-2-Clause */
/* -object iothread: an event context with a thread of its own. */
#ifndef TN_HOST_IOTHREAD_H
#define TN_HOST_IOTHREAD_H
#include <tenon/plugin.h>

extern const struct tn_plugin iothread_plugin;

#endif
