/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is not as a device would like it: dma.h, docs/abi.md. RAM lies between pages that
 * nobody may touch, and what was mapped is gone after unmap: an access elsewhere is a crash. */
#include "drive.h"
#include "host_dma.h"
#include "host_pci.h"

enum { STEPS = 300, FEW = 60 };

static const char *const mode_names[DMA_MODES] = {
    [DMA_DIRECT] = "plain memory",
    [DMA_NO_MAP] = "no mapping",
    [DMA_SHORT] = "maps that cover less",
    [DMA_IOMMU] = "an IOMMU in between",
    [DMA_RETRY] = "maps that say \"not now\"",
    [DMA_FAIL] = "no access succeeding",
};

static void in_mode(struct check *c, uint32_t mode)
{
    struct host *h = host_new(c);
    h->dma_mode = mode;
    struct dev *d = check_start(c, &h);
    check_note(c, "%s", mode_names[mode]);
    drive_all(h, &c->rng, STEPS);
    drive_reset(d, TN_RESET_WARM);
    check_end(c, h, d);
}

static void modes(struct check *c)
{
    for (uint32_t mode = 0; mode < DMA_MODES; mode++)
        in_mode(c, mode);
}

/* Memory changes below a device that is quiet for that: class.h, TN_Q_MEMORY. */
static void changes(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 4 * DMA_MODES; i++) {
        drive_all(h, &c->rng, FEW);
        if (dev_quiesce(d, TN_Q_MEMORY) < 0)
            check_fail(c, "it refuses to be quiet for a change of memory");
        host_dma(h, rng_below(&c->rng, DMA_MODES));
        dev_resume(d);
        check_note(c, "%s", mode_names[h->dma_mode]);
    }
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"modes",
     "a device works without mapping, behind an IOMMU, with short maps, and survives without "
     "memory",
     "dma.h: struct tn_dma", CT_CLASS | CT_LONG, needs_device, modes},
    {"changes", "memory changes while the device is quiet", "class.h: TN_Q_MEMORY",
     CT_CLASS | CT_LONG, needs_device, changes},
    {0},
};

const struct check_group group_dma = {"dma", tests};
