/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's educational PCI device as a plugin of one file, built from the installed headers alone:
 * a register that inverts, a factorial, interrupts by INTx or MSI, and DMA to a buffer of 4 KiB.
 * Registers are those of QEMU's docs/specs/edu. The host calls everything here with the device's
 * lock held, so there is no lock; all state is in struct edu, so there may be many devices. */
#include <errno.h>
#include <string.h>
#include <tenon/dma.h>
#include <tenon/loop.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

/* Registers in BAR 0 */
enum {
    REG_ID = 0x00,
    REG_LIVENESS = 0x04,
    REG_FACTORIAL = 0x08,
    REG_STATUS = 0x20,
    REG_INT_STATUS = 0x24,
    REG_INT_RAISE = 0x60,
    REG_INT_ACK = 0x64,
    REG_DMA_SRC = 0x80,
    REG_DMA_DST = 0x88,
    REG_DMA_COUNT = 0x90,
    REG_DMA_CMD = 0x98
};
enum { STATUS_COMPUTING = 0x01, STATUS_IRQ = 0x80 };
enum { INT_FACTORIAL = 0x001, INT_DMA = 0x100 };
enum { CMD_START = 1, CMD_TO_MEMORY = 2, CMD_IRQ = 4, CMD_BITS = 7 };

#define ID_VALUE    0x010000edu
#define BAR_SIZE    0x100000u
#define BUFFER      0x40000u /* where the DMA controller sees the buffer */
#define BUFFER_SIZE 4096u
#define DMA_NS      100000000u /* a transfer takes 100 ms */

struct edu {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct tn_dma *dma;
    const struct tn_loop *loop;
    struct tn_as *memory;      /* as this function sees it */
    struct tn_bh *factorial;   /* computes */
    struct tn_timer *transfer; /* ends a transfer */
    uint64_t dma_mask;         /* property */
    /* state */
    uint64_t src, dst, count, cmd;
    uint32_t liveness, value, status, int_status;
    uint8_t buffer[BUFFER_SIZE];
};

/* ---- interrupts ---- */

/* The host hides the pin while MSI is on, and drops the message while it is off. */
static void raise_interrupt(struct edu *s, uint32_t bits)
{
    s->int_status |= bits;
    if (!s->int_status)
        return;
    s->pci->intx(s->dev, 1);
    s->pci->irq(s->dev, 0);
}

static void acknowledge(struct edu *s, uint32_t bits)
{
    s->int_status &= ~bits;
    if (!s->int_status)
        s->pci->intx(s->dev, 0);
}

/* ---- factorial, modulo 2^32 ---- */

static void start_factorial(struct edu *s, uint32_t n)
{
    if (s->status & STATUS_COMPUTING)
        return;
    s->value = n;
    s->status |= STATUS_COMPUTING;
    s->loop->kick(s->factorial);
}

static void compute(void *self)
{
    struct edu *s = self;
    uint32_t product = 1;
    if (!(s->status & STATUS_COMPUTING)) /* a reset came in between */
        return;
    for (uint32_t n = s->value; n > 1 && product; n--)
        product *= n;
    s->value = product;
    s->status &= ~(uint32_t)STATUS_COMPUTING;
    if (s->status & STATUS_IRQ)
        raise_interrupt(s, INT_FACTORIAL);
}

/* ---- DMA ---- */

/* Moves count bytes between memory and the buffer, or nothing: what the guest asks for is checked
 * before any of it is used. */
static int move(struct edu *s)
{
    int to_memory = (s->cmd & CMD_TO_MEMORY) != 0;
    uint64_t at = (to_memory ? s->src : s->dst) - BUFFER;
    uint64_t addr = (to_memory ? s->dst : s->src) & s->dma_mask;
    if (at > BUFFER_SIZE || s->count > BUFFER_SIZE - at)
        return -ERANGE;
    if (s->count && (s->count - 1 > s->dma_mask || addr > s->dma_mask - (s->count - 1)))
        return -ERANGE;
    return to_memory ? s->dma->write(s->memory, addr, s->buffer + at, s->count)
                     : s->dma->read(s->memory, addr, s->buffer + at, s->count);
}

static void end_transfer(void *self)
{
    struct edu *s = self;
    if (!(s->cmd & CMD_START))
        return;
    if (move(s) < 0)
        s->dev->core->guest_error(s->dev, "DMA range out of bounds");
    s->cmd &= ~(uint64_t)CMD_START;
    if (s->cmd & CMD_IRQ)
        raise_interrupt(s, INT_DMA);
}

static void start_transfer(struct edu *s, uint64_t cmd)
{
    if (!(cmd & CMD_START) || (s->cmd & CMD_START))
        return;
    s->cmd = cmd & CMD_BITS;
    s->loop->arm(s->transfer, s->loop->now(s->dev, TN_CLK_VM) + DMA_NS);
}

/* The registers hold still while a transfer is under way. */
static void write_dma(struct edu *s, uint64_t *reg, uint64_t v)
{
    if (!(s->cmd & CMD_START))
        *reg = v;
}

/* ---- BAR 0: 4 bytes, from REG_DMA_SRC on also 8 ---- */

static int is_valid(uint64_t off, uint32_t size)
{
    return size == 4 || off >= REG_DMA_SRC;
}

static uint64_t bar_read(void *self, uint64_t off, uint32_t size)
{
    const struct edu *s = self;
    if (!is_valid(off, size))
        return ~(uint64_t)0;
    switch (off) {
    case REG_ID:
        return ID_VALUE;
    case REG_LIVENESS:
        return s->liveness;
    case REG_FACTORIAL:
        return s->value;
    case REG_STATUS:
        return s->status;
    case REG_INT_STATUS:
        return s->int_status;
    case REG_DMA_SRC:
        return s->src;
    case REG_DMA_DST:
        return s->dst;
    case REG_DMA_COUNT:
        return s->count;
    case REG_DMA_CMD:
        return s->cmd;
    default:
        return ~(uint64_t)0;
    }
}

static void bar_write(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct edu *s = self;
    if (!is_valid(off, size))
        return;
    switch (off) {
    case REG_LIVENESS:
        s->liveness = ~(uint32_t)v;
        break;
    case REG_FACTORIAL:
        start_factorial(s, (uint32_t)v);
        break;
    case REG_STATUS:
        s->status = (s->status & STATUS_COMPUTING) | (v & STATUS_IRQ);
        break;
    case REG_INT_RAISE:
        raise_interrupt(s, (uint32_t)v);
        break;
    case REG_INT_ACK:
        acknowledge(s, (uint32_t)v);
        break;
    case REG_DMA_SRC:
        write_dma(s, &s->src, v);
        break;
    case REG_DMA_DST:
        write_dma(s, &s->dst, v);
        break;
    case REG_DMA_COUNT:
        write_dma(s, &s->count, v);
        break;
    case REG_DMA_CMD:
        start_transfer(s, v);
        break;
    }
}

static const struct tn_region_ops bar_ops = {.struct_size = sizeof bar_ops,
                                             .valid_min = 4,
                                             .valid_max = 8,
                                             .read = bar_read,
                                             .write = bar_write};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct edu *s = self;
    s->dev = d;
    return 0;
}

/* Returns at the first error and cleans nothing up: what was taken, the host gives back. */
static int realize(void *self, struct tn_err *e)
{
    struct edu *s = self;
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    s->dma = TN_GET(s->dev, struct tn_dma, TN_DMA_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->memory = s->pci->dma(s->dev, TN_NO_PASID);
    s->factorial = s->loop->bh(s->dev, NULL, 0, compute, s);
    s->transfer = s->loop->timer(s->dev, NULL, 0, TN_CLK_VM, end_transfer, s);
    if (!s->factorial || !s->transfer)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
    int r = s->pci->msi(s->dev, 0, 1, TN_MSI_64, e);
    return r < 0 ? r : s->pci->bar(s->dev, 0, TN_BAR_MEM32, BAR_SIZE, &bar_ops, s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct edu *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    s->loop->disarm(s->transfer);
    s->src = s->dst = s->count = s->cmd = 0;
    s->liveness = s->value = s->status = s->int_status = 0;
    memset(s->buffer, 0, sizeof s->buffer);
    s->pci->intx(s->dev, 0);
}

/* ---- what the host reads without running anything ---- */

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct edu *s = self;
    (void)version;
    (void)e;
    s->pci->intx(s->dev, s->int_status != 0);
    if (s->status & STATUS_COMPUTING)
        s->loop->kick(s->factorial);
    return 0;
}

static const struct tn_field fields[] = {
    TN_FIELD(struct edu, src, U64),        TN_FIELD(struct edu, dst, U64),
    TN_FIELD(struct edu, count, U64),      TN_FIELD(struct edu, cmd, U64),
    TN_FIELD(struct edu, liveness, U32),   TN_FIELD(struct edu, value, U32),
    TN_FIELD(struct edu, status, U32),     TN_FIELD(struct edu, int_status, U32),
    TN_FIELD(struct edu, transfer, TIMER), TN_FIELD_ARRAY(struct edu, buffer, BYTES),
};

static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "edu",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0],
                                      .post_load = post_load};

static const struct tn_prop props[] = {
    TN_PROP(struct edu, dma_mask, "dma_mask", U64, 0x0fffffff, "address bits that DMA reaches"),
};

static const struct tn_pci_ops pci_ops = {.struct_size = sizeof pci_ops,
                                          .flags = TN_PCIF_CONVENTIONAL,
                                          .vendor = 0x1234,
                                          .device = 0x11e8,
                                          .class_rev = 0x00ff0010, /* unclassified, revision 0x10 */
                                          .int_pin = 1};

static const struct tn_class edu = {.struct_size = sizeof edu,
                                    .flags = TN_C_HOTPLUG,
                                    .kind = TN_K_DEVICE,
                                    .category = TN_CAT_MISC,
                                    .name = "edu",
                                    .desc = "educational PCI device (example in C)",
                                    .bus = TN_PCI_BUS,
                                    .instance_size = sizeof(struct edu),
                                    .props = props,
                                    .nprops = sizeof props / sizeof props[0],
                                    .prop_stride = sizeof props[0],
                                    .state = &state,
                                    .bus_ops = &pci_ops,
                                    .init = init,
                                    .realize = realize,
                                    .reset = reset};

static const struct tn_class *const classes[] = {&edu, NULL};
static const char *const needs[] = {TN_DMA_1, TN_LOOP_1, TN_PCI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "edu-example",
                                       .version = "1.0",
                                       .license = "BSD-2-Clause",
                                       .summary = "educational PCI device (example in C)",
                                       .classes = classes,
                                       .needs = needs};
