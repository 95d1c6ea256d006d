/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"

#include "alloc.h"
#include "bytes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct buf *b, size_t more)
{
    if (b->cap - b->len > more && b->data)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->len <= more)
        cap *= 2;
    b->data = xrealloc(b->data, cap);
    b->cap = cap;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    reserve(b, n);
    if (p && n)
        memcpy(b->data + b->len, p, n);
    else
        memset(b->data + b->len, 0, n);
    b->len += n;
    b->data[b->len] = 0;
}

void buf_add8(struct buf *b, uint8_t v)
{
    buf_add(b, &v, 1);
}

void buf_add_le16(struct buf *b, uint16_t v)
{
    uint8_t x[2];
    put_le16(x, v);
    buf_add(b, x, sizeof x);
}

void buf_add_le32(struct buf *b, uint32_t v)
{
    uint8_t x[4];
    put_le32(x, v);
    buf_add(b, x, sizeof x);
}

void buf_add_le64(struct buf *b, uint64_t v)
{
    uint8_t x[8];
    put_le64(x, v);
    buf_add(b, x, sizeof x);
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    if (!fmt)
        return; /* said, so that no compiler thinks of it below */
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return;
    reserve(b, (size_t)n);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

char *buf_take(struct buf *b)
{
    reserve(b, 0);
    b->data[b->len] = 0;
    char *s = (char *)b->data;
    *b = (struct buf){0};
    return s;
}

const char *buf_cstr(const struct buf *b)
{
    return b->data ? (const char *)b->data : "";
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
