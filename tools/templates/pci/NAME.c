/* @NAME@: a PCI function with registers, DMA, an MSI-X vector and saved state.
 *
 *   tenon -M q35 -plugin ./@NAME@.so -device @NAME@,first=7 ...
 *
 * Registers in BAR 0, of 32 bits; BAR 1 has the MSI-X table:
 *   0x00  ID           ID_VALUE
 *   0x04  VALUE        any; `first` after a reset
 *   0x08  ADDRESS      where VALUE goes to, low half; 0x0c: high half
 *   0x10  GO           written: puts VALUE to memory at ADDRESS, and raises vector 0
 *   0x14  STATUS       DONE or FAILED, until it is written
 * The host calls everything with the device's lock held: no lock is needed here. */
#include <errno.h>
#include <tenon/dma.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

enum { REG_ID = 0x00, REG_VALUE = 0x04, REG_ADDRESS = 0x08, REG_ADDRESS_HIGH = 0x0c, REG_GO = 0x10, REG_STATUS = 0x14 };
enum { STATUS_DONE = 1, STATUS_FAILED = 2 };
enum { ID_VALUE = 0x1, BAR_REGISTERS = 0, BAR_MSIX = 1, BAR_SIZE = 4096, PBA_OFFSET = 2048, VECTORS = 1 };

struct @IDENT@ {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct tn_dma *dma;
    struct tn_as *memory; /* as this function sees it */
    uint32_t first;       /* property */
    /* state */
    uint64_t address;
    uint32_t value, status;
};

/* What the guest asks for may be anywhere: a write to no memory fails, and harms nobody. */
static void go(struct @IDENT@ *s)
{
    int failed = s->dma->write(s->memory, s->address, &s->value, sizeof s->value) < 0;
    s->status |= failed ? STATUS_FAILED : STATUS_DONE;
    if (failed)
        s->dev->core->guest_error(s->dev, "no memory at 0x%llx", (unsigned long long)s->address);
    s->pci->irq(s->dev, 0);
}

static uint64_t bar_read(void *self, uint64_t off, uint32_t size)
{
    const struct @IDENT@ *s = self;
    (void)size;
    switch (off) {
    case REG_ID:
        return ID_VALUE;
    case REG_VALUE:
        return s->value;
    case REG_ADDRESS:
        return (uint32_t)s->address;
    case REG_ADDRESS_HIGH:
        return s->address >> 32;
    case REG_STATUS:
        return s->status;
    default:
        return 0;
    }
}

static void bar_write(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct @IDENT@ *s = self;
    (void)size;
    switch (off) {
    case REG_VALUE:
        s->value = (uint32_t)v;
        break;
    case REG_ADDRESS:
        s->address = (s->address & ~(uint64_t)0xffffffff) | v;
        break;
    case REG_ADDRESS_HIGH:
        s->address = (s->address & 0xffffffff) | v << 32;
        break;
    case REG_GO:
        go(s);
        break;
    case REG_STATUS:
        s->status = 0;
        break;
    }
}

static const struct tn_region_ops bar_ops = {
    .struct_size = sizeof bar_ops, .valid_min = 4, .valid_max = 4, .read = bar_read, .write = bar_write};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct @IDENT@ *s = self;
    s->dev = d;
    return 0;
}

/* Returns at the first error and cleans nothing up: what was taken, the host gives back. */
static int realize(void *self, struct tn_err *e)
{
    struct @IDENT@ *s = self;
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    s->dma = TN_GET(s->dev, struct tn_dma, TN_DMA_1);
    s->memory = s->pci->dma(s->dev, TN_NO_PASID);
    int r = s->pci->bar(s->dev, BAR_MSIX, TN_BAR_MEM32, BAR_SIZE, NULL, NULL, e);
    if (r == 0)
        r = s->pci->msix(s->dev, 0, VECTORS, BAR_MSIX, 0, BAR_MSIX, PBA_OFFSET, e);
    return r < 0 ? r : s->pci->bar(s->dev, BAR_REGISTERS, TN_BAR_MEM32, BAR_SIZE, &bar_ops, s, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct @IDENT@ *s = self;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    s->value = s->first;
    s->address = 0;
    s->status = 0;
}

/* ---- what the host reads without running anything ---- */

static const struct tn_prop props[] = {
    TN_PROP(struct @IDENT@, first, "first", U32, 0, "what VALUE is after a reset"),
};

static const struct tn_field fields[] = {
    TN_FIELD(struct @IDENT@, address, U64),
    TN_FIELD(struct @IDENT@, value, U32),
    TN_FIELD(struct @IDENT@, status, U32),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "@NAME@",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0]};

static const struct tn_pci_ops pci_ops = {.struct_size = sizeof pci_ops,
                                          .flags = TN_PCIF_CONVENTIONAL,
                                          .vendor = 0x1234, /* yours */
                                          .device = 0x0001,
                                          .class_rev = 0xff000001};

static const struct tn_class device = {.struct_size = sizeof device,
                                       .flags = TN_C_HOTPLUG,
                                       .kind = TN_K_DEVICE,
                                       .category = TN_CAT_MISC,
                                       .name = "@NAME@",
                                       .desc = "PCI function that writes a word to memory",
                                       .bus = TN_PCI_BUS,
                                       .instance_size = sizeof(struct @IDENT@),
                                       .props = props,
                                       .nprops = sizeof props / sizeof props[0],
                                       .prop_stride = sizeof props[0],
                                       .state = &state,
                                       .bus_ops = &pci_ops,
                                       .init = init,
                                       .realize = realize,
                                       .reset = reset};

static const struct tn_class *const classes[] = {&device, NULL};
static const char *const needs[] = {TN_DMA_1, TN_PCI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "@NAME@",
                                       .version = "0.1",
                                       .license = "yours",
                                       .summary = "PCI function that writes a word to memory",
                                       .classes = classes,
                                       .needs = needs};
