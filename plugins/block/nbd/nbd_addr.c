/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbd.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define DEFAULT_PORT "10809" /* of the protocol, by IANA */

static int missing(struct nbd *s, const char *name, struct tn_err *e)
{
    return tn_fail(s->dev, e, EINVAL, "Parameter '%s' is missing", name);
}

static int unix_address(struct nbd *s, const char *path, struct tn_err *e)
{
    struct sockaddr_un *a = (struct sockaddr_un *)(void *)&s->address[0].a;
    if (strlen(path) >= sizeof a->sun_path)
        return tn_fail(s->dev, e, EINVAL, "UNIX socket path '%s' is too long", path);
    a->sun_family = AF_UNIX;
    memcpy(a->sun_path, path, strlen(path) + 1);
    s->address[0].len = sizeof *a;
    s->naddresses = 1;
    s->where = strdup(path);
    return s->where ? 0 : tn_fail(s->dev, e, ENOMEM, "no memory for an address");
}

static int inet_address(struct nbd *s, const char *host, const char *port, struct tn_err *e)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (asprintf(&s->where, "%s:%s", host, port) < 0) {
        s->where = NULL;
        return tn_fail(s->dev, e, ENOMEM, "no memory for an address");
    }
    int r = getaddrinfo(host, port, &hints, &found);
    if (r != 0)
        return tn_fail(s->dev, e, EINVAL, "address resolution failed for %s: %s", s->where,
                       gai_strerror(r));
    for (const struct addrinfo *i = found; i && s->naddresses < ADDRESSES_MAX; i = i->ai_next) {
        struct address *a = &s->address[s->naddresses++];
        memcpy(&a->a, i->ai_addr, i->ai_addrlen);
        a->len = i->ai_addrlen;
    }
    freeaddrinfo(found);
    return 0;
}

/* host=, port= and path= of old command lines mean the same as server.*. */
static int old_style(struct nbd *s, struct tn_err *e)
{
    if (s->old_path && s->old_host)
        return tn_fail(s->dev, e, EINVAL, "path and host may not be used at the same time");
    if (s->old_path)
        return unix_address(s, s->old_path, e);
    if (s->old_host)
        return inet_address(s, s->old_host, s->old_port ? s->old_port : DEFAULT_PORT, e);
    return missing(s, "server", e);
}

int nbd_resolve(struct nbd *s, struct tn_err *e)
{
    if (!s->type)
        return s->host || s->port || s->path ? missing(s, "server.type", e) : old_style(s, e);
    if (strcmp(s->type, "unix") == 0)
        return s->path ? unix_address(s, s->path, e) : missing(s, "server.path", e);
    if (strcmp(s->type, "inet") != 0)
        return tn_fail(s->dev, e, EINVAL, "Parameter 'server.type' does not accept value '%s'",
                       s->type);
    if (!s->host || !s->port)
        return missing(s, s->host ? "server.port" : "server.host", e);
    return inet_address(s, s->host, s->port, e);
}
