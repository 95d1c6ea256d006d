/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a trace event: printf's conversions as far as events have them. */
#include "trace_host.h"

#include "util/buf.h"
#include <inttypes.h>
#include <string.h>

/* One conversion: c is d, u or x, of 32 bits, or of 64 with the l modifier. */
static void convert(struct buf *out, char c, int is_long, uint64_t v)
{
    if (!is_long)
        v = c == 'd' ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
    if (c == 'd')
        buf_printf(out, "%" PRId64, (int64_t)v);
    else if (c == 'u')
        buf_printf(out, "%" PRIu64, v);
    else
        buf_printf(out, "%" PRIx64, v);
}

/* Length of the conversion at fmt, 0 if it is none. */
static size_t conversion(const char *fmt, char *c, int *is_long)
{
    *is_long = fmt[1] == 'l';
    *c = fmt[1 + *is_long];
    return *c && strchr("dux", *c) ? 2u + (size_t)*is_long : 0;
}

void trace_format(struct buf *out, const char *fmt, const uint64_t *arg, uint32_t n)
{
    uint32_t used = 0;
    for (; *fmt; fmt++) {
        char c;
        int is_long;
        size_t len = *fmt == '%' ? conversion(fmt, &c, &is_long) : 0;
        if (!len) {
            buf_add8(out, (uint8_t)*fmt);
            fmt += fmt[0] == '%' && fmt[1] == '%';
            continue;
        }
        if (used < n)
            convert(out, c, is_long, arg[used++]);
        else
            buf_add8(out, '?');
        fmt += len - 1;
    }
}
