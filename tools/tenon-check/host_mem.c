/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest RAM: two pieces with a hole between, each between pages that nobody may touch. */
#include "parts.h"
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

static uint8_t *between_guards(int fd, uint64_t off, uint64_t len)
{
    uint8_t *p = mmap(NULL, len + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mmap(p + PAGE, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                                (off_t)off) == MAP_FAILED) {
        perror("tenon-check: guest RAM");
        exit(2);
    }
    return p + PAGE;
}

void *ram_alias(struct host *h, uint64_t gpa, uint64_t len, int prot)
{
    uint64_t off = gpa >= RAM_HIGH_AT ? gpa - RAM_HIGH_AT + RAM_LOW : gpa, skip = off % PAGE;
    uint64_t whole = (skip + len + PAGE - 1) / PAGE * PAGE;
    uint8_t *p = mmap(NULL, whole, prot, MAP_SHARED, h->parts->ram_fd, (off_t)(off - skip));
    return p == MAP_FAILED ? NULL : p + skip;
}

void ram_unalias(void *va, uint64_t len)
{
    uint8_t *p = va;
    uint64_t skip = (uintptr_t)p % PAGE;
    munmap(p - skip, (skip + len + PAGE - 1) / PAGE * PAGE);
}

uint8_t *host_ram(struct host *h, uint64_t gpa, uint64_t len)
{
    if (gpa < RAM_LOW && len <= RAM_LOW - gpa)
        return h->parts->ram_low + gpa;
    if (gpa >= RAM_HIGH_AT && gpa - RAM_HIGH_AT < RAM_HIGH && len <= RAM_HIGH - (gpa - RAM_HIGH_AT))
        return h->parts->ram_high + (gpa - RAM_HIGH_AT);
    return NULL;
}

void mem_init(struct host *h)
{
    struct parts *p = h->parts;
    p->ram_fd = memfd_create("ram", MFD_CLOEXEC);
    if (p->ram_fd < 0 || ftruncate(p->ram_fd, RAM_LOW + RAM_HIGH) < 0) {
        perror("tenon-check: guest RAM");
        exit(2);
    }
    p->ram_low = between_guards(p->ram_fd, 0, RAM_LOW);
    p->ram_high = between_guards(p->ram_fd, RAM_LOW, RAM_HIGH);
}

void mem_free(struct host *h)
{
    struct parts *p = h->parts;
    munmap(p->ram_low - PAGE, RAM_LOW + 2 * PAGE);
    munmap(p->ram_high - PAGE, RAM_HIGH + 2 * PAGE);
    close(p->ram_fd);
}
