/* SPDX-License-Identifier: BSD-2-Clause */
#include "aml/resource.h"

#include "pkg.h"
#include <assert.h>

/* Small descriptors: type and length in one byte (6.4.2) */
#define RES_IRQ_NO_FLAGS 0x22
#define RES_DMA          0x2a
#define RES_IO           0x47
#define RES_IO_DECODE16  0x01
/* Large descriptors (6.4.3) */
#define RES_MEMORY32_FIXED     0x86
#define RES_DWORD_SPACE        0x87
#define RES_WORD_SPACE         0x88
#define RES_INTERRUPT          0x89
#define RES_QWORD_SPACE        0x8a
#define RES_INTERRUPT_CONSUMER 0x01
/* Address space descriptors: resource type, general flags, type-specific flags (6.4.3.5) */
enum { SPACE_MEMORY = 0, SPACE_IO = 1, SPACE_BUS = 2 };
#define SPACE_MIN_FIXED       0x04
#define SPACE_MAX_FIXED       0x08
#define SPACE_IO_ENTIRE_RANGE 0x03
#define SPACE_MEM_READ_WRITE  0x01
/* Bytes behind the length field: three bytes of type and flags, five addresses */
#define SPACE_LEN(size) (3 + 5 * (size))

struct aml_block aml_resources(struct buf *a)
{
    return aml_open(a, AML_BUFFER, AML_BLOCK_RESOURCES);
}

void aml_res_io(struct buf *a, uint16_t min, uint16_t max, uint8_t align, uint8_t len)
{
    buf_add8(a, RES_IO);
    buf_add8(a, RES_IO_DECODE16);
    buf_add_le16(a, min);
    buf_add_le16(a, max);
    buf_add8(a, align);
    buf_add8(a, len);
}

void aml_res_irq_no_flags(struct buf *a, uint16_t mask)
{
    buf_add8(a, RES_IRQ_NO_FLAGS);
    buf_add_le16(a, mask);
}

void aml_res_dma(struct buf *a, uint8_t mask)
{
    buf_add8(a, RES_DMA);
    buf_add8(a, mask);
    buf_add8(a, 0);
}

void aml_res_interrupt(struct buf *a, uint32_t flags, const uint32_t *gsi, uint32_t n)
{
    assert(n >= 1 && n <= 255);
    buf_add8(a, RES_INTERRUPT);
    buf_add_le16(a, (uint16_t)(2 + 4 * n));
    buf_add8(a, (uint8_t)(flags | RES_INTERRUPT_CONSUMER));
    buf_add8(a, (uint8_t)n);
    for (uint32_t i = 0; i < n; i++)
        buf_add_le32(a, gsi[i]);
}

void aml_res_memory32_fixed(struct buf *a, uint32_t write, uint32_t base, uint32_t len)
{
    buf_add8(a, RES_MEMORY32_FIXED);
    buf_add_le16(a, 9);
    buf_add8(a, (uint8_t)write);
    buf_add_le32(a, base);
    buf_add_le32(a, len);
}

static void put_address(struct buf *a, uint32_t size, uint64_t v)
{
    for (uint32_t i = 0; i < size; i++)
        buf_add8(a, (uint8_t)(v >> (8 * i)));
}

static void put_space(struct buf *a, uint8_t tag, uint32_t size, uint8_t type, uint32_t role,
                      uint32_t type_flags, uint64_t base, uint64_t len)
{
    assert(len && len - 1 <= UINT64_MAX - base);
    buf_add8(a, tag);
    buf_add_le16(a, (uint16_t)SPACE_LEN(size));
    buf_add8(a, type);
    buf_add8(a, (uint8_t)(role | SPACE_MIN_FIXED | SPACE_MAX_FIXED));
    buf_add8(a, (uint8_t)type_flags);
    put_address(a, size, 0); /* granularity */
    put_address(a, size, base);
    put_address(a, size, base + len - 1);
    put_address(a, size, 0); /* translation */
    put_address(a, size, len);
}

void aml_res_word_bus(struct buf *a, uint32_t role, uint16_t first, uint16_t last)
{
    put_space(a, RES_WORD_SPACE, 2, SPACE_BUS, role, 0, first, (uint64_t)last - first + 1);
}

void aml_res_word_io(struct buf *a, uint32_t role, uint16_t base, uint32_t len)
{
    assert(base + len <= 0x10000 && len <= 0xffff);
    put_space(a, RES_WORD_SPACE, 2, SPACE_IO, role, SPACE_IO_ENTIRE_RANGE, base, len);
}

void aml_res_dword_memory(struct buf *a, uint32_t role, uint32_t cache, uint32_t base, uint64_t len)
{
    assert(len <= UINT32_MAX && base + len <= (uint64_t)UINT32_MAX + 1);
    put_space(a, RES_DWORD_SPACE, 4, SPACE_MEMORY, role, cache | SPACE_MEM_READ_WRITE, base, len);
}

void aml_res_qword_memory(struct buf *a, uint32_t role, uint32_t cache, uint64_t base, uint64_t len)
{
    put_space(a, RES_QWORD_SPACE, 8, SPACE_MEMORY, role, cache | SPACE_MEM_READ_WRITE, base, len);
}
