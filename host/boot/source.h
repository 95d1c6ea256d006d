/* SPDX-License-Identifier: BSD-2-Clause */
/* An image file that is read straight to where its bytes belong. */
#ifndef TN_BOOT_SOURCE_H
#define TN_BOOT_SOURCE_H
#include <stdint.h>

struct source {
    const char *name; /* as the user gave it; not owned */
    int fd;           /* owned; -1 when closed */
    uint64_t size;    /* bytes */
};

/* Closes the file at the end of the block. */
void source_close(struct source *s);
#define SOURCE_AUTO __attribute__((cleanup(source_close))) struct source

/* Opens the regular file path for reading; fd > 0: it is open already, and is duplicated. Returns
 * 0, or -errno with a line in *error. */
int source_open(struct source *s, const char *path, int fd, char **error);

/* Reads len bytes at offset into dst. A file that ends earlier (it shrank) is an error.
 * Returns 0, or -errno with a line in *error. */
int source_read(const struct source *s, uint64_t offset, void *dst, uint64_t len, char **error);

/* Is [offset, offset + len) inside the file? */
static inline int source_has(const struct source *s, uint64_t offset, uint64_t len)
{
    return offset <= s->size && len <= s->size - offset;
}

/* Stores the formatted line in *error and returns -err. */
int boot_fail(char **error, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
