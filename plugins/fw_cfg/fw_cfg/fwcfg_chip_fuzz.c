/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes fw_cfg: the guest's memory is 4 KiB that the input also fills; accesses are 6 bytes a
 * step. */
#include "fwcfg_chip.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>

#define RAM   4096
#define ITEMS 4

struct world {
    struct fwcfg_chip chip;
    struct fwcfg_item items[ITEMS], files[ITEMS];
    uint8_t ram[RAM], constant[100], table[300], writable[8];
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static uint8_t *ram(struct world *w, uint64_t gpa, uint32_t len)
{
    require(len > 0 && len <= FWCFG_DMA_CHUNK && gpa + (len - 1) >= gpa);
    return gpa < RAM && len <= RAM - gpa ? w->ram + gpa : NULL;
}

static int dma_read(void *opaque, uint64_t gpa, void *p, uint32_t len)
{
    const uint8_t *q = ram(opaque, gpa, len);
    if (!q)
        return -EFAULT;
    memcpy(p, q, len);
    return 0;
}

static int dma_write(void *opaque, uint64_t gpa, const void *p, uint32_t len)
{
    uint8_t *q = ram(opaque, gpa, len);
    if (!q)
        return -EFAULT;
    memcpy(q, p, len);
    return 0;
}

static const struct fwcfg_env env = {dma_read, dma_write};

/* A length that says more, less or nothing, by turns. */
static int64_t fill_table(void *opaque, void *p, uint32_t max)
{
    struct world *w = opaque;
    memset(p, 0x11, max);
    return (int64_t)(w->ram[0] * 2) - 1;
}

static void written(void *opaque, uint32_t off, uint32_t len, const void *p)
{
    struct world *w = opaque;
    require(off <= sizeof w->writable && len <= sizeof w->writable - off);
    require(p == w->writable + off);
}

static const struct fwcfg_item_ops table_ops = {.fill = fill_table};
static const struct fwcfg_item_ops write_ops = {.written = written};

static void start(struct world *w)
{
    struct fwcfg_chip *c = &w->chip;
    require(fwcfg_chip_init(c, FWCFG_FLAG_DMA, w->items, ITEMS, w->files, ITEMS, &env, w) == 0);
    require(fwcfg_chip_add_number(c, FWCFG_KEY_RAM_SIZE, RAM, 8) == 0);
    require(fwcfg_chip_add_file(c, "w", w->writable, 8, 8, &write_ops, w) == 0);
    require(fwcfg_chip_add_file(c, "t", w->table, 0, 300, &table_ops, w) == 0);
    require(fwcfg_chip_add_file(c, "c", w->constant, 100, 100, NULL, w) == 0);
    fwcfg_chip_publish(c);
}

/* A load, a reset, and between resets a file that comes and goes. */
static void restart(struct world *w, uint8_t how)
{
    struct fwcfg_chip *c = &w->chip;
    if (how & 1)
        fwcfg_chip_remove_file(c, "t");
    if (how & 2)
        fwcfg_chip_add_file(c, "t", w->table, 0, 300, &table_ops, w);
    if (how & 4)
        fwcfg_chip_publish(c);
    how & 8 ? fwcfg_chip_loaded(c) : fwcfg_chip_reset(c);
}

/* Puts a likely DMA structure where a likely address finds it. */
static void start_dma(struct world *w, const uint8_t *p)
{
    uint8_t *s = w->ram + 16;
    put_be32(s + FWCFG_DMA_CONTROL, (uint32_t)(p[1] % 40) << FWCFG_DMA_SELECT_SHIFT | p[2]);
    put_be32(s + FWCFG_DMA_LENGTH, p[3] == 0xff ? 0xffffffff : p[3] * 4u);
    put_be64(s + FWCFG_DMA_ADDRESS, p[4] == 0xff ? ~0ull - p[5] : p[4] * 20u);
    fwcfg_chip_port_write(&w->chip, FWCFG_PORT_DMA + 4, 4, htobe32(16));
}

static void step(struct world *w, const uint8_t *p)
{
    struct fwcfg_chip *c = &w->chip;
    uint32_t off = p[1] & 0x1f, size = 1u << (p[2] & 3);
    switch (p[0] & 7) {
    case 0:
        require((fwcfg_chip_port_read(c, off, size) & ~ones(size)) == 0);
        break;
    case 1:
        require((fwcfg_chip_mmio_read(c, off, size) & ~ones(size)) == 0);
        break;
    case 2:
        fwcfg_chip_port_write(c, off, size, get_le16(p + 3));
        break;
    case 3:
        fwcfg_chip_mmio_write(c, off, size, (uint64_t)get_le16(p + 3) << 8 * (p[5] & 7));
        break;
    case 4:
        restart(w, p[1]);
        break;
    case 5:
        memset(w->ram + p[1] * 8, p[2], p[3]);
        break;
    default:
        start_dma(w, p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {0};
    start(&w);
    memcpy(w.ram, data, size < RAM ? size : RAM);
    for (; size >= 6; size -= 6, data += 6)
        step(&w, data);
    return 0;
}
