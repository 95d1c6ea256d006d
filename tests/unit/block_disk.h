/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of block nodes share. */
#ifndef TN_TEST_BLOCK_DISK_H
#define TN_TEST_BLOCK_DISK_H
#include "backend/block_range.h"
#include "block_mem.h"
#include "tap.h"
#include "vm/run.h"
#include <errno.h>
#include <unistd.h>

static uint8_t page[1 << 20] __attribute__((aligned(4096)));

static inline void fill(uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        p[i] = (uint8_t)rnd(256);
}

/* A drive "d0" of these options on memory, with a disk on it. */
static inline struct disk *disk_on(const char *options)
{
    char text[512];
    block_vm();
    snprintf(text, sizeof text, "driver=mem,if=none,id=d0,%s", options);
    return add_drive(text) == 0 ? add_disk("drive=d0") : NULL;
}

#endif
