/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_addr.h"

#include "util/alloc.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <tenon/prop.h>
#include <unistd.h>

int addr_unix(struct chr_addrs *a, const char *path, int abstract, int tight, struct tn_err *e)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&a->v[0].sa;
    size_t n = strlen(path), head = offsetof(struct sockaddr_un, sun_path);
    if (n == 0 || n >= sizeof un->sun_path) {
        err_hint(e, "Path must be less than %zu bytes", sizeof un->sun_path);
        return err_set(e, EINVAL,
                       n ? "UNIX socket path '%s' is too long" : "UNIX socket path '%s' is empty",
                       path);
    }
    a->n = 1;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path + (abstract != 0), path, n);
    a->v[0].len = (socklen_t)(abstract && tight ? head + 1 + n : sizeof *un);
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

int addr_inet(struct chr_addrs *a, const char *host, const char *port, uint32_t ipv4, uint32_t ipv6,
              int server, struct tn_err *e)
{
    int family = family_for(ipv4, ipv6);
    if (family < 0)
        return err_set(e, EINVAL, "Cannot disable IPv4 and IPv6 at same time");
    struct addrinfo want = {.ai_family = family,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = server ? AI_PASSIVE : 0},
                    *list;
    const char *name = host && *host ? host : NULL;
    int r = getaddrinfo(name, port, &want, &list);
    if (r)
        return err_set(e, EINVAL, "address resolution failed for %s:%s: %s", name ? name : "", port,
                       gai_strerror(r));
    a->n = 0;
    for (struct addrinfo *i = list; i && a->n < ADDR_MOST; i = i->ai_next) {
        memcpy(&a->v[a->n].sa, i->ai_addr, i->ai_addrlen);
        a->v[a->n++].len = i->ai_addrlen;
    }
    freeaddrinfo(list);
    return 0;
}

void addr_set_port(struct chr_addr *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
    else if (a->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
}

uint16_t addr_port(const struct chr_addr *a)
{
    if (a->sa.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
    return a->sa.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port)
                                       : 0;
}

static int new_socket(const struct chr_addr *a)
{
    return socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A socket that an earlier run left behind, or the empty file by which mkstemp() keeps a name. */
static void clear_path(const struct chr_addr *a)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    struct stat st;
    if (a->sa.ss_family != AF_UNIX || !*path || lstat(path, &st) < 0)
        return;
    if (S_ISSOCK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0))
        unlink(path);
}

int addr_listen(const struct chr_addr *a)
{
    int on = 1, fd = new_socket(a);
    if (fd < 0)
        return -errno;
    clear_path(a);
    if (a->sa.ss_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
                   sizeof on); /* IPv4 has a socket of its own */
    if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0 && listen(fd, 1) == 0)
        return fd;
    int err = errno;
    close_fd(&fd);
    return -err;
}

int addr_connect(const struct chr_addr *a, int *pending)
{
    int fd = new_socket(a);
    if (fd < 0)
        return -errno;
    *pending = 0;
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == 0)
        return fd;
    *pending = errno == EINPROGRESS;
    if (*pending)
        return fd;
    int err = errno;
    close_fd(&fd);
    return -err;
}
