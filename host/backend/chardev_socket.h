/* SPDX-License-Identifier: BSD-2-Clause */
/* socket: a stream socket, as client or server. Split over chardev_socket.c (the class: options,
 * start, end) and chardev_conn.c (connections: made, lost, made again, handed over). All
 * [main][dev]. */
#ifndef TN_HOST_CHARDEV_SOCKET_H
#define TN_HOST_CHARDEV_SOCKET_H
#include "chardev_addr.h"
#include "chardev_io.h"

struct sock_listener {
    int fd;
    struct tn_watch *w;
};

struct sock {
    struct chr_common c;
    struct chr_io io;
    const char *path, *host, *port, *fd, *tls_creds, *tls_authz;
    uint8_t server, telnet, tn3270, websocket, nodelay, abstract, tight;
    uint32_t wait, delay, ipv4, ipv6;
    uint32_t reconnect, reconnect_ms;
    uint16_t to;

    char *label; /* "unix:/run/x.sock", "tcp:localhost:4444" */
    struct chr_addrs addrs;
    struct sock_listener listener[ADDR_MOST];
    uint32_t nlisteners;
    int connecting; /* a connect() under way, or -1 */
    struct tn_watch *w_connecting;
    uint32_t next; /* the address after that one */
    int last_err;  /* of the addresses before it */
    struct tn_timer *retry;
    uint32_t connected;
    uint32_t taken;   /* the front end has the connection; it asks for the next one itself */
    uint32_t waiting; /* realize waits for the first connection: 1 inside the call, 2 after it
                         returned */
    int result;
    struct tn_err *e; /* of realize, while waiting */
};

int sock_accepting(const struct sock *s); /* is it a server */
/* Begins to connect, or to wait for a client. The outcome is the state of *s, and the end of
 * realize if that waits. */
void sock_go(struct sock *s);
void sock_connected(struct sock *s, int fd);                            /* owns fd from here on */
int sock_take(void *s, int *fd, uint32_t timeout_ms, struct tn_err *e); /* tn_chr_backend.take */
void sock_given_back(struct sock *s); /* the front end has left: connections are ours again */
void sock_show(struct sock *s);       /* what query-chardev tells of it */
void sock_close(struct sock *s);
/* "Failed to connect to '/x.sock': No such file or directory" */
int sock_failed(const struct sock *s, int err, struct tn_err *e);

#endif
