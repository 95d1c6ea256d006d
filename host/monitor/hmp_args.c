/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmp_impl.h"

#include "cli/keyval.h"
#include "cli/values.h"
#include "hmp_expr.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char hmp_usage_error[] = "usage", hmp_syntax_error[] = "syntax";

static void skip_blanks(struct hmp_args *a)
{
    while (isspace((unsigned char)*a->at))
        a->at++;
}

/* "COMMAND: TEXT" */
static int usage(struct hmp_args *a, const char *text)
{
    err_set(a->e, EINVAL, "%s", text);
    return err_class(a->e, hmp_usage_error);
}

static int syntax(struct hmp_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int syntax(struct hmp_args *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_vset(a->e, EINVAL, fmt, ap);
    va_end(ap);
    return err_class(a->e, hmp_syntax_error);
}

int hmp_more(struct hmp_args *a)
{
    skip_blanks(a);
    return *a->at != 0;
}

int hmp_end(struct hmp_args *a)
{
    return hmp_more(a) ? usage(a, "extraneous characters at the end of line") : 0;
}

int hmp_flags(struct hmp_args *a, const char *letters, uint32_t *given)
{
    *given = 0;
    while (hmp_more(a) && *a->at == '-') {
        const char *letter = a->at[1] ? strchr(letters, a->at[1]) : NULL;
        if (!letter || (a->at[2] && !isspace((unsigned char)a->at[2]))) {
            BUF_AUTO text = {0};
            buf_printf(&text, "unsupported option -%.1s", a->at + 1);
            return usage(a, buf_cstr(&text));
        }
        *given |= 1u << (letter - letters);
        a->at += 2;
    }
    return 0;
}

/* ---- words ---- */

static int escape(struct hmp_args *a, struct buf *word)
{
    static const char letters[] = "nr\\'\"", stand_for[] = "\n\r\\'\"";
    const char *l = a->at[1] ? strchr(letters, a->at[1]) : NULL;
    if (!l)
        return syntax(a, a->at[1] ? "unsupported escape code: '\\%c'" : "unterminated string",
                      a->at[1]);
    buf_add8(word, (uint8_t)stand_for[l - letters]);
    a->at += 2;
    return 0;
}

static int quoted(struct hmp_args *a, struct buf *word)
{
    for (a->at++; *a->at != '"';) {
        if (!*a->at)
            return syntax(a, "unterminated string");
        if (*a->at != '\\')
            buf_add8(word, (uint8_t)*a->at++);
        else if (escape(a, word) < 0)
            return -EINVAL;
    }
    a->at++;
    return 0;
}

static void bare(struct hmp_args *a, struct buf *word)
{
    size_t n = strcspn(a->at, " \t\n\r\f\v");
    buf_add(word, a->at, n);
    a->at += n;
}

int hmp_word(struct hmp_args *a, const char *what, char **word)
{
    BUF_AUTO b = {0};
    BUF_AUTO missing = {0};
    *word = NULL;
    if (!hmp_more(a)) {
        buf_printf(&missing, "%s expected", what ? what : "");
        return what ? usage(a, buf_cstr(&missing)) : 0;
    }
    if (*a->at != '"')
        bare(a, &b);
    else if (quoted(a, &b) < 0)
        return -EINVAL;
    *word = xstrdup(buf_cstr(&b));
    return 0;
}

int hmp_rest(struct hmp_args *a, char **rest)
{
    *rest = NULL;
    if (!hmp_more(a))
        return usage(a, "string expected");
    *rest = xstrdup(a->at);
    a->at += strlen(a->at);
    return 0;
}

/* ---- values ---- */

static int register_value(void *o, const char *name, uint64_t *v)
{
    return hmp_register(o, name, v);
}

int hmp_number(struct hmp_args *a, uint64_t *v)
{
    return hmp_expr(&a->at, register_value, a->c, v, a->e) < 0 ? err_class(a->e, hmp_syntax_error)
                                                               : 0;
}

int hmp_u32(struct hmp_args *a, const char *name, uint32_t *v)
{
    uint64_t wide;
    if (hmp_number(a, &wide) < 0)
        return -EINVAL;
    if (wide >> 32)
        return syntax(a, "'%s' has failed: integer is for 32-bit values", name);
    *v = (uint32_t)wide;
    return 0;
}

int hmp_size(struct hmp_args *a, uint64_t *bytes)
{
    AUTO_FREE char *word = NULL;
    if (hmp_word(a, "size", &word) < 0)
        return -EINVAL;
    return val_size("size", word, VAL_MIB, bytes, NULL) < 0 ? syntax(a, "invalid size") : 0;
}

int hmp_onoff(struct hmp_args *a, int *on)
{
    AUTO_FREE char *word = NULL;
    if (hmp_word(a, NULL, &word) < 0)
        return -EINVAL;
    *on = word && strcmp(word, "on") == 0;
    if (!*on && !(word && strcmp(word, "off") == 0))
        return syntax(a, "Expected 'on' or 'off'");
    return 0;
}

int hmp_options(struct hmp_args *a, const char *implied, struct kv_node **dict)
{
    AUTO_FREE char *word = NULL, *why = NULL;
    *dict = NULL;
    if (hmp_word(a, NULL, &word) < 0)
        return -EINVAL;
    *dict = keyval_parse_or_json(word ? word : "", implied, &why);
    return *dict ? 0 : err_set(a->e, EINVAL, "%s", why);
}

/* ---- /NNfs ---- */

static uint32_t size_letter(char c)
{
    return c == 'b' ? 1 : c == 'h' ? 2 : c == 'w' ? 4 : c == 'g' ? 8 : 0;
}

static int letters(struct hmp_args *a, struct hmp_format *f)
{
    for (; *a->at && !isspace((unsigned char)*a->at); a->at++) {
        if (strchr("oduxic", *a->at))
            f->format = *a->at;
        else if (size_letter(*a->at))
            f->size = size_letter(*a->at);
        else
            return syntax(a, "invalid char in format: '%c'",
                          isprint((unsigned char)*a->at) ? *a->at : '?');
    }
    return 0;
}

int hmp_format(struct hmp_args *a, struct hmp_format *f)
{
    struct hmp_format *last = &a->c->mon->format;
    *f = (struct hmp_format){1, last->format ? last->format : 'x', last->size ? last->size : 4};
    if (!hmp_more(a) || *a->at != '/')
        return 0;
    a->at++;
    if (isdigit((unsigned char)*a->at)) {
        char *end;
        errno = 0;
        unsigned long n = strtoul(a->at, &end, 10);
        if (errno || n > UINT32_MAX)
            return syntax(a, "number too large");
        f->count = (uint32_t)n;
        a->at = end;
    }
    if (letters(a, f) < 0)
        return -EINVAL;
    *last = *f;
    return 0;
}

/* ---- completion ---- */

void hmp_offer(struct buf *out, const char *head, const char *word)
{
    if (strncmp(word, head, strlen(head)) == 0)
        buf_printf(out, "%s\n", word);
}
