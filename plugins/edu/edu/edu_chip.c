/* SPDX-License-Identifier: BSD-2-Clause */
#include "edu_chip.h"
#include "util/bytes.h"
#include <errno.h>

/* ---- interrupts (IRQ controller) ------------------------------------------------------------ */

static void raise_interrupt(struct edu_chip *c, uint32_t bits)
{
    c->int_status |= bits;
    if (c->int_status)
        c->env->raise(c->opaque);
}

static void acknowledge(struct edu_chip *c, uint32_t bits)
{
    uint32_t old = c->int_status;
    c->int_status &= ~bits;
    if (old && !c->int_status)
        c->env->lower(c->opaque);
}

/* ---- factorial ------------------------------------------------------------------------------ */

/* Modulo 2^32. 34! has 32 factors of two: from there on all are zero and the loop is over. */
static uint32_t factorial(uint32_t n)
{
    uint32_t product = 1;
    while (n > 1 && product)
        product *= n--;
    return product;
}

static void start_factorial(struct edu_chip *c, uint32_t n)
{
    if (c->status & EDU_STATUS_COMPUTING)
        return;
    c->factorial = n;
    c->status |= EDU_STATUS_COMPUTING;
    c->env->compute(c->opaque);
}

void edu_chip_compute(struct edu_chip *c)
{
    if (!(c->status & EDU_STATUS_COMPUTING))
        return;
    c->factorial = factorial(c->factorial);
    c->status &= ~EDU_STATUS_COMPUTING;
    if (c->status & EDU_STATUS_IRQ)
        raise_interrupt(c, EDU_INT_FACTORIAL);
}

/* ---- DMA controller ------------------------------------------------------------------------- */

/* Is all of [addr, addr+count) in the buffer? */
static int in_buffer(uint64_t addr, uint64_t count)
{
    uint64_t at = addr - EDU_BUFFER;
    return addr >= EDU_BUFFER && at <= EDU_BUFFER_SIZE && count <= EDU_BUFFER_SIZE - at;
}

static uint64_t cut(const struct edu_chip *c, uint64_t addr)
{
    uint64_t reached = addr & c->dma_mask;
    if (reached != addr)
        c->env->guest_error(c->opaque, "DMA address beyond dma_mask is cut");
    return reached;
}

/* Copies between memory and the buffer; nothing at all unless everything fits. */
static int move(struct edu_chip *c, uint64_t memory, uint64_t buffer, int to_memory)
{
    if (!in_buffer(buffer, c->dma_count))
        return -ERANGE;
    uint32_t len = (uint32_t)c->dma_count;
    uint64_t addr = cut(c, memory);
    if (len == 0)
        return 0;
    if (addr + (len - 1) < addr || addr + (len - 1) > c->dma_mask)
        return -ERANGE;
    uint8_t *p = c->buffer + (buffer - EDU_BUFFER);
    return to_memory ? c->env->dma_write(c->opaque, addr, p, len)
                     : c->env->dma_read(c->opaque, addr, p, len);
}

/* A transfer that cannot be is over like any other: the guest may wait for that. */
void edu_chip_transfer(struct edu_chip *c)
{
    if (!(c->dma_cmd & EDU_DMA_CMD_START))
        return;
    int to_memory = (c->dma_cmd & EDU_DMA_CMD_TO_MEMORY) != 0;
    int r = to_memory ? move(c, c->dma_dst, c->dma_src, 1) : move(c, c->dma_src, c->dma_dst, 0);
    if (r < 0)
        c->env->guest_error(c->opaque, "DMA range out of bounds");
    c->dma_cmd &= ~(uint64_t)EDU_DMA_CMD_START;
    if (c->dma_cmd & EDU_DMA_CMD_IRQ)
        raise_interrupt(c, EDU_INT_DMA);
}

/* The registers hold still while a transfer is under way. */
static void write_dma(struct edu_chip *c, uint64_t *reg, uint64_t value)
{
    if (!(c->dma_cmd & EDU_DMA_CMD_START))
        *reg = value;
}

static void start_transfer(struct edu_chip *c, uint64_t cmd)
{
    if (!(cmd & EDU_DMA_CMD_START) || (c->dma_cmd & EDU_DMA_CMD_START))
        return;
    c->dma_cmd = cmd & EDU_DMA_CMD_BITS;
    c->env->transfer(c->opaque, EDU_DMA_NS);
}

/* ---- registers (MMIO area spec) ------------------------------------------------------------- */

static int is_valid(uint64_t off, uint32_t size)
{
    return size == 4 || (size == 8 && off >= EDU_DMA_SRC);
}

uint64_t edu_chip_read(const struct edu_chip *c, uint64_t off, uint32_t size)
{
    if (!is_valid(off, size))
        return ones(size);
    switch (off) {
    case EDU_ID:
        return EDU_ID_VALUE;
    case EDU_LIVENESS:
        return c->liveness;
    case EDU_FACTORIAL:
        return c->factorial;
    case EDU_STATUS:
        return c->status;
    case EDU_INT_STATUS:
        return c->int_status;
    case EDU_DMA_SRC:
        return c->dma_src & ones(size);
    case EDU_DMA_DST:
        return c->dma_dst & ones(size);
    case EDU_DMA_COUNT:
        return c->dma_count & ones(size);
    case EDU_DMA_CMD:
        return c->dma_cmd;
    default:
        return ones(size);
    }
}

void edu_chip_write(struct edu_chip *c, uint64_t off, uint32_t size, uint64_t value)
{
    if (!is_valid(off, size))
        return;
    value &= ones(size);
    switch (off) {
    case EDU_LIVENESS:
        c->liveness = ~(uint32_t)value;
        break;
    case EDU_FACTORIAL:
        start_factorial(c, (uint32_t)value);
        break;
    case EDU_STATUS:
        c->status = (c->status & EDU_STATUS_COMPUTING) | (value & EDU_STATUS_IRQ);
        break;
    case EDU_INT_RAISE:
        raise_interrupt(c, (uint32_t)value);
        break;
    case EDU_INT_ACK:
        acknowledge(c, (uint32_t)value);
        break;
    case EDU_DMA_SRC:
        write_dma(c, &c->dma_src, value);
        break;
    case EDU_DMA_DST:
        write_dma(c, &c->dma_dst, value);
        break;
    case EDU_DMA_COUNT:
        write_dma(c, &c->dma_count, value);
        break;
    case EDU_DMA_CMD:
        start_transfer(c, value);
        break;
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

void edu_chip_init(struct edu_chip *c, uint64_t dma_mask, const struct edu_env *env, void *opaque)
{
    *c = (struct edu_chip){.dma_mask = dma_mask, .env = env, .opaque = opaque};
}

void edu_chip_reset(struct edu_chip *c)
{
    uint32_t raised = c->int_status;
    edu_chip_init(c, c->dma_mask, c->env, c->opaque);
    c->env->cancel(c->opaque);
    if (raised)
        c->env->lower(c->opaque);
}

void edu_chip_loaded(struct edu_chip *c)
{
    c->status &= EDU_STATUS_COMPUTING | EDU_STATUS_IRQ;
    c->dma_cmd &= EDU_DMA_CMD_BITS;
    if (c->status & EDU_STATUS_COMPUTING)
        c->env->compute(c->opaque);
    if (c->dma_cmd & EDU_DMA_CMD_START)
        c->env->transfer(c->opaque, EDU_DMA_NS);
    if (c->int_status)
        c->env->raise(c->opaque);
}
