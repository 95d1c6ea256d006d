/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices between their front end (a serial port) and their back end (an instance of kind TN_K_CHARDEV). */
#ifndef TN_HOST_CHARDEV_H
#define TN_HOST_CHARDEV_H
#include "core/device.h"
#include <tenon/chardev.h>

extern const struct tn_chardev chardev_table;  /* TN_CHARDEV_1: front ends call it */
extern const struct tn_chr_feed chr_feed_table; /* TN_CHR_FEED_1: back ends call it */
extern const struct tn_plugin chardev_plugin;  /* the host's own back ends: null, stdio, file, pipe, pty, socket, ringbuf, ... */

/* The handle of a chardev instance by id, NULL. Main thread. */
struct tn_chr *chardev_find(struct vm *vm, const char *id);
/* The host as front end (a monitor, qtest): as tn_chardev.attach, without a device. Callbacks run in the main loop, unlocked. */
int chardev_attach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s);
void chardev_detach_host(struct tn_chr *c);
/* Puts the terminal back as it was; safe at any time, also from an exit path. */
void chardev_restore_terminal(void);

#endif
