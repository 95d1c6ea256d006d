/* SPDX-License-Identifier: BSD-2-Clause */
/* The educational device as a PCI function: one BAR, MSI or INTx, DMA. All of it with the device's
 * lock held. */
#include "edu_chip.h"
#include <errno.h>
#include <tenon/dma.h>
#include <tenon/loop.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

struct edu {
    struct edu_chip chip;
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct tn_dma *dma;
    const struct tn_loop *loop;
    struct tn_as *memory;
    struct tn_bh *factorial;
    struct tn_timer *transfer;
    uint64_t dma_mask;
};

/* ---- what the chip asks for ---- */

/* The pin is hidden while MSI is on, and a message is dropped while it is off. */
static void raise_interrupt(void *opaque)
{
    struct edu *s = opaque;
    s->pci->intx(s->dev, 1);
    s->pci->irq(s->dev, 0);
}

static void lower_interrupt(void *opaque)
{
    struct edu *s = opaque;
    s->pci->intx(s->dev, 0);
}

static void compute_soon(void *opaque)
{
    struct edu *s = opaque;
    s->loop->kick(s->factorial);
}

static void transfer_in(void *opaque, uint64_t ns)
{
    struct edu *s = opaque;
    s->loop->arm(s->transfer, s->loop->now(s->dev, TN_CLK_VM) + ns);
}

/* The bottom half may still come: without a computation under way it does nothing. */
static void cancel(void *opaque)
{
    struct edu *s = opaque;
    s->loop->disarm(s->transfer);
}

static int dma_read(void *opaque, uint64_t addr, void *p, uint32_t len)
{
    struct edu *s = opaque;
    return s->dma->read(s->memory, addr, p, len);
}

static int dma_write(void *opaque, uint64_t addr, const void *p, uint32_t len)
{
    struct edu *s = opaque;
    return s->dma->write(s->memory, addr, p, len);
}

static void guest_error(void *opaque, const char *what)
{
    struct edu *s = opaque;
    s->dev->core->guest_error(s->dev, "%s", what);
}

static const struct edu_env env = {.raise = raise_interrupt,
                                   .lower = lower_interrupt,
                                   .compute = compute_soon,
                                   .transfer = transfer_in,
                                   .cancel = cancel,
                                   .dma_read = dma_read,
                                   .dma_write = dma_write,
                                   .guest_error = guest_error};

/* ---- what the host calls ---- */

static uint64_t bar_read(void *self, uint64_t off, uint32_t size)
{
    struct edu *s = self;
    return edu_chip_read(&s->chip, off, size);
}

static void bar_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct edu *s = self;
    edu_chip_write(&s->chip, off, size, value);
}

static const struct tn_region_ops bar_ops = {.struct_size = sizeof bar_ops,
                                             .valid_min = 4,
                                             .valid_max = 8,
                                             .read = bar_read,
                                             .write = bar_write};

static void compute(void *self)
{
    struct edu *s = self;
    edu_chip_compute(&s->chip);
}

static void transfer(void *self)
{
    struct edu *s = self;
    edu_chip_transfer(&s->chip);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct edu *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct edu *s = self;
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    s->dma = TN_GET(s->dev, struct tn_dma, TN_DMA_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->memory = s->pci->dma(s->dev, TN_NO_PASID);
    edu_chip_init(&s->chip, s->dma_mask, &env, s);
    s->factorial = s->loop->bh(s->dev, NULL, 0, compute, s);
    s->transfer = s->loop->timer(s->dev, NULL, 0, TN_CLK_VM, transfer, s);
    if (!s->factorial || !s->transfer)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
    int r = s->pci->msi(s->dev, 0, 1, TN_MSI_64, e);
    return r < 0 ? r : s->pci->bar(s->dev, 0, TN_BAR_MEM32, EDU_BAR0_SIZE, &bar_ops, s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct edu *s = self;
    (void)kind;
    if (phase == TN_RESET_HOLD)
        edu_chip_reset(&s->chip);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct edu *s = self;
    (void)version;
    (void)e;
    edu_chip_loaded(&s->chip);
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP(struct edu, dma_mask, "dma_mask", U64, EDU_DMA_MASK_DEFAULT,
            "address bits that DMA reaches"),
};

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct edu, chip.liveness, "liveness", U32, 1),
    TN_FIELD_ROW(struct edu, chip.factorial, "factorial", U32, 1),
    TN_FIELD_ROW(struct edu, chip.status, "status", U32, 1),
    TN_FIELD_ROW(struct edu, chip.int_status, "int_status", U32, 1),
    TN_FIELD_ROW(struct edu, chip.dma_src, "dma_src", U64, 1),
    TN_FIELD_ROW(struct edu, chip.dma_dst, "dma_dst", U64, 1),
    TN_FIELD_ROW(struct edu, chip.dma_count, "dma_count", U64, 1),
    TN_FIELD_ROW(struct edu, chip.dma_cmd, "dma_cmd", U64, 1),
    TN_FIELD_ROW(struct edu, chip.buffer, "buffer", BYTES, EDU_BUFFER_SIZE),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "edu",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = EDU_VENDOR_ID,
    .device = EDU_DEVICE_ID,
    .class_rev = EDU_CLASS << 16 | EDU_REVISION,
    .int_pin = 1,
};

static const struct tn_class edu = {
    .struct_size = sizeof edu,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "edu",
    .desc = "educational PCI device",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct edu),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
};

static const struct tn_class *const classes[] = {&edu, NULL};
static const char *const needs[] = {TN_DMA_1, TN_LOOP_1, TN_PCI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "edu",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "educational PCI device",
    .classes = classes,
    .needs = needs,
};
