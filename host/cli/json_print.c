/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"

#include <string.h>

/* The character at *s (RFC 3629 section 4), U+FFFD for what is none; *s moves on. */
static uint32_t next_char(const uint8_t **s)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t *p = *s;
    uint32_t more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = more ? *p & (0x3f >> more) : *p;
    int bad = (*p >= 0x80 && *p < 0xc0) || *p >= 0xf8;
    *s = ++p;
    for (uint32_t i = 0; i < more && !bad; i++, p++) {
        bad = (*p & 0xc0) != 0x80;
        c = c << 6 | (*p & 0x3f);
    }
    if (bad || c < least[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
        return 0xfffd;
    *s = p;
    return c;
}

static void print_escaped(struct buf *out, uint32_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = c && c < 0x80 ? strchr(from, (int)c) : NULL;
    if (known)
        buf_printf(out, "\\%c", to[known - from]);
    else if (c >= 0x10000)
        buf_printf(out, "\\u%04X\\u%04X", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
    else
        buf_printf(out, "\\u%04X", c);
}

static void print_string(struct buf *out, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    buf_add8(out, '"');
    while (*s) {
        const uint8_t *from = s;
        while (*s >= 0x20 && *s < 0x7f && *s != '"' && *s != '\\')
            s++;
        buf_add(out, from, (size_t)(s - from));
        if (*s)
            print_escaped(out, next_char(&s));
    }
    buf_add8(out, '"');
}

static void new_line(struct buf *out, int indent)
{
    buf_add8(out, '\n');
    for (int i = 0; i < indent; i++)
        buf_str(out, "    ");
}

/* indent: -1 = all in one line */
static void print(struct buf *out, const struct kv_node *n, int indent);

static void print_members(struct buf *out, const struct kv_node *n, int indent)
{
    int inner = indent < 0 ? -1 : indent + 1;
    for (size_t i = 0; i < n->n_child; i++) {
        if (i)
            buf_str(out, inner < 0 ? ", " : ",");
        if (inner >= 0)
            new_line(out, inner);
        if (n->kind == KV_DICT) {
            print_string(out, n->child[i]->key);
            buf_str(out, ": ");
        }
        print(out, n->child[i], inner);
    }
    if (inner >= 0 && n->n_child)
        new_line(out, indent);
}

static void print(struct buf *out, const struct kv_node *n, int indent)
{
    switch (n->kind) {
    case KV_STRING:
        print_string(out, n->text);
        break;
    case KV_NUMBER:
        buf_str(out, n->text);
        break;
    case KV_BOOL:
        buf_str(out, strcmp(n->text, "on") == 0 ? "true" : "false");
        break;
    case KV_NULL:
        buf_str(out, "null");
        break;
    case KV_DICT:
    case KV_LIST:
        buf_add8(out, n->kind == KV_DICT ? '{' : '[');
        print_members(out, n, indent);
        buf_add8(out, n->kind == KV_DICT ? '}' : ']');
        break;
    }
}

void json_print(struct buf *out, const struct kv_node *n, int pretty)
{
    print(out, n, pretty ? 0 : -1);
}
