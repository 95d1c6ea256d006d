/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"
#include "fail.h"
#include "util/alloc.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    const char *at;
    char **err;
    int depth;
};

static struct kv_node *parse_value(struct parser *p);

static void *bad(struct parser *p, const char *what)
{
    cli_fail(p->err, "JSON parse error, %s", *p->at ? what : "premature end");
    return NULL;
}

static void *twice(struct parser *p)
{
    cli_fail(p->err, "JSON parse error, duplicate key");
    return NULL;
}

static void skip_space(struct parser *p)
{
    p->at += strspn(p->at, " \t\r\n");
}

static bool accept(struct parser *p, char c)
{
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX (RFC 8259 section 7), or -1. */
static int32_t unicode_unit(struct parser *p)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(*p->at);
        if (d < 0)
            return -1;
        v = v * 16 + d;
        p->at++;
    }
    return v;
}

static void add_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add8(out, (uint8_t)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    buf_add8(out, (uint8_t)(lead[more] | c >> (6 * more)));
    while (more-- > 0)
        buf_add8(out, (uint8_t)(0x80 | ((c >> (6 * more)) & 0x3f)));
}

static bool parse_unicode(struct parser *p, struct buf *out)
{
    int32_t c = unicode_unit(p);
    if (c >= 0xd800 && c < 0xdc00 && p->at[0] == '\\' && p->at[1] == 'u') {
        p->at += 2;
        int32_t low = unicode_unit(p);
        if (low < 0xdc00 || low > 0xdfff)
            return bad(p, "invalid surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c <= 0 || (c >= 0xd800 && c <= 0xdfff))
        return bad(p, "invalid \\u escape");
    add_utf8(out, (uint32_t)c);
    return true;
}

static bool parse_escape(struct parser *p, struct buf *out)
{
    static const char from[] = "\"'\\/bfnrt", to[] = "\"'\\/\b\f\n\r\t";
    char c = *p->at;
    if (c == 'u') {
        p->at++;
        return parse_unicode(p, out);
    }
    const char *known = c ? strchr(from, c) : NULL;
    if (!known)
        return bad(p, "invalid escape sequence in string");
    p->at++;
    buf_add8(out, (uint8_t)to[known - from]);
    return true;
}

/* Length of the UTF-8 sequence at s, 0 if it is none (RFC 3629 section 4). */
static size_t utf8_length(const char *s)
{
    const uint8_t *u = (const uint8_t *)s;
    if (u[0] < 0x80)
        return 1;
    size_t n = u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
    if (u[0] < 0xc2 || !n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xf0 && u[1] < 0x90);
    bool surrogate = u[0] == 0xed && u[1] >= 0xa0;
    bool beyond = u[0] == 0xf4 && u[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

/* A quoted string without its quotes; NULL on error. The caller frees it. */
static char *parse_text(struct parser *p)
{
    skip_space(p);
    char quote = *p->at;
    if (quote != '"' && quote != '\'')
        return bad(p, "expecting value");
    p->at++;
    BUF_AUTO out = {0};
    while (*p->at != quote) {
        if ((unsigned char)*p->at < 0x20)
            return bad(p, "control character in string");
        if (*p->at == '\\') {
            p->at++;
            if (!parse_escape(p, &out))
                return NULL;
            continue;
        }
        size_t n = utf8_length(p->at);
        if (!n)
            return bad(p, "invalid UTF-8 sequence in string");
        buf_add(&out, p->at, n);
        p->at += n;
    }
    p->at++;
    return xstrdup(buf_cstr(&out));
}

static struct kv_node *parse_string(struct parser *p)
{
    AUTO_FREE char *text = parse_text(p);
    return text ? kv_scalar(KV_STRING, text) : NULL;
}

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* RFC 8259 section 6; the text is kept, so that the reader decides about range and sign. */
static struct kv_node *parse_number(struct parser *p)
{
    const char *s = p->at;
    s += *s == '-';
    size_t n = digits(s);
    if (n == 0 || (n > 1 && *s == '0'))
        return bad(p, "invalid number");
    s += n;
    if (*s == '.') {
        n = digits(s + 1);
        if (n == 0)
            return bad(p, "invalid number");
        s += 1 + n;
    }
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '+' || s[1] == '-');
        n = digits(s);
        if (n == 0)
            return bad(p, "invalid number");
        s += n;
    }
    AUTO_FREE char *text = xstrndup(p->at, (size_t)(s - p->at));
    p->at = s;
    return kv_scalar(KV_NUMBER, text);
}

static struct kv_node *parse_word(struct parser *p)
{
    static const struct {
        const char *word;
        enum kv_kind kind;
        const char *text;
    } words[] = {{"true", KV_BOOL, "on"}, {"false", KV_BOOL, "off"}, {"null", KV_NULL, ""}};
    size_t n = strspn(p->at, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (n == strlen(words[i].word) && strncmp(p->at, words[i].word, n) == 0) {
            p->at += n;
            return kv_scalar(words[i].kind, words[i].text);
        }
    }
    if (n == 0 || n > 64)
        return bad(p, "expecting value");
    AUTO_FREE char *what = xasprintf("invalid keyword '%.*s'", (int)n, p->at);
    return bad(p, what);
}

static bool parse_member(struct parser *p, struct kv_node *dict)
{
    skip_space(p);
    if (*p->at && strchr("-0123456789[{", *p->at))
        return bad(p, "key is not a string in object");
    AUTO_FREE char *key = parse_text(p);
    if (!key)
        return false;
    if (!accept(p, ':'))
        return bad(p, "missing : in object pair");
    struct kv_node *value = parse_value(p);
    if (value)
        kv_add(dict, key, value);
    return value;
}

static bool parse_element(struct parser *p, struct kv_node *list)
{
    struct kv_node *value = parse_value(p);
    if (value)
        kv_add(list, NULL, value);
    return value;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, as whoever writes the text decides how many members there are. */
static bool has_twice(const struct kv_node *dict)
{
    size_t n = dict->n_child;
    AUTO_FREE char **keys = xcalloc(n + 1, sizeof *keys);
    for (size_t i = 0; i < n; i++)
        keys[i] = dict->child[i]->key;
    qsort(keys, n, sizeof *keys, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return true;
    return false;
}

static struct kv_node *parse_container(struct parser *p, enum kv_kind kind)
{
    char end = kind == KV_DICT ? '}' : ']';
    KV_AUTO *n = kv_new(kind);
    p->at++;
    if (!accept(p, end)) {
        do {
            if (!(kind == KV_DICT ? parse_member(p, n) : parse_element(p, n)))
                return NULL;
        } while (accept(p, ','));
        if (!accept(p, end))
            return bad(p, kind == KV_DICT ? "expected separator in dict"
                                          : "expected separator in list");
        if (kind == KV_DICT && has_twice(n))
            return twice(p);
    }
    struct kv_node *result = n;
    n = NULL;
    return result;
}

static struct kv_node *parse_nested(struct parser *p, enum kv_kind kind)
{
    if (p->depth == KV_MAX_DEPTH)
        return bad(p, "nested too deeply");
    p->depth++;
    struct kv_node *n = parse_container(p, kind);
    p->depth--;
    return n;
}

static struct kv_node *parse_value(struct parser *p)
{
    skip_space(p);
    switch (*p->at) {
    case '{':
        return parse_nested(p, KV_DICT);
    case '[':
        return parse_nested(p, KV_LIST);
    case '"':
    case '\'':
        return parse_string(p);
    case '-':
    case '0' ... '9':
        return parse_number(p);
    default:
        return parse_word(p);
    }
}

struct kv_node *json_parse(const char *text, char **err)
{
    struct parser p = {.at = text, .err = err};
    struct kv_node *n = parse_value(&p);
    if (!n)
        return NULL;
    skip_space(&p);
    if (!*p.at)
        return n;
    kv_free(n);
    cli_fail(err, "Expecting at most one JSON value");
    return NULL;
}
