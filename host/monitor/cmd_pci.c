/* SPDX-License-Identifier: BSD-2-Clause */
/* query-pci, info pci: functions, bridge by bridge, with their registers as they are now. */
#include "core/bus.h"
#include "core/device.h"
#include "monitor.h"
#include "pci/pci_host.h"
#include "pci_words.h"
#include "util/buf.h"
#include <inttypes.h>
#include <string.h>

/* ---- query-pci ---- */

static void say_ids(struct kv_node *d, const struct pci_info *i)
{
    struct kv_node *class_info = ret_dict(d, "class_info"), *id = ret_dict(d, "id");
    const char *word = pci_class_word(i->class_code);
    ret_uint(class_info, "class", i->class_code);
    if (word)
        ret_str(class_info, "desc", word);
    ret_uint(id, "device", i->device);
    ret_uint(id, "vendor", i->vendor);
    if (!i->has_subsystem)
        return;
    ret_uint(id, "subsystem", i->subsystem);
    ret_uint(id, "subsystem-vendor", i->subvendor);
}

static void say_region(struct kv_node *list, uint32_t n, uint32_t kind, uint64_t addr,
                       uint64_t size)
{
    struct kv_node *r = ret_dict(list, NULL);
    ret_uint(r, "bar", n);
    ret_str(r, "type", kind & TN_BAR_IO ? "io" : "memory");
    ret_int(r, "address", (int64_t)addr);
    ret_int(r, "size", (int64_t)size);
    if (kind & TN_BAR_IO)
        return;
    ret_bool(r, "prefetch", (kind & TN_BAR_PREFETCH) != 0);
    ret_bool(r, "mem_type_64", (kind & TN_BAR_MEM64) != 0);
}

static void say_functions(struct kv_node *list, const struct tn_bus *b);

static void say_bridge(struct kv_node *d, const struct pci_info *i)
{
    static const char *const words[] = {"io_range", "memory_range", "prefetchable_range"};
    struct kv_node *bridge = ret_dict(d, "pci_bridge"), *bus = ret_dict(bridge, "bus");
    ret_uint(bus, "number", i->primary);
    ret_uint(bus, "secondary", i->secondary);
    ret_uint(bus, "subordinate", i->subordinate);
    for (uint32_t n = 0; n < 3; n++) {
        struct kv_node *w = ret_dict(bus, words[n]);
        ret_int(w, "base", (int64_t)i->window[n].base);
        ret_int(w, "limit", (int64_t)i->window[n].limit);
    }
    if (i->secondary)
        say_functions(ret_list(bridge, "devices"), i->below);
}

static void say_function(struct kv_node *list, const struct device *d, const struct pci_info *i)
{
    struct kv_node *f = ret_dict(list, NULL);
    ret_uint(f, "bus", i->bus);
    ret_uint(f, "slot", i->slot);
    ret_uint(f, "function", i->function);
    say_ids(f, i);
    if (i->irq_pin)
        ret_uint(f, "irq", i->irq_line);
    ret_uint(f, "irq_pin", i->irq_pin);
    ret_str(f, "qdev_id", d->id ? d->id : "");
    if (i->below)
        say_bridge(f, i);
    struct kv_node *regions = ret_list(f, "regions");
    for (uint32_t n = 0; n < 7; n++)
        if (i->bar[n].size)
            say_region(regions, n, i->bar[n].kind, i->bar[n].addr, i->bar[n].size);
}

/* In order of address, which need not be that of creation. */
static void each_in_order(const struct tn_bus *b,
                          void (*fn)(void *, struct device *, struct pci_info *), void *o)
{
    for (uint32_t devfn = 0; devfn < 256; devfn++) {
        struct tn_dev *at = pci_bus_table.at((struct tn_bus *)(uintptr_t)b, devfn);
        struct pci_info i;
        if (at && pci_describe(device_of(at), &i))
            fn(o, device_of(at), &i);
    }
}

static void say_one(void *list, struct device *d, struct pci_info *i)
{
    say_function(list, d, i);
}

static void say_functions(struct kv_node *list, const struct tn_bus *b)
{
    each_in_order(b, say_one, list);
}

/* Roots have no bridge above them. */
static struct tn_bus *next_root(struct vm *vm, const struct tn_bus *after)
{
    struct tn_bus *b = after ? TAILQ_NEXT(after, all) : TAILQ_FIRST(&vm->buses);
    for (; b; b = TAILQ_NEXT(b, all)) {
        struct pci_info i;
        if (b->pci && !(b->owner && pci_describe(b->owner, &i) && i.below == b))
            return b;
    }
    return NULL;
}

static uint32_t bus_number(struct tn_bus *b)
{
    uint32_t v[3];
    pci_bus_table.numbers(b, v);
    return v[1];
}

static int query_pci(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    for (struct tn_bus *b = next_root(c->vm, NULL); b; b = next_root(c->vm, b)) {
        struct kv_node *root = ret_dict(c->ret, NULL);
        ret_uint(root, "bus", bus_number(b));
        say_functions(ret_list(root, "devices"), b);
    }
    return 0;
}

/* ---- info pci ---- */

static void print_bridge(struct buf *out, const struct pci_info *i)
{
    buf_printf(out,
               "      BUS %u.\n      secondary bus %u.\n      subordinate bus %u.\n"
               "      IO range [0x%04" PRIx64 ", 0x%04" PRIx64 "]\n"
               "      memory range [0x%08" PRIx64 ", 0x%08" PRIx64 "]\n"
               "      prefetchable memory range [0x%08" PRIx64 ", 0x%08" PRIx64 "]\n",
               i->primary, i->secondary, i->subordinate, i->window[0].base, i->window[0].limit,
               i->window[1].base, i->window[1].limit, i->window[2].base, i->window[2].limit);
}

static void print_region(struct buf *out, uint32_t n, uint32_t kind, uint64_t addr, uint64_t size)
{
    buf_printf(out, "      BAR%u: ", n);
    if (kind & TN_BAR_IO)
        buf_str(out, "I/O");
    else
        buf_printf(out, "%d bit%s memory", kind & TN_BAR_MEM64 ? 64 : 32,
                   kind & TN_BAR_PREFETCH ? " prefetchable" : "");
    int width = kind & TN_BAR_IO ? 4 : 8;
    if (addr == TN_ANYWHERE)
        buf_str(out, " (not mapped)\n");
    else
        buf_printf(out, " at 0x%0*" PRIx64 " [0x%0*" PRIx64 "]\n", width, addr, width,
                   addr + size - 1);
}

static void print_one(void *o, struct device *d, struct pci_info *i)
{
    struct buf *out = o;
    const char *word = pci_class_word(i->class_code);
    buf_printf(out, "  Bus %2u, device %3u, function %u:\n    ", i->bus, i->slot, i->function);
    if (word)
        buf_str(out, word);
    else
        buf_printf(out, "Class %04x", i->class_code);
    buf_printf(out, ": PCI device %04x:%04x\n", i->vendor, i->device);
    if (i->has_subsystem)
        buf_printf(out, "      PCI subsystem %04x:%04x\n", i->subvendor, i->subsystem);
    if (i->irq_pin)
        buf_printf(out, "      IRQ %u, pin %c\n", i->irq_line, 'A' + (int)i->irq_pin - 1);
    if (i->below)
        print_bridge(out, i);
    for (uint32_t n = 0; n < 7; n++)
        if (i->bar[n].size)
            print_region(out, n, i->bar[n].kind, i->bar[n].addr, i->bar[n].size);
    buf_printf(out, "      id \"%s\"\n", d->id ? d->id : "");
    if (i->below && i->secondary)
        each_in_order(i->below, print_one, out);
}

static int info_pci(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)line;
    (void)e;
    if (!c->vm->pci)
        buf_str(out, "PCI devices not supported\n");
    for (struct tn_bus *b = next_root(c->vm, NULL); b; b = next_root(c->vm, b))
        each_in_order(b, print_one, out);
    return 0;
}

/* ---- tables ---- */

static const struct qmp_member info[] = {
    {"bus", "int", 0}, {"devices", "[PciDeviceInfo]", 0}, {NULL, NULL, 0}};
static const struct qmp_member device_info[] = {{"bus", "int", 0},
                                                {"slot", "int", 0},
                                                {"function", "int", 0},
                                                {"class_info", "PciDeviceClass", 0},
                                                {"id", "PciDeviceId", 0},
                                                {"irq", "int", 1},
                                                {"irq_pin", "int", 0},
                                                {"qdev_id", "str", 0},
                                                {"pci_bridge", "PciBridgeInfo", 1},
                                                {"regions", "[PciMemoryRegion]", 0},
                                                {NULL, NULL, 0}};
static const struct qmp_member device_class[] = {
    {"desc", "str", 1}, {"class", "int", 0}, {NULL, NULL, 0}};
static const struct qmp_member device_id_members[] = {{"device", "int", 0},
                                                      {"vendor", "int", 0},
                                                      {"subsystem", "int", 1},
                                                      {"subsystem-vendor", "int", 1},
                                                      {NULL, NULL, 0}};
static const struct qmp_member bridge_info[] = {
    {"bus", "PciBusInfo", 0}, {"devices", "[PciDeviceInfo]", 1}, {NULL, NULL, 0}};
static const struct qmp_member bus_info[] = {{"number", "int", 0},
                                             {"secondary", "int", 0},
                                             {"subordinate", "int", 0},
                                             {"io_range", "PciMemoryRange", 0},
                                             {"memory_range", "PciMemoryRange", 0},
                                             {"prefetchable_range", "PciMemoryRange", 0},
                                             {NULL, NULL, 0}};
static const struct qmp_member range[] = {{"base", "int", 0}, {"limit", "int", 0}, {NULL, NULL, 0}};
static const struct qmp_member region[] = {
    {"bar", "int", 0},       {"type", "str", 0},         {"address", "int", 0}, {"size", "int", 0},
    {"prefetch", "bool", 1}, {"mem_type_64", "bool", 1}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "PciInfo", .meta = QMP_OBJECT, .members = info},
    {.name = "PciDeviceInfo", .meta = QMP_OBJECT, .members = device_info},
    {.name = "PciDeviceClass", .meta = QMP_OBJECT, .members = device_class},
    {.name = "PciDeviceId", .meta = QMP_OBJECT, .members = device_id_members},
    {.name = "PciBridgeInfo", .meta = QMP_OBJECT, .members = bridge_info},
    {.name = "PciBusInfo", .meta = QMP_OBJECT, .members = bus_info},
    {.name = "PciMemoryRange", .meta = QMP_OBJECT, .members = range},
    {.name = "PciMemoryRegion", .meta = QMP_OBJECT, .members = region},
    {0},
};
static const struct qmp_command commands[] = {
    {"query-pci", NULL, "[PciInfo]", 0, query_pci},
    {0},
};
static const struct hmp_command hmp[] = {
    {"pci", "", "show PCI info", 1, info_pci, NULL},
    {0},
};

const struct qmp_module qmp_pci = {.types = types, .commands = commands, .hmp = hmp};
