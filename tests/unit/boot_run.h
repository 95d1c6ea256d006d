/* SPDX-License-Identifier: BSD-2-Clause */
/* An image that is loaded into a guest's memory. */
#ifndef TN_BOOT_RUN_H
#define TN_BOOT_RUN_H
#include "boot_guest.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <unistd.h>

#define MIB 0x100000ull

struct run {
    struct guest g;
    struct boot_layout layout;
    struct boot_files files;
    struct boot_entry e;
    char *error;
    int fd;
    char path[32];
};

static inline struct run run_new(uint64_t low, uint64_t high)
{
    return (struct run){.g = guest_new(low, high), .fd = -1};
}

static inline int run_load(struct run *r, const struct buf *image)
{
    if (r->fd >= 0)
        close(r->fd);
    free_ptr(&r->error);
    r->fd = file_new(image->data, image->len, r->path);
    r->files.kernel = r->path;
    return boot_load(&r->files, &r->g.mem, &r->layout, &r->e, &r->error);
}

static inline void run_free(struct run *r)
{
    close(r->fd);
    guest_free(&r->g);
    free_ptr(&r->error);
}

/* Error texts start with the file's name. */
static inline const char *reason(const struct run *r)
{
    const char *at = r->error ? strstr(r->error, r->path) : NULL;
    return at == r->error && at ? at + strlen(r->path) : r->error;
}

/* Loads an image with a defect, checks the line, and that it is one line. */
static inline void expect_refusal(const struct buf *image, const char *why)
{
    struct run r = run_new(32 * MIB, 0);
    CHECK(run_load(&r, image) < 0);
    CHECK(r.error && !strchr(r.error, '\n'));
    CHECK_STR(reason(&r), why);
    run_free(&r);
}

/* ... with an initrd of len bytes, in a file that is open as *fd. */
static inline struct run with_initrd(uint64_t low, uint64_t high, size_t len, int *fd,
                                     char path[32])
{
    struct run r = run_new(low, high);
    AUTO_FREE uint8_t *data = xcalloc(1, len);
    memset(data, 0x5a, len);
    *fd = file_new(data, len, path);
    r.files.initrd = path;
    return r;
}

#endif
