/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI PCI hot-plug of the root bus: the owner of its slots, the registers' place, and what ACPI is
 * told. */
#include "pcihp.h"
#include "pcihp_aml.h"
#include <errno.h>
#include <stdio.h>
#include <tenon/acpi.h>
#include <tenon/hotplug.h>
#include <tenon/pci-bus.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

enum { SLOTS = 32, FUNCTIONS = 8, NAME_MAX_LEN = 64, EVENT_AML = 128 };

struct acpi_pcihp {
    struct pcihp chip;
    struct tn_dev *dev;
    const struct tn_acpi *acpi;
    const struct tn_hotplug *hotplug;
    const struct tn_pci_bus *buses;
    struct tn_bus *bus;
    struct tn_acpi_event *event;
    uint32_t fixed; /* slots with a device that cannot go */
    uint32_t base;
};

/* ---- what is in the slots ---- */

static int stays(struct acpi_pcihp *s, uint32_t slot)
{
    for (uint32_t fn = 0; fn < FUNCTIONS; fn++) {
        const struct tn_dev *d = s->buses->at(s->bus, slot << 3 | fn);
        if (d && !(d->cls->flags & TN_C_HOTPLUG))
            return 1;
    }
    return 0;
}

static void look(struct acpi_pcihp *s)
{
    s->fixed = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (stays(s, slot))
            s->fixed |= 1u << slot;
}

/* ---- what the chip asks for ---- */

static uint32_t chip_removable(void *opaque)
{
    const struct acpi_pcihp *s = opaque;
    return ~s->fixed;
}

static void chip_eject(void *opaque, uint32_t slots)
{
    struct acpi_pcihp *s = opaque;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (slots >> slot & 1)
            s->hotplug->eject(s->dev, s->bus, slot);
}

static void chip_refuse(void *opaque, uint32_t slots)
{
    struct acpi_pcihp *s = opaque;
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (slots >> slot & 1)
            s->hotplug->refused(s->dev, s->bus, slot, "_OST says that the ejection failed");
}

static void chip_raise(void *opaque)
{
    struct acpi_pcihp *s = opaque;
    s->acpi->raise(s->event);
}

static const struct pcihp_ops chip_ops = {
    .removable = chip_removable, .eject = chip_eject, .refuse = chip_refuse, .raise = chip_raise};

/* ---- registers ---- */

static uint64_t port_read(void *self, uint64_t off, uint32_t size)
{
    struct acpi_pcihp *s = self;
    return pcihp_read(&s->chip, off, size);
}

static void port_write(void *self, uint64_t off, uint64_t v, uint32_t size)
{
    struct acpi_pcihp *s = self;
    pcihp_write(&s->chip, off, size, (uint32_t)v);
}

static const struct tn_region_ops port_ops = {.struct_size = sizeof port_ops,
                                              .valid_min = 1,
                                              .valid_max = 4,
                                              .impl_min = 4,
                                              .impl_max = 4,
                                              .read = port_read,
                                              .write = port_write};

/* ---- TN_HOTPLUG_1: the owner of the slots ---- */

static void plug(void *self, struct tn_bus *b, uint32_t devfn, uint32_t cold)
{
    struct acpi_pcihp *s = self;
    (void)b;
    look(s);
    if (!cold)
        pcihp_plug(&s->chip, devfn >> 3);
}

static int unplug_request(void *self, struct tn_bus *b, uint32_t devfn, uint32_t surprise,
                          struct tn_err *e)
{
    struct acpi_pcihp *s = self;
    uint32_t slot = devfn >> 3;
    if (surprise)
        return s->hotplug->eject(s->dev, b, slot);
    if (s->fixed >> slot & 1)
        return tn_fail(s->dev, e, EINVAL, "slot %u has a function that cannot be unplugged", slot);
    pcihp_ask(&s->chip, slot);
    return 0;
}

static void unplugged(void *self, struct tn_bus *b, uint32_t devfn)
{
    struct acpi_pcihp *s = self;
    (void)b;
    look(s);
    pcihp_removed(&s->chip, devfn >> 3);
}

static const struct tn_plug_ops plug_ops = {.struct_size = sizeof plug_ops,
                                            .plug = plug,
                                            .unplug_request = unplug_request,
                                            .unplugged = unplugged};

/* ---- the tables ---- */

/* _SUN and _EJ0 for every slot that is empty or can be emptied. */
static int add_slots(struct acpi_pcihp *s, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                     char names[SLOTS][NAME_MAX_LEN])
{
    int r = 0;
    for (uint32_t slot = 0; slot < SLOTS && r == 0; slot++) {
        BUF_AUTO aml = {0};
        names[slot][0] = 0;
        if (s->fixed >> slot & 1)
            continue;
        pcihp_aml_slot(&aml, slot);
        r = b->place(o, s->bus, slot << 3, aml.data, (uint32_t)aml.len, names[slot], NAME_MAX_LEN);
    }
    return r;
}

static int build(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e)
{
    struct acpi_pcihp *s = self;
    char names[SLOTS][NAME_MAX_LEN];
    const char *v[SLOTS];
    BUF_AUTO aml = {0};
    look(s);
    int r = add_slots(s, b, o, names);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        v[slot] = names[slot][0] ? names[slot] : NULL;
    if (r == 0) {
        pcihp_aml_bus(&aml, s->base, v);
        r = b->aml(o, TN_SCOPE_SB, aml.data, (uint32_t)aml.len);
    }
    return r < 0 ? tn_fail(s->dev, e, -r, "no place in the ACPI tables") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct acpi_pcihp *s = self;
    s->dev = d;
    return 0;
}

static int first_bus(void *o, struct tn_bus *b, uint32_t bsel)
{
    (void)bsel;
    *(struct tn_bus **)o = b;
    return 1;
}

static int claim_ports(struct acpi_pcihp *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req req = {.struct_size = sizeof req,
                                      .space = TN_SPACE_PIO,
                                      .base = s->base,
                                      .size = PCIHP_SIZE,
                                      .name = "acpi-pci-hotplug"};
    struct tn_region *r;
    return regions->add(s->dev, &req, &port_ops, s, &r, e);
}

static int join_acpi(struct acpi_pcihp *s, struct tn_err *e)
{
    uint8_t
        room[EVENT_AML]; /* realize must not end the process for want of memory, as a buf does */
    struct buf aml = {.data = room, .cap = sizeof room};
    s->acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    if (!s->acpi)
        return tn_fail(s->dev, e, ENOTSUP, "the machine has no ACPI");
    pcihp_aml_event(&aml);
    int r = s->acpi->event(s->dev, "pci-hotplug", aml.data, (uint32_t)aml.len, &s->event, e);
    if (r < 0)
        return r;
    r = s->acpi->builder(s->dev, build, s);
    return r < 0 ? tn_fail(s->dev, e, -r, "no memory for ACPI tables") : 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct acpi_pcihp *s = self;
    s->hotplug = TN_GET(s->dev, struct tn_hotplug, TN_HOTPLUG_1);
    s->buses = TN_GET(s->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    pcihp_init(&s->chip, &chip_ops, s);
    s->hotplug->each_bus(s->dev, first_bus, &s->bus);
    if (!s->bus)
        return tn_fail(s->dev, e, ENODEV, "the machine has no PCI bus");
    int r = claim_ports(s, e);
    if (r == 0)
        r = join_acpi(s, e);
    return r == 0 ? s->hotplug->handler(s->dev, s->bus, &plug_ops, s, e) : r;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct acpi_pcihp *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    look(s);
    pcihp_reset(&s->chip);
}

static const struct tn_prop props[] = {
    TN_PROP_RANGE(struct acpi_pcihp, base, "base", U32, 0x0cc0, 0, 0xffe8,
                  "first I/O port of the registers"),
};

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct acpi_pcihp, chip.up, "up", U32, 1),
    TN_FIELD_ROW(struct acpi_pcihp, chip.down, "down", U32, 1),
    TN_FIELD_ROW(struct acpi_pcihp, chip.select, "select", U32, 1),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "acpi-pci-hotplug",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
};

static const struct tn_class acpi_pcihp = {
    .struct_size = sizeof acpi_pcihp,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "acpi-pci-hotplug",
    .desc = "ACPI hot-plug of the root bus",
    .instance_size = sizeof(struct acpi_pcihp),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
};

static const struct tn_class *const classes[] = {&acpi_pcihp, NULL};
static const char *const needs[] = {TN_HOTPLUG_1, TN_PCI_BUS_1, TN_REGION_1, NULL};
static const char *const wants[] = {TN_ACPI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "acpi-pci-hotplug",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "ACPI hot-plug of the PCI root bus",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
