/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers, in their two places. */
#include "fwcfg_chip.h"
#include "util/bytes.h"

/* ---- the DMA address register: big-endian, the low half triggers
 * ---------------------------------- */

static uint64_t read_dma(uint64_t off, uint32_t size)
{
    uint8_t window[16] = FWCFG_DMA_SIGNATURE;
    return get_le64(window + off) & ones(size);
}

static void write_dma(struct fwcfg_chip *c, uint64_t off, uint32_t size, uint64_t value)
{
    uint64_t gpa = c->dma_address;
    if (size == 8 && off == 0)
        gpa = htobe64(value);
    else if (size == 4 && off == 4)
        gpa |= htobe32((uint32_t)value);
    else if (size == 4 && off == 0)
        c->dma_address = (uint64_t)htobe32((uint32_t)value) << 32;
    if (off + size != 8 || size < 4)
        return;
    c->dma_address = 0;
    fwcfg_dma_run(c, gpa);
}

/* Is [off, off+size) within the DMA register at base? */
static int in_dma(const struct fwcfg_chip *c, uint64_t off, uint32_t size, uint64_t base)
{
    return (c->flags & FWCFG_FLAG_DMA) && off >= base && off < base + 8 && size <= base + 8 - off;
}

/* ---- the data register: bytes in the order of the item
 * -------------------------------------------- */

static uint64_t read_data(struct fwcfg_chip *c, uint32_t size)
{
    uint8_t bytes[8] = {0};
    fwcfg_take(c, bytes, size);
    return get_le64(bytes);
}

/* ---- places -----------------------------------------------------------------------------------
 */

uint64_t fwcfg_chip_port_read(struct fwcfg_chip *c, uint64_t off, uint32_t size)
{
    if (off == FWCFG_PORT_DATA && size == 1)
        return read_data(c, 1);
    if (in_dma(c, off, size, FWCFG_PORT_DMA))
        return read_dma(off - FWCFG_PORT_DMA, size);
    return ones(size);
}

void fwcfg_chip_port_write(struct fwcfg_chip *c, uint64_t off, uint32_t size, uint64_t value)
{
    if (off == FWCFG_PORT_SELECTOR && size == 2)
        fwcfg_select(c, (uint16_t)value);
    else if (in_dma(c, off, size, FWCFG_PORT_DMA))
        write_dma(c, off - FWCFG_PORT_DMA, size, value);
}

uint64_t fwcfg_chip_mmio_read(struct fwcfg_chip *c, uint64_t off, uint32_t size)
{
    if (off == FWCFG_MMIO_DATA && size <= 8)
        return read_data(c, size);
    if (in_dma(c, off, size, FWCFG_MMIO_DMA))
        return read_dma(off - FWCFG_MMIO_DMA, size);
    return ones(size);
}

void fwcfg_chip_mmio_write(struct fwcfg_chip *c, uint64_t off, uint32_t size, uint64_t value)
{
    if (off == FWCFG_MMIO_SELECTOR && size == 2)
        fwcfg_select(c, htobe16((uint16_t)value));
    else if (in_dma(c, off, size, FWCFG_MMIO_DMA))
        write_dma(c, off - FWCFG_MMIO_DMA, size, value);
}
