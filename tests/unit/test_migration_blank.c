/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages are known to be zero without a look at them. */
#include "migration/blank.h"
#include "tap.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = BLANK_WINDOW + 128 }; /* two windows */
#define LEN ((size_t)PAGES * DIRTY_PAGE)

static struct tn_mem memory(int fd, int shared)
{
    int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (fd < 0 ? MAP_ANONYMOUS : 0);
    struct tn_mem m = {.len = LEN, .fd = fd, .flags = shared ? TN_MEMF_SHARED : 0};
    m.va = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (m.va == MAP_FAILED)
        abort();
    madvise(m.va, LEN, MADV_NOHUGEPAGE);
    return m;
}

static int file(void)
{
    int fd = memfd_create("blank", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)LEN) < 0)
        abort();
    return fd;
}

static void write_to(const struct tn_mem *m, uint64_t page)
{
    m->va[page * DIRTY_PAGE + 17] = 1;
}

static int is_blank(struct blank *b, uint64_t page)
{
    return (int)(blank_word(b, page / 64) >> page % 64 & 1);
}

static const uint64_t written[] = {0, 5, 63, 64, 4000, BLANK_WINDOW - 1, BLANK_WINDOW, PAGES - 1};

static int was_written(uint64_t page)
{
    for (size_t i = 0; i < ARRAY_SIZE(written); i++)
        if (written[i] == page)
            return 1;
    return 0;
}

/* Pages of which it is not as it should be. */
static uint64_t wrong(struct blank *b, const struct tn_mem *m)
{
    uint64_t n = 0;
    blank_begin(b, m);
    for (uint64_t page = 0; page < PAGES; page++)
        n += is_blank(b, page) == was_written(page);
    return n;
}

static void write_all(const struct tn_mem *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(written); i++)
        write_to(m, written[i]);
}

static void check_memory(int fd, int shared)
{
    struct blank b;
    struct tn_mem m = memory(fd, shared);
    blank_init(&b);
    write_all(&m);
    CHECK_EQ(wrong(&b, &m), 0);
    blank_begin(&b, &m); /* a window is as old as the pass */
    CHECK(is_blank(&b, 100));
    write_to(&m, 100);
    blank_begin(&b, &m);
    CHECK(!is_blank(&b, 100));
    blank_fini(&b);
    munmap(m.va, LEN);
}

TEST(anonymous_memory_is_blank_where_it_was_not_written)
{
    check_memory(-1, 0);
}

TEST(a_shared_file_is_blank_in_its_holes)
{
    AUTO_CLOSE int fd = file();
    check_memory(fd, 1);
}

TEST(a_private_file_is_blank_where_neither_it_nor_the_copy_has_anything)
{
    AUTO_CLOSE int fd = file();
    check_memory(fd, 0);
    struct blank b;
    struct tn_mem m = memory(fd, 0);
    struct tn_mem other = memory(fd, 1);
    blank_init(&b);
    write_to(&other, 200);
    blank_begin(&b, &m);
    CHECK(!is_blank(&b, 200));
    CHECK(is_blank(&b, 201));
    blank_fini(&b);
    munmap(m.va, LEN);
    munmap(other.va, LEN);
}

/* Memory that others share by other means than a file: they may have written where this process has
 * nothing. */
TEST(what_cannot_be_known_is_not_blank)
{
    struct blank b;
    struct tn_mem m = memory(-1, 1);
    blank_init(&b);
    blank_begin(&b, &m);
    CHECK_EQ(blank_word(&b, 0), 0);
    munmap(m.va, LEN);
    m = memory(-1, 0);
    close_fd(&b.pagemap);
    b.pagemap = -1;
    blank_begin(&b, &m);
    CHECK_EQ(blank_word(&b, 0), 0);
    blank_fini(&b);
    munmap(m.va, LEN);
}

int main(void)
{
    RUN(anonymous_memory_is_blank_where_it_was_not_written);
    RUN(a_shared_file_is_blank_in_its_holes);
    RUN(a_private_file_is_blank_where_neither_it_nor_the_copy_has_anything);
    RUN(what_cannot_be_known_is_not_blank);
    return tap_done();
}
