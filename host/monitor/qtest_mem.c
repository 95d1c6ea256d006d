/* SPDX-License-Identifier: BSD-2-Clause */
#include "qtest_impl.h"

#include "util/bytes.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <string.h>

enum { PAGE = 4096 };

uint64_t qtest_mem_load(struct vm *vm, uint64_t addr, uint32_t size)
{
    uint8_t b[8] = {0};
    if (memory_read(vm, addr, b, size) == 0)
        return get_le64(b);
    return space_read(vm->mmio, addr, size);
}

void qtest_mem_store(struct vm *vm, uint64_t addr, uint64_t v, uint32_t size)
{
    uint8_t b[8];
    put_le64(b, v);
    if (memory_write(vm, addr, b, size) < 0)
        space_write(vm->mmio, addr, v, size);
}

/* The largest access that is aligned at addr and no longer than len: what a driver's readl is must
 * come as one. */
static uint32_t access_size(uint64_t addr, uint64_t len)
{
    uint32_t size = 8;
    while (addr & (size - 1) || size > len)
        size /= 2;
    return size;
}

static void read_device(struct vm *vm, uint64_t addr, uint8_t *p, uint64_t len)
{
    for (uint32_t n; len; addr += n, p += n, len -= n) {
        uint8_t b[8];
        n = access_size(addr, len);
        put_le64(b, qtest_mem_load(vm, addr, n));
        memcpy(p, b, n);
    }
}

static void write_device(struct vm *vm, uint64_t addr, const uint8_t *p, uint64_t len)
{
    for (uint32_t n; len; addr += n, p += n, len -= n) {
        uint8_t b[8] = {0};
        n = access_size(addr, len);
        memcpy(b, p, n);
        qtest_mem_store(vm, addr, get_le64(b), n);
    }
}

static uint64_t to_page_end(uint64_t addr, uint64_t len)
{
    uint64_t n = PAGE - addr % PAGE;
    return n < len ? n : len;
}

void qtest_mem_read(struct vm *vm, uint64_t addr, void *buf, uint64_t len)
{
    uint8_t *p = buf;
    if (memory_read(vm, addr, p, len) == 0)
        return;
    for (uint64_t n; len; addr += n, p += n, len -= n) {
        n = to_page_end(addr, len);
        if (memory_read(vm, addr, p, n) < 0)
            read_device(vm, addr, p, n);
    }
}

void qtest_mem_write(struct vm *vm, uint64_t addr, const void *buf, uint64_t len)
{
    const uint8_t *p = buf;
    if (memory_write(vm, addr, p, len) == 0)
        return;
    for (uint64_t n; len; addr += n, p += n, len -= n) {
        n = to_page_end(addr, len);
        if (memory_write(vm, addr, p, n) < 0)
            write_device(vm, addr, p, n);
    }
}
