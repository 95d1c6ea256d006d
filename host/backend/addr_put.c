/* SPDX-License-Identifier: BSD-2-Clause */
#include "addr_put.h"

#include "monitor/monitor.h"
#include "util/alloc.h"
#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static void add_unix(struct kv_node *out, const struct sockaddr_un *a, uint32_t len)
{
    uint32_t head = offsetof(struct sockaddr_un, sun_path);
    int abstract = len > head && !a->sun_path[0];
    uint32_t n = len > head ? len - head - (uint32_t)abstract : 0;
    AUTO_FREE char *path = xstrndup(a->sun_path + abstract, n);
    ret_str(out, "type", "unix");
    ret_str(out, "path", path);
    if (abstract)
        ret_bool(out, "abstract", 1);
}

static void add_inet(struct kv_node *out, const struct sockaddr *a, uint32_t len)
{
    char host[64] = "", port[16] = "";
    getnameinfo(a, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    ret_str(out, "type", "inet");
    ret_str(out, "host", host);
    ret_str(out, "port", port);
    ret_bool(out, a->sa_family == AF_INET6 ? "ipv6" : "ipv4", 1);
}

void addr_put(struct kv_node *out, const void *addr, uint32_t len)
{
    const struct sockaddr *a = addr;
    if (a->sa_family == AF_UNIX)
        add_unix(out, addr, len);
    else
        add_inet(out, a, len);
}
