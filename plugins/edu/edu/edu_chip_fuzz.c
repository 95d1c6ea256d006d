/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the educational device, 12 bytes a step. A callback that a step asks for may come at any
 * later step, or never; the buffer is fenced by the sanitizer and by the words around it. */
#include "edu_chip.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>

#define RAM 8192

struct world {
    struct edu_chip chip;
    uint32_t raised, computing, transferring;
    uint8_t ram[RAM];
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static void on_raise(void *opaque)
{
    ((struct world *)opaque)->raised = 1;
}

static void on_lower(void *opaque)
{
    ((struct world *)opaque)->raised = 0;
}

static void on_compute(void *opaque)
{
    ((struct world *)opaque)->computing = 1;
}

static void on_transfer(void *opaque, uint64_t ns)
{
    require(ns > 0);
    ((struct world *)opaque)->transferring = 1;
}

static void on_cancel(void *opaque)
{
    struct world *w = opaque;
    w->computing = w->transferring = 0;
}

static uint8_t *ram(struct world *w, uint64_t addr, const void *p, uint32_t len)
{
    uintptr_t buffer = (uintptr_t)w->chip.buffer, at = (uintptr_t)p;
    require(len > 0 && addr + (len - 1) >= addr && addr + (len - 1) <= w->chip.dma_mask);
    require(at >= buffer && at - buffer <= EDU_BUFFER_SIZE - len);
    return addr < RAM && len <= RAM - addr ? w->ram + addr : NULL;
}

static int on_read(void *opaque, uint64_t addr, void *p, uint32_t len)
{
    const uint8_t *q = ram(opaque, addr, p, len);
    if (!q)
        return -EFAULT;
    memcpy(p, q, len);
    return 0;
}

static int on_write(void *opaque, uint64_t addr, const void *p, uint32_t len)
{
    uint8_t *q = ram(opaque, addr, p, len);
    if (!q)
        return -EFAULT;
    memcpy(q, p, len);
    return 0;
}

static void on_error(void *opaque, const char *what)
{
    (void)opaque;
    require(what != NULL);
}

static const struct edu_env env = {on_raise,  on_lower, on_compute, on_transfer,
                                   on_cancel, on_read,  on_write,   on_error};

/* Addresses and counts near the edges of the buffer and of the address space. */
static uint64_t value_of(const uint8_t *p)
{
    static const uint64_t bases[] = {
        0,         EDU_BUFFER, EDU_BUFFER_SIZE, EDU_DMA_MASK_DEFAULT, EDU_BUFFER + EDU_BUFFER_SIZE,
        UINT64_MAX};
    return p[0] & 0x80 ? get_le64(p) : bases[p[0] % 6] + get_le16(p + 1) - (uint64_t)p[3] * 64;
}

static void step(struct world *w, const uint8_t *p)
{
    static const uint8_t regs[] = {EDU_ID,        EDU_LIVENESS, EDU_FACTORIAL, EDU_STATUS,
                                   EDU_INT_RAISE, EDU_INT_ACK,  EDU_DMA_SRC,   EDU_DMA_DST,
                                   EDU_DMA_COUNT, EDU_DMA_CMD,  EDU_DMA_CMD};
    uint32_t off = p[1] & 0x40 ? p[1] : regs[p[1] % sizeof regs], size = p[2] & 1 ? 4 : 8;
    switch (p[0] & 7) {
    case 0:
        require((edu_chip_read(&w->chip, off, size) & ~ones(size)) == 0);
        break;
    case 1:
        edu_chip_compute(&w->chip);
        break;
    case 2:
        edu_chip_transfer(&w->chip);
        break;
    case 3:
        p[1] & 8 ? edu_chip_loaded(&w->chip) : edu_chip_reset(&w->chip);
        break;
    default:
        edu_chip_write(&w->chip, off, p[2] & 2 ? size : 4, value_of(p + 4));
    }
}

static void check(const struct world *w)
{
    const struct edu_chip *c = &w->chip;
    require(w->raised == (c->int_status != 0));
    require(!(c->status & EDU_STATUS_COMPUTING) || w->computing);
    require(!(c->dma_cmd & EDU_DMA_CMD_START) || w->transferring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {0};
    edu_chip_init(&w.chip, size & 1 ? UINT64_MAX : EDU_DMA_MASK_DEFAULT, &env, &w);
    for (; size >= 12; size -= 12, data += 12) {
        step(&w, data);
        check(&w);
    }
    return 0;
}
