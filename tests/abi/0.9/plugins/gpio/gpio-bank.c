/* SPDX-License-Identifier: BSD-2-Clause */
/* gpio-bank: 32 pins behind a PCI function, and the bus to which parts are wired.
 *
 * Registers in BAR 0, of 32 bits, a bit for each pin; BAR 1 has the MSI-X table:
 *   0x00  OUT     what the guest drives
 *   0x04  IN      what the parts drive
 *   0x08  EDGES   bits of IN that have changed; a bit that is written as 1 is cleared
 *   0x0c  WIRED   pins with a part
 * Vector 0 is raised when a bit of EDGES becomes 1. */
#include "gpio.h"
#include <errno.h>
#include <stdio.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

enum { REG_OUT = 0x00, REG_IN = 0x04, REG_EDGES = 0x08, REG_WIRED = 0x0c };
enum { BAR_REGISTERS, BAR_MSIX, BAR_SIZE = 4096, PBA_OFFSET = 2048 };

struct bank;
/* Child data of one part: the host allocates it, and puts `pin=` into it. */
struct pin {
    struct gpio_place place;
    struct bank *bank;
    const struct gpio_part *part;
    void *s; /* the part's instance */
};

struct bank {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    struct tn_bus *bus;
    struct pin *pins[GPIO_PINS];
    uint32_t out, in, edges; /* state */
};

/* ---- the bus ---- */

static uint32_t wired(const struct bank *s)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < GPIO_PINS; i++)
        bits |= s->pins[i] ? UINT32_C(1) << i : 0;
    return bits;
}

static uint32_t next_free(const struct bank *s)
{
    uint32_t pin = 0;
    while (pin < GPIO_PINS && s->pins[pin])
        pin++;
    return pin;
}

/* Takes the pin; detach() gives it back, whatever fails from here on. */
static int check(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e)
{
    struct bank *s = bus;
    struct pin *p = child;
    uint32_t pin = p->place.pin == GPIO_ANY ? next_free(s) : p->place.pin;
    if (pin >= GPIO_PINS)
        return tn_fail(d, e, EINVAL, "gpio-bank has no pin %u", pin);
    if (s->pins[pin])
        return tn_fail(d, e, EBUSY, "pin %u is wired already", pin);
    *p = (struct pin){{pin}, s, ops, d->self};
    s->pins[pin] = p;
    return 0;
}

/* The part is there: it hears what the guest drives. */
static int plugged(void *bus, void *child, struct tn_err *e)
{
    const struct bank *s = bus;
    const struct pin *p = child;
    (void)e;
    p->part->driven(p->s, s->out >> p->place.pin & 1);
    return 0;
}

static void drive(void *self, uint32_t level)
{
    struct pin *p = self;
    struct bank *s = p->bank;
    uint32_t bit = UINT32_C(1) << p->place.pin;
    if (!(s->in & bit) == !level)
        return;
    s->in ^= bit;
    s->edges |= bit;
    s->pci->irq(s->dev, 0);
}

static void detach(void *bus, void *child)
{
    struct bank *s = bus;
    const struct pin *p = child;
    s->pins[p->place.pin] = NULL;
    s->in &= ~(UINT32_C(1) << p->place.pin);
}

static int path(void *bus, void *child, char *buf, uint64_t len)
{
    (void)bus;
    return snprintf(buf, len, "%u", ((const struct pin *)child)->place.pin);
}

static const struct gpio_pin port_ops = {.struct_size = sizeof port_ops, .drive = drive};

static const struct tn_prop bus_props[] = {GPIO_BUS_PROPS(struct pin)};

static const struct tn_bus_type bus_type = {.struct_size = sizeof bus_type,
                                            .flags = TN_BUS_ONE_DOMAIN,
                                            .max_children = GPIO_PINS,
                                            .name = GPIO_BUS,
                                            .child_ops = GPIO_PART_1,
                                            .port_ops = GPIO_PIN_1,
                                            .props = bus_props,
                                            .nprops = sizeof bus_props / sizeof bus_props[0],
                                            .prop_stride = sizeof bus_props[0],
                                            .child_size = sizeof(struct pin),
                                            .check = check,
                                            .plugged = plugged,
                                            .detach = detach,
                                            .path = path};

/* ---- BAR 0 ---- */

static uint64_t bar_read(void *self, uint64_t off, uint32_t size)
{
    const struct bank *s = self;
    (void)size;
    switch (off) {
    case REG_OUT:
        return s->out;
    case REG_IN:
        return s->in;
    case REG_EDGES:
        return s->edges;
    case REG_WIRED:
        return wired(s);
    default:
        return 0;
    }
}

static void write_out(struct bank *s, uint32_t v)
{
    uint32_t changed = s->out ^ v;
    s->out = v;
    for (uint32_t i = 0; i < GPIO_PINS; i++)
        if (s->pins[i] && changed >> i & 1)
            s->pins[i]->part->driven(s->pins[i]->s, v >> i & 1);
}

static void bar_write(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct bank *s = self;
    (void)size;
    if (off == REG_OUT)
        write_out(s, (uint32_t)v);
    else if (off == REG_EDGES)
        s->edges &= ~(uint32_t)v;
}

static const struct tn_region_ops bar_ops = {
    .struct_size = sizeof bar_ops, .valid_min = 4, .valid_max = 4, .read = bar_read, .write = bar_write};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct bank *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct bank *s = self;
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    int r = s->pci->bar(s->dev, BAR_REGISTERS, TN_BAR_MEM32, BAR_SIZE, &bar_ops, s, e);
    if (r == 0)
        r = s->pci->bar(s->dev, BAR_MSIX, TN_BAR_MEM32, BAR_SIZE, NULL, NULL, e);
    if (r == 0)
        r = s->pci->msix(s->dev, 0, 1, BAR_MSIX, 0, BAR_MSIX, PBA_OFFSET, e);
    return r < 0 ? r : s->dev->core->bus_create(s->dev, &bus_type, NULL, &port_ops, s, &s->bus, e);
}

/* The parts are reset, too, and drive their pins anew then. */
static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct bank *s = self;
    (void)kind;
    if (phase == TN_RESET_ENTER)
        s->out = s->in = s->edges = 0;
}

/* ---- what the host reads without running anything ---- */

static const struct tn_field fields[] = {
    TN_FIELD(struct bank, out, U32),
    TN_FIELD(struct bank, in, U32),
    TN_FIELD(struct bank, edges, U32),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "gpio-bank",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0]};

static const struct tn_pci_ops pci_ops = {.struct_size = sizeof pci_ops,
                                          .flags = TN_PCIF_CONVENTIONAL,
                                          .vendor = 0x1234,
                                          .device = 0x6710,
                                          .class_rev = 0x08800001}; /* other system peripheral */

static const struct tn_class bank = {.struct_size = sizeof bank,
                                     .kind = TN_K_DEVICE,
                                     .category = TN_CAT_MISC,
                                     .name = "gpio-bank",
                                     .desc = "32 pins behind a PCI function (example)",
                                     .bus = TN_PCI_BUS,
                                     .instance_size = sizeof(struct bank),
                                     .state = &state,
                                     .bus_ops = &pci_ops,
                                     .init = init,
                                     .realize = realize,
                                     .reset = reset};

static const struct tn_class *const classes[] = {&bank, NULL};
static const struct tn_bus_type *const buses[] = {&bus_type, NULL};
static const char *const needs[] = {TN_PCI_1, NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                                 .abi_major = TN_ABI_MAJOR,
                                                 .abi_minor = TN_ABI_MINOR,
                                                 .id = "gpio-bank",
                                                 .version = "1.0",
                                                 .license = "BSD-2-Clause",
                                                 .summary = "32 pins behind a PCI function (example)",
                                                 .classes = classes,
                                                 .buses = buses,
                                                 .needs = needs};
