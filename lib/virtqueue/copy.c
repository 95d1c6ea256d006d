/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes into and out of the pieces of a buffer. */
#include "virtqueue.h"

/* The next run of at most len bytes in *v, skip bytes on. NULL: there is none. */
static uint8_t *next_run(const struct tn_iov **v, uint32_t *n, uint64_t *skip, uint64_t len,
                         uint64_t *run)
{
    while (*n && *skip >= (*v)->len) {
        *skip -= (*v)->len;
        ++*v;
        --*n;
    }
    if (!*n || !len)
        return NULL;
    uint8_t *at = (uint8_t *)(*v)->base + *skip;
    *run = (*v)->len - *skip < len ? (*v)->len - *skip : len;
    *skip += *run;
    return at;
}

uint64_t vq_read_pieces(const struct tn_iov *v, uint32_t n, uint64_t skip, void *buf, uint64_t len)
{
    uint64_t done = 0, run;
    for (uint8_t *at; (at = next_run(&v, &n, &skip, len - done, &run)); done += run)
        memcpy((uint8_t *)buf + done, at, run);
    return done;
}

uint64_t vq_write_pieces(const struct tn_iov *v, uint32_t n, uint64_t skip, const void *buf,
                         uint64_t len)
{
    uint64_t done = 0, run;
    for (uint8_t *at; (at = next_run(&v, &n, &skip, len - done, &run)); done += run)
        memcpy(at, (const uint8_t *)buf + done, run);
    return done;
}

uint64_t vq_fill(const struct tn_iov *v, uint32_t n, uint64_t skip, uint8_t byte, uint64_t len)
{
    uint64_t done = 0, run;
    for (uint8_t *at; (at = next_run(&v, &n, &skip, len - done, &run)); done += run)
        memset(at, byte, run);
    return done;
}

uint32_t vq_skip(struct tn_iov **v, uint32_t n, uint64_t skip)
{
    while (n && skip >= (*v)->len) {
        skip -= (*v)->len;
        ++*v;
        n--;
    }
    if (n) {
        (*v)->base = (uint8_t *)(*v)->base + skip;
        (*v)->len -= skip;
    }
    return n;
}
