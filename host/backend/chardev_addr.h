/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of stream sockets. They are resolved once: name services are out of reach once the
 * sandbox has closed. */
#ifndef TN_HOST_CHARDEV_ADDR_H
#define TN_HOST_CHARDEV_ADDR_H
#include "core/err.h"
#include <sys/socket.h>

enum { ADDR_MOST = 8 };
struct chr_addr {
    struct sockaddr_storage sa;
    socklen_t len;
};
struct chr_addrs {
    struct chr_addr v[ADDR_MOST];
    uint32_t n;
};

/* A path, or with abstract a name in Linux's abstract space; tight: its length is that of the text.
 * 0 or -EINVAL. */
int addr_unix(struct chr_addrs *a, const char *path, int abstract, int tight, struct tn_err *e);
/* Every address of host (NULL or "": any, for a server) at port. ipv4, ipv6: TN_AUTO, TN_ON,
 * TN_OFF. 0 or -errno. */
int addr_inet(struct chr_addrs *a, const char *host, const char *port, uint32_t ipv4, uint32_t ipv6,
              int server, struct tn_err *e);
/* Moves an internet address to another port. */
void addr_set_port(struct chr_addr *a, uint16_t port);
uint16_t addr_port(const struct chr_addr *a); /* 0 if it has none */
/* Listens at a: the descriptor, or -errno. A socket that lies at a's path is replaced, anything
 * else is not. */
int addr_listen(const struct chr_addr *a);
/* Begins to connect: the descriptor; *pending says that it is not connected yet. -errno. */
int addr_connect(const struct chr_addr *a, int *pending);

#endif
