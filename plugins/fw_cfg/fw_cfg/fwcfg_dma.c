/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest-side DMA Interface. */
#include "fwcfg_chip.h"
#include "util/bytes.h"
#include <errno.h>

static int wraps(uint64_t gpa, uint32_t len)
{
    return len && gpa + (len - 1) < gpa;
}

/* Length is the guest's, and a read goes on with zeros past the item's end: in small pieces, so
 * that no memory depends on it, and up to the first address that is no memory. */
static int dma_to_guest(struct fwcfg_chip *c, uint64_t gpa, uint32_t len)
{
    uint8_t chunk[FWCFG_DMA_CHUNK];
    int r = wraps(gpa, len) ? -EFAULT : 0;
    while (len && r == 0) {
        uint32_t n = len < sizeof chunk ? len : sizeof chunk;
        fwcfg_take(c, chunk, n);
        r = c->env->dma_write(c->opaque, gpa, chunk, n);
        gpa += n;
        len -= n;
    }
    return r;
}

/* A write is within the item or not at all. */
static int dma_from_guest(struct fwcfg_chip *c, uint64_t gpa, uint32_t len)
{
    struct fwcfg_item *item = fwcfg_current(c);
    if (len == 0)
        return 0;
    if (wraps(gpa, len))
        return -EFAULT;
    if (!item || !item->ops || !item->ops->written)
        return -EPERM;
    if (c->offset > item->size || len > item->size - c->offset)
        return -ERANGE;
    uint32_t off = c->offset;
    for (uint32_t done = 0; done < len;) {
        uint32_t n = len - done < FWCFG_DMA_CHUNK ? len - done : FWCFG_DMA_CHUNK;
        int r = c->env->dma_read(c->opaque, gpa + done, fwcfg_bytes(item) + off + done, n);
        if (r < 0)
            return r;
        done += n;
    }
    fwcfg_skip(c, len);
    item->ops->written(item->opaque, off, len, fwcfg_bytes(item) + off);
    return 0;
}

static int operate(struct fwcfg_chip *c, uint32_t control, uint32_t len, uint64_t gpa)
{
    if (control & FWCFG_DMA_SELECT)
        fwcfg_select(c, control >> FWCFG_DMA_SELECT_SHIFT);
    if (control & FWCFG_DMA_READ)
        return dma_to_guest(c, gpa, len);
    if (control & FWCFG_DMA_WRITE)
        return dma_from_guest(c, gpa, len);
    if (control & FWCFG_DMA_SKIP)
        fwcfg_skip(c, len);
    return 0;
}

void fwcfg_dma_run(struct fwcfg_chip *c, uint64_t gpa)
{
    uint8_t s[FWCFG_DMA_STRUCT], answer[4];
    if (wraps(gpa, sizeof s))
        return;
    int r = c->env->dma_read(c->opaque, gpa, s, sizeof s);
    if (r == 0)
        r = operate(c, get_be32(s + FWCFG_DMA_CONTROL), get_be32(s + FWCFG_DMA_LENGTH),
                    get_be64(s + FWCFG_DMA_ADDRESS));
    put_be32(answer, r < 0 ? FWCFG_DMA_ERROR : 0);
    /* Should this fail there is nobody left to tell. */
    (void)c->env->dma_write(c->opaque, gpa + FWCFG_DMA_CONTROL, answer, sizeof answer);
}
