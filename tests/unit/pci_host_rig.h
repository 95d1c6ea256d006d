/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's PCI with a made-up plugin in this process, a VM without vCPUs, and the guest's
 * accesses made by hand. */
#ifndef TN_TEST_PCI_HOST_RIG_H
#define TN_TEST_PCI_HOST_RIG_H
#include "pci_host_plugin.h"

/* ---- the machine ---- */

static struct vm *vm;
static struct tn_mem *ram;
static uint32_t wires; /* bit n: GSI n is high */

static inline void spy(void *o, uint32_t gsi, uint32_t level)
{
    (void)o;
    wires = level ? wires | 1u << gsi : wires & ~(1u << gsi);
}

static inline void set_up(void)
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

static inline void tear_down(void)
{
    while (!TAILQ_EMPTY(&vm->devices)) /* children go with their parents */
        device_free(TAILQ_FIRST(&vm->devices));
    mem_free(ram);
    vm_free(vm);
    vm = NULL;
}

static inline void run_loop(void)
{
    for (int i = 0; i < 4; i++)
        loop_once(vm->main, 0);
}

/* As -device CLS,bus=BUS,... with properties name, value, ..., NULL; NULL with the error in e. */
static inline struct device *try_add(struct tn_err *e, const char *cls, const char *bus,
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

static inline struct device *add(const char *cls, const char *bus, const char *const *props)
{
    ERR_AUTO e = {0};
    struct device *d = try_add(&e, cls, bus, props);
    if (!d)
        err_report(&e);
    CHECK(d);
    return d;
}

static inline struct probe *probe_of(struct device *d)
{
    return d->pub.self;
}

/* ---- the guest ---- */

static inline void cfg_address(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off)
{
    space_write(vm->pio, 0xcf8, 0x80000000u | bus << 16 | slot << 11 | fn << 8 | (off & 0xfc), 4);
}

static inline uint32_t cfg_read(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off,
                                uint32_t size)
{
    cfg_address(bus, slot, fn, off);
    return (uint32_t)space_read(vm->pio, 0xcfc + (off & 3), size);
}

static inline void cfg_write(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off, uint32_t size,
                             uint32_t v)
{
    cfg_address(bus, slot, fn, off);
    space_write(vm->pio, 0xcfc + (off & 3), v, size);
}

static inline uint64_t ecam(uint32_t bus, uint32_t slot, uint32_t fn, uint32_t off)
{
    return ECAM + ((uint64_t)bus << 20 | slot << 15 | fn << 12 | off);
}

static inline uint32_t cap_at(uint32_t bus, uint32_t slot, uint32_t id)
{
    uint32_t off = cfg_read(bus, slot, 0, PCI_CAPABILITY_LIST, 1);
    while (off && cfg_read(bus, slot, 0, off, 1) != id)
        off = cfg_read(bus, slot, 0, off + 1, 1);
    return off;
}

enum { ALL_ON = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER };

/* BARs of the function in slot of bus 0 at bases that the tests know. */
static inline void enable_at(uint32_t slot, uint32_t mem, uint32_t io)
{
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_0, 4, mem);
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_1, 4, io);
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_2, 4, mem + 0x10000);
    cfg_write(0, slot, 0, PCI_BASE_ADDRESS_3, 4, 0);
    cfg_write(0, slot, 0, PCI_COMMAND, 2, ALL_ON);
}

static const struct pci_windows windows = {0x1000,     0xf000,      0xc0000000,
                                           0x3e000000, 0x100000000, 0x100000000};

/* ---- cases ---- */

static inline void with_vm(const char *name, void (*fn)(void))
{
    set_up();
    tap_run(name, fn);
    tear_down();
}

#undef RUN
#define RUN(name) with_vm(#name, name)

#endif
