/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_machine.h"

#include "aml/aml.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/memory.h"
#include <errno.h>
#include <string.h>

struct fake_machine fake;
static const struct tn_bus_type isa_type = {.struct_size = sizeof isa_type, .name = "ISA"};
static const struct tn_bus_type pci_type = {.struct_size = sizeof pci_type, .name = "PCI"};

void fake_machine_start(int pci)
{
    memset(&fake, 0, sizeof fake);
    struct vm *vm = fake.vm = fake_vm_new();
    vm->machine = &fake.m;
    vm->pio = (struct space *)(void *)&fake.space[0];
    vm->mmio = (struct space *)(void *)&fake.space[1];
    fake.m =
        (struct machine){.vm = vm, .cli = &fake.cli, .cpus = 2, .max_cpus = 2, .ram = 64 << 20};
    for (uint32_t i = 0; i < 2; i++)
        fake.cpu[i] = (struct cpu_slot){.dev = &fake.cpu_dev, .apic_id = i};
    fake.m.cpu = fake.cpu;
    fake.m.map = (struct machine_map){
        .ram_low = 64 << 20, .ram_high_base = 1ull << 32, .ioapic_base = 0xfec00000u};
    fake.isa.type = &isa_type;
    fake.pcie.type = &pci_type;
    fake.m.isa = &fake.isa;
    if (!pci)
        return;
    vm->pci = (struct pci *)(void *)&fake;
    fake.m.map.ecam_base = 0xb0000000u;
    fake.m.map.ecam_size = 256u << 20;
    fake.m.map.mmio32_base = 0xc0000000u;
    fake.m.map.mmio32_size = 0x3ec00000u;
}

char *machine_cmdline(const struct machine *m)
{
    return xstrdup(m->cli->append ? m->cli->append : "");
}

void fake_machine_end(void)
{
    fake_vm_free(fake.vm);
}

void fake_function(struct device *d, struct tn_bus *bus, uint32_t rid)
{
    d->pci = (struct pci_func *)(void *)&fake;
    d->bus = bus ? bus : &fake.pcie;
    fake.function[fake.n_functions++] = (struct fake_function){d, rid};
}

/* ---- pci/, vm/, core/bus.c ---- */

int pci_each(struct vm *vm, int (*fn)(void *o, struct device *d, uint32_t rid), void *o)
{
    int r = 0;
    (void)vm;
    for (uint32_t i = 0; r == 0 && i < fake.n_functions; i++)
        r = fn(o, fake.function[i].dev, fake.function[i].rid);
    return r;
}

uint32_t pci_root_gsi(uint32_t slot, uint32_t pin)
{
    return 16 + (slot + pin) % 8;
}

int pci_aml_crs(struct tn_bus *b, struct buf *aml)
{
    (void)b;
    aml_name_int(aml, "_CRS", 0);
    return 0;
}

int pci_aml_prt(struct tn_bus *b, struct buf *aml)
{
    (void)b;
    aml_name_int(aml, "_PRT", 0);
    return 0;
}

int bus_type_is(const struct tn_bus_type *t, const char *name)
{
    return strcmp(t->name, name) == 0;
}

uint32_t irq_gsi(struct tn_line *l)
{
    return l->gsi;
}

uint32_t irq_flags(const struct tn_line *l)
{
    return l->flags;
}

int irq_any_line(const struct vm *vm)
{
    (void)vm;
    return !fake.no_lines;
}

uint32_t irq_isa_gsi(uint32_t n)
{
    return n == 0 ? 2 : n;
}

uint64_t region_base(struct tn_region *r)
{
    return r->base;
}

int memory_write(struct vm *vm, uint64_t gpa, const void *buf, uint64_t len)
{
    (void)vm;
    if (gpa < FAKE_RAM || len > sizeof fake.ram || gpa - FAKE_RAM > sizeof fake.ram - len)
        return -EFAULT;
    memcpy(fake.ram + (gpa - FAKE_RAM), buf, len);
    return 0;
}
