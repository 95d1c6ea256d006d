/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin that is newer than its host: it is built with headers of tomorrow (grow.py), in which every struct that may grow has
 * a member `tomorrow` at its end. What it finds missing it does without, and says so. See test_skew.py. */
#include <errno.h>
#include <tenon/dma.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

#ifndef MIN_MINOR
#define MIN_MINOR 0
#endif
#ifdef NEED
#define NEEDS TN_PCI_1, NEED
#else
#define NEEDS TN_PCI_1
#endif

struct skew {
    struct tn_dev *dev;
    uint32_t number;
};

static int init(void *self, struct tn_dev *d)
{
    struct skew *s = self;
    s->dev = d;
    return 0;
}

/* Each way in which a newer plugin asks an older host. */
static int realize(void *self, struct tn_err *e)
{
    struct skew *s = self;
    const struct tn_core *core = s->dev->core;
    const struct tn_pci *pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    core->warn(s->dev, "host %u.%u, headers %u.%u", s->dev->host->abi_major, s->dev->host->abi_minor, TN_ABI_MAJOR, TN_ABI_MINOR);
    core->warn(s->dev, "appended to a table: %s", TN_HAS(core, tomorrow) || TN_HAS(pci, tomorrow) ? "there" : "missing");
    core->warn(s->dev, "a new service: %s", s->dev->host->get(s->dev->host, "tenon.tomorrow/1") ? "there" : "missing");
    struct tn_as_info info = {.struct_size = sizeof info, .tomorrow = s};
    const struct tn_dma *dma = TN_GET(s->dev, struct tn_dma, TN_DMA_1);
    int r = dma->info(dma->system(s->dev), &info);
    core->warn(s->dev, "a struct that the host fills: %s", r == 0 && info.tomorrow == s ? "as far as it knows" : "too far");
    return pci->bar(s->dev, 0, TN_BAR_MEM32, 4096, NULL, NULL, e);
}

static const struct tn_prop props[] = {
    TN_PROP(struct skew, number, "number", U32, 42, NULL),
    TN_PROP(struct skew, number, "alias", U32, 42, NULL),
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops, .flags = TN_PCIF_CONVENTIONAL, .vendor = 0x1234, .device = 0x5a5a, .class_rev = 0x00ff0000};

static const struct tn_class skew = {
    .struct_size = sizeof skew,
    .kind = TN_K_DEVICE,
    .name = "skew",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct skew),
    .props = props,
    .nprops = 2,
    .prop_stride = sizeof props[0],
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
};
static const struct tn_class *const classes[] = {&skew, NULL};
static const char *const needs[] = {NEEDS, NULL}, *const wants[] = {"tenon.tomorrow/1", NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .min_host_minor = MIN_MINOR,
    .id = "skew",
    .version = "1",
    .license = "BSD-2-Clause",
    .summary = "newer than its host",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
