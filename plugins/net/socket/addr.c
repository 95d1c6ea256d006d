/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr.h"

#include "util/alloc.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FAIL(err, ...) (snprintf(why, WHY, __VA_ARGS__), -(err))

/* ---- addresses ---- */

static int unix_address(const struct addr_opts *o, const char *name, struct addrs *out,
                        char why[WHY])
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->v[0].sa;
    size_t head = offsetof(struct sockaddr_un, sun_path), n = o->path ? strlen(o->path) : 0;
    if (!o->path)
        return FAIL(EINVAL, "Parameter '%s.path' is missing", name);
    if (n == 0 || n + o->abstract >= sizeof un->sun_path)
        return FAIL(EINVAL,
                    n ? "UNIX socket path '%.160s' is too long" : "UNIX socket path '%s' is empty",
                    o->path);
    *out = (struct addrs){.n = 1};
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path + o->abstract, o->path, n);
    out->v[0].len = (socklen_t)(o->abstract && o->tight ? head + 1 + n : sizeof *un);
    return 0;
}

/* ipv4=on alone means IPv4 only, and so on. -1: neither is left. */
static int family_for(uint32_t ipv4, uint32_t ipv6)
{
    if (ipv4 == TN_OFF && ipv6 == TN_OFF)
        return -1;
    if (ipv4 == TN_OFF || (ipv6 == TN_ON && ipv4 == TN_AUTO))
        return AF_INET6;
    return ipv6 == TN_OFF || (ipv4 == TN_ON && ipv6 == TN_AUTO) ? AF_INET : AF_UNSPEC;
}

static int look_up(const char *host, const char *port, int family, int type, int passive,
                   struct addrs *out, char why[WHY])
{
    struct addrinfo want = {.ai_family = family,
                            .ai_socktype = type,
                            .ai_flags = passive ? AI_PASSIVE : 0},
                    *list;
    int r = getaddrinfo(*host ? host : NULL, port, &want, &list);
    if (r)
        return FAIL(EINVAL, "address resolution failed for %.100s:%.30s: %s", host, port,
                    gai_strerror(r));
    *out = (struct addrs){0};
    for (struct addrinfo *i = list; i && out->n < ADDRS_MOST; i = i->ai_next) {
        memcpy(&out->v[out->n].sa, i->ai_addr, i->ai_addrlen);
        out->v[out->n++].len = i->ai_addrlen;
    }
    freeaddrinfo(list);
    return 0;
}

int addr_resolve(const struct addr_opts *o, const char *name, int type, int passive,
                 struct addrs *out, char why[WHY])
{
    if (!o->type)
        return FAIL(EINVAL, "Parameter '%s' is missing", name);
    if (strcmp(o->type, "unix") == 0)
        return unix_address(o, name, out, why);
    if (strcmp(o->type, "inet") != 0)
        return FAIL(EINVAL, "Parameter '%s.type' does not accept value '%.100s'", name, o->type);
    if (!o->host || !o->port)
        return FAIL(EINVAL, "Parameter '%s.%s' is missing", name, o->host ? "port" : "host");
    int family = family_for(o->ipv4, o->ipv6);
    if (family < 0)
        return FAIL(EINVAL, "%s: Cannot disable IPv4 and IPv6 at same time", name);
    return look_up(o->host, o->port, family, type, passive, out, why);
}

int addr_parse(const char *text, int type, struct addr *out, char why[WHY])
{
    const char *colon = strchr(text, ':');
    struct addrs all;
    if (!colon)
        return FAIL(EINVAL, "host address '%.100s' doesn't contain ':' separating host from port",
                    text);
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (!colon[1] || *end || port > 65535)
        return FAIL(EINVAL, "port number '%.100s' is invalid", colon + 1);
    char *host = strndup(text, (size_t)(colon - text));
    if (!host)
        return FAIL(ENOMEM, "no memory for a host address");
    int r = look_up(host, colon + 1, AF_INET, type, 1, &all, why);
    free(host);
    if (r == 0 && all.n)
        *out = all.v[0];
    return r;
}

const char *addr_text(const struct addr *a, char text[ADDR_TEXT])
{
    char host[100] = "?", port[16] = "?";
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
    if (a->sa.ss_family == AF_UNIX) {
        snprintf(text, ADDR_TEXT, "%s%.107s", *un->sun_path ? "" : "@",
                 un->sun_path + !*un->sun_path);
        return text;
    }
    getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, ADDR_TEXT, a->sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return text;
}

int addr_is_multicast(const struct addr *a)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;
    return a->sa.ss_family == AF_INET && IN_MULTICAST(ntohl(in->sin_addr.s_addr));
}

/* ---- sockets ---- */

int addr_adopt_fd(const char *text, int type, char why[WHY])
{
    char *end;
    long fd = strtol(text ? text : "", &end, 10);
    int is = 0;
    socklen_t len = sizeof is;
    if (!text || !*text || *end || fd < 0 || fd > INT32_MAX)
        return FAIL(EINVAL, "'%.100s' is no file descriptor", text ? text : "");
    if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &is, &len) < 0)
        return FAIL(errno, "fd=%ld: can't get socket option SO_TYPE: %s", fd, strerror(errno));
    if (is != type && !(type == SOCK_DGRAM && is == SOCK_SEQPACKET))
        return FAIL(EINVAL, "fd=%ld is not a %s socket", fd,
                    type == SOCK_STREAM ? "stream" : "datagram");
    int own = fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0 || fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK) < 0) {
        int err = errno;
        close_fd(&own);
        return FAIL(err, "fd=%ld: %s", fd, strerror(err));
    }
    return own;
}

static int new_socket(const struct addr *a, int type)
{
    return socket(a->sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A socket that an earlier run left behind, or the empty file by which mkstemp() keeps a name. */
static void clear_path(const struct addr *a)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    struct stat st;
    if (a->sa.ss_family != AF_UNIX || !*path || lstat(path, &st) < 0)
        return;
    if (S_ISSOCK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0))
        unlink(path);
}

static int give_up(int *fd)
{
    int err = errno;
    close_fd(fd);
    return -err;
}

int addr_listen(const struct addr *a)
{
    int on = 1, fd = new_socket(a, SOCK_STREAM);
    if (fd < 0)
        return -errno;
    clear_path(a);
    if (a->sa.ss_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0 || listen(fd, 1) < 0)
        return give_up(&fd);
    return fd;
}

int addr_connect(const struct addr *a)
{
    int fd = new_socket(a, SOCK_STREAM);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) < 0 && errno != EINPROGRESS)
        return give_up(&fd);
    return fd;
}

int addr_bind_dgram(const struct addr *a, int reuse)
{
    int on = 1, fd = new_socket(a, SOCK_DGRAM);
    if (fd < 0)
        return -errno;
    clear_path(a);
    if (reuse)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0)
        return give_up(&fd);
    return fd;
}
