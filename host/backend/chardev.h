/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices between their front end (a serial port) and their back end (an instance of kind
 * TN_K_CHARDEV). */
#ifndef TN_HOST_CHARDEV_H
#define TN_HOST_CHARDEV_H
#include "core/device.h"
#include <tenon/chardev.h>

extern const struct tn_chardev chardev_table;   /* TN_CHARDEV_1: front ends call it */
extern const struct tn_chr_feed chr_feed_table; /* TN_CHR_FEED_1: back ends call it */
extern const struct tn_plugin chardev_plugin; /* the host's own back ends: null, stdio, file, pipe,
                                                 pty, socket, ringbuf, ... */

/* Gives a new instance of kind TN_K_CHARDEV its handle (d->handle), once; the host's own classes do
 * it in init, for one of a plugin the core has to. It goes with d. Main thread. */
struct tn_chr *chardev_create(struct device *d);
/* The handle of a chardev instance by id, NULL. Main thread. */
struct tn_chr *chardev_find(struct vm *vm, const char *id);
/* The host as front end (a monitor, qtest): as tn_chardev.attach, without a device. Callbacks run
 * in the main loop, unlocked. What the main thread writes without a device lock has left when
 * write() returns, unless the back end is slow.
 */
int chardev_attach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s);
/* The one that attached with this o and s. Legal in its callbacks; none comes afterwards. */
void chardev_detach_host(struct tn_chr *c, const struct tn_chr_ops *o, void *s);
/* 1 if what is typed goes to that one now; of a chardev without mux always. Main thread. */
int chardev_has_focus(struct tn_chr *c, const struct tn_chr_ops *o, void *s);
/* 1 from the moment that a peer has hung up until the front end hears of the next one: what it
 * writes meanwhile is nobody's. Main thread. */
int chardev_peer_left(struct tn_chr *c);
/* Writes out what front ends have written and back ends take, waiting at most a second for slow
 * ones: before an exit that does not free the VM. Main thread, no lock held. */
void chardev_flush_all(struct vm *vm);
/* Puts the terminal back as it was; safe at any time, also from an exit path or a signal handler.
 */
void chardev_restore_terminal(void);

/* A ringbuf's contents (QMP ringbuf-read): up to max bytes to buf, taken out. -EINVAL if c is no
 * ringbuf. Main thread. */
int64_t chardev_ringbuf_read(struct tn_chr *c, void *buf, uint64_t max);
/* QMP ringbuf-write: adds n bytes, the oldest give way. 0 or -EINVAL. Main thread. */
int chardev_ringbuf_write(struct tn_chr *c, const void *p, uint64_t n);
/* "unix:/run/x.sock,server=on", "pty:/dev/pts/3": for query-chardev. The caller frees it. Main
 * thread. */
char *chardev_filename(struct tn_chr *c);
/* The oldest descriptor that came with the input of the host as front end (SCM_RIGHTS), the
 * caller's; -1: none. Main thread. */
int chardev_take_fd(struct tn_chr *c);
/* chardev-remove, -send-break, -change: 0 or -errno with e, in QEMU's words. dict describes the new
 * back end as -chardev does; front ends stay where they are. Main thread. */
int chardev_remove(struct vm *vm, const char *id, struct tn_err *e);
int chardev_send_break(struct vm *vm, const char *id, struct tn_err *e);
int chardev_change(struct vm *vm, const char *id, const struct kv_node *dict, struct tn_err *e);
int chardev_frontend_open(struct tn_chr *c); /* 1 if a front end is attached */

#endif
