/* SPDX-License-Identifier: BSD-2-Clause */
/* A growable byte buffer. Always NUL-terminated behind len, so that data can be read as a string.
 */
#ifndef TN_UTIL_BUF_H
#define TN_UTIL_BUF_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data; /* owned; NULL while empty */
    size_t len, cap;
};

/* Appends n bytes of p (zeros if p is NULL). Aborts when memory is used up: the host cannot go on.
 */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add8(struct buf *b, uint8_t v);
void buf_add_le16(struct buf *b, uint16_t v);
void buf_add_le32(struct buf *b, uint32_t v);
void buf_add_le64(struct buf *b, uint64_t v);
void buf_str(struct buf *b, const char *s); /* without the NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* The contents as a string that the caller frees with free(); the buffer is empty afterwards. */
char *buf_take(struct buf *b);
const char *buf_cstr(const struct buf *b); /* "" while empty; valid until the next change */
void buf_free(struct buf *b);

#define BUF_AUTO __attribute__((cleanup(buf_free))) struct buf

#endif
