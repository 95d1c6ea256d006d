/* SPDX-License-Identifier: BSD-2-Clause */
#include "blank.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Documentation/admin-guide/mm/pagemap.rst: of a page that has neither there is nothing. */
#define PM_SWAPPED ((uint64_t)1 << 62)
#define PM_PRESENT ((uint64_t)1 << 63)

void blank_init(struct blank *b)
{
    *b = (struct blank){.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
                        .entry = xcalloc(BLANK_WINDOW, sizeof *b->entry)};
}

void blank_fini(struct blank *b)
{
    if (b->entry) /* zeroed memory has descriptor 0, which is not ours */
        close_fd(&b->pagemap);
    free(b->entry);
    b->entry = NULL;
}

void blank_begin(struct blank *b, const struct tn_mem *m)
{
    b->of = m;
    b->first = ~(uint64_t)0;
    b->data[0] = b->data[1] = 0;
}

static uint64_t pages_left(const struct blank *b)
{
    uint64_t n = (b->of->len >> DIRTY_SHIFT) - b->first;
    return n < BLANK_WINDOW ? n : BLANK_WINDOW;
}

/* ---- private memory ---- */

/* A private page of a file has an entry once it was written to. */
static void look_private(struct blank *b)
{
    uint64_t n = pages_left(b), at = ((uintptr_t)b->of->va >> DIRTY_SHIFT) + b->first;
    if ((uintptr_t)b->of->va % DIRTY_PAGE ||
        pread(b->pagemap, b->entry, n * sizeof *b->entry, (off_t)(at * sizeof *b->entry)) !=
            (ssize_t)(n * sizeof *b->entry))
        return;
    for (uint64_t i = 0; i < n; i++)
        b->bits[i / 64] |= (uint64_t) !(b->entry[i] & (PM_PRESENT | PM_SWAPPED)) << i % 64;
}

/* ---- files ---- */

static void clear_range(struct blank *b, uint64_t from, uint64_t to)
{
    uint64_t start = b->first << DIRTY_SHIFT,
             first = from > start ? (from - start) >> DIRTY_SHIFT : 0;
    uint64_t end = to > start ? (to - start + DIRTY_PAGE - 1) >> DIRTY_SHIFT : 0;
    for (uint64_t i = first; i < end && i < BLANK_WINDOW; i++)
        b->bits[i / 64] &= ~((uint64_t)1 << i % 64);
}

/* Finds the first data at or behind `from`, bytes into the block; 0: there is none. A file system
 * that does not know says that everything is data. */
static int next_data(struct blank *b, uint64_t from)
{
    off_t base = (off_t)b->of->fd_off, data = lseek(b->of->fd, base + (off_t)from, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        return 0;
    off_t hole = data < 0 ? -1 : lseek(b->of->fd, data, SEEK_HOLE);
    b->data[0] = data < 0 ? from : (uint64_t)(data - base);
    b->data[1] = hole < 0 ? b->of->len : (uint64_t)(hole - base);
    return 1;
}

/* What was found for the window before may reach into this one. */
static void look_holes(struct blank *b)
{
    uint64_t at = b->first << DIRTY_SHIFT, end = at + (pages_left(b) << DIRTY_SHIFT);
    clear_range(b, b->data[0], b->data[1]);
    at = b->data[1] > at ? b->data[1] : at;
    while (at < end && next_data(b, at)) {
        clear_range(b, b->data[0], b->data[1]);
        at = b->data[1];
    }
}

/* ---- both ---- */

static void look(struct blank *b)
{
    int shared = (b->of->flags & TN_MEMF_SHARED) != 0, file = b->of->fd >= 0;
    memset(b->bits, shared && file ? 0xff : 0, sizeof b->bits);
    if (!shared)
        look_private(b);
    if (file)
        look_holes(b);
}

uint64_t blank_word(struct blank *b, uint64_t word)
{
    uint64_t page = word * 64;
    if (page < b->first || page - b->first >= BLANK_WINDOW) {
        b->first = page - page % BLANK_WINDOW;
        look(b);
    }
    return b->bits[page % BLANK_WINDOW / 64];
}
