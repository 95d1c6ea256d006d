/* SPDX-License-Identifier: BSD-2-Clause */
/* What file= of a -drive names: a path, or a protocol's address in one of its spellings. */
#include "block_open.h"

#include "cli/fail.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NBD_PORT "10809"

/* The length of "scheme" if name begins with "scheme:"; a "/" before the ":" makes it a path. */
static size_t scheme_of(const char *name)
{
    size_t n = strcspn(name, ":/");
    return name[n] == ':' ? n : 0;
}

static int is_scheme(const char *name, size_t n, const char *scheme)
{
    return n == strlen(scheme) && strncmp(name, scheme, n) == 0;
}

static struct kv_node *sub_dict(struct kv_node *out, const char *key)
{
    struct kv_node *d = kv_get(out, key);
    return d && d->kind == KV_DICT ? d : kv_add(out, key, kv_new(KV_DICT));
}

static void set_server(struct kv_node *out, const char *type, const char *k1, const char *v1,
                       const char *k2, const char *v2)
{
    struct kv_node *s = sub_dict(out, "server");
    kv_set(s, "type", type);
    kv_set(s, k1, v1);
    if (k2)
        kv_set(s, k2, v2);
}

/* ---- files ---- */

static int parse_path(const char *path, struct kv_node *out)
{
    struct stat st;
    int device = stat(path, &st) == 0 && (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode));
    if (!kv_get(out, "driver"))
        kv_set(out, "driver", device ? "host_device" : "file");
    kv_set(out, "filename", path);
    return 0;
}

static int parse_null(const char *name, struct kv_node *out, char **err)
{
    if (strcmp(name, "null-co://") != 0)
        return cli_fail(err, "The only allowed filename for this driver is 'null-co://'");
    kv_set(out, "driver", "null-co");
    return 0;
}

/* ---- nbd:HOST:PORT[:exportname=NAME], nbd:unix:PATH[:exportname=NAME] ---- */

/* The port behind "host:", where host may be an IPv6 address in brackets. */
static int split_port(const char *at, char **host, char **port)
{
    const char *end = *at == '[' ? strchr(at, ']') : strchr(at, ':');
    const char *colon = end && *end == ']' ? end + 1 : end;
    if (!end || *colon != ':' || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return -EINVAL;
    *host =
        *at == '[' ? xstrndup(at + 1, (size_t)(end - at - 1)) : xstrndup(at, (size_t)(end - at));
    *port = xstrdup(colon + 1);
    return 0;
}

static int parse_nbd_legacy(const char *text, struct kv_node *out, char **err)
{
    AUTO_FREE char *copy = xstrdup(text), *host = NULL, *port = NULL;
    char *name = strstr(copy, ":exportname=");
    if (name) {
        *name = 0;
        kv_set(out, "export", name + strlen(":exportname="));
    }
    if (strncmp(copy, "unix:", 5) == 0 && copy[5]) {
        set_server(out, "unix", "path", copy + 5, NULL, NULL);
        return 0;
    }
    if (split_port(copy, &host, &port) < 0)
        return cli_fail(err, "error parsing address '%s'", text);
    set_server(out, "inet", "host", host, "port", port);
    return 0;
}

/* ---- nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=PATH ---- */

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Decodes %XX in place; -EINVAL: not two hex digits, or a NUL. */
static int unescape(char *s)
{
    char *to = s;
    for (; *s; s++, to++) {
        if (*s != '%') {
            *to = *s;
            continue;
        }
        if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
            return -EINVAL;
        *to = (char)(hex(s[1]) << 4 | hex(s[2]));
        if (!*to)
            return -EINVAL;
        s += 2;
    }
    *to = 0;
    return 0;
}

static int bad_url(char **err)
{
    return cli_fail(err, "No valid URL specified");
}

static int nbd_over_unix(char *authority, char *query, struct kv_node *out, char **err)
{
    if (*authority || !query || strncmp(query, "socket=", 7) != 0 || !query[7])
        return bad_url(err);
    if (unescape(query + 7) < 0)
        return bad_url(err);
    set_server(out, "unix", "path", query + 7, NULL, NULL);
    return 0;
}

static int nbd_over_tcp(char *authority, const char *query, struct kv_node *out, char **err)
{
    AUTO_FREE char *host = NULL, *port = NULL;
    if (query || !*authority || strchr(authority, '@'))
        return bad_url(err);
    if (split_port(authority, &host, &port) < 0) {
        size_t n = strlen(authority);
        int v6 = *authority == '[' && n > 2 && authority[n - 1] == ']';
        if (!v6 && strchr(authority, ':'))
            return bad_url(err);
        host = v6 ? xstrndup(authority + 1, n - 2) : xstrdup(authority);
        port = xstrdup(NBD_PORT);
    }
    if (!*host || unescape(host) < 0)
        return bad_url(err);
    set_server(out, "inet", "host", host, "port", port);
    return 0;
}

/* rest: what follows "//". */
static int parse_nbd_url(const char *rest, int is_unix, struct kv_node *out, char **err)
{
    AUTO_FREE char *copy = xstrdup(rest);
    char *query = strchr(copy, '?');
    if (query)
        *query++ = 0;
    char *path = strchr(copy, '/');
    if (path)
        *path++ = 0;
    if (path && unescape(path) < 0)
        return bad_url(err);
    if (path && *path)
        kv_set(out, "export", path);
    return is_unix ? nbd_over_unix(copy, query, out, err) : nbd_over_tcp(copy, query, out, err);
}

static int parse_nbd(const char *name, size_t n, struct kv_node *out, char **err)
{
    const char *rest = name + n + 1;
    int url = strncmp(rest, "//", 2) == 0, is_unix = is_scheme(name, n, "nbd+unix");
    if (!url && n > 3)
        return bad_url(err);
    kv_set(out, "driver", "nbd");
    return url ? parse_nbd_url(rest + 2, is_unix, out, err) : parse_nbd_legacy(rest, out, err);
}

/* ---- any ---- */

int blk_parse_filename(const char *name, struct kv_node *out, char **err)
{
    size_t n = scheme_of(name);
    if (!n)
        return parse_path(name, out);
    if (is_scheme(name, n, "file"))
        return parse_path(name + n + 1, out);
    if (is_scheme(name, n, "null-co"))
        return parse_null(name, out, err);
    if (is_scheme(name, n, "nbd") || is_scheme(name, n, "nbd+tcp") ||
        is_scheme(name, n, "nbd+unix"))
        return parse_nbd(name, n, out, err);
    return cli_fail(err, "Unknown protocol '%.*s'", (int)n, name);
}

int blk_parse_for(const char *driver, const char *name, struct kv_node *out, char **err)
{
    size_t n = scheme_of(name);
    if (strcmp(driver, "nbd") == 0)
        return n ? parse_nbd(name, n, out, err) : bad_url(err);
    if (strcmp(driver, "null-co") == 0)
        return parse_null(name, out, err);
    kv_set(out, "filename", is_scheme(name, n, "file") ? name + n + 1 : name);
    return 0;
}
