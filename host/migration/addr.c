/* SPDX-License-Identifier: BSD-2-Clause */
#include "channel.h"

#include "cli/kvtree.h"
#include "cli/values.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- URIs ---- */

static int parse_tcp(struct mig_addr *a, const char *rest, struct tn_err *e)
{
    const char *colon = strrchr(rest, ':');
    size_t n = colon ? (size_t)(colon - rest) : 0;
    if (!colon || !colon[1])
        return err_set(e, EINVAL, "error parsing address '%s'", rest);
    int bracket = n >= 2 && rest[0] == '[' && rest[n - 1] == ']';
    a->kind = MIG_TCP;
    a->host = xstrndup(rest + bracket, n - 2 * (size_t)bracket);
    a->port = xstrdup(colon + 1);
    return 0;
}

static int parse_file(struct mig_addr *a, const char *rest, struct tn_err *e)
{
    const char *comma = strstr(rest, ",offset=");
    a->kind = MIG_FILE;
    a->path = comma ? xstrndup(rest, (size_t)(comma - rest)) : xstrdup(rest);
    if (!*a->path)
        return err_set(e, EINVAL, "file: names no file");
    char *end = NULL;
    a->offset = comma ? strtoull(comma + 8, &end, 0) : 0;
    return comma && (*end || !comma[8])
               ? err_set(e, EINVAL, "file URI has bad offset %s", comma + 8)
               : 0;
}

static void shell(struct mig_addr *a, const char *command)
{
    a->kind = MIG_EXEC;
    a->args = xcalloc(4, sizeof *a->args);
    a->args[0] = xstrdup("/bin/sh");
    a->args[1] = xstrdup("-c");
    a->args[2] = xstrdup(command);
}

int mig_addr_uri(struct mig_addr *a, const char *uri, struct tn_err *e)
{
    *a = (struct mig_addr){.text = xstrdup(uri)};
    if (strncmp(uri, "tcp:", 4) == 0)
        return parse_tcp(a, uri + 4, e);
    if (strncmp(uri, "file:", 5) == 0)
        return parse_file(a, uri + 5, e);
    if (strncmp(uri, "exec:", 5) == 0) {
        shell(a, uri + 5);
        return 0;
    }
    if (strncmp(uri, "unix:", 5) != 0 && strncmp(uri, "fd:", 3) != 0)
        return err_set(e, EINVAL, "unknown migration protocol: %s", uri);
    a->kind = *uri == 'u' ? MIG_UNIX : MIG_FD;
    a->path = xstrdup(strchr(uri, ':') + 1);
    return 0;
}

/* ---- QMP's channels ---- */

static int take_text(char **to, const struct kv_node *d, const char *key, struct tn_err *e)
{
    const char *text = kv_text(d, key);
    if (!text)
        return err_set(e, EINVAL, "Parameter 'channels.addr.%s' is missing", key);
    *to = xstrdup(text);
    return 0;
}

static int take_socket(struct mig_addr *a, const struct kv_node *d, struct tn_err *e)
{
    const char *type = kv_text(d, "type");
    if (type && strcmp(type, "inet") == 0) {
        a->kind = MIG_TCP;
        int r = take_text(&a->host, d, "host", e);
        return r < 0 ? r : take_text(&a->port, d, "port", e);
    }
    if (type && strcmp(type, "unix") == 0) {
        a->kind = MIG_UNIX;
        return take_text(&a->path, d, "path", e);
    }
    if (type && strcmp(type, "fd") == 0) {
        a->kind = MIG_FD;
        return take_text(&a->path, d, "str", e);
    }
    return err_set(e, ENOTSUP, "migration over sockets of type '%s' is not there",
                   type ? type : "");
}

static int take_exec(struct mig_addr *a, const struct kv_node *d, struct tn_err *e)
{
    const struct kv_node *args = kv_get(d, "args");
    if (!args || args->kind != KV_LIST || !args->n_child)
        return err_set(e, EINVAL, "Parameter 'channels.addr.args' is missing");
    a->kind = MIG_EXEC;
    a->args = xcalloc(args->n_child + 1, sizeof *a->args);
    for (size_t i = 0; i < args->n_child; i++)
        a->args[i] = xstrdup(args->child[i]->text ? args->child[i]->text : "");
    return 0;
}

static int take_file(struct mig_addr *a, const struct kv_node *d, struct tn_err *e)
{
    const char *offset = kv_text(d, "offset");
    a->kind = MIG_FILE;
    a->offset = offset ? strtoull(offset, NULL, 0) : 0;
    return take_text(&a->path, d, "filename", e);
}

int mig_addr_channels(struct mig_addr *a, const struct kv_node *channels, struct tn_err *e)
{
    *a = (struct mig_addr){.text = xstrdup("channels")};
    if (channels->n_child != 1)
        return err_set(e, EINVAL, "Channel list has more than one entries");
    const struct kv_node *addr = kv_get(channels->child[0], "addr");
    const char *type = kv_text(channels->child[0], "channel-type"),
               *how = kv_text(addr, "transport");
    if (!type || strcmp(type, "main") != 0)
        return err_set(e, EINVAL, "Channel of type '%s' is not there", type ? type : "");
    if (how && strcmp(how, "socket") == 0)
        return take_socket(a, addr, e);
    if (how && strcmp(how, "exec") == 0)
        return take_exec(a, addr, e);
    if (how && strcmp(how, "file") == 0)
        return take_file(a, addr, e);
    return err_set(e, ENOTSUP, "migration over '%s' is not there", how ? how : "");
}

void mig_addr_fini(struct mig_addr *a)
{
    for (char **arg = a->args; arg && *arg; arg++)
        free(*arg);
    free(a->args);
    free(a->text);
    free(a->host);
    free(a->port);
    free(a->path);
    *a = (struct mig_addr){0};
}
