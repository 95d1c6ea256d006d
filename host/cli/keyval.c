/* SPDX-License-Identifier: BSD-2-Clause */
#include "keyval.h"
#include "fail.h"
#include "json.h"
#include "texts.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One item of either grammar, cut out of the text; all strings owned. */
struct item {
    char *key, *value; /* value is NULL for a bare key */
    const char *key_start;
};

static void item_cleanup(struct item *it)
{
    free(it->key);
    free(it->value);
}

/* Reads a value up to a single comma, folding `,,`; *at ends behind that comma. */
static char *take_value(const char **at)
{
    BUF_AUTO out = {0};
    const char *s = *at;
    while (*s && (*s != ',' || s[1] == ',')) {
        s += *s == ',';
        buf_add8(&out, (uint8_t)*s++);
    }
    *at = *s ? s + 1 : s;
    return xstrdup(buf_cstr(&out));
}

/* Reads one item and moves *at to the next one. implied applies to an item without "=". */
static void take_item(struct item *it, const char **at, const char *implied)
{
    size_t n = strcspn(*at, "=,");
    *it = (struct item){.key_start = *at};
    if ((*at)[n] == '=') {
        it->key = xstrndup(*at, n);
        *at += n + 1;
        it->value = take_value(at);
    } else if (implied) {
        it->key = xstrdup(implied);
        it->value = take_value(at);
    } else {
        it->key = xstrndup(*at, n);
        *at += n + ((*at)[n] == ',');
    }
}

static bool is_help_word(const char *s)
{
    return strcmp(s, "help") == 0 || strcmp(s, "?") == 0;
}

static void add_flag(struct kv_node *dict, const char *key)
{
    bool off = strncmp(key, "no", 2) == 0;
    kv_add(dict, off ? key + 2 : key, kv_scalar(KV_STRING, off ? "off" : "on"))->flag = true;
}

struct kv_node *keyval_parse(const char *text, const char *implied)
{
    struct kv_node *dict = kv_new(KV_DICT);
    while (*text) {
        __attribute__((cleanup(item_cleanup))) struct item it;
        take_item(&it, &text, implied);
        implied = NULL;
        if (it.value)
            kv_add(dict, it.key, kv_scalar(KV_STRING, it.value));
        else
            add_flag(dict, it.key);
    }
    return dict;
}

struct kv_node *keyval_parse_or_json(const char *text, const char *implied, char **err)
{
    return *text == '{' ? json_parse(text, err) : keyval_parse(text, implied);
}

/* A path is names and list indices between dots; it starts with a name. */
static bool is_fragment(const char *s, size_t n, bool first)
{
    bool number = n > 0, name = n > 0 && (isalpha((unsigned char)*s) || *s == '_');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        number = number && isdigit(c);
        name = name && (isalnum(c) || c == '-' || c == '_');
    }
    return name || (number && !first);
}

static bool is_path(const char *key)
{
    for (int depth = 1; depth < KV_MAX_DEPTH; depth++) {
        size_t n = strcspn(key, ".");
        if (!is_fragment(key, n, depth == 1))
            return false;
        if (!key[n])
            return true;
        key += n + 1;
    }
    return false;
}

static int add_dotted(struct kv_node *flat, const char *prefix, const struct item *it, char **err)
{
    if (!it->value && !is_help_word(it->key))
        return cli_fail(
            err, *it->key ? "Expected '=' after parameter '%s'" : "Expected parameter before '%s'",
            *it->key ? it->key : it->key_start);
    AUTO_FREE char *key = xasprintf("%s%s", prefix, it->value ? it->key : "help");
    if (!is_path(key))
        return cli_fail(err, TEXT_NO_KEY, it->key);
    kv_set(flat, key, it->value ? it->value : "on");
    if (!it->value)
        kv_get(flat, key)->flag = true;
    return 0;
}

int keyval_parse_dotted(struct kv_node *flat, const char *prefix, const char *text,
                        const char *implied, char **err)
{
    while (*text) {
        __attribute__((cleanup(item_cleanup))) struct item it;
        take_item(&it, &text, implied);
        implied = NULL;
        int r = add_dotted(flat, prefix, &it, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The dict under key, made if need be; NULL if a value stands there. */
static struct kv_node *descend(struct kv_node *dict, const char *key)
{
    struct kv_node *n = kv_get(dict, key);
    if (!n)
        return kv_add(dict, key, kv_new(KV_DICT));
    return n->kind == KV_DICT ? n : NULL;
}

static int inconsistent(const char *path, size_t n, char **err)
{
    return cli_fail(err, "Parameters '%.*s.*' used inconsistently", (int)n, path);
}

static int nest_one(struct kv_node *root, const struct kv_node *value, char **err)
{
    const char *path = value->key, *at = path;
    struct kv_node *dict = root;
    if (!is_path(path))
        return cli_fail(err, TEXT_NO_KEY, path);
    for (size_t n = strcspn(at, "."); at[n]; n = strcspn(at, ".")) {
        AUTO_FREE char *fragment = xstrndup(at, n);
        dict = descend(dict, fragment);
        if (!dict)
            return inconsistent(path, (size_t)(at + n - path), err);
        at += n + 1;
    }
    if (kv_get(dict, at))
        return inconsistent(path, strlen(path), err);
    kv_add(dict, at, kv_clone(value));
    return 0;
}

/* The list index that key spells without leading zeros, or SIZE_MAX. */
static size_t list_index(const char *key)
{
    size_t n = strlen(key);
    if (strspn(key, "0123456789") != n || (n > 1 && *key == '0'))
        return SIZE_MAX;
    return strtoul(key, NULL, 10);
}

static int order_elements(struct kv_node *n, const char *path, char **err)
{
    struct kv_node **sorted = xcalloc(n->n_child, sizeof(*sorted));
    for (size_t i = 0; i < n->n_child; i++) {
        size_t index = list_index(n->child[i]->key);
        if (index < n->n_child)
            sorted[index] = n->child[i];
    }
    for (size_t i = 0; i < n->n_child; i++) {
        if (!sorted[i]) {
            free(sorted);
            return cli_fail(err, "Parameter '%s.%zu' missing", path, i);
        }
    }
    memcpy(n->child, sorted, n->n_child * sizeof(*sorted));
    free(sorted);
    return 0;
}

static int to_list(struct kv_node *n, const char *path, char **err)
{
    int r = order_elements(n, path, err);
    if (r < 0)
        return r;
    n->kind = KV_LIST;
    for (size_t i = 0; i < n->n_child; i++) {
        free(n->child[i]->key);
        n->child[i]->key = NULL;
    }
    return 0;
}

static int listify(struct kv_node *n, const char *path, char **err)
{
    size_t indices = 0;
    for (size_t i = 0; i < n->n_child; i++) {
        struct kv_node *c = n->child[i];
        indices += isdigit((unsigned char)*c->key) != 0;
        AUTO_FREE char *sub = xasprintf("%s%s%s", path, *path ? "." : "", c->key);
        int r = c->kind == KV_DICT ? listify(c, sub, err) : 0;
        if (r < 0)
            return r;
    }
    if (indices == 0)
        return 0;
    return indices == n->n_child ? to_list(n, path, err) : inconsistent(path, strlen(path), err);
}

struct kv_node *keyval_nest(const struct kv_node *flat, char **err)
{
    struct kv_node *root = kv_new(KV_DICT);
    int r = 0;
    for (size_t i = 0; i < flat->n_child && r == 0; i++)
        r = nest_one(root, flat->child[i], err);
    if (r == 0)
        r = listify(root, "", err);
    if (r == 0)
        return root;
    kv_free(root);
    return NULL;
}

enum keyval_help keyval_help_wanted(const struct kv_node *kv, const char *implied)
{
    const char *type = implied ? kv_text(kv, implied) : NULL;
    if (type && is_help_word(type))
        return KEYVAL_HELP_TYPES;
    for (size_t i = 0; kv->kind == KV_DICT && i < kv->n_child; i++) {
        if (kv->child[i]->flag && is_help_word(kv->child[i]->key))
            return type ? KEYVAL_HELP_PROPERTIES : KEYVAL_HELP_TYPES;
    }
    return KEYVAL_NO_HELP;
}

bool keyval_is_id(const char *text)
{
    if (!isalpha((unsigned char)*text))
        return false;
    for (; *text; text++) {
        if (!isalnum((unsigned char)*text) && !strchr("-._", *text))
            return false;
    }
    return true;
}
