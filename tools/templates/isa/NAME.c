/* @NAME@: a device with two I/O ports and an ISA interrupt.
 *
 *   tenon -M q35 -plugin ./@NAME@.so -device @NAME@,iobase=0x300,irq=5 ...
 *
 *   iobase + 0  VALUE  any byte
 *   iobase + 1  LINE   bit 0: level of the interrupt
 * The host calls everything with the device's lock held: no lock is needed here. */
#include <tenon/irq.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

enum { REG_VALUE, REG_LINE, REGISTERS };

struct @IDENT@ {
    struct tn_dev *dev;
    const struct tn_irq *irq;
    struct tn_line *line;
    uint32_t iobase, irq_number; /* properties */
    uint8_t value, level;        /* state */
};

static uint64_t port_read(void *self, uint64_t off, uint32_t size)
{
    const struct @IDENT@ *s = self;
    (void)size;
    return off == REG_VALUE ? s->value : s->level;
}

static void port_write(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct @IDENT@ *s = self;
    (void)size;
    if (off == REG_VALUE) {
        s->value = (uint8_t)v;
    } else {
        s->level = v & 1;
        s->irq->set(s->line, s->level);
    }
}

static const struct tn_region_ops port_ops = {
    .struct_size = sizeof port_ops, .impl_min = 1, .impl_max = 1, .read = port_read, .write = port_write};

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
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req ports = {
        .struct_size = sizeof ports, .space = TN_SPACE_PIO, .base = s->iobase, .size = REGISTERS, .name = "@NAME@"};
    struct tn_region *region;
    s->irq = TN_GET(s->dev, struct tn_irq, TN_IRQ_1);
    int r = s->irq->line(s->dev, TN_LINE_ISA, s->irq_number, 0, &s->line, e);
    return r < 0 ? r : regions->add(s->dev, &ports, &port_ops, s, &region, e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct @IDENT@ *s = self;
    (void)kind;
    if (phase == TN_RESET_ENTER)
        s->value = s->level = 0;
    else if (phase == TN_RESET_HOLD)
        s->irq->set(s->line, 0);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct @IDENT@ *s = self;
    (void)version, (void)e;
    s->level &= 1;
    s->irq->set(s->line, s->level);
    return 0;
}

/* ---- what the host reads without running anything ---- */

static const struct tn_prop props[] = {
    TN_PROP_RANGE(struct @IDENT@, iobase, "iobase", U32, 0x300, 0x100, 0xfffe, "first of the two ports"),
    TN_PROP_RANGE(struct @IDENT@, irq_number, "irq", U32, 5, 1, 15, "ISA interrupt"),
};

static const struct tn_field fields[] = {
    TN_FIELD(struct @IDENT@, value, U8),
    TN_FIELD(struct @IDENT@, level, U8),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "@NAME@",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0],
                                      .post_load = post_load};

static const struct tn_class device = {.struct_size = sizeof device,
                                       .kind = TN_K_DEVICE,
                                       .category = TN_CAT_MISC,
                                       .name = "@NAME@",
                                       .desc = "two I/O ports and an interrupt",
                                       .bus = "ISA",
                                       .instance_size = sizeof(struct @IDENT@),
                                       .props = props,
                                       .nprops = sizeof props / sizeof props[0],
                                       .prop_stride = sizeof props[0],
                                       .state = &state,
                                       .init = init,
                                       .realize = realize,
                                       .reset = reset};

static const struct tn_class *const classes[] = {&device, NULL};
static const char *const needs[] = {TN_IRQ_1, TN_REGION_1, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "@NAME@",
                                       .version = "0.1",
                                       .license = "yours",
                                       .summary = "two I/O ports and an interrupt",
                                       .classes = classes,
                                       .needs = needs};
