/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource templates: the bytes of _CRS, _PRS and _SRS (ACPI 6.3, 6.4).
 *
 *     aml_name(a, "_CRS");
 *     struct aml_block crs = aml_resources(a);
 *     aml_res_io(a, 0x3f8, 0x3f8, 1, 8);
 *     aml_res_interrupt(a, AML_INT_EDGE | AML_INT_ACTIVE_HIGH, &gsi, 1);
 *     aml_end(a, crs);
 */
#ifndef TN_AML_RESOURCE_H
#define TN_AML_RESOURCE_H
#include "aml/aml.h"

/* A ResourceTemplate buffer: descriptors follow; aml_end() adds the end tag. */
struct aml_block aml_resources(struct buf *a);

/* I/O ports (6.4.2.5), 16 address lines decoded: first port in min..max by steps of align. */
void aml_res_io(struct buf *a, uint16_t min, uint16_t max, uint8_t align, uint8_t len);
/* IRQ (6.4.2.1) without a flags byte, edge and active high; mask: bit n = ISA IRQ n. */
void aml_res_irq_no_flags(struct buf *a, uint16_t mask);
/* DMA (6.4.2.2), 8 bit, not bus master, compatibility timing; mask: bit n = channel n. */
void aml_res_dma(struct buf *a, uint8_t mask);

/* Flags of aml_res_interrupt() (6.4.3.6) */
enum { AML_INT_LEVEL = 0, AML_INT_EDGE = 1 << 1 };
enum { AML_INT_ACTIVE_HIGH = 0, AML_INT_ACTIVE_LOW = 1 << 2 };
enum { AML_INT_EXCLUSIVE = 0, AML_INT_SHARED = 1 << 3 };
/* Extended interrupt descriptor: the device consumes n (1..255) GSIs. */
void aml_res_interrupt(struct buf *a, uint32_t flags, const uint32_t *gsi, uint32_t n);

/* Whether memory can be written */
enum { AML_READ_ONLY = 0, AML_READ_WRITE = 1 };
/* 32-bit fixed memory range (6.4.3.4) */
void aml_res_memory32_fixed(struct buf *a, uint32_t write, uint32_t base, uint32_t len);

/* Address space descriptors (6.4.3.5): the window base .. base + len - 1, fixed at both ends.
 * role says whose it is: a bridge passes it on to its children, a device uses it. */
enum { AML_PRODUCER = 0, AML_CONSUMER = 1 };
void aml_res_word_bus(struct buf *a, uint32_t role, uint16_t first, uint16_t last);
void aml_res_word_io(struct buf *a, uint32_t role, uint16_t base, uint32_t len);
/* Memory, read-write; cache: AML_MEM_* */
enum {
    AML_MEM_NON_CACHEABLE = 0,
    AML_MEM_CACHEABLE = 1 << 1,
    AML_MEM_WRITE_COMBINING = 2 << 1,
    AML_MEM_PREFETCHABLE = 3 << 1
};
void aml_res_dword_memory(struct buf *a, uint32_t role, uint32_t cache, uint32_t base,
                          uint64_t len);
void aml_res_qword_memory(struct buf *a, uint32_t role, uint32_t cache, uint64_t base,
                          uint64_t len);

#endif
