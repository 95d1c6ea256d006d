/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes between two stream sockets, both ways, until both ways have ended; and the two ends of a
 * TCP connection for who insists on one. Everything [main][dev]. */
#ifndef TN_NET_USER_RELAY_H
#define TN_NET_USER_RELAY_H
#include <tenon/loop.h>

struct relay;
/* Takes a and b over, whatever the outcome; done(s) is called once, when both ways have ended, and
 * frees the relay, as relay_free() does at any time before. NULL: no memory. */
struct relay *relay_new(struct tn_dev *d, const struct tn_loop *loop, int a, int b,
                        void (*done)(void *s, struct relay *r), void *s);
/* What is on its way is lost. NULL is fine. */
void relay_free(struct relay *r);

/* A TCP connection with oneself over the loopback interface: nobody else has an end of it. 0 or
 * -errno. */
int tcp_pair(int fd[2]);

#endif
