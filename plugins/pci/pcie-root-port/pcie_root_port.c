/* SPDX-License-Identifier: BSD-2-Clause */
/* A PCI Express root port with a hot-plug slot and advanced error reporting. The host has the
 * bridge and routes; here are the port's identity, its slot (lib/pci's state machine), and the
 * interrupt of both. */
#include "pci/aer.h"
#include "pci/caps.h"
#include "pci/pcie.h"
#include "pci/slot.h"
#include "port_config.h"
#include "util/bytes.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <tenon/hotplug.h>
#include <tenon/loop.h>
#include <tenon/pci-bus.h>
#include <tenon/plugin.h>

#define VENDOR_ID 0x1b36
#define DEVICE_ID 0x000c
#define CLASS_REV 0x06040000u /* PCI-to-PCI bridge */

/* QEMU's places in configuration space and in BAR 0 */
enum {
    AT_SSVID = 0x40,
    AT_MSIX = 0x48,
    AT_EXP = 0x54,
    AT_RESERVE = 0x90,
    AT_AER = 0x100,
    AT_ACS = 0x148
};
enum { MSIX_BAR_SIZE = 4096, MSIX_TABLE = 0, MSIX_PBA = 0x800 };
#define ACS_CAPS (PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF | PCI_ACS_DT)

/* The vendor-specific capability with what is to be reserved */
enum {
    RESERVE_TYPE = 1, /* at 3 */
    RESERVE_BUS = 4,
    RESERVE_IO = 8,
    RESERVE_MEM = 16,
    RESERVE_PREF32 = 20,
    RESERVE_PREF64 = 24,
    RESERVE_SIZEOF = 32
};

#define MAX_MESSAGES 32u
#define PATIENCE_NS  5000000000u /* so long the guest may look at a request before the next */
#define NO_RESERVE   (~(uint64_t)0)
#define NO_RESERVE32 0xffffffffu
#define FUNCTIONS    8u

struct message {
    uint32_t code, rid;
};

struct root_port {
    struct port_config config;
    struct pcie_slot slot;
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct tn_pci_bus *buses;
    const struct tn_hotplug *hotplug_table;
    const struct tn_loop *loop;
    struct tn_bus *bus;
    struct tn_bh *link_changed, *messages_came;
    pthread_mutex_t lock; /* leaf: messages, n_messages */
    struct message messages[MAX_MESSAGES];
    uint32_t n_messages;
    uint32_t slot_irq, aer_irq; /* levels of the two interrupt conditions, as shown */
    uint32_t slot_wants;        /* level that the slot asks for */
    uint64_t asked_until;       /* the slot was asked for; guest's time, 0: no more */
    /* properties */
    uint8_t port, chassis;
    uint16_t slot_number;
    uint8_t hotplug, power_controller, disable_acs;
    uint32_t speed, width, bus_reserve;
    uint64_t io_reserve, mem_reserve, pref32_reserve, pref64_reserve;
};

/* ---- interrupts: one vector for hot-plug and errors (PCIe 6.0 6.7.3.4, 6.2.4.1.2) ---- */

static void show_irq(struct root_port *s, uint32_t *condition, uint32_t level)
{
    uint32_t rose = level && !*condition;
    *condition = level;
    s->pci->intx(s->dev, s->slot_irq || s->aer_irq);
    if (rose)
        s->pci->irq(s->dev, 0);
}

/* ---- what the slot asks for ---- */

/* Shown by settle(): a guest that is interrupted finds the event in the register. */
static void slot_irq(void *opaque, bool level)
{
    struct root_port *s = opaque;
    s->slot_wants = level;
}

static void slot_link(void *opaque, bool up)
{
    struct root_port *s = opaque;
    (void)up;
    s->loop->kick(s->link_changed);
}

static void slot_eject(void *opaque)
{
    struct root_port *s = opaque;
    s->hotplug_table->eject(s->dev, s->bus, 0);
}

static void slot_refused(void *opaque)
{
    struct root_port *s = opaque;
    s->asked_until = 0;
    s->hotplug_table->refused(s->dev, s->bus, 0, "its power indicator is lit again");
}

static const struct pcie_slot_ops slot_ops = {
    .irq = slot_irq, .link = slot_link, .eject = slot_eject, .refused = slot_refused};

/* Without a link the functions below are not there. On main, where they can be found. */
static void apply_link(void *self)
{
    struct root_port *s = self;
    for (uint32_t fn = 0; fn < FUNCTIONS; fn++) {
        struct tn_dev *below = s->buses->at(s->bus, fn);
        if (below)
            s->pci->gone(below, !s->slot.up);
    }
}

/* After anything that changed the registers. They come first: the guest's other processors read
 * them without the device's lock, and one that found no event would not look again. */
static void settle(struct root_port *s)
{
    port_config_push(&s->config);
    show_irq(s, &s->slot_irq, s->slot_wants);
    show_irq(s, &s->aer_irq, aer_root_irq(&s->config.c));
}

static void config_written(void *self, uint32_t off, uint32_t size, uint32_t old)
{
    struct root_port *s = self;
    const struct pci_written w = {.off = off, .size = size, .old = old};
    port_config_pull(&s->config, off, size);
    pcie_slot_written(&s->slot, &w);
    settle(s);
}

/* ---- messages from below: from any thread, under any lock ---- */

static void message(void *self, uint32_t code, uint32_t rid)
{
    struct root_port *s = self;
    pthread_mutex_lock(&s->lock);
    if (s->n_messages < MAX_MESSAGES)
        s->messages[s->n_messages++] = (struct message){code, rid};
    pthread_mutex_unlock(&s->lock);
    s->loop->kick(s->messages_came);
}

static void receive(struct root_port *s, const struct message *m)
{
    if (m->code < TN_AER_COR || m->code > TN_AER_FATAL)
        return;
    if (aer_bridge_forwards(&s->config.c, (int)m->code))
        aer_root_receive(&s->config.c, (int)m->code, (uint16_t)m->rid);
}

static void receive_all(void *self)
{
    struct root_port *s = self;
    struct message m[MAX_MESSAGES];
    pthread_mutex_lock(&s->lock);
    uint32_t n = s->n_messages;
    memcpy(m, s->messages, n * sizeof m[0]);
    s->n_messages = 0;
    pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; i < n; i++)
        receive(s, &m[i]);
    settle(s);
}

static const struct tn_pci_bus_ops bus_ops = {.struct_size = sizeof bus_ops, .message = message};

/* ---- TN_HOTPLUG_1: the owner of the slot ---- */

static int plug_pre(void *self, struct tn_bus *b, uint32_t devfn, struct tn_err *e)
{
    struct root_port *s = self;
    (void)b;
    (void)devfn;
    return s->slot.ejecting ? tn_fail(s->dev, e, EBUSY, "the guest is unplugging a device here")
                            : 0;
}

static void plug(void *self, struct tn_bus *b, uint32_t devfn, uint32_t cold)
{
    struct root_port *s = self;
    (void)b;
    (void)devfn;
    pcie_slot_plug(&s->slot, !cold);
    apply_link(s);
    settle(s);
}

static int unplug_request(void *self, struct tn_bus *b, uint32_t devfn, uint32_t surprise,
                          struct tn_err *e)
{
    struct root_port *s = self;
    uint64_t now = s->loop->now(s->dev, TN_CLK_VM);
    (void)devfn;
    if (surprise)
        return s->hotplug_table->eject(s->dev, b, 0);
    if (now < s->asked_until)
        return -EBUSY;
    int r = pcie_slot_unplug_request(&s->slot);
    settle(s);
    if (r == -EBUSY)
        return tn_fail(s->dev, e, EBUSY,
                       "Hot-unplug failed: guest is busy (power indicator blinking)");
    if (r < 0)
        return tn_fail(s->dev, e, EINVAL, "Hot-unplug failed: unsupported by the port device '%s'",
                       s->dev->core->id(s->dev));
    s->asked_until = now + PATIENCE_NS;
    return 0;
}

static void unplugged(void *self, struct tn_bus *b, uint32_t devfn)
{
    struct root_port *s = self;
    (void)b;
    (void)devfn;
    s->asked_until = 0;
    pcie_slot_removed(&s->slot);
    settle(s);
}

static const struct tn_plug_ops plug_ops = {.struct_size = sizeof plug_ops,
                                            .pre = plug_pre,
                                            .plug = plug,
                                            .unplug_request = unplug_request,
                                            .unplugged = unplugged};

/* ---- realize ---- */

static int init(void *self, struct tn_dev *d)
{
    struct root_port *s = self;
    s->dev = d;
    return -pthread_mutex_init(&s->lock, NULL);
}

/* The capabilities are made in the copy, then given to the host. */
static int make_registers(struct root_port *s)
{
    static const uint32_t lanes[] = {1, 2, 4, 8, 16, 32};
    struct pci_config *c = &s->config.c;
    const struct pcie_port port = {.type = PCI_EXP_TYPE_ROOT_PORT,
                                   .number = s->port,
                                   .speed = s->speed + 1,
                                   .width = lanes[s->width],
                                   .flags = PCIE_SLOT | PCIE_ARI_FORWARD};
    uint32_t flags = s->hotplug ? PCIE_SLOT_HOTPLUG : 0;
    if (s->hotplug && s->power_controller)
        flags |= PCIE_SLOT_POWER;
    int r = pci_ssvid_add(c, AT_SSVID, VENDOR_ID, 0);
    if (r >= 0)
        r = pcie_cap_add(c, AT_EXP, &port);
    if (r >= 0)
        r = pcie_slot_init(&s->slot, c, s->slot_number, flags, &slot_ops, s);
    if (r >= 0)
        r = aer_add(c, AT_AER, true);
    if (r >= 0 && !s->disable_acs)
        r = pci_acs_add(c, AT_ACS, ACS_CAPS);
    return r < 0 ? r : 0;
}

static int add_caps(struct root_port *s, struct tn_err *e)
{
    struct port_config *c = &s->config;
    int r = port_config_cap(c, PCI_CAP_ID_SSVID, AT_SSVID, PCI_SSVID_SIZEOF, e);
    if (r >= 0)
        r = s->pci->msix(s->dev, AT_MSIX, 1, 0, MSIX_TABLE, 0, MSIX_PBA, e);
    if (r >= 0)
        r = port_config_cap(c, PCI_CAP_ID_EXP, AT_EXP, PCI_EXP_SIZEOF_V2, e);
    if (r >= 0)
        r = port_config_ext_cap(c, PCI_EXT_CAP_ID_ERR, 2, AT_AER, PCI_ERR_SIZEOF_ROOT, e);
    if (r >= 0 && !s->disable_acs)
        r = port_config_ext_cap(c, PCI_EXT_CAP_ID_ACS, 1, AT_ACS, PCI_ACS_SIZEOF, e);
    c->exp = AT_EXP;
    c->aer = AT_AER;
    return r < 0 ? r : 0;
}

/* A bus has the name of its bridge, as with QEMU; a path is no name. */
static const char *bus_name(const struct root_port *s)
{
    const char *id = s->dev->core->id(s->dev);
    return strchr(id, '/') ? NULL : id;
}

static int make_bus(struct root_port *s, struct tn_err *e)
{
    uint32_t flags = TN_PCIB_ONE_SLOT | (s->hotplug ? TN_PCIB_HOTPLUG : 0);
    int r = s->buses->bridge(s->dev, NULL, bus_name(s), flags, NULL, NULL, &bus_ops, s, &s->bus, e);
    if (r == 0)
        r = s->buses->slot(s->dev, s->chassis, s->slot_number, e);
    if (r == 0)
        r = s->hotplug_table->handler(s->dev, s->bus, &plug_ops, s, e);
    return r;
}

/* The same hints for firmware, which makes the windows where there is one: QEMU's vendor-specific
 * capability (QEMU's docs/pcie_pci_bridge, "Firmware requirements"). */
static int add_reserve_cap(struct root_port *s, struct tn_err *e)
{
    uint8_t cap[RESERVE_SIZEOF] = {0, 0, RESERVE_SIZEOF, RESERVE_TYPE};
    put_le32(cap + RESERVE_BUS, s->bus_reserve);
    put_le64(cap + RESERVE_IO, s->io_reserve);
    put_le32(cap + RESERVE_MEM, (uint32_t)s->mem_reserve);
    put_le32(cap + RESERVE_PREF32, (uint32_t)s->pref32_reserve);
    put_le64(cap + RESERVE_PREF64, s->pref64_reserve);
    int r = s->pci->cap(s->dev, PCI_CAP_ID_VNDR, AT_RESERVE, cap, NULL, NULL, sizeof cap, e);
    return r < 0 ? r : 0;
}

static int reserve(struct root_port *s, struct tn_err *e)
{
    const uint64_t v[5] = {s->bus_reserve == NO_RESERVE32 ? NO_RESERVE : s->bus_reserve,
                           s->io_reserve, s->mem_reserve, s->pref32_reserve, s->pref64_reserve};
    if (s->pref32_reserve != NO_RESERVE && s->pref64_reserve != NO_RESERVE)
        return tn_fail(s->dev, e, EINVAL, "pref32-reserve and pref64-reserve exclude each other");
    if ((v[0] & v[1] & v[2] & v[3] & v[4]) == NO_RESERVE)
        return 0;
    int r = s->buses->reserve(s->dev, v);
    if (r < 0)
        return tn_fail(s->dev, e, -r, "nothing can be reserved below this port");
    return add_reserve_cap(s, e);
}

static int make_callbacks(struct root_port *s, struct tn_err *e)
{
    s->link_changed = s->loop->bh(s->dev, NULL, 0, apply_link, s);
    s->messages_came = s->loop->bh(s->dev, NULL, 0, receive_all, s);
    return s->link_changed && s->messages_came
               ? 0
               : tn_fail(s->dev, e, ENOMEM, "no memory for a bottom half");
}

static int realize(void *self, struct tn_err *e)
{
    struct root_port *s = self;
    const struct pci_ids ids = {
        .vendor = VENDOR_ID, .device = DEVICE_ID, .class_rev = CLASS_REV, .int_pin = 1};
    s->pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1);
    s->buses = TN_GET(s->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    s->hotplug_table = TN_GET(s->dev, struct tn_hotplug, TN_HOTPLUG_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    if (port_config_init(&s->config, s->dev, &ids) < 0)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a configuration space");
    int r = make_registers(s);
    if (r < 0)
        return tn_fail(s->dev, e, -r, "port %u, slot %u: out of range", s->port, s->slot_number);
    r = s->pci->bar(s->dev, 0, TN_BAR_MEM32, MSIX_BAR_SIZE, NULL, NULL, e);
    if (r == 0)
        r = add_caps(s, e);
    if (r == 0)
        r = make_callbacks(s, e);
    if (r == 0)
        r = make_bus(s, e);
    return r < 0 ? r : reserve(s, e);
}

/* ---- life ---- */

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct root_port *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    s->asked_until = 0;
    port_config_pull_all(&s->config);
    pcie_slot_reset(&s->slot);
    apply_link(s);
    settle(s);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct root_port *s = self;
    (void)version;
    (void)e;
    port_config_pull_all(&s->config);
    pcie_slot_refresh(&s->slot);
    apply_link(s);
    settle(s);
    return 0;
}

static void fini(void *self)
{
    struct root_port *s = self;
    port_config_fini(&s->config);
    pthread_mutex_destroy(&s->lock);
}

static const char *const speeds[] = {"2_5", "5", "8", "16", "32", "64", NULL};
static const char *const widths[] = {"1", "2", "4", "8", "16", "32", NULL};

static const struct tn_prop props[] = {
    TN_PROP(struct root_port, port, "port", U8, 0, "port number"),
    TN_PROP(struct root_port, chassis, "chassis", U8, 0, "chassis of the slot"),
    TN_PROP_RANGE(struct root_port, slot_number, "slot", U16, 0, 0, 0x1fff,
                  "slot number, unique in its chassis"),
    TN_PROP(struct root_port, hotplug, "hotplug", BOOL, 1, "native hot-plug"),
    TN_PROP(struct root_port, power_controller, "power_controller_present", BOOL, 1,
            "the guest switches the slot's power"),
    TN_PROP(struct root_port, disable_acs, "disable-acs", BOOL, 0, "no access control services"),
    TN_PROP_ENUM(struct root_port, speed, "x-speed", speeds, 3, "GT/s"),
    TN_PROP_ENUM(struct root_port, width, "x-width", widths, 5, "lanes"),
    TN_PROP(struct root_port, bus_reserve, "bus-reserve", U32, NO_RESERVE32, "bus numbers below"),
    TN_PROP(struct root_port, io_reserve, "io-reserve", SIZE, NO_RESERVE, "I/O window"),
    TN_PROP(struct root_port, mem_reserve, "mem-reserve", SIZE, NO_RESERVE, "memory window"),
    TN_PROP(struct root_port, pref32_reserve, "pref32-reserve", SIZE, NO_RESERVE,
            "prefetchable window below 4 GiB"),
    TN_PROP(struct root_port, pref64_reserve, "pref64-reserve", SIZE, NO_RESERVE,
            "prefetchable window"),
};

/* The registers are the host's to save. */
static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "pcie-root-port",
    .field_stride = sizeof(struct tn_field),
    .post_load = post_load,
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_EXPRESS | TN_PCIF_BRIDGE,
    .vendor = VENDOR_ID,
    .device = DEVICE_ID,
    .class_rev = CLASS_REV,
    .int_pin = 1,
    .config_written = config_written,
};

static const struct tn_class pcie_root_port = {
    .struct_size = sizeof pcie_root_port,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "pcie-root-port",
    .desc = "PCI Express root port",
    .bus = TN_PCIE_BUS,
    .instance_size = sizeof(struct root_port),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&pcie_root_port, NULL};
static const char *const needs[] = {TN_HOTPLUG_1, TN_LOOP_1, TN_PCI_1, TN_PCI_BUS_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "pcie-root-port",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "PCI Express root port",
    .classes = classes,
    .needs = needs,
};
