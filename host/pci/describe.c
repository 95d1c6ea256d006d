/* SPDX-License-Identifier: BSD-2-Clause */
/* A function as its registers are now, for those who only look. */
#include "pci_impl.h"

static void describe_regions(const struct pci_func *f, struct pci_info *out)
{
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *b = &f->c.bar[i];
        out->bar[i].size = b->size;
        out->bar[i].kind = b->kind;
        out->bar[i].addr = b->size ? pci_bar_addr(&f->c, i) : PCI_BAR_UNMAPPED;
    }
}

static void describe_bridge(const struct pci_func *f, struct pci_info *out)
{
    const struct bridge_decode *d = &f->bridge.d;
    out->below = f->below->bus;
    out->primary = d->primary;
    out->secondary = d->secondary;
    out->subordinate = d->subordinate;
    /* closed ones as their registers have it: the last unit is the base, the first the limit */
    static const struct bridge_window closed[] = {
        {0xf000, 0x0fff}, {0xfff00000, 0xfffff}, {0xfff00000, 0xfffff}};
    const struct bridge_window *const open[] = {&d->io, &d->mem, &d->pref};
    for (uint32_t i = 0; i < PCI_WINDOWS; i++) {
        const struct bridge_window *w = open[i]->base > open[i]->limit ? &closed[i] : open[i];
        out->window[i].base = w->base;
        out->window[i].limit = w->limit;
    }
}

int pci_describe(struct device *d, struct pci_info *out)
{
    struct pci_func *f = d->pci;
    *out = (struct pci_info){0};
    if (!f || !f->realized)
        return 0;
    pthread_mutex_lock(&f->lock);
    uint32_t ids = pci_config_get(&f->c, PCI_VENDOR_ID, 4);
    out->vendor = ids & 0xffff;
    out->device = ids >> 16;
    out->class_code = pci_config_get(&f->c, PCI_CLASS_DEVICE, 2);
    out->irq_line = pci_config_get(&f->c, PCI_INTERRUPT_LINE, 1);
    out->irq_pin = pci_config_get(&f->c, PCI_INTERRUPT_PIN, 1);
    if (!(f->c.flags & PCI_FN_BRIDGE)) {
        uint32_t sub = pci_config_get(&f->c, PCI_SUBSYSTEM_VENDOR_ID, 4);
        out->has_subsystem = 1;
        out->subvendor = sub & 0xffff;
        out->subsystem = sub >> 16;
    }
    describe_regions(f, out);
    if (f->below)
        describe_bridge(f, out);
    pthread_mutex_unlock(&f->lock);
    out->bus = __atomic_load_n(&f->bus->number, __ATOMIC_RELAXED);
    out->slot = PCI_SLOT_OF(f->devfn);
    out->function = PCI_FUNC_OF(f->devfn);
    return 1;
}
