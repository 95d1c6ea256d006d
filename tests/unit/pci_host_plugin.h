/* SPDX-License-Identifier: BSD-2-Clause */
/* A made-up plugin for tests of the host's PCI: a function, a port, and a function with virtual
 * ones, each of which remembers what it was told. */
#ifndef TN_TEST_PCI_HOST_PLUGIN_H
#define TN_TEST_PCI_HOST_PLUGIN_H
#include "cli/kvtree.h"
#include "core/bus.h"
#include "core/loop.h"
#include "pci/pci_host.h"
#include "pci/regs.h"
#include "pci_host_sriov.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/irq.h"
#include "vm/kvm.h"
#include "vm/memory.h"
#include "vm/space.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <tenon/plugin.h>
#include <unistd.h>

#define ECAM     0xb0000000u
#define RAM_SIZE 0x100000u
enum { NVEC = 4, TABLE = 0x800, PBA = 0xc00 };

/* ---- the plugin: a function that remembers what it was told ---- */

struct probe {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    uint8_t *ram; /* unused by the host */
    uint64_t last_off, last_value;
    uint32_t last_size, reads, writes;
    uint64_t bar_addr[7];
    uint32_t moves, mode, nvec, masked, resets, quiesces, resumes, written, written_old;
    uint32_t in_reset_kind;
    /* properties */
    uint8_t no_msix, traps, slow;
};

struct bridge {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    struct tn_bus *bus;
    uint32_t routed, asked, gone_slots, plugged, cold_plugged, in_reset;
    uint32_t message, message_rid, messages;
    uint8_t hotplug, one_slot;
};

static inline uint64_t bar_read(void *s, uint64_t off, uint32_t size)
{
    struct probe *p = s;
    p->reads++;
    p->last_off = off;
    p->last_size = size;
    return 0x1122334455667788u >> (8 * (off & 7));
}

static inline void bar_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct probe *p = s;
    p->writes++;
    p->last_off = off;
    p->last_value = v;
    p->last_size = size;
}

static const struct tn_region_ops bar_ops = {
    .struct_size = sizeof bar_ops, .read = bar_read, .write = bar_write};

static inline int probe_init(void *s, struct tn_dev *d)
{
    struct probe *p = s;
    p->dev = d;
    return 0;
}

static inline int probe_realize(void *s, struct tn_err *e)
{
    struct probe *p = s;
    p->pci = TN_GET(p->dev, struct tn_pci, TN_PCI_1);
    int r = p->pci->bar(p->dev, 0, TN_BAR_MEM32, 0x1000, &bar_ops, p, e);
    if (r == 0)
        r = p->pci->bar(p->dev, 1, TN_BAR_IO, 16, &bar_ops, p, e);
    if (r == 0)
        r = p->pci->bar(p->dev, 2, TN_BAR_MEM64 | TN_BAR_PREFETCH, 0x4000, NULL, NULL, e);
    if (r == 0 && !p->no_msix) {
        r = p->pci->msix(p->dev, 0, NVEC, 0, TABLE, 0, PBA, e);
        r = r < 0 ? r : p->pci->msi(p->dev, 0, NVEC, TN_MSI_64 | TN_MSI_MASK, e);
    }
    if (r >= 0)
        r = add_exp(p->dev, p->pci, PCI_EXP_TYPE_ENDPOINT, e);
    if (r >= 0 && p->traps)
        r = p->pci->config_trap(p->dev, PCI_INTERRUPT_LINE, 1, TN_TRAP_READ | TN_TRAP_WRITE);
    return r < 0 ? r : 0;
}

static inline void probe_reset(void *s, uint32_t kind, uint32_t phase)
{
    struct probe *p = s;
    if (phase == TN_RESET_HOLD) {
        p->resets++;
        p->in_reset_kind = kind;
    }
}

/* While a slow one comes to rest, what the test has prepared is kicked; that ends it. */
static struct tn_bh *meanwhile;

static inline int probe_quiesce(void *s, uint32_t why, uint32_t flags)
{
    struct probe *p = s;
    (void)why;
    (void)flags;
    p->quiesces++;
    if (!p->slow || !meanwhile)
        return 0;
    bh_kick(meanwhile);
    return TN_PENDING;
}

static inline void probe_resume(void *s)
{
    ((struct probe *)s)->resumes++;
}

static inline void probe_moved(void *s, uint32_t bar, uint64_t addr)
{
    struct probe *p = s;
    p->moves++;
    p->bar_addr[bar] = addr;
}

static inline void probe_mode(void *s, uint32_t mode, uint32_t nvec)
{
    struct probe *p = s;
    p->mode = mode;
    p->nvec = nvec;
}

static inline void probe_mask(void *s, uint32_t vec, uint32_t masked)
{
    struct probe *p = s;
    p->masked = masked ? p->masked | 1u << vec : p->masked & ~(1u << vec);
}

static inline void probe_written(void *s, uint32_t off, uint32_t size, uint32_t old)
{
    struct probe *p = s;
    (void)size;
    p->written = off;
    p->written_old = old;
}

static inline uint32_t probe_config_read(void *s, uint32_t off, uint32_t size, uint32_t val)
{
    (void)s;
    (void)off;
    (void)size;
    return val + 1;
}

static inline uint32_t probe_config_write(void *s, uint32_t off, uint32_t size, uint32_t val)
{
    (void)s;
    (void)off;
    (void)size;
    return val ^ 0xf0;
}

static const struct tn_pci_ops probe_ops = {.struct_size = sizeof probe_ops,
                                            .flags = TN_PCIF_EXPRESS | TN_PCIF_CONVENTIONAL,
                                            .vendor = 0x1234,
                                            .device = 0x5678,
                                            .class_rev = 0xff000001,
                                            .int_pin = 1,
                                            .config_written = probe_written,
                                            .msix_mask = probe_mask,
                                            .bar_moved = probe_moved,
                                            .irq_mode = probe_mode,
                                            .config_read = probe_config_read,
                                            .config_write = probe_config_write};

static const struct tn_prop probe_props[] = {
    TN_PROP(struct probe, no_msix, "no-msix", BOOL, 0, NULL),
    TN_PROP(struct probe, traps, "traps", BOOL, 0, NULL),
    TN_PROP(struct probe, slow, "slow", BOOL, 0, NULL),
};

static const struct tn_class probe_class = {.struct_size = sizeof probe_class,
                                            .flags = TN_C_HOTPLUG,
                                            .name = "probe",
                                            .bus = TN_PCI_BUS,
                                            .instance_size = sizeof(struct probe),
                                            .props = probe_props,
                                            .nprops = ARRAY_SIZE(probe_props),
                                            .prop_stride = sizeof probe_props[0],
                                            .bus_ops = &probe_ops,
                                            .init = probe_init,
                                            .realize = probe_realize,
                                            .reset = probe_reset,
                                            .quiesce = probe_quiesce,
                                            .resume = probe_resume};

/* ---- and a port ---- */

static inline void bridge_routed(void *s, uint32_t what)
{
    ((struct bridge *)s)->routed |= what;
}

static inline void bridge_bus_reset(void *s, uint32_t on)
{
    ((struct bridge *)s)->in_reset = on;
}

static inline void bridge_message(void *s, uint32_t code, uint32_t rid)
{
    struct bridge *b = s;
    b->message = code;
    b->messages++;
    b->message_rid = rid;
}

static const struct tn_pci_bus_ops below_ops = {.struct_size = sizeof below_ops,
                                                .routed = bridge_routed,
                                                .bus_reset = bridge_bus_reset,
                                                .message = bridge_message};

static inline void slot_plug(void *s, struct tn_bus *b, uint32_t devfn, uint32_t cold)
{
    struct bridge *p = s;
    (void)b;
    (void)devfn;
    p->plugged++;
    p->cold_plugged += cold;
}

static inline int slot_request(void *s, struct tn_bus *b, uint32_t devfn, uint32_t surprise,
                               struct tn_err *e)
{
    struct bridge *p = s;
    (void)b;
    (void)devfn;
    (void)surprise;
    (void)e;
    p->asked++;
    return 0;
}

static inline void slot_unplugged(void *s, struct tn_bus *b, uint32_t devfn)
{
    struct bridge *p = s;
    (void)b;
    (void)devfn;
    p->gone_slots++;
}

static const struct tn_plug_ops slot_ops = {.struct_size = sizeof slot_ops,
                                            .plug = slot_plug,
                                            .unplug_request = slot_request,
                                            .unplugged = slot_unplugged};

static inline int bridge_init_device(void *s, struct tn_dev *d)
{
    ((struct bridge *)s)->dev = d;
    return 0;
}

static inline int bridge_realize(void *s, struct tn_err *e)
{
    struct bridge *b = s;
    const struct tn_pci_bus *buses = TN_GET(b->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    const struct tn_hotplug *plug = TN_GET(b->dev, struct tn_hotplug, TN_HOTPLUG_1);
    b->pci = TN_GET(b->dev, struct tn_pci, TN_PCI_1);
    int r = add_exp(b->dev, b->pci, PCI_EXP_TYPE_ROOT_PORT, e);
    uint32_t flags = (b->one_slot ? TN_PCIB_ONE_SLOT : 0) | (b->hotplug ? TN_PCIB_HOTPLUG : 0);
    if (r == 0)
        r = buses->bridge(b->dev, NULL, NULL, flags, NULL, NULL, &below_ops, b, &b->bus, e);
    if (r == 0 && b->hotplug)
        r = plug->handler(b->dev, b->bus, &slot_ops, b, e);
    return r;
}

static const struct tn_pci_ops bridge_ops = {.struct_size = sizeof bridge_ops,
                                             .flags = TN_PCIF_EXPRESS | TN_PCIF_BRIDGE,
                                             .vendor = 0x1234,
                                             .device = 0x9abc,
                                             .class_rev = 0x06040000,
                                             .int_pin = 1};

static const struct tn_prop bridge_props[] = {
    TN_PROP(struct bridge, hotplug, "hotplug", BOOL, 1, NULL),
    TN_PROP(struct bridge, one_slot, "one-slot", BOOL, 0, NULL),
};

static const struct tn_class bridge_class = {.struct_size = sizeof bridge_class,
                                             .name = "port",
                                             .bus = TN_PCIE_BUS,
                                             .instance_size = sizeof(struct bridge),
                                             .props = bridge_props,
                                             .nprops = ARRAY_SIZE(bridge_props),
                                             .prop_stride = sizeof bridge_props[0],
                                             .bus_ops = &bridge_ops,
                                             .init = bridge_init_device,
                                             .realize = bridge_realize};

/* A root of its own, at bus number 64. */
struct root {
    struct tn_dev *dev;
    struct tn_bus *bus;
};

static inline int root_init(void *s, struct tn_dev *d)
{
    ((struct root *)s)->dev = d;
    return 0;
}

static inline int root_realize(void *s, struct tn_err *e)
{
    struct root *r = s;
    const struct tn_pci_bus *buses = TN_GET(r->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    return buses->root(r->dev, NULL, "extra", 64, 0, 0, NULL, NULL, NULL, NULL, &r->bus, e);
}

static const struct tn_class root_class = {.struct_size = sizeof root_class,
                                           .name = "root",
                                           .instance_size = sizeof(struct root),
                                           .init = root_init,
                                           .realize = root_realize};

/* A device with the reset control register's port. */
struct byte_port {
    struct tn_dev *dev;
    struct tn_region *region;
    uint8_t value;
};

static inline void port_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    (void)off;
    (void)size;
    ((struct byte_port *)s)->value = (uint8_t)v;
}

static const struct tn_region_ops port_ops = {
    .struct_size = sizeof port_ops, .valid_max = 1, .valid_min = 1, .write = port_write};

static inline int port_init(void *s, struct tn_dev *d)
{
    ((struct byte_port *)s)->dev = d;
    return 0;
}

static inline int port_realize(void *s, struct tn_err *e)
{
    struct byte_port *p = s;
    const struct tn_regions *t = TN_GET(p->dev, struct tn_regions, TN_REGION_1);
    struct tn_region_req q = {
        .struct_size = sizeof q, .space = TN_SPACE_PIO, .base = 0xcf9, .size = 1, .name = "rcr"};
    return t->add(p->dev, &q, &port_ops, p, &p->region, e);
}

static const struct tn_class port_class = {.struct_size = sizeof port_class,
                                           .name = "rcr",
                                           .instance_size = sizeof(struct byte_port),
                                           .init = port_init,
                                           .realize = port_realize};

static const struct tn_class *const classes[] = {&probe_class, &bridge_class, &pf_class, &vf_class,
                                                 &port_class,  &root_class,   NULL};

static const struct tn_plugin plugin = {.struct_size = sizeof plugin,
                                        .abi_major = TN_ABI_MAJOR,
                                        .abi_minor = TN_ABI_MINOR,
                                        .id = "made-up",
                                        .version = "1",
                                        .license = "BSD-2-Clause",
                                        .summary = "for tests",
                                        .classes = classes};

#endif
