/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds JSON values in a stream of bytes: nothing but JSON's own grammar separates them. After an
 * error the stream goes on at the next token that could begin a value, as QEMU's does. [any], one
 * thread at a time. */
#ifndef TN_HOST_QMP_STREAM_H
#define TN_HOST_QMP_STREAM_H
#include "util/buf.h"

enum qmp_found { QMP_MORE, QMP_VALUE, QMP_BAD };
enum {
    QMP_MAX_TEXT = 16 << 20,    /* bytes of one value */
    QMP_MAX_TOKENS = 256 << 10, /* ... and its tokens */
    QMP_MAX_NESTING = 64        /* KV_MAX_DEPTH */
};

struct qmp_stream {
    struct buf text; /* of the value under way */
    char *error;     /* owned; of QMP_BAD */
    uint32_t state, tokens;
    int32_t braces, brackets;
    size_t token_at;       /* where the token under way begins in text */
    uint32_t blank, given; /* blanks before the next token; text was handed out */
};

/* Takes bytes of p up to the end of one value. Returns how many; *found says what is there now:
 * QMP_VALUE: s->text holds it, QMP_BAD: s->error says why not. Both stay until the next call. */
size_t qmp_stream_feed(struct qmp_stream *s, const uint8_t *p, size_t n, enum qmp_found *found);
/* Forgets what has begun. */
void qmp_stream_reset(struct qmp_stream *s);

#endif
