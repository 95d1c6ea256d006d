/* SPDX-License-Identifier: BSD-2-Clause */
/* It wants its ring in one mapping, or not at all.
 * breaks: virtio/memory
 * says: though the driver did nothing wrong */
#define PREPARE(s, w) disk_maps(w)
struct disk;
static int disk_maps(struct disk *w);
#include "virtio_disk.h"

static int disk_maps(struct disk *w)
{
    struct tn_seg seg;
    int n = w->dma->map(w->as, w->q.desc, 4096, TN_DMA_READ, &seg, 1);
    if (n == 1)
        w->dma->unmap(w->as, &seg, 1, TN_DMA_READ, 0);
    return n == 1 && seg.len == 4096 ? 0 : -EIO;
}
