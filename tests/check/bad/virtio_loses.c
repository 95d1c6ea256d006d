/* SPDX-License-Identifier: BSD-2-Clause */
/* What it was told of and has not answered yet when a queue is stopped, it forgets.
 * breaks: virtio/stop-and-go
 * says: that the device does not have */
#define AT_STOP(s) disk_forget(s)
struct gadget;
static void disk_forget(struct gadget *s);
#include "virtio_disk.h"

static void disk_forget(struct gadget *s)
{
    struct disk *w = s->memory;
    uint16_t avail;
    if (w->running && w->dma->read(w->as, w->q.driver + 2, &avail, sizeof avail) == 0)
        s->index = avail;
}
