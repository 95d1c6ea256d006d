/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI-to-PCI bridges with a conventional bus below: pci-bridge sits on such a bus, pcie-pci-bridge
 * on PCI Express. The host has the type-1 header, the windows and the routing; here is who they
 * are. */
#include "pci/caps.h"
#include "pci/pcie.h"
#include "util/bytes.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <tenon/hotplug.h>
#include <tenon/pci-bus.h>
#include <tenon/plugin.h>

#define VENDOR_ID   0x1b36
#define BRIDGE_ID   0x0001
#define EXPRESS_ID  0x000e
#define CLASS_REV   0x06040000u /* PCI-to-PCI bridge */
#define NO_RESERVE  (~(uint64_t)0)
#define NO_NUMBERS  0xffffffffu
#define CAP_SLOT_ID 4 /* PCI-to-PCI Bridge 1.2, 13: slot numbering */
enum { AT_PM = 0x50, AT_EXP = 0x60, AT_SSVID = 0xa0 };

struct bridge {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct tn_pci_bus *buses;
    const struct tn_hotplug *hotplug;
    struct tn_bus *bus;
    uint32_t asked; /* slots that the user wants emptied, a bit each */
    /* properties */
    uint8_t chassis;
    uint32_t bus_reserve;
    uint64_t io_reserve, mem_reserve, pref32_reserve, pref64_reserve;
};

static int init(void *self, struct tn_dev *d)
{
    struct bridge *s = self;
    s->dev = d;
    return 0;
}

/* ---- what comes and goes below: there is no controller that could tell the guest ---- */

static int unplug_request(void *self, struct tn_bus *b, uint32_t devfn, uint32_t surprise,
                          struct tn_err *e)
{
    struct bridge *s = self;
    (void)e;
    if (surprise)
        return s->hotplug->eject(s->dev, b, devfn >> 3);
    s->asked |= 1u << (devfn >> 3);
    return 0;
}

static void unplugged(void *self, struct tn_bus *b, uint32_t devfn)
{
    struct bridge *s = self;
    (void)b;
    s->asked &= ~(1u << (devfn >> 3));
}

static const struct tn_plug_ops plug_ops = {
    .struct_size = sizeof plug_ops, .unplug_request = unplug_request, .unplugged = unplugged};

/* After a reset no guest is there that uses them. */
static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct bridge *s = self;
    int machine = kind == TN_RESET_COLD || kind == TN_RESET_WARM;
    for (uint32_t slot = 0; machine && phase == TN_RESET_EXIT && slot < 32; slot++)
        if (s->asked >> slot & 1)
            s->hotplug->eject(s->dev, s->bus, slot);
}

/* ---- both ---- */

/* A bus has the name of its bridge; a path is no name. */
static int make_bus(struct bridge *s, struct tn_err *e)
{
    const char *id = s->dev->core->id(s->dev);
    s->buses = TN_GET(s->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    s->hotplug = TN_GET(s->dev, struct tn_hotplug, TN_HOTPLUG_1);
    int r =
        s->buses->bridge(s->dev, NULL, strchr(id, '/') ? NULL : id,
                         TN_PCIB_CONVENTIONAL | TN_PCIB_HOTPLUG, NULL, NULL, NULL, s, &s->bus, e);
    return r < 0 ? r : s->hotplug->handler(s->dev, s->bus, &plug_ops, s, e);
}

static int reserve(struct bridge *s, struct tn_err *e)
{
    const uint64_t v[5] = {s->bus_reserve == NO_NUMBERS ? NO_RESERVE : s->bus_reserve,
                           s->io_reserve, s->mem_reserve, s->pref32_reserve, s->pref64_reserve};
    if (s->pref32_reserve != NO_RESERVE && s->pref64_reserve != NO_RESERVE)
        return tn_fail(s->dev, e, EINVAL, "pref32-reserve and pref64-reserve exclude each other");
    int r = (v[0] & v[1] & v[2] & v[3] & v[4]) == NO_RESERVE ? 0 : s->buses->reserve(s->dev, v);
    return r < 0 ? tn_fail(s->dev, e, -r, "nothing can be reserved below this bridge") : 0;
}

/* ---- pci-bridge ---- */

static int realize(void *self, struct tn_err *e)
{
    struct bridge *s = self;
    const uint8_t slots[] = {0, 0, 0, s->chassis}; /* no slot has a number */
    if (!s->chassis)
        return tn_fail(s->dev, e, EINVAL,
                       "Bridge chassis not specified. Each bridge is required to be assigned a "
                       "unique chassis id > 0.");
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    int r = s->pci->cap(s->dev, CAP_SLOT_ID, 0, slots, NULL, NULL, sizeof slots, e);
    if (r >= 0)
        r = make_bus(s, e);
    return r < 0 ? r : reserve(s, e);
}

static const struct tn_prop bridge_props[] = {
    TN_PROP(struct bridge, chassis, "chassis_nr", U8, 0, "chassis, above 0"),
    TN_PROP(struct bridge, bus_reserve, "bus-reserve", U32, NO_NUMBERS, "bus numbers below"),
    TN_PROP(struct bridge, io_reserve, "io-reserve", SIZE, NO_RESERVE, "I/O window"),
    TN_PROP(struct bridge, mem_reserve, "mem-reserve", SIZE, NO_RESERVE, "memory window"),
    TN_PROP(struct bridge, pref32_reserve, "pref32-reserve", SIZE, NO_RESERVE,
            "prefetchable window below 4 GiB"),
    TN_PROP(struct bridge, pref64_reserve, "pref64-reserve", SIZE, NO_RESERVE,
            "prefetchable window"),
};

/* ---- pcie-pci-bridge ---- */

/* The capabilities are made in a register file of their own, then given to the host. */
static int add_caps(struct bridge *s, struct pci_config *c, struct tn_err *e)
{
    static const struct pcie_port port = {.type = PCI_EXP_TYPE_PCI_BRIDGE, .speed = 1, .width = 1};
    const struct {
        uint8_t id;
        uint32_t at, len;
    } caps[] = {{PCI_CAP_ID_PM, AT_PM, PCI_PM_SIZEOF},
                {PCI_CAP_ID_EXP, AT_EXP, PCI_EXP_SIZEOF_V2},
                {PCI_CAP_ID_SSVID, AT_SSVID, PCI_SSVID_SIZEOF}};
    int r = pci_pm_add(c, AT_PM, true, 0);
    if (r >= 0)
        r = pcie_cap_add(c, AT_EXP, &port);
    if (r >= 0)
        r = pci_ssvid_add(c, AT_SSVID, VENDOR_ID, 0);
    for (size_t i = 0; i < sizeof caps / sizeof caps[0] && r >= 0; i++)
        r = s->pci->cap(s->dev, caps[i].id, caps[i].at, c->bytes + caps[i].at,
                        c->wmask + caps[i].at, c->w1c + caps[i].at, caps[i].len, e);
    return r < 0 ? r : 0;
}

static int realize_express(void *self, struct tn_err *e)
{
    struct bridge *s = self;
    const struct pci_ids ids = {
        .vendor = VENDOR_ID, .device = EXPRESS_ID, .class_rev = CLASS_REV, .int_pin = 0};
    struct pci_config c;
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    if (pci_config_init(&c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids) < 0)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a configuration space");
    int r = add_caps(s, &c, e);
    pci_config_fini(&c);
    return r < 0 ? r : make_bus(s, e);
}

/* ---- tables ---- */

static const struct tn_field fields[] = {TN_FIELD(struct bridge, asked, U32)};
static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "pci-bridge",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
};

static const struct tn_pci_ops bridge_ops = {
    .struct_size = sizeof bridge_ops,
    .flags = TN_PCIF_CONVENTIONAL | TN_PCIF_BRIDGE,
    .vendor = VENDOR_ID,
    .device = BRIDGE_ID,
    .class_rev = CLASS_REV,
};

static const struct tn_pci_ops express_ops = {
    .struct_size = sizeof express_ops,
    .flags = TN_PCIF_EXPRESS | TN_PCIF_BRIDGE,
    .vendor = VENDOR_ID,
    .device = EXPRESS_ID,
    .class_rev = CLASS_REV,
};

static const struct tn_class pci_bridge = {
    .struct_size = sizeof pci_bridge,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "pci-bridge",
    .desc = "Standard PCI Bridge",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct bridge),
    .props = bridge_props,
    .nprops = sizeof bridge_props / sizeof bridge_props[0],
    .prop_stride = sizeof bridge_props[0],
    .bus_ops = &bridge_ops,
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
};

static const struct tn_class pcie_pci_bridge = {
    .struct_size = sizeof pcie_pci_bridge,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "pcie-pci-bridge",
    .desc = "PCI Express to PCI bridge",
    .bus = TN_PCIE_BUS,
    .instance_size = sizeof(struct bridge),
    .bus_ops = &express_ops,
    .state = &state,
    .init = init,
    .realize = realize_express,
    .reset = reset,
};

static const struct tn_class *const classes[] = {&pci_bridge, &pcie_pci_bridge, NULL};
static const char *const needs[] = {TN_HOTPLUG_1, TN_PCI_1, TN_PCI_BUS_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "pci-bridge",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "PCI-to-PCI bridges",
    .classes = classes,
    .needs = needs,
};
