/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's PCI: a made-up plugin in this process, a VM without vCPUs, and the guest's accesses
 * made by hand. */
#include "cli/kvtree.h"
#include "core/bus.h"
#include "core/loop.h"
#include "pci/pci_host.h"
#include "pci/regs.h"
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
#define MAILBOX  0x8000u /* where messages go */

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

static uint64_t bar_read(void *s, uint64_t off, uint32_t size)
{
    struct probe *p = s;
    p->reads++;
    p->last_off = off;
    p->last_size = size;
    return 0x1122334455667788u >> (8 * (off & 7));
}

static void bar_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct probe *p = s;
    p->writes++;
    p->last_off = off;
    p->last_value = v;
    p->last_size = size;
}

static const struct tn_region_ops bar_ops = {
    .struct_size = sizeof bar_ops, .read = bar_read, .write = bar_write};

static int probe_init(void *s, struct tn_dev *d)
{
    struct probe *p = s;
    p->dev = d;
    return 0;
}

static int add_exp(struct tn_dev *d, const struct tn_pci *pci, uint32_t type, struct tn_err *e)
{
    uint8_t cap[PCI_EXP_SIZEOF_V2] = {0}, wmask[PCI_EXP_SIZEOF_V2] = {0};
    put_le16(cap + PCI_EXP_FLAGS, (uint16_t)(2 | type << 4));
    put_le32(cap + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
    put_le16(wmask + PCI_EXP_DEVCTL, 0xffff);
    int r = pci->cap(d, PCI_CAP_ID_EXP, 0, cap, wmask, NULL, sizeof cap, e);
    return r < 0 ? r : 0;
}

static int probe_realize(void *s, struct tn_err *e)
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

static void probe_reset(void *s, uint32_t kind, uint32_t phase)
{
    struct probe *p = s;
    if (phase == TN_RESET_HOLD) {
        p->resets++;
        p->in_reset_kind = kind;
    }
}

/* While a slow one comes to rest, what the test has prepared is kicked; that ends it. */
static struct tn_bh *meanwhile;

static int probe_quiesce(void *s, uint32_t why, uint32_t flags)
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

static void probe_resume(void *s)
{
    ((struct probe *)s)->resumes++;
}

static void probe_moved(void *s, uint32_t bar, uint64_t addr)
{
    struct probe *p = s;
    p->moves++;
    p->bar_addr[bar] = addr;
}

static void probe_mode(void *s, uint32_t mode, uint32_t nvec)
{
    struct probe *p = s;
    p->mode = mode;
    p->nvec = nvec;
}

static void probe_mask(void *s, uint32_t vec, uint32_t masked)
{
    struct probe *p = s;
    p->masked = masked ? p->masked | 1u << vec : p->masked & ~(1u << vec);
}

static void probe_written(void *s, uint32_t off, uint32_t size, uint32_t old)
{
    struct probe *p = s;
    (void)size;
    p->written = off;
    p->written_old = old;
}

static uint32_t probe_config_read(void *s, uint32_t off, uint32_t size, uint32_t val)
{
    (void)s;
    (void)off;
    (void)size;
    return val + 1;
}

static uint32_t probe_config_write(void *s, uint32_t off, uint32_t size, uint32_t val)
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

static void bridge_routed(void *s, uint32_t what)
{
    ((struct bridge *)s)->routed |= what;
}

static void bridge_bus_reset(void *s, uint32_t on)
{
    ((struct bridge *)s)->in_reset = on;
}

static void bridge_message(void *s, uint32_t code, uint32_t rid)
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

static void slot_plug(void *s, struct tn_bus *b, uint32_t devfn, uint32_t cold)
{
    struct bridge *p = s;
    (void)b;
    (void)devfn;
    p->plugged++;
    p->cold_plugged += cold;
}

static int slot_request(void *s, struct tn_bus *b, uint32_t devfn, uint32_t surprise,
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

static void slot_unplugged(void *s, struct tn_bus *b, uint32_t devfn)
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

static int bridge_init_device(void *s, struct tn_dev *d)
{
    ((struct bridge *)s)->dev = d;
    return 0;
}

static int bridge_realize(void *s, struct tn_err *e)
{
    struct bridge *b = s;
    const struct tn_pci_bus *buses = TN_GET(b->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    const struct tn_hotplug *plug = TN_GET(b->dev, struct tn_hotplug, TN_HOTPLUG_1);
    b->pci = TN_GET(b->dev, struct tn_pci, TN_PCI_1);
    int r = add_exp(b->dev, b->pci, PCI_EXP_TYPE_ROOT_PORT, e);
    uint32_t flags =
        (b->one_slot ? TN_PCIB_ONE_SLOT : 0) | (b->hotplug ? TN_PCIB_HOTPLUG : 0);
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

/* ---- and a function with virtual ones ---- */

struct pf {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    uint32_t enabled, set_up;
};
struct vf {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    uint32_t index;
    struct tn_dev *pf;
};

static int vf_init(void *s, struct tn_dev *d)
{
    ((struct vf *)s)->dev = d;
    return 0;
}

static uint64_t vf_read(void *s, uint64_t off, uint32_t size)
{
    const struct vf *v = s;
    (void)off;
    (void)size;
    return 0xf0 + v->index;
}

static const struct tn_region_ops vf_bar = {.struct_size = sizeof vf_bar, .read = vf_read};

static int vf_realize(void *s, struct tn_err *e)
{
    struct vf *v = s;
    v->pci = TN_GET(v->dev, struct tn_pci, TN_PCI_1);
    int r = v->pci->vf_info(v->dev, &v->pf, &v->index);
    return r < 0 ? r : v->pci->bar(v->dev, 0, TN_BAR_MEM64, 0x1000, &vf_bar, v, e);
}

static const struct tn_pci_ops vf_ops = {.struct_size = sizeof vf_ops,
                                         .flags = TN_PCIF_EXPRESS | TN_PCIF_VF,
                                         .vendor = 0x1234,
                                         .device = 0x1111,
                                         .class_rev = 0xff000000};
static const struct tn_class vf_class = {.struct_size = sizeof vf_class,
                                         .flags = TN_C_HOTPLUG | TN_C_INTERNAL,
                                         .name = "virtual",
                                         .bus = TN_PCIE_BUS,
                                         .instance_size = sizeof(struct vf),
                                         .bus_ops = &vf_ops,
                                         .init = vf_init,
                                         .realize = vf_realize};

static int pf_setup(void *pf, void *vf, uint32_t index, struct tn_err *e)
{
    (void)vf;
    (void)index;
    (void)e;
    ((struct pf *)pf)->set_up++;
    return 0;
}

static void pf_enabled(void *pf, uint32_t n)
{
    ((struct pf *)pf)->enabled = n;
}

static int pf_init(void *s, struct tn_dev *d)
{
    ((struct pf *)s)->dev = d;
    return 0;
}

static int pf_realize(void *s, struct tn_err *e)
{
    struct pf *p = s;
    p->pci = TN_GET(p->dev, struct tn_pci, TN_PCI_1);
    const struct tn_sriov v = {.struct_size = sizeof v,
                               .vf = &vf_class,
                               .total = 4,
                               .first = 1,
                               .stride = 1,
                               .vf_device = 0x1111,
                               .bar_size = {0x1000},
                               .bar_kind = {TN_BAR_MEM64},
                               .setup = pf_setup,
                               .enabled = pf_enabled};
    int r = add_exp(p->dev, p->pci, PCI_EXP_TYPE_ENDPOINT, e);
    if (r == 0)
        r = p->pci->sriov(p->dev, &v, e);
    return r < 0 ? r : 0;
}

static const struct tn_pci_ops pf_ops = {.struct_size = sizeof pf_ops,
                                         .flags = TN_PCIF_EXPRESS,
                                         .vendor = 0x1234,
                                         .device = 0x1110,
                                         .class_rev = 0xff000000};
static const struct tn_class pf_class = {.struct_size = sizeof pf_class,
                                         .name = "physical",
                                         .bus = TN_PCIE_BUS,
                                         .instance_size = sizeof(struct pf),
                                         .bus_ops = &pf_ops,
                                         .init = pf_init,
                                         .realize = pf_realize};

/* A root of its own, at bus number 64. */
struct root {
    struct tn_dev *dev;
    struct tn_bus *bus;
};

static int root_init(void *s, struct tn_dev *d)
{
    ((struct root *)s)->dev = d;
    return 0;
}

static int root_realize(void *s, struct tn_err *e)
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

static void port_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    (void)off;
    (void)size;
    ((struct byte_port *)s)->value = (uint8_t)v;
}

static const struct tn_region_ops port_ops = {
    .struct_size = sizeof port_ops, .valid_max = 1, .valid_min = 1, .write = port_write};

static int port_init(void *s, struct tn_dev *d)
{
    ((struct byte_port *)s)->dev = d;
    return 0;
}

static int port_realize(void *s, struct tn_err *e)
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

/* ---- the machine ---- */

static struct vm *vm;
static struct tn_mem *ram;
static uint32_t wires; /* bit n: GSI n is high */

static void spy(void *o, uint32_t gsi, uint32_t level)
{
    (void)o;
    wires = level ? wires | 1u << gsi : wires & ~(1u << gsi);
}

static void set_up(void)
{
    ERR_AUTO e = {0};
    vm = vm_new(1);
    vm->memory = memory_new(vm);
    vm->pio = space_new(vm, TN_SPACE_PIO, 0xffff);
    vm->mmio = space_new(vm, TN_SPACE_MMIO, ~(uint64_t)0);
    vm->irqs = irqs_new(vm);
    wires = 0;
    irq_intercept(vm, spy, NULL);
    void *va = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ram = mem_new(vm, "ram", va, RAM_SIZE, -1, 0, 0, 12);
    memory_map(vm, ram, 0, 0, RAM_SIZE, 0, &e);
    registry_builtin(vm->registry, &plugin, &e);
    vm->pci = pci_host_new(vm, ECAM, &e);
    if (e.err)
        err_report(&e);
}

static void tear_down(void)
{
    while (!TAILQ_EMPTY(&vm->devices)) /* children go with their parents */
        device_free(TAILQ_FIRST(&vm->devices));
    mem_free(ram);
    vm_free(vm);
    vm = NULL;
}

static void run_loop(void)
{
    for (int i = 0; i < 4; i++)
        loop_once(vm->main, 0);
}

/* As -device CLS,bus=BUS,... with properties name, value, ..., NULL; NULL with the error in e. */
static struct device *try_add(struct tn_err *e, const char *cls, const char *bus,
                              const char *const *props)
{
    KV_AUTO *dict = kv_new(KV_DICT);
    struct device *d = NULL;
    kv_set(dict, "driver", cls);
    if (bus)
        kv_set(dict, "bus", bus);
    for (const char *const *p = props; p && p[0]; p += 2)
        kv_set(dict, p[0], p[1]);
    return device_add(vm, TN_K_DEVICE, dict, &d, e) == 0 ? d : NULL;
}
#define PROPS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct device *add(const char *cls, const char *bus, const char *const *props)
{
    ERR_AUTO e = {0};
    struct device *d = try_add(&e, cls, bus, props);
    if (!d)
        err_report(&e);
    CHECK(d);
    return d;
}

static struct probe *probe_of(struct device *d)
{
    return d->pub.self;
}

/* ---- the guest ---- */

static void cfg_address(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off)
{
    space_write(vm->pio, 0xcf8, 0x80000000u | bus << 16 | slot << 11 | fn << 8 | (off & 0xfc), 4);
}

static uint32_t cfg_read(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off, uint32_t size)
{
    cfg_address(bus, slot, fn, off);
    return (uint32_t)space_read(vm->pio, 0xcfc + (off & 3), size);
}

static void cfg_write(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off, uint32_t size,
                      uint32_t v)
{
    cfg_address(bus, slot, fn, off);
    space_write(vm->pio, 0xcfc + (off & 3), v, size);
}

static uint64_t ecam(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off)
{
    return ECAM + ((uint64_t)bus << 20 | slot << 15 | fn << 12 | off);
}

static uint32_t cap_at(uint32_t bus, uint32_t slot, uint32_t id)
{
    uint32_t off = cfg_read(bus, slot, 0, PCI_CAPABILITY_LIST, 1);
    while (off && cfg_read(bus, slot, 0, off, 1) != id)
        off = cfg_read(bus, slot, 0, off + 1, 1);
    return off;
}

enum { ALL_ON = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER };

/* BARs of the function in slot of bus 0 at bases that the tests know. */
static void enable_at(uint32_t slot, uint32_t mem, uint32_t io)
{
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_0, 4, mem);
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_1, 4, io);
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_2, 4, mem + 0x10000);
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_3, 4, 0);
    cfg_write(0, slot, 0, PCI_COMMAND, 2, ALL_ON);
}

static uint32_t mail(uint32_t n)
{
    return get_le32(ram->va + MAILBOX + 4 * n);
}

static void set_vector(uint32_t mem, uint32_t vec, uint32_t masked)
{
    space_write(vm->mmio, mem + TABLE + 16 * vec, MAILBOX + 4 * vec, 4);
    space_write(vm->mmio, mem + TABLE + 16 * vec + 4, 0, 4);
    space_write(vm->mmio, mem + TABLE + 16 * vec + 8, 0xcafe0000 + vec, 4);
    space_write(vm->mmio, mem + TABLE + 16 * vec + 12, masked, 4);
}

static void msix_enable(uint32_t slot, uint32_t flags)
{
    cfg_write(0, slot, 0, cap_at(0, slot, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2, flags);
}

/* ---- addresses and configuration space ---- */

TEST(slots_are_given_from_one_on_and_conflicts_name_the_owner)
{
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
    add("probe", NULL, PROPS("id", "a"));
    add("probe", NULL, NULL);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(0, 2, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(0, 3, 0, 0, 2), 0xffffu);
    ERR_AUTO e = {0};
    CHECK(!try_add(&e, "probe", NULL, PROPS("addr", "1.0")));
    CHECK_STR(err_text(&e), "PCI: slot 1 function 0 not available for probe, in use by probe,id=a");
}

TEST(further_functions_need_a_multifunction_one)
{
    ERR_AUTO e = {0}, e2 = {0};
    add("probe", NULL, PROPS("addr", "4.0"));
    CHECK(!try_add(&e, "probe", NULL, PROPS("addr", "4.1")));
    CHECK_STR(err_text(&e), "PCI: single function device can't be populated in function 4.1");
    add("probe", NULL, PROPS("addr", "5.1"));
    CHECK(!try_add(&e2, "probe", NULL, PROPS("addr", "5.0")));
    CHECK_STR(err_text(&e2), "PCI: 5.0 indicates single function, but 5.1 is already populated.");
    add("probe", NULL, PROPS("addr", "5.0", "multifunction", "on"));
    CHECK_EQ(cfg_read(0, 5, 0, PCI_HEADER_TYPE, 1), 0x80u);
    CHECK_EQ(cfg_read(0, 5, 1, PCI_HEADER_TYPE, 1), 0u);
}

TEST(ports_and_ecam_are_the_same_registers)
{
    add("probe", NULL, PROPS("addr", "3"));
    space_write(vm->mmio, ecam(0, 3, 0, PCI_INTERRUPT_LINE), 0x5a, 1);
    CHECK_EQ(cfg_read(0, 3, 0, PCI_INTERRUPT_LINE, 1), 0x5au);
    cfg_write(0, 3, 0, PCI_CACHE_LINE_SIZE, 1, 0x10);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 0, PCI_CACHE_LINE_SIZE), 1), 0x10u);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 0, 0), 8) & 0xffffffffu, 0x56781234u);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 0, 0x100), 4), 0u); /* extended space: no capability */
    CHECK_EQ(space_read(vm->mmio, ecam(1, 3, 0, 0), 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, ecam(0, 3, 1, 0), 4), 0xffffffffu);
    CHECK_EQ(probe_of(TAILQ_FIRST(&vm->devices))->written, (uint32_t)PCI_CACHE_LINE_SIZE);
}

TEST(the_low_bits_of_the_register_number_may_be_in_the_address)
{
    add("probe", NULL, NULL);
    space_write(vm->pio, 0xcf8, 0x80000000u | 1 << 11 | PCI_DEVICE_ID, 4);
    CHECK_EQ(space_read(vm->pio, 0xcfc, 2), 0x5678u);
    space_write(vm->pio, 0xcf8, 1 << 11, 4); /* without the enable bit */
    CHECK_EQ(space_read(vm->pio, 0xcfc, 4), 0xffffffffu);
}

TEST(byte_port_0xcf9_is_anothers)
{
    struct byte_port *p = add("rcr", NULL, NULL)->pub.self;
    space_write(vm->pio, 0xcf8, 0x80001234, 4);
    CHECK_EQ(space_read(vm->pio, 0xcf8, 4), 0x80001234u);
    CHECK_EQ(p->value, 0);
    space_write(vm->pio, 0xcf9, 6, 1);
    CHECK_EQ(p->value, 6);
    CHECK_EQ(space_read(vm->pio, 0xcf8, 4), 0x80001234u);
    space_write(vm->pio, 0xcf8, 0x77, 1);
    CHECK_EQ(space_read(vm->pio, 0xcf8, 4), 0x80001234u);
}

TEST(traps_see_and_change_what_passes)
{
    add("probe", NULL, PROPS("traps", "on"));
    cfg_write(0, 1, 0, PCI_INTERRUPT_LINE, 1, 0x01);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_INTERRUPT_LINE, 1), 0xf2u);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_INTERRUPT_PIN, 1), 1u);
}

/* ---- BARs ---- */

TEST(bars_are_sized_and_moved)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_BASE_ADDRESS_0, 4), 0xfffff000u);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_1, 4, 0xffffffff);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_BASE_ADDRESS_1, 4), 0xfffffff1u);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_2, 4, 0xffffffff);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_BASE_ADDRESS_2, 4), 0xffffc00cu);
    enable_at(1, 0xe0000000, 0xc000);
    CHECK_EQ(p->bar_addr[0], 0xe0000000u);
    CHECK_EQ(p->bar_addr[1], 0xc000u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000010, 4), 0x55667788u);
    CHECK_EQ(space_read(vm->pio, 0xc004, 1), 0x44u);
    CHECK_EQ(p->last_off, 4u);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xe1000000);
    CHECK_EQ(space_read(vm->mmio, 0xe0000010, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe1000010, 2), 0x7788u);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, 0);
    CHECK_EQ(space_read(vm->mmio, 0xe1000010, 2), 0xffffu);
    CHECK_EQ(space_read(vm->pio, 0xc004, 1), 0xffu);
    CHECK_EQ(p->bar_addr[0], TN_ANYWHERE);
}

TEST(a_rom_comes_from_its_file)
{
    ERR_AUTO e = {0}, e2 = {0};
    char path[] = "/tmp/test-pci-rom-XXXXXX";
    int fd = mkstemp(path);
    CHECK_EQ(write(fd, "\x55\xaa rom", 6), 6);
    add("probe", NULL, PROPS("romfile", path));
    cfg_write(0, 1, 0, PCI_ROM_ADDRESS, 4, 0xfffff800);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_ROM_ADDRESS, 4), 0xfffff800u);
    cfg_write(0, 1, 0, PCI_ROM_ADDRESS, 4, 0xe0000000 | PCI_ROM_ADDRESS_ENABLE);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 2), 0xaa55u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000004, 4), 0xffff6d6fu);
    CHECK_EQ(space_read(vm->mmio, 0xe0000008, 4), 0xffffffffu);
    add("probe", NULL, PROPS("romfile", path, "rombar", "0"));
    CHECK_EQ(cfg_read(0, 2, 0, PCI_ROM_ADDRESS, 4), 0u);
    CHECK(!try_add(&e, "probe", NULL, PROPS("romfile", path, "romsize", "2")));
    unlink(path);
    close(fd);
    CHECK(!try_add(&e2, "probe", NULL, PROPS("romfile", path)));
    CHECK(strncmp(err_text(&e2), "failed to find romfile", 22) == 0);
}

TEST(where_bars_overlap_the_older_device_answers)
{
    struct probe *a = probe_of(add("probe", NULL, NULL)), *b = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    enable_at(2, 0xe0000000, 0xc000);
    space_write(vm->mmio, 0xe0000000, 7, 4);
    CHECK_EQ(a->writes, 1);
    CHECK_EQ(b->writes, 0);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xe2000000);
    space_write(vm->mmio, 0xe0000000, 8, 4);
    CHECK_EQ(b->writes, 1);
    CHECK_EQ(b->last_value, 8u);
}

/* ---- interrupts ---- */

TEST(intx_reaches_the_swizzled_gsi_and_obeys_its_switches)
{
    struct device *a = add("probe", NULL, PROPS("addr", "3")),
                  *b = add("probe", NULL, PROPS("addr", "b"));
    struct probe *p = probe_of(a), *q = probe_of(b);
    uint32_t bit = 1u << pci_root_gsi(3, 0);
    CHECK_EQ(pci_root_gsi(3, 0), 19u);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(wires, bit);
    q->pci->intx(q->dev, 1); /* slot 11 shares it */
    p->pci->intx(p->dev, 0);
    CHECK_EQ(wires, bit);
    q->pci->intx(q->dev, 0);
    CHECK_EQ(wires, 0);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(cfg_read(0, 3, 0, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    cfg_write(0, 3, 0, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
    CHECK_EQ(wires, 0);
    CHECK_EQ(p->mode, TN_IRQ_NONE);
    cfg_write(0, 3, 0, PCI_COMMAND, 2, 0);
    CHECK_EQ(wires, bit);
    msix_enable(3, PCI_MSIX_FLAGS_ENABLE);
    CHECK_EQ(wires, 0);
    CHECK_EQ(p->mode, TN_IRQ_MSIX);
    CHECK_EQ(p->nvec, NVEC);
    pci_reset_all(vm, TN_RESET_COLD);
    CHECK_EQ(wires, 0);
    CHECK_EQ(p->mode, TN_IRQ_INTX);
}

TEST(msix_sends_pends_and_fires)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    p->pci->irq(p->dev, 0);
    CHECK_EQ(mail(0), 0);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    set_vector(0xe0000000, 1, 1);
    p->pci->irq(p->dev, 0);
    CHECK_EQ(mail(0), 0xcafe0000u);
    p->pci->irq(p->dev, 1);
    CHECK_EQ(mail(1), 0);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 2u);
    space_write(vm->mmio, 0xe0000000 + TABLE + 28, 0, 4);
    CHECK_EQ(mail(1), 0xcafe0001u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 0u);
    CHECK_EQ(p->masked, 0);
    space_write(vm->mmio, 0xe0000000 + TABLE + 12, 1, 4);
    CHECK_EQ(p->masked, 1);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    CHECK_EQ(p->masked, 3);
}

TEST(msix_structures_lie_above_the_bars_own_callbacks)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    uint32_t before = p->reads;
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE + 12, 4), 1u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 4), 0u);
    CHECK_EQ(p->reads, before);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE - 8, 8), 0x1122334455667788u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE + 16 * NVEC, 8), 0x1122334455667788u);
    CHECK_EQ(p->reads, before + 2);
    cfg_write(0, 1, 0, PCI_BASE_ADDRESS_0, 4, 0xe4000000);
    CHECK_EQ(space_read(vm->mmio, 0xe4000000 + TABLE + 12, 4), 1u);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + TABLE + 12, 4), 0xffffffffu);
}

TEST(msi_vectors_share_when_fewer_are_enabled)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    uint32_t cap = cap_at(0, 1, PCI_CAP_ID_MSI);
    cfg_write(0, 1, 0, cap + PCI_MSI_ADDRESS_LO, 4, MAILBOX);
    cfg_write(0, 1, 0, cap + PCI_MSI_DATA_64, 2, 0x4321);
    cfg_write(0, 1, 0, cap + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 1 << 4);
    CHECK_EQ(p->mode, TN_IRQ_MSI);
    CHECK_EQ(p->nvec, 2);
    p->pci->irq(p->dev, 1);
    CHECK_EQ(mail(0), 0x4321u);
    p->pci->irq(p->dev, 2);
    CHECK_EQ(mail(0), 0x4320u);
}

TEST(messages_and_dma_need_bus_mastering)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    const struct tn_dma *dma = TN_GET(p->dev, struct tn_dma, TN_DMA_1);
    struct tn_as *as = p->pci->dma(p->dev, TN_NO_PASID);
    uint32_t v = 0x11223344;
    enable_at(1, 0xe0000000, 0xc000);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    CHECK_EQ(dma->write(as, 0x2000, &v, 4), 0);
    CHECK_EQ(get_le32(ram->va + 0x2000), v);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK(dma->write(as, 0x3000, &v, 4) < 0);
    p->pci->irq(p->dev, 0);
    CHECK_EQ(mail(0), 0);
    CHECK(!p->pci->dma(p->dev, 1));
}

TEST(irqfds_raise_vectors_and_pend_while_masked)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    uint64_t one = 1;
    ERR_AUTO e = {0};
    enable_at(1, 0xe0000000, 0xc000);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    set_vector(0xe0000000, 1, 1);
    int lent = p->pci->irqfd(p->dev, 0), mine = eventfd(0, EFD_CLOEXEC); /* a blocking one */
    CHECK(lent >= 0);
    CHECK_EQ(p->pci->irqfd(p->dev, 0), lent);
    CHECK(p->pci->irqfd(p->dev, NVEC) < 0);
    CHECK_EQ(p->pci->irqfd_adopt(p->dev, 1, mine, &e), 0);
    CHECK_EQ(write(lent, &one, 8), 8);
    CHECK_EQ(write(mine, &one, 8), 8);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8),
             2u); /* looked at, before the loop has been */
    run_loop();
    CHECK_EQ(mail(0), 0xcafe0000u);
    CHECK_EQ(mail(1), 0);
    space_write(vm->mmio, 0xe0000000 + TABLE + 28, 0, 4);
    CHECK_EQ(mail(1), 0xcafe0001u);
    CHECK_EQ(p->pci->irqfd_adopt(p->dev, 0, mine, &e), 0); /* a queue takes another vector */
    memset(ram->va + MAILBOX, 0, 8);
    CHECK_EQ(write(mine, &one, 8), 8);
    run_loop();
    CHECK_EQ(mail(0), 0xcafe0000u);
    CHECK_EQ(p->pci->irqfd_adopt(p->dev, ~0u, mine, &e), 0);
    CHECK(p->pci->irqfd_adopt(p->dev, ~0u, mine, &e) < 0);
    close(mine);
}

TEST(kvm_watches_the_irqfds_of_delivered_vectors)
{
    ERR_AUTO e = {0};
    if (access("/dev/kvm", R_OK | W_OK) != 0 || !(vm->kvm = kvm_new(vm, &e)))
        SKIP("no KVM");
    struct probe *p = probe_of(add("probe", NULL, NULL));
    uint64_t n = 1;
    enable_at(1, 0xe0000000, 0xc000);
    msix_enable(1, PCI_MSIX_FLAGS_ENABLE);
    set_vector(0xe0000000, 0, 0);
    int fd = p->pci->irqfd(p->dev, 0);
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK(read(fd, &n, 8) < 0 && errno == EAGAIN); /* taken */
    space_write(vm->mmio, 0xe0000000 + TABLE + 12, 1, 4);
    n = 1;
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK_EQ(read(fd, &n, 8), 8); /* left to us */
    n = 1;
    CHECK_EQ(write(fd, &n, 8), 8);
    run_loop();
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 1u);
    space_write(vm->mmio, 0xe0000000 + TABLE + 12, 0, 4);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000 + PBA, 8), 0u);
    cfg_write(0, 1, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY); /* no bus master: no message */
    n = 1;
    CHECK_EQ(write(fd, &n, 8), 8);
    CHECK_EQ(read(fd, &n, 8), 8);
}

/* ---- bridges ---- */

static const struct pci_windows windows = {0x1000,     0xf000,      0xc0000000,
                                           0x3e000000, 0x100000000, 0x100000000};

TEST(assignment_numbers_buses_and_opens_windows)
{
    ERR_AUTO e = {0};
    struct bridge *port = add("port", NULL, PROPS("id", "rp"))->pub.self;
    struct probe *p = probe_of(add("probe", "rp", NULL));
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(pci_assign(vm, &windows, &e), 0);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_SECONDARY_BUS, 1), 1u);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_SUBORDINATE_BUS, 1), 1u);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0x56781234u);
    uint32_t bar = cfg_read(1, 0, 0, PCI_BASE_ADDRESS_0, 4);
    CHECK(bar >= 0xc0000000u && bar < 0xfe000000u);
    CHECK_EQ(space_read(vm->mmio, bar, 4), 0x55667788u);
    uint64_t pref = cfg_read(1, 0, 0, PCI_BASE_ADDRESS_2, 4) & ~0xfu;
    pref |= (uint64_t)cfg_read(1, 0, 0, PCI_BASE_ADDRESS_3, 4) << 32;
    CHECK(pref >= 0x100000000u);
    CHECK_EQ(p->bar_addr[2], pref);
    struct tn_pci_where w = {.struct_size = sizeof w};
    CHECK_EQ(p->pci->where(p->dev, &w), 0);
    CHECK_EQ(w.rid, 0x100u);
    CHECK_EQ(w.flags, TN_PCI_ON_EXPRESS);
    CHECK_EQ(cfg_read(1, 0, 0, PCI_INTERRUPT_LINE, 1), pci_root_gsi(1, 0));
    CHECK(port->routed & TN_BRIDGE_NUMBERS);
    cfg_write(0, 1, 0, PCI_MEMORY_BASE, 4, 0x0000fff0); /* closed */
    CHECK_EQ(space_read(vm->mmio, bar, 4), 0xffffffffu);
    CHECK_EQ(p->bar_addr[0], TN_ANYWHERE);
}

TEST(an_empty_bus_gets_no_window)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("hotplug", "off"));
    cfg_write(0, 1, 0, PCI_MEMORY_BASE, 4, 0xd000d000);
    cfg_write(0, 1, 0, PCI_PREF_MEMORY_BASE, 4, 0xe000e000);
    pci_assign(vm, &windows, &e);
    for (uint32_t reg = PCI_MEMORY_BASE; reg <= PCI_PREF_MEMORY_BASE; reg += 4) {
        uint32_t w = cfg_read(0, 1, 0, reg, 4);
        CHECK((w & 0xfff0) > (w >> 16 & 0xfff0));
    }
}

TEST(bridges_gate_dma_and_swizzle_pins)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("id", "rp", "addr", "2"));
    struct probe *p = probe_of(add("probe", "rp", PROPS("addr", "3")));
    const struct tn_dma *dma = TN_GET(p->dev, struct tn_dma, TN_DMA_1);
    struct tn_as *as = p->pci->dma(p->dev, TN_NO_PASID);
    uint32_t v = 1;
    pci_assign(vm, &windows, &e);
    cfg_write(1, 3, 0, PCI_COMMAND, 2, ALL_ON);
    CHECK_EQ(dma->read(as, 0, &v, 4), 0);
    cfg_write(0, 2, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    CHECK(dma->read(as, 0, &v, 4) < 0);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(wires, 1u << pci_root_gsi(2, 3));
}

TEST(bars_below_bridges_do_not_overlap_and_are_aligned)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("id", "r0"));
    add("port", NULL, PROPS("id", "r1"));
    add("port", "r1", PROPS("id", "r2"));
    const char *const bus[] = {"pcie.0", "r0", "r1", "r2", "r2"};
    struct probe *p[5];
    for (int i = 0; i < 5; i++)
        p[i] = probe_of(add("probe", bus[i], NULL));
    CHECK_EQ(pci_assign(vm, &windows, &e), 0);
    for (int i = 0; i < 5; i++)
        for (int n = 0; n < 3; n++) {
            const uint64_t size[] = {0x1000, 16, 0x4000};
            CHECK(p[i]->bar_addr[n] != TN_ANYWHERE && p[i]->bar_addr[n] != 0);
            CHECK_EQ(p[i]->bar_addr[n] % size[n], 0);
            for (int k = 0; k < i; k++)
                CHECK(p[k]->bar_addr[n] + size[n] <= p[i]->bar_addr[n] ||
                      p[i]->bar_addr[n] + size[n] <= p[k]->bar_addr[n]);
        }
    for (uint32_t slot = 1; slot <= 2; slot++) {
        uint32_t w = cfg_read(0, slot, 0, PCI_MEMORY_BASE, 4);
        uint64_t first = (uint64_t)(w & 0xfff0) << 16, last = (w & 0xfff00000u) | 0xfffff;
        CHECK(first <= last && (p[0]->bar_addr[0] < first || p[0]->bar_addr[0] > last));
        CHECK(p[slot]->bar_addr[0] >= first && p[slot]->bar_addr[0] <= last);
    }
    CHECK_EQ(cfg_read(0, 2, 0, PCI_SUBORDINATE_BUS, 1), 3u);
    CHECK_EQ(cfg_read(3, 1, 0, 0, 4), 0x56781234u);
}

TEST(an_extra_root_has_its_numbers_and_a_share_of_the_windows)
{
    ERR_AUTO e = {0}, e2 = {0};
    struct root *r = add("root", NULL, NULL)->pub.self;
    const struct tn_pci_bus *buses = TN_GET(r->dev, struct tn_pci_bus, TN_PCI_BUS_1);
    add("port", "extra", PROPS("id", "rp"));
    struct probe *p = probe_of(add("probe", "rp", NULL)),
                 *q = probe_of(add("probe", "pcie.0", NULL));
    CHECK(!try_add(&e, "root", NULL, NULL));
    CHECK(strstr(err_text(&e), "bus number 64 is that of 'extra'"));
    CHECK_EQ(pci_assign(vm, &windows, &e2), 0);
    CHECK_EQ(cfg_read(64, 1, 0, PCI_SECONDARY_BUS, 1), 65u);
    CHECK_EQ(cfg_read(65, 0, 0, 0, 4), 0x56781234u);
    CHECK_EQ(space_read(vm->mmio, ecam(65, 0, 0, 0), 4), 0x56781234u);
    CHECK(p->bar_addr[0] != TN_ANYWHERE && q->bar_addr[0] < p->bar_addr[0]);
    uint32_t v[3];
    buses->numbers(pci_root_bus(vm), v);
    CHECK_EQ(v[2], 63u);
    buses->numbers(r->bus, v);
    CHECK_EQ(v[1], 64u);
    CHECK_EQ(v[2], 255u);
}

/* ---- resets ---- */

TEST(a_function_is_absent_while_its_level_reset_takes)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    uint32_t resumes = p->resumes, ctl = cap_at(0, 1, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
    cfg_write(0, 1, 0, ctl, 2, PCI_EXP_DEVCTL_BCR_FLR);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 4), 0xffffffffu);
    run_loop();
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(0, 1, 0, PCI_COMMAND, 2), 0u);
    CHECK_EQ(p->resets, 1);
    CHECK_EQ(p->in_reset_kind, TN_RESET_FLR);
    CHECK_EQ(p->quiesces, 1);
    CHECK_EQ(p->resumes, resumes + 1);
}

TEST(a_bus_reset_takes_until_the_bit_is_cleared)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp"))->pub.self;
    struct probe *p = probe_of(add("probe", "rp", NULL));
    pci_assign(vm, &windows, &e);
    cfg_write(0, 1, 0, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
    CHECK_EQ(b->in_reset, 1);
    run_loop();
    CHECK_EQ(p->in_reset_kind, TN_RESET_BUS);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0xffffffffu);
    cfg_write(0, 1, 0, PCI_BRIDGE_CONTROL, 2, 0);
    CHECK_EQ(b->in_reset, 0);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0x56781234u);
}

TEST(a_function_that_is_gone_answers_nothing)
{
    struct probe *p = probe_of(add("probe", NULL, NULL));
    enable_at(1, 0xe0000000, 0xc000);
    p->pci->intx(p->dev, 1);
    p->pci->gone(p->dev, 1);
    CHECK_EQ(wires, 0);
    p->pci->intx(p->dev, 1);
    CHECK_EQ(wires, 0);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 4), 0xffffffffu);
    run_loop();
    CHECK_EQ(p->bar_addr[0], TN_ANYWHERE);
    p->pci->gone(p->dev, 0);
    CHECK_EQ(space_read(vm->mmio, 0xe0000000, 4), 0x55667788u);
}

/* ---- hot-plug ---- */

TEST(the_root_bus_has_no_hot_plug)
{
    ERR_AUTO e = {0}, e2 = {0};
    struct device *d = add("probe", NULL, PROPS("id", "x"));
    vm->cold = 0;
    CHECK(!try_add(&e, "probe", NULL, NULL));
    CHECK_STR(err_text(&e), "Bus 'pcie.0' does not support hotplugging");
    CHECK(device_unplug(d, &e2) < 0);
    CHECK_STR(err_text(&e2), "Bus 'pcie.0' does not support hotplugging");
}

TEST(a_slot_is_filled_and_emptied_through_its_owner)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp", "one-slot", "on"))->pub.self;
    const struct tn_hotplug *plug = TN_GET(b->dev, struct tn_hotplug, TN_HOTPLUG_1);
    pci_assign(vm, &windows, &e);
    vm->cold = 0;
    struct device *f1 = add("probe", "rp", PROPS("id", "f1", "addr", "0.1"));
    CHECK_EQ(b->plugged, 0);
    CHECK_EQ(cfg_read(1, 0, 1, 0, 4), 0xffffffffu); /* not before function 0 is */
    struct device *f0 = add("probe", "rp", PROPS("id", "f0", "multifunction", "on"));
    CHECK_EQ(b->plugged, 1);
    CHECK_EQ(b->cold_plugged, 0);
    CHECK_EQ(cfg_read(1, 0, 1, 0, 4), 0x56781234u);
    CHECK_EQ(plug->slots(b->dev, b->bus), 1u);
    CHECK(!try_add(&e, "probe", "rp", PROPS("addr", "0.2")));
    CHECK_STR(err_text(&e), "PCI: slot 0 function 0 already occupied by probe, new func probe "
                            "cannot be exposed to guest.");
    CHECK_EQ(device_unplug(f1, NULL), 0);
    CHECK_EQ(b->asked, 1);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0x56781234u);
    CHECK_EQ(plug->eject(b->dev, b->bus, 0), 0);
    run_loop();
    CHECK_EQ(b->gone_slots, 1);
    CHECK_EQ(cfg_read(1, 0, 0, 0, 4), 0xffffffffu);
    CHECK(!device_find(vm, TN_K_DEVICE, "f0"));
    CHECK(!device_find(vm, TN_K_DEVICE, "f1"));
    CHECK_EQ(plug->slots(b->dev, b->bus), 0);
    add("probe", "rp", PROPS("id", "f0"));
    CHECK_EQ(b->plugged, 2);
    (void)f0;
}

struct interlude {
    struct bridge *port;
    struct probe *slow;
    uint32_t rounds;
};

static void eject_meanwhile(void *o)
{
    struct interlude *i = o;
    const struct tn_hotplug *plug = TN_GET(i->port->dev, struct tn_hotplug, TN_HOTPLUG_1);
    if (i->rounds++ == 0)
        plug->eject(i->port->dev, i->port->bus, 1);
    if (i->rounds < 5)
        bh_kick(meanwhile);
    else
        i->slow->dev->core->quiesced(i->slow->dev, 0);
}

TEST(an_ejected_function_goes_after_the_machine_has_come_to_rest)
{
    ERR_AUTO e = {0};
    struct interlude i = {.port = add("port", NULL, PROPS("id", "rp"))->pub.self};
    i.slow = probe_of(add("probe", NULL, PROPS("slow", "on")));
    add("probe", "rp", PROPS("id", "x", "addr", "1"));
    meanwhile = bh_new(vm->main, NULL, 0, eject_meanwhile, &i);
    int err = devices_quiesce(vm, TN_Q_SAVE, &e);
    bh_del(meanwhile);
    meanwhile = NULL;
    CHECK_EQ(err, 0);
    CHECK_EQ(i.rounds, 5);
    CHECK(device_find(vm, TN_K_DEVICE, "x"));
    devices_resume(vm);
    for (int n = 0; n < 100 && device_find(vm, TN_K_DEVICE, "x"); n++)
        loop_once(vm->main, 1000000);
    CHECK(!device_find(vm, TN_K_DEVICE, "x"));
    CHECK_EQ(i.port->gone_slots, 1);
}

TEST(a_port_has_one_slot)
{
    ERR_AUTO e = {0};
    add("port", NULL, PROPS("id", "rp", "one-slot", "on"));
    CHECK(!try_add(&e, "probe", "rp", PROPS("addr", "1")));
    CHECK_STR(
        err_text(&e),
        "PCI: slot 1 is not valid for probe, parent device only allows plugging into slot 0.");
}

TEST(a_bridge_goes_with_all_below_it)
{
    ERR_AUTO e = {0};
    struct device *port = add("port", NULL, PROPS("id", "rp"));
    add("port", "rp", PROPS("id", "below"));
    add("probe", "below", PROPS("id", "deep"));
    pci_assign(vm, &windows, &e);
    CHECK_EQ(cfg_read(2, 0, 0, 0, 4), 0x56781234u);
    device_free(port);
    CHECK(!device_find(vm, TN_K_DEVICE, "deep"));
    CHECK_EQ(cfg_read(2, 0, 0, 0, 4), 0xffffffffu);
    CHECK_EQ(cfg_read(0, 1, 0, 0, 4), 0xffffffffu);
}

/* ---- many at once ---- */

struct hammer {
    struct probe *p;
    uint32_t stop, rounds;
};

static void *raise_vectors(void *o)
{
    struct hammer *h = o;
    while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
        uint32_t n = __atomic_fetch_add(&h->rounds, 1, __ATOMIC_RELAXED);
        h->p->pci->irq(h->p->dev, n % NVEC);
        h->p->pci->intx(h->p->dev, n & 1);
    }
    return NULL;
}

static void *touch_registers(void *o)
{
    struct hammer *h = o;
    while (!__atomic_load_n(&h->stop, __ATOMIC_ACQUIRE)) {
        uint32_t n = __atomic_fetch_add(&h->rounds, 1, __ATOMIC_RELAXED),
                 at = 0xe0000000 + (n & 3) * 0x100000;
        space_write(vm->mmio, ecam(1, 0, 0, PCI_BASE_ADDRESS_0), at, 4);
        space_write(vm->mmio, ecam(1, 0, 0, PCI_COMMAND), n & 7, 2);
        space_write(vm->mmio, at + TABLE + 12, n & 1, 4);
        space_read(vm->mmio, at, 4);
        space_write(vm->mmio, ecam(0, 1, 0, PCI_MEMORY_BASE), n & 1 ? 0xeff0e000 : 0x0000fff0, 4);
    }
    return NULL;
}

TEST(functions_come_and_go_under_accesses_and_interrupts)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp"))->pub.self;
    const struct tn_hotplug *plug = TN_GET(b->dev, struct tn_hotplug, TN_HOTPLUG_1);
    struct hammer guest = {0};
    pthread_t cpu[2], dev;
    pci_assign(vm, &windows, &e);
    vm->cold = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&cpu[i], NULL, touch_registers, &guest);
    for (int i = 0; i < 20; i++) {
        struct hammer h = {.p = probe_of(add("probe", "rp", NULL))};
        pthread_create(&dev, NULL, raise_vectors, &h);
        usleep(500);
        __atomic_store_n(&h.stop, 1, __ATOMIC_RELEASE);
        pthread_join(dev, NULL);
        plug->eject(b->dev, b->bus, 0);
        run_loop();
    }
    __atomic_store_n(&guest.stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        pthread_join(cpu[i], NULL);
    CHECK_EQ(b->gone_slots, 20);
    CHECK_EQ(wires, 0);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Anything anywhere: resets, moved BARs, VF Enable, bus numbers in circles. Nothing is expected but
 * that it goes on. */
TEST(random_configuration_writes_break_nothing)
{
    ERR_AUTO e = {0};
    uint64_t seed = 1;
    add("port", NULL, PROPS("id", "r0"));
    add("port", "r0", PROPS("id", "r1"));
    add("probe", "r1", NULL);
    add("probe", NULL, NULL);
    add("physical", "r0", PROPS("addr", "7"));
    pci_assign(vm, &windows, &e);
    for (uint32_t i = 0; i < 40000; i++) {
        uint32_t r = next_random(&seed), off = r & 1 ? r >> 8 & 0xff : r >> 8 & 0xfff;
        uint32_t size = 1u << (r >> 1 & 1) << (r >> 2 & 1), slot = r >> 3 & 3;
        uint64_t at = ecam(r >> 5 & 3, slot == 3 ? 7 : slot, 0, off & ~(size - 1));
        uint32_t v = next_random(&seed) & (r >> 30 ? 0xffffffffu : 0x07ff0307u);
        space_write(vm->mmio, at, v, size);
        space_read(vm->mmio, at, size);
        space_read(vm->mmio, v, 4);
        if (i % 64 == 0)
            run_loop();
        if (i % 5000 == 0)
            pci_reset_all(vm, i % 10000 ? TN_RESET_WARM : TN_RESET_COLD);
        if (i % 2500 == 0)
            pci_assign(vm, &windows, &e);
    }
    run_loop();
    pci_reset_all(vm, TN_RESET_COLD);
    run_loop();
    CHECK_EQ(pci_assign(vm, &windows, &e), 0);
    CHECK_EQ(cfg_read(0, 2, 0, 0, 4), 0x56781234u);
    CHECK_EQ(cfg_read(2, 0, 0, 0, 4), 0x56781234u);
}

/* ---- errors and virtual functions ---- */

TEST(errors_go_up_to_the_root_port)
{
    ERR_AUTO e = {0};
    struct bridge *b = add("port", NULL, PROPS("id", "rp"))->pub.self;
    struct probe *p = probe_of(add("probe", "rp", NULL));
    pci_assign(vm, &windows, &e);
    CHECK_EQ(p->pci->aer(p->dev, TN_AER_FATAL, PCI_ERR_UNC_MALF_TLP, NULL), 0);
    CHECK_EQ(b->messages, 0); /* reporting is off */
    cfg_write(1, 0, 0, cap_at(1, 0, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FERE);
    CHECK_EQ(p->pci->aer(p->dev, TN_AER_FATAL, PCI_ERR_UNC_MALF_TLP, NULL), 0);
    CHECK_EQ(b->message, TN_AER_FATAL);
    CHECK_EQ(b->message_rid, 0x100u);
}

static uint32_t ext_at(uint32_t slot, uint32_t id)
{
    uint32_t off = 0x100;
    while (off && (space_read(vm->mmio, ecam(0, slot, 0, off), 4) & 0xffff) != id)
        off = (uint32_t)space_read(vm->mmio, ecam(0, slot, 0, off), 4) >> 20;
    return off;
}

TEST(virtual_functions_come_and_go_with_vf_enable)
{
    struct pf *p = add("physical", NULL, NULL)->pub.self;
    uint64_t cap = ecam(0, 1, 0, ext_at(1, PCI_EXT_CAP_ID_SRIOV));
    space_write(vm->mmio, cap + PCI_SRIOV_BAR, 0xe8000000, 4);
    space_write(vm->mmio, cap + PCI_SRIOV_NUM_VF, 3, 2);
    CHECK_EQ(cfg_read(0, 1, 1, 0, 4), 0xffffffffu);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE, 2);
    run_loop();
    CHECK_EQ(p->enabled, 3);
    CHECK_EQ(p->set_up, 3);
    CHECK_EQ(cfg_read(0, 1, 3, PCI_CLASS_REVISION, 4), 0xff000000u);
    CHECK_EQ(cfg_read(0, 1, 4, PCI_CLASS_REVISION, 4), 0xffffffffu);
    CHECK_EQ(space_read(vm->mmio, 0xe8002000, 1), 0xf2u);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE, 2); /* memory space off */
    CHECK_EQ(space_read(vm->mmio, 0xe8002000, 1), 0xffu);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, 0, 2);
    CHECK_EQ(cfg_read(0, 1, 1, PCI_CLASS_REVISION, 4), 0xffffffffu); /* at once */
    run_loop();
    CHECK_EQ(p->enabled, 0);
    space_write(vm->mmio, cap + PCI_SRIOV_CTRL, PCI_SRIOV_CTRL_VFE, 2);
    run_loop();
    CHECK_EQ(p->enabled, 3);
    pci_reset_all(vm, TN_RESET_COLD);
    run_loop();
    CHECK_EQ(p->enabled, 0);
}

static int count(void *o, struct device *d, uint32_t rid)
{
    uint32_t *n = o;
    (void)d;
    if (rid < n[1])
        return 1;
    n[1] = rid;
    n[0]++;
    return 0;
}

TEST(each_function_is_visited_in_order)
{
    ERR_AUTO e = {0};
    uint32_t n[2] = {0, 0};
    add("port", NULL, PROPS("id", "rp"));
    add("probe", NULL, NULL);
    add("probe", "rp", NULL);
    pci_assign(vm, &windows, &e);
    pci_each(vm, count, n);
    CHECK(n[0] >= 2);
}

static void with_vm(const char *name, void (*fn)(void))
{
    set_up();
    tap_run(name, fn);
    tear_down();
}
#undef RUN
#define RUN(name) with_vm(#name, name)

int main(void)
{
    RUN(slots_are_given_from_one_on_and_conflicts_name_the_owner);
    RUN(further_functions_need_a_multifunction_one);
    RUN(ports_and_ecam_are_the_same_registers);
    RUN(the_low_bits_of_the_register_number_may_be_in_the_address);
    RUN(byte_port_0xcf9_is_anothers);
    RUN(traps_see_and_change_what_passes);
    RUN(bars_are_sized_and_moved);
    RUN(a_rom_comes_from_its_file);
    RUN(where_bars_overlap_the_older_device_answers);
    RUN(intx_reaches_the_swizzled_gsi_and_obeys_its_switches);
    RUN(msix_sends_pends_and_fires);
    RUN(msix_structures_lie_above_the_bars_own_callbacks);
    RUN(msi_vectors_share_when_fewer_are_enabled);
    RUN(messages_and_dma_need_bus_mastering);
    RUN(irqfds_raise_vectors_and_pend_while_masked);
    RUN(kvm_watches_the_irqfds_of_delivered_vectors);
    RUN(assignment_numbers_buses_and_opens_windows);
    RUN(an_empty_bus_gets_no_window);
    RUN(bridges_gate_dma_and_swizzle_pins);
    RUN(bars_below_bridges_do_not_overlap_and_are_aligned);
    RUN(an_extra_root_has_its_numbers_and_a_share_of_the_windows);
    RUN(a_function_is_absent_while_its_level_reset_takes);
    RUN(a_bus_reset_takes_until_the_bit_is_cleared);
    RUN(a_function_that_is_gone_answers_nothing);
    RUN(the_root_bus_has_no_hot_plug);
    RUN(a_slot_is_filled_and_emptied_through_its_owner);
    RUN(an_ejected_function_goes_after_the_machine_has_come_to_rest);
    RUN(a_port_has_one_slot);
    RUN(a_bridge_goes_with_all_below_it);
    RUN(functions_come_and_go_under_accesses_and_interrupts);
    RUN(random_configuration_writes_break_nothing);
    RUN(errors_go_up_to_the_root_port);
    RUN(virtual_functions_come_and_go_with_vf_enable);
    RUN(each_function_is_visited_in_order);
    return tap_done();
}
