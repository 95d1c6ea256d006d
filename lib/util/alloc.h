/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation of the host's own small structures: running out of memory for them ends the process
 * with a line, as nothing sensible could follow. Never for a size that a guest, a file or a peer
 * chose. */
#ifndef TN_UTIL_ALLOC_H
#define TN_UTIL_ALLOC_H
#include <stddef.h>

void *xcalloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));
void *xrealloc(void *p, size_t size) __attribute__((warn_unused_result));
char *xstrdup(const char *s) __attribute__((malloc, warn_unused_result));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, warn_unused_result));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), warn_unused_result));

#define XNEW(T) ((T *)xcalloc(1, sizeof(T)))

/* Scope cleanup: frees what the pointer holds at the end of the block. */
void free_ptr(void *pp);
void close_fd(int *fd); /* closes unless negative */
#define AUTO_FREE  __attribute__((cleanup(free_ptr)))
#define AUTO_CLOSE __attribute__((cleanup(close_fd)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
