/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal that the process was started in, while stdio uses it. It belongs to the process, so
 * its state does too. */
#ifndef TN_HOST_CHARDEV_TERM_H
#define TN_HOST_CHARDEV_TERM_H

/* Claims standard input and output for one chardev: 0, or -EBUSY. Main thread. */
int term_claim(void);
void term_release(void); /* gives them back, the terminal as it was */
/* Raw input from the terminal on descriptor fd: bytes as they are typed, no echo; with signals,
 * Ctrl-C and the like still raise theirs. Put back at exit, when a signal kills, and while the
 * process is stopped. Nothing if fd is no terminal. */
void term_raw(int fd, int signals);

#endif
