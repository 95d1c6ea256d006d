/* SPDX-License-Identifier: BSD-2-Clause */
/* pvpanic in a memory BAR. */
#include "pvpanic.h"
#include <errno.h>
#include <tenon/core.h>
#include <tenon/pci.h>

struct pvpanic_pci {
    struct tn_dev *dev;
    uint8_t events;
};

static uint64_t read_register(void *self, uint64_t off, uint32_t size)
{
    const struct pvpanic_pci *s = self;
    (void)size;
    return off == 0 ? s->events : 0;
}

static void write_register(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    const struct pvpanic_pci *s = self;
    (void)size;
    if (off == 0)
        pvpanic_report(s->dev, s->events, value);
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops,
                                         .valid_min = 1,
                                         .valid_max = 8,
                                         .impl_min = 1,
                                         .impl_max = 1,
                                         .read = read_register,
                                         .write = write_register};

static int init(void *self, struct tn_dev *d)
{
    struct pvpanic_pci *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct pvpanic_pci *s = self;
    const struct tn_pci *pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    if (!pci)
        return tn_fail(s->dev, e, ENOTSUP, "the machine has no PCI");
    return pci->bar(s->dev, 0, TN_BAR_MEM32, PVPANIC_BAR_SIZE, &ops, s, e);
}

static const struct tn_prop props[] = {
    TN_PROP(struct pvpanic_pci, events, "events", U8, PVPANIC_EVENTS, "bits that are offered"),
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = PVPANIC_PCI_VENDOR,
    .device = PVPANIC_PCI_DEVICE,
    .class_rev = PVPANIC_PCI_CLASS << 16 | PVPANIC_PCI_REVISION,
};

const struct tn_class pvpanic_pci_class = {
    .struct_size = sizeof pvpanic_pci_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "pvpanic-pci",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct pvpanic_pci),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
};
