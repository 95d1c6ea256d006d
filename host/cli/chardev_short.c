/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_short.h"
#include "fail.h"
#include "keyval.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>

/* The text behind prefix, or NULL. */
static const char *after(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* Moves what the flat grammar gives to the end of dict, under the same keys. */
static void add_options(struct kv_node *dict, const char *text, const char *implied)
{
    KV_AUTO *more = keyval_parse(text, implied);
    for (size_t i = 0; i < more->n_child; i++)
        kv_add(dict, more->child[i]->key, kv_clone(more->child[i]));
}

static void set_span(struct kv_node *dict, const char *key, const char *text, size_t n)
{
    AUTO_FREE char *copy = xstrndup(text, n);
    kv_set(dict, key, copy);
}

/* HOST:PORT, with a host in brackets if it has colons itself. Returns what follows, NULL if there
 * is no port. */
static const char *add_address(struct kv_node *dict, const char *text, const char *host,
                               const char *port)
{
    bool bracket = *text == '[';
    size_t n = bracket ? strcspn(text, "]") : strcspn(text, ":");
    const char *colon = text + n + (bracket && text[n]);
    if (*colon != ':')
        return NULL;
    size_t digits = strcspn(colon + 1, ",@");
    if (digits == 0)
        return NULL;
    set_span(dict, host, text + bracket, n - bracket);
    set_span(dict, port, colon + 1, digits);
    return colon + 1 + digits;
}

static int parse_tcp(struct kv_node *dict, const char *text, const char *protocol)
{
    kv_set(dict, "backend", "socket");
    const char *rest = add_address(dict, text, "host", "port");
    if (!rest || (*rest && *rest != ','))
        return -EINVAL;
    if (protocol)
        kv_set(dict, protocol, "on");
    add_options(dict, rest + (*rest == ','), NULL);
    return 0;
}

/* [HOST]:PORT[@[LOCALHOST]:LOCALPORT] */
static int parse_udp(struct kv_node *dict, const char *text)
{
    kv_set(dict, "backend", "udp");
    const char *rest = add_address(dict, text, "host", "port");
    if (rest && *rest == '@')
        rest = add_address(dict, rest + 1, "localaddr", "localport");
    return rest && !*rest ? 0 : -EINVAL;
}

/* COLSxROWS in characters ("80Cx24C") or pixels ("640x480"). */
static int parse_vc(struct kv_node *dict, const char *text)
{
    kv_set(dict, "backend", "vc");
    if (!*text)
        return 0;
    const char *x = text + strspn(text, "0123456789");
    bool chars = *x == 'C';
    const char *y = x + chars + 1, *end = y;
    if (x == text || x[chars] != 'x')
        return -EINVAL;
    end += strspn(y, "0123456789");
    if (end == y || strcmp(end, chars ? "C" : "") != 0)
        return -EINVAL;
    set_span(dict, chars ? "cols" : "width", text, (size_t)(x - text));
    set_span(dict, chars ? "rows" : "height", y, (size_t)(end - y));
    return 0;
}

static int parse_path(struct kv_node *dict, const char *backend, const char *path)
{
    kv_set(dict, "backend", backend);
    kv_set(dict, "path", path);
    return *path ? 0 : -EINVAL;
}

static bool is_bare_backend(const char *text)
{
    static const char *const names[] = {"null",    "pty",     "msmouse", "wctablet",
                                        "braille", "testdev", "stdio",   "ringbuf"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    return false;
}

static int parse_backend(struct kv_node *dict, const char *text)
{
    const char *p;
    if (is_bare_backend(text)) {
        kv_set(dict, "backend", text);
        return 0;
    }
    if (strcmp(text, "vc") == 0)
        return parse_vc(dict, "");
    if ((p = after(text, "vc:")))
        return parse_vc(dict, p);
    if ((p = after(text, "file:")))
        return parse_path(dict, "file", p);
    if ((p = after(text, "pipe:")))
        return parse_path(dict, "pipe", p);
    if ((p = after(text, "pty:")))
        return parse_path(dict, "pty", p);
    if ((p = after(text, "tcp:")))
        return parse_tcp(dict, p, NULL);
    if ((p = after(text, "telnet:")))
        return parse_tcp(dict, p, "telnet");
    if ((p = after(text, "websocket:")))
        return parse_tcp(dict, p, "websocket");
    if ((p = after(text, "udp:")))
        return parse_udp(dict, p);
    if ((p = after(text, "unix:"))) {
        kv_set(dict, "backend", "socket");
        add_options(dict, p, "path");
        const char *path = kv_text(dict, "path");
        return (path && *path) || kv_text(dict, "fd") ? 0 : -EINVAL;
    }
    return after(text, "/dev/") ? parse_path(dict, "serial", text) : -EINVAL;
}

struct kv_node *chardev_short_parse(const char *text, const char *id, char **err)
{
    struct kv_node *dict = kv_new(KV_DICT);
    const char *muxed = after(text, "mon:"), *at = muxed ? muxed : text;
    const char *existing = after(at, "chardev:");
    if (existing && keyval_is_id(existing)) {
        kv_set(dict, "id", existing);
        return dict;
    }
    if (parse_backend(dict, at) < 0) {
        cli_fail(err, "'%s' is not a valid char driver", at);
        kv_free(dict);
        return NULL;
    }
    kv_set(dict, "id", id);
    if (muxed)
        kv_set(dict, "mux", "on");
    /* With a monitor behind it, Ctrl-C belongs to the guest; the monitor has its own way to quit.
     */
    if (muxed && strcmp(at, "stdio") == 0)
        kv_set(dict, "signal", "off");
    return dict;
}
