/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus types "PCI" and "PCIE": what each function on them can be told, and who may sit where. */
#include "pci_impl.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COMPAT_EXTCAP_INIT = 0, COMPAT_LNKSTA_DLLLA, COMPAT_ERR_UNC_MASK, COMPAT_ARI_NEXTFN_1 };

/* x-* are QEMU's switches for old machine types: accepted, and without effect, as there are none of
 * those here. */
static const struct tn_prop props[] = {
    TN_PROP(struct pci_child, addr, "addr", DEVFN, (uint64_t)-1,
            "Slot and optional function number, example: 06.0 or 06"),
    TN_PROP(struct pci_child, multifunction, "multifunction", BOOL, 0,
            "the slot has further functions"),
    TN_PROP(struct pci_child, rombar, "rombar", U32, 1,
            "the guest sees the expansion ROM, unless 0"),
    TN_PROP_STR(struct pci_child, romfile, "romfile", NULL, "contents of the expansion ROM"),
    TN_PROP(struct pci_child, romsize, "romsize", U32, UINT32_MAX, "bytes of the expansion ROM"),
    TN_PROP(struct pci_child, acpi_index, "acpi-index", U32, 0,
            "number that the guest names it by"),
    TN_PROP_STR(struct pci_child, failover_pair_id, "failover_pair_id", NULL,
                "standby device that it backs"),
    TN_PROP_BIT(struct pci_child, compat, "x-pcie-extcap-init", COMPAT_EXTCAP_INIT, 1, NULL),
    TN_PROP_BIT(struct pci_child, compat, "x-pcie-lnksta-dllla", COMPAT_LNKSTA_DLLLA, 1, NULL),
    TN_PROP_BIT(struct pci_child, compat, "x-pcie-err-unc-mask", COMPAT_ERR_UNC_MASK, 1, NULL),
    TN_PROP_BIT(struct pci_child, compat, "x-pcie-ari-nextfn-1", COMPAT_ARI_NEXTFN_1, 0, NULL),
};

/* ---- addresses ---- */

static const char *in_use_by(const struct pci_func *f)
{
    return f->dev->entry->name;
}

/* The chipset's own functions have their places; slot 0 of a root is its host bridge's. */
static int home_devfn(const struct pci_bus *b, const struct device *d, const struct tn_pci_ops *ops)
{
    uint32_t class_code = ops ? ops->class_rev >> 16 : 0;
    if (!pci_bus_is_root(b) || !(d->pub.cls->flags & TN_C_INTERNAL))
        return -1;
    int express = pci_bus_is_express(b);
    return class_code == 0x0600               ? PCI_DEVFN_OF(0, 0)
           : class_code == 0x0601             ? PCI_DEVFN_OF(express ? 31 : 1, 0)
           : class_code == 0x0680 && !express ? PCI_DEVFN_OF(1, 3)
                                              : -1;
}

static int first_free(const struct pci_bus *b, const struct device *d, const struct tn_pci_ops *ops)
{
    int home = home_devfn(b, d, ops);
    if (home >= 0 && !b->at[home])
        return home;
    uint32_t slot = pci_bus_is_root(b) ? 1 : 0, end = b->flags & TN_PCIB_ONE_SLOT ? 1 : PCI_SLOTS;
    for (; slot < end; slot++)
        if (!b->at[PCI_DEVFN_OF(slot, 0)])
            return PCI_DEVFN_OF(slot, 0);
    return -ENOSPC;
}

static int choose_address(const struct pci_bus *b, const struct device *d,
                          const struct tn_pci_ops *ops, int32_t addr, struct tn_err *e)
{
    const char *name = d->entry->name;
    int devfn = addr >= 0 ? addr : first_free(b, d, ops);
    if (devfn < 0 || devfn >= PCI_DEVFNS)
        return err_set(e, EBUSY, "PCI: no slot/function available for %s, all in use or reserved",
                       name);
    if ((b->flags & TN_PCIB_ONE_SLOT) && PCI_SLOT_OF(devfn) && !(ops->flags & TN_PCIF_VF))
        return err_set(
            e, EINVAL,
            "PCI: slot %d is not valid for %s, parent device only allows plugging into slot 0.",
            PCI_SLOT_OF(devfn), name);
    const struct pci_func *other = b->at[devfn];
    if (other)
        return err_set(e, EBUSY,
                       "PCI: slot %d function %d not available for %s, in use by %s,id=%s",
                       PCI_SLOT_OF(devfn), PCI_FUNC_OF(devfn), name, in_use_by(other),
                       other->dev->id ? other->dev->id : "");
    return devfn;
}

/* A guest that has seen function 0 looks at the slot no more. */
static int check_exposed(const struct pci_bus *b, const struct device *d, uint32_t slot,
                         struct tn_err *e)
{
    const struct pci_func *f0 = b->at[PCI_DEVFN_OF(slot, 0)];
    if (!(d->flags & TN_DEV_HOTPLUGGED) || !f0 || !f0->realized)
        return 0;
    return err_set(e, EBUSY,
                   "PCI: slot %u function 0 already occupied by %s, new func %s cannot be "
                   "exposed to guest.",
                   slot, in_use_by(f0), d->entry->name);
}

/* The guest looks for further functions only where function 0 says that there are some (PCI Local
 * Bus 3.0 6.1). */
static int check_functions(const struct pci_bus *b, const struct device *d, uint32_t devfn,
                           uint32_t multi, struct tn_err *e)
{
    uint32_t slot = PCI_SLOT_OF(devfn), fn = PCI_FUNC_OF(devfn);
    const struct pci_func *f0 = b->at[PCI_DEVFN_OF(slot, 0)];
    if (check_exposed(b, d, slot, e) < 0)
        return -EBUSY;
    if (fn)
        return f0 && !(f0->c.flags & PCI_FN_MULTI)
                   ? err_set(e, EINVAL,
                             "PCI: single function device can't be populated in function %x.%x",
                             slot, fn)
                   : 0;
    for (fn = 1; !multi && fn < 8; fn++)
        if (b->at[PCI_DEVFN_OF(slot, fn)])
            return err_set(e, EINVAL,
                           "PCI: %x.0 indicates single function, but %x.%x is already populated.",
                           slot, slot, fn);
    return 0;
}

/* ---- the type's functions ---- */

/* What the table had in ABI 1.0: a plugin never has less, however much today's has grown. */
enum { PCI_OPS_1_0 = offsetof(struct tn_pci_ops, config_write) + sizeof(void *) };

static int check(void *bus, void *child, struct tn_dev *pub, const void *table, struct tn_err *e)
{
    struct pci_bus *b = bus;
    struct pci_child *c = child;
    struct device *d = device_of(pub);
    const struct tn_pci_ops *ops = table;
    if (!ops || ops->struct_size < PCI_OPS_1_0)
        return err_set(e, EINVAL, "Device '%s' is no PCI function", d->entry->name);
    int vf = pci_vf_devfn(d), one = vf < 0 && (b->flags & TN_PCIB_ONE_SLOT);
    if (one && check_exposed(b, d, 0, e) < 0)
        return -EBUSY;
    int devfn = choose_address(b, d, ops, vf >= 0 ? vf : c->addr, e);
    if (devfn < 0)
        return devfn;
    int r = vf >= 0 ? 0 : check_functions(b, d, (uint32_t)devfn, c->multifunction, e);
    if (r == 0 && b->ops && b->ops->check)
        r = b->ops->check(b->s, (uint32_t)devfn, ops, e);
    if (r == 0 && vf < 0 && (d->flags & TN_DEV_HOTPLUGGED))
        r = pci_plug_allowed(b, (uint32_t)devfn, e);
    if (r < 0)
        return r;
    c->addr = devfn;
    c->multifunction |= devfn == home_devfn(b, d, ops) && PCI_SLOT_OF(devfn) &&
                        !PCI_FUNC_OF(devfn); /* a southbridge */
    c->func = pci_func_new(b, d, ops, c, (uint32_t)devfn);
    if (vf >= 0)
        pci_vf_met(c->func);
    return 0;
}

static int plugged(void *bus, void *child, struct tn_err *e)
{
    struct pci_child *c = child;
    struct pci_func *f = c->func;
    (void)bus;
    int r = pci_rom_from_file(f, e);
    if (r < 0)
        return r;
    pci_func_line(f);
    if (f->pf)
        pci_vf_place(f);
    pthread_mutex_lock(&f->lock);
    struct pci_events ev = {0};
    pci_bars_update(&f->c);
    pci_func_settle(f, &ev);
    pthread_mutex_unlock(&f->lock);
    return 0;
}

static int refuse_unplug(void *bus, void *child, struct tn_err *e)
{
    const struct pci_bus *b = bus;
    (void)child;
    return err_set(e, EINVAL, "Bus '%s' does not support hotplugging", b->bus->name);
}

static void detach(void *bus, void *child)
{
    struct pci_child *c = child;
    (void)bus;
    pci_func_free(c->func);
    c->func = NULL;
}

static int path(void *bus, void *child, char *buf, uint64_t len)
{
    const struct pci_child *c = child;
    (void)bus;
    int n = snprintf(buf, len, "%02x.%x", PCI_SLOT_OF(c->addr), PCI_FUNC_OF(c->addr));
    return n >= 0 && (uint64_t)n < len ? n : -ENOSPC;
}

/* Open Firmware's PCI binding: "pciVVVV,DDDD@SLOT[,FUNCTION]". */
static int fw_path(void *bus, void *child, char *buf, uint64_t len)
{
    const struct pci_child *c = child;
    uint32_t id = pci_config_get(&c->func->c, PCI_VENDOR_ID, 4), fn = PCI_FUNC_OF(c->addr);
    char tail[8] = "";
    (void)bus;
    if (fn)
        snprintf(tail, sizeof tail, ",%x", fn);
    int n =
        snprintf(buf, len, "pci%04x,%04x@%x%s", id & 0xffff, id >> 16, PCI_SLOT_OF(c->addr), tail);
    return n >= 0 && (uint64_t)n < len ? n : -ENOSPC;
}

#define PCI_TYPE(type_name, bases)                                                                 \
    {                                                                                              \
        .struct_size = sizeof(struct tn_bus_type), .name = type_name, .is_a = bases,               \
        .child_ops = TN_PCI_DEVICE_1, .props = props, .nprops = sizeof props / sizeof props[0],    \
        .prop_stride = sizeof props[0], .child_size = sizeof(struct pci_child), .check = check,    \
        .plugged = plugged, .fw_path = fw_path, .unplug_request = refuse_unplug, .detach = detach, \
        .path = path                                                                               \
    }

static const char *const express_is_a[] = {TN_PCI_BUS, NULL};
const struct tn_bus_type pci_conventional_type = PCI_TYPE(TN_PCI_BUS, NULL);
const struct tn_bus_type pci_express_type = PCI_TYPE(TN_PCIE_BUS, express_is_a);

const struct tn_bus_type *pci_bus_type(const char *name)
{
    return strcmp(name, TN_PCI_BUS) == 0    ? &pci_conventional_type
           : strcmp(name, TN_PCIE_BUS) == 0 ? &pci_express_type
                                            : NULL;
}
