/* SPDX-License-Identifier: BSD-2-Clause */
#include "left.h"
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>

enum { ATTEMPTS = 3, BYTES_OF_A_LIFE = 16, SLACK = 512, SLACK_MAPS = 16 };

static uint32_t entries(const char *path)
{
    DIR *d = opendir(path);
    uint32_t n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static uint32_t lines(const char *path)
{
    FILE *f = fopen(path, "re");
    uint32_t n = 0;
    for (int ch; f && (ch = getc(f)) != EOF;)
        n += ch == '\n';
    if (f)
        fclose(f);
    return n;
}

void __asan_init(void) __attribute__((weak));

int left_sanitized(void)
{
    return __asan_init != NULL;
}

struct left left_now(void)
{
    struct left l = {.fds = entries("/proc/self/fd"),
                     .threads = entries("/proc/self/task"),
                     .maps = left_sanitized() ? 0 : lines("/proc/self/maps")};
    struct mallinfo2 m = mallinfo2();
    l.bytes = left_sanitized() ? 0 : m.uordblks + m.hblkhd;
    return l;
}

static int more(const struct left *a, const struct left *b, uint32_t n)
{
    return b->fds > a->fds || b->threads > a->threads || b->maps > a->maps + SLACK_MAPS ||
           b->bytes > a->bytes + SLACK + (uint64_t)n * BYTES_OF_A_LIFE;
}

void left_lives(struct check *c, void (*lives)(void *o, uint32_t n), void *o, uint32_t n)
{
    struct left before = left_now(), after = before;
    for (uint32_t i = 0; i < ATTEMPTS; i++) {
        before = left_now();
        lives(o, n);
        after = left_now();
        if (!more(&before, &after, n))
            return;
    }
    left_check(c, &before, &after, n);
}

void left_check(struct check *c, const struct left *a, const struct left *b, uint32_t n)
{
    CHECK(c, b->fds <= a->fds, "%u lives left %u descriptors open", n, b->fds - a->fds);
    CHECK(c, b->threads <= a->threads, "%u lives left %u threads", n, b->threads - a->threads);
    CHECK(c, b->maps <= a->maps + SLACK_MAPS, "%u lives left %u mappings", n, b->maps - a->maps);
    CHECK(c, b->bytes <= a->bytes + SLACK + (uint64_t)n * BYTES_OF_A_LIFE,
          "%u lives left %llu bytes of memory", n, (unsigned long long)(b->bytes - a->bytes));
}
