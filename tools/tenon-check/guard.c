/* SPDX-License-Identifier: BSD-2-Clause */
/* Instances live here: an access behind the end hits an unreadable page at once, one before the
 * beginning or in the few bytes up to the page (instances are 64-byte aligned) is found when the
 * callback returns. */
#include "parts.h"
#include <sys/mman.h>

enum { PAGE = 4096, ALIGN = 64, FILL = 0xa5, WATCHED = 512 };

static uint64_t pages(uint64_t size)
{
    return (size + ALIGN + PAGE - 1) / PAGE * PAGE;
}

static uint64_t rounded(uint64_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static uint8_t *first(const void *p, uint64_t size)
{
    return (uint8_t *)(uintptr_t)p + rounded(size) - pages(size);
}

void *guard_alloc(uint64_t size)
{
    uint8_t *base =
        mmap(NULL, pages(size) + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + PAGE, pages(size), PROT_READ | PROT_WRITE) < 0) {
        perror("tenon-check: memory for an instance");
        exit(2);
    }
    memset(base + PAGE, FILL, pages(size));
    uint8_t *p = base + PAGE + pages(size) - rounded(size);
    memset(p, 0, size);
    return p;
}

static int filled(const uint8_t *from, const uint8_t *to)
{
    while (from < to)
        if (*from++ != FILL)
            return 0;
    return 1;
}

int guard_ok(const void *p, uint64_t size)
{
    const uint8_t *at = p, *base = first(p, size);
    const uint8_t *from = at - base > WATCHED ? at - WATCHED : base;
    return filled(from, at) && filled(at + size, at + rounded(size));
}

void guard_poison(void *p, uint64_t size)
{
    mprotect(first(p, size), pages(size), PROT_NONE);
}

void guard_free(void *p, uint64_t size)
{
    munmap(first(p, size) - PAGE, pages(size) + 2 * PAGE);
}
