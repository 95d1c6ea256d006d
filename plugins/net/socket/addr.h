/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses from options, and sockets on them. Main thread, before the sandbox closes,
 * unless it says otherwise. What went wrong is put into why, a line without a full stop. */
#ifndef TN_NET_ADDR_H
#define TN_NET_ADDR_H
#include <netinet/in.h>
#include <sys/socket.h>
#include <tenon/prop.h>

enum { ADDRS_MOST = 8, WHY = 256, ADDR_TEXT = 160 };

struct addr {
    struct sockaddr_storage sa;
    socklen_t len;
};
struct addrs {
    struct addr v[ADDRS_MOST];
    uint32_t n;
};

/* A SocketAddress of the command line: NAME.type and what belongs to it. */
struct addr_opts {
    const char *type, *host, *port, *path, *fd;
    uint32_t ipv4, ipv6; /* TN_AUTO, TN_ON, TN_OFF */
    uint8_t abstract, tight;
};
#define ADDR_PROPS(T, f, nm)                                                        \
    TN_PROP_STR(T, f.type, nm ".type", NULL, "inet, unix or fd"),                   \
        TN_PROP_STR(T, f.host, nm ".host", NULL, "inet: name or number"),           \
        TN_PROP_STR(T, f.port, nm ".port", NULL, "inet: number or service"),        \
        TN_PROP(T, f.ipv4, nm ".ipv4", ONOFFAUTO, TN_AUTO, "inet: may it be IPv4"), \
        TN_PROP(T, f.ipv6, nm ".ipv6", ONOFFAUTO, TN_AUTO, "inet: may it be IPv6"), \
        TN_PROP_STR(T, f.path, nm ".path", NULL, "unix: where in the file system"), \
        TN_PROP(T, f.abstract, nm ".abstract", BOOL, 0,                             \
                "unix: a name outside of the file system"),                         \
        TN_PROP(T, f.tight, nm ".tight", BOOL, 1,                                   \
                "unix: an abstract name has no zeros behind it"),                   \
        TN_PROP_STR(T, f.fd, nm ".str", NULL, "fd: number of an open descriptor")

/* What o, called name ("addr", "local"), means for sockets of type SOCK_*. 0 or -errno. Not for
 * fd. */
int addr_resolve(const struct addr_opts *o, const char *name, int type, int passive,
                 struct addrs *out, char why[WHY]);
/* "host:port" of IPv4, of -netdev socket; host may be empty. */
int addr_parse(const char *text, int type, struct addr *out, char why[WHY]);
/* A descriptor by number, as a non-blocking socket of that type: a duplicate that the caller owns,
 * or -errno. */
int addr_adopt_fd(const char *text, int type, char why[WHY]);

/* Any thread, also later: a non-blocking socket, or -errno. */
int addr_listen(const struct addr *a);
int addr_connect(const struct addr *a); /* the connection may still be under way */
/* Bound to a; an UNIX socket that an earlier run left behind is removed first. */
int addr_bind_dgram(const struct addr *a, int reuse);
const char *addr_text(const struct addr *a, char text[ADDR_TEXT]);
int addr_is_multicast(const struct addr *a);

#endif
