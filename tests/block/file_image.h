/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk that is a file, in a folder of the test's. */
#ifndef TN_TEST_FILE_IMAGE_H
#define TN_TEST_FILE_IMAGE_H
#include "block_rig.h"
#include "tap.h"
#include "util/alloc.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct tn_plugin tn_plugin_v1;

static char dir[] = "/tmp/tenon-file.XXXXXX";
static char image[64];

static inline void make_image(uint64_t size)
{
    int fd = open(image, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        abort();
    close(fd);
}

static inline struct rig *try_file(const char *more)
{
    AUTO_FREE char *options =
        xasprintf("{'driver': 'file', 'id': 'b', 'filename': '%s'%s}", image, more);
    return rig_new(&tn_plugin_v1, options);
}

static inline struct rig *open_file(const char *more)
{
    struct rig *g = try_file(more);
    if (!g) {
        fprintf(stderr, "%s\n", fixture_error);
        abort();
    }
    return g;
}

/* Makes the folder; 0 or -1. */
static inline int file_begin(void)
{
    if (!mkdtemp(dir))
        return -1;
    snprintf(image, sizeof image, "%s/image", dir);
    return 0;
}

/* Removes it; 0 or -1. */
static inline int file_end(void)
{
    AUTO_FREE char *rm = xasprintf("rm -rf %s", dir);
    return system(rm) == 0 ? 0 : -1;
}

#endif
