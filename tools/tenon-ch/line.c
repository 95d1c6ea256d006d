/* SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("tenon-ch: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

/* ---- the line ---- */

void line_add(struct line *l, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    l->v = xrealloc(l->v, (l->n + 2) * sizeof *l->v);
    l->v[l->n++] = buf_take(&b);
    l->v[l->n] = NULL;
}

static const char plain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

static void print_quoted(const char *s)
{
    if (*s && strspn(s, plain) == strlen(s)) {
        fputs(s, stdout);
        return;
    }
    putchar('\'');
    for (; *s; s++)
        if (*s == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*s);
    putchar('\'');
}

void line_print(const struct line *l)
{
    for (size_t i = 0; i < l->n; i++) {
        print_quoted(l->v[i]);
        putchar(i + 1 < l->n ? ' ' : '\n');
    }
}

void line_free(struct line *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct line){0};
}

char *doubled(const char *s)
{
    struct buf b = {0};
    buf_str(&b, "");
    for (; *s; s++)
        buf_add(&b, *s == ',' ? ",," : s, *s == ',' ? 2 : 1);
    return b.data ? buf_take(&b) : xstrdup("");
}

/* ---- values ---- */

/* Cuts the first item off *rest, at a comma outside of brackets. */
static char *item(char **rest)
{
    char *at = *rest, *p = at;
    int depth = 0;
    for (; *p && (*p != ',' || depth); p++)
        depth += (*p == '[') - (*p == ']');
    *rest = *p ? p + 1 : NULL;
    *p = 0;
    return at;
}

void value_parse(struct value *v, const char *option, const char *text)
{
    *v = (struct value){.option = option, .text = xstrdup(text)};
    for (char *rest = v->text; rest;) {
        char *key = item(&rest), *eq = strchr(key, '=');
        if (!*key || key == eq)
            die("%s %s: a name is missing", option, text);
        if (v->n == VALUE_PAIRS)
            die("%s %s: too much", option, text);
        if (eq)
            *eq = 0;
        v->key[v->n] = key;
        v->val[v->n++] = eq ? eq + 1 : NULL;
    }
}

static const char *find(struct value *v, const char *key, bool *bare)
{
    const char *found = NULL;
    *bare = false;
    for (uint32_t i = 0; i < v->n; i++) {
        if (strcmp(v->key[i], key) != 0)
            continue;
        v->used[i] = true;
        found = v->val[i];
        *bare = !found;
    }
    return found;
}

const char *value_get(struct value *v, const char *key)
{
    bool bare;
    const char *s = find(v, key, &bare);
    if (bare || (s && !*s))
        die("%s: %s has no value", v->option, key);
    return s;
}

bool value_flag(struct value *v, const char *key, bool otherwise)
{
    bool bare;
    const char *s = find(v, key, &bare);
    if (bare)
        return true;
    if (!s)
        return otherwise;
    bool on = strcmp(s, "on") == 0 || strcmp(s, "true") == 0;
    if (!on && strcmp(s, "off") != 0 && strcmp(s, "false") != 0)
        die("%s: %s is on or off, not '%s'", v->option, key, s);
    return on;
}

uint64_t value_number(struct value *v, const char *key, uint64_t otherwise)
{
    const char *s = value_get(v, key);
    char *end;
    if (!s)
        return otherwise;
    errno = 0;
    unsigned long long n = strtoull(s, &end, 0);
    if (*s < '0' || *s > '9' || *end || errno)
        die("%s: %s is a number, not '%s'", v->option, key, s);
    return n;
}

void value_done(struct value *v)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (!v->used[i])
            die("%s: %s is not known here", v->option, v->key[i]);
    free(v->text);
}
