/* SPDX-License-Identifier: BSD-2-Clause */
#include "qmp_stream.h"

#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

enum {
    BETWEEN, /* tokens */
    IN_NUMBER,
    IN_WORD,
    IN_STRING,
    IN_STRING_ESCAPE,
    IN_STRING_SINGLE, /* 'text': QEMU's own */
    IN_STRING_SINGLE_ESCAPE,
    RECOVERING /* until something that begins a token for sure */
};

/* Tokens that are in an error text are cut here. */
enum { STRAY_MAX = 256 };

void qmp_stream_reset(struct qmp_stream *s)
{
    buf_free(&s->text);
    free(s->error);
    *s = (struct qmp_stream){0};
}

static enum qmp_found give(struct qmp_stream *s, enum qmp_found what)
{
    s->given = 1;
    s->braces = s->brackets = 0;
    s->tokens = s->blank = 0;
    return what;
}

static void begin_again(struct qmp_stream *s)
{
    free(s->error);
    s->error = NULL;
    s->given = 0;
    if (s->text.cap > 64 << 10)
        buf_free(&s->text);
    s->text.len = 0;
    s->token_at = 0;
}

static enum qmp_found fail(struct qmp_stream *s, const char *text, uint32_t state)
{
    s->error = xstrdup(text);
    s->state = state;
    return give(s, QMP_BAD);
}

static enum qmp_found stray(struct qmp_stream *s)
{
    size_t n = s->text.len - s->token_at;
    AUTO_FREE char *token =
        xstrndup((const char *)s->text.data + s->token_at, n < STRAY_MAX ? n : STRAY_MAX);
    AUTO_FREE char *text = xasprintf("JSON parse error, stray '%s'", token);
    return fail(s, text, RECOVERING);
}

/* What is counted after each token: enough to see where a value ends. */
static enum qmp_found token_done(struct qmp_stream *s)
{
    s->state = BETWEEN;
    if (++s->tokens > QMP_MAX_TOKENS)
        return fail(s, "JSON token count limit exceeded", BETWEEN);
    if (s->braces < 0 || s->brackets < 0 || (s->braces == 0 && s->brackets == 0))
        return give(s, QMP_VALUE);
    if (s->braces + s->brackets > QMP_MAX_NESTING)
        return fail(s, "JSON nesting depth limit exceeded", BETWEEN);
    return QMP_MORE;
}

static size_t digits(const char *t)
{
    return strspn(t, "0123456789");
}

/* RFC 8259 section 6. */
static int is_number(const char *t)
{
    t += *t == '-';
    size_t n = digits(t);
    if (n == 0 || (n > 1 && *t == '0'))
        return 0;
    t += n;
    if (*t == '.') {
        if (!(n = digits(t + 1)))
            return 0;
        t += 1 + n;
    }
    if (*t == 'e' || *t == 'E') {
        t += 1 + (t[1] == '+' || t[1] == '-');
        if (!(n = digits(t)))
            return 0;
        t += n;
    }
    return !*t;
}

static int is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int is_structure(uint8_t c)
{
    return c && strchr("{}[]:,", c);
}

static void count(struct qmp_stream *s, uint8_t c)
{
    s->braces += (c == '{') - (c == '}');
    s->brackets += (c == '[') - (c == ']');
}

/* The first byte of a token. */
static enum qmp_found begin_token(struct qmp_stream *s, uint8_t c)
{
    if (s->blank && s->text.len)
        buf_add8(&s->text, ' ');
    s->blank = 0;
    s->token_at = s->text.len;
    buf_add8(&s->text, c);
    if (is_structure(c)) {
        count(s, c);
        return token_done(s);
    }
    if (c == '"' || c == '\'')
        s->state = c == '"' ? IN_STRING : IN_STRING_SINGLE;
    else if (c == '-' || (c >= '0' && c <= '9'))
        s->state = IN_NUMBER;
    else if (c >= 'a' && c <= 'z')
        s->state = IN_WORD;
    else
        return stray(s);
    return QMP_MORE;
}

static enum qmp_found in_string(struct qmp_stream *s, uint8_t c)
{
    buf_add8(&s->text, c);
    if (c < 0x20 || c >= 0xfe)
        return stray(s);
    if (s->state == IN_STRING_ESCAPE || s->state == IN_STRING_SINGLE_ESCAPE) {
        s->state--;
        return QMP_MORE;
    }
    if (c == '\\')
        s->state++;
    return c == (s->state == IN_STRING ? '"' : '\'') ? token_done(s) : QMP_MORE;
}

/* 1: c belongs to the number or word under way; else that one ends before c. */
static int goes_on(const struct qmp_stream *s, uint8_t c)
{
    if (s->state == IN_WORD)
        return c >= 'a' && c <= 'z';
    return c && strchr("0123456789+-.eE", c);
}

static enum qmp_found end_scalar(struct qmp_stream *s)
{
    int good = s->state == IN_WORD || is_number(buf_cstr(&s->text) + s->token_at);
    return good ? token_done(s) : stray(s);
}

static int ends_recovery(uint8_t c)
{
    return c < 0x20 || c >= 0xfe || is_structure(c);
}

/* One byte; *used = 0: it is to come again. */
static enum qmp_found step(struct qmp_stream *s, uint8_t c, size_t *used)
{
    *used = 1;
    switch (s->state) {
    case BETWEEN:
        if (!is_blank(c))
            return begin_token(s, c);
        s->blank = 1;
        return QMP_MORE;
    case RECOVERING:
        if (ends_recovery(c)) {
            s->state = BETWEEN;
            *used = 0;
        }
        return QMP_MORE;
    case IN_NUMBER:
    case IN_WORD:
        if (goes_on(s, c)) {
            buf_add8(&s->text, c);
            return QMP_MORE;
        }
        *used = 0;
        return end_scalar(s);
    default:
        return in_string(s, c);
    }
}

size_t qmp_stream_feed(struct qmp_stream *s, const uint8_t *p, size_t n, enum qmp_found *found)
{
    size_t at = 0, used;
    if (s->given)
        begin_again(s);
    *found = QMP_MORE;
    while (at < n && *found == QMP_MORE) {
        *found = step(s, p[at], &used);
        at += used;
        if (*found == QMP_MORE && s->text.len > QMP_MAX_TEXT)
            *found = fail(s, "JSON token size limit exceeded", RECOVERING);
    }
    return at;
}
