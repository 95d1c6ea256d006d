/* SPDX-License-Identifier: BSD-2-Clause */
/* From struct machine to what acpi_describe() wants. */
#include "core/bus.h"
#include "host_impl.h"
#include "pci/pci_host.h"
#include "spec.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/cpu.h"
#include "vm/irq.h"
#include "vm/machine.h"
#include <stdlib.h>
#include <string.h>
#include <tenon/cmos.h>

#define LEGACY_HOLE_BASE 0xa0000u
#define LEGACY_HOLE_END  0x100000u
/* _ADR of the ISA bridge unless the machine says another: 1f.0, as in an ICH */
#define ISA_BRIDGE_ADR 0x1f0000u

/* ---- power management: what the event hardware says of itself ---- */

static struct acpi_gas gas_at(const uint8_t *p)
{
    return (struct acpi_gas){.space = p[0], .bits = p[1], .address = get_le64(p + 4)};
}

/* The device's own fields of the FADT, asked for on an empty one. */
static void probe_fadt(const struct acpi_pm_ref *pm, uint8_t fadt[FADT_LEN])
{
    memset(fadt, 0, FADT_LEN);
    if (!pm->dev)
        return;
    int entered = domain_enter(pm->dev->domain);
    if (pm->ops->fadt(pm->self, fadt, FADT_LEN) < 0)
        memset(fadt, 0, FADT_LEN);
    domain_leave(pm->dev->domain, entered);
}

static void describe_pm(const struct acpi_pm_ref *pm, struct acpi_machine *m)
{
    uint8_t fadt[FADT_LEN];
    probe_fadt(pm, fadt);
    m->pm_base = (uint16_t)get_le32(fadt + FADT_PM1A_EVT);
    m->reset = gas_at(fadt + FADT_RESET_REG);
    m->reset_value = fadt[FADT_RESET_VALUE];
    if (!m->pm_base || get_le32(fadt + FADT_FLAGS) & FADT_HW_REDUCED) {
        m->flags |= ACPI_HW_REDUCED;
        m->sleep_control = gas_at(fadt + FADT_SLEEP_CONTROL);
        m->sleep_status = gas_at(fadt + FADT_SLEEP_STATUS);
        return;
    }
    m->sci_gsi = get_le16(fadt + FADT_SCI_INT);
    m->gpe0_base = (uint16_t)get_le32(fadt + FADT_GPE0);
    m->gpe0_len = fadt[FADT_GPE0_LEN];
    m->smi_cmd = (uint16_t)get_le32(fadt + FADT_SMI_CMD);
    m->acpi_enable = fadt[FADT_ACPI_ENABLE];
    m->acpi_disable = fadt[FADT_ACPI_DISABLE];
}

/* ---- processors, interrupts ---- */

static void describe_cpus(struct vm *vm, struct acpi_description *d)
{
    const struct machine *m = vm->machine;
    uint32_t n = m->cpu_plug ? m->max_cpus : m->cpus;
    d->cpus = xcalloc(n ? n : 1, sizeof *d->cpus);
    for (uint32_t i = 0; i < n; i++)
        d->cpus[i] = (struct acpi_cpu){.apic_id = m->cpu ? m->cpu[i].apic_id : i,
                                       .node = m->cpu_node ? m->cpu_node[i] : 0,
                                       .enabled = !m->cpu || m->cpu[i].dev != NULL};
    d->m.cpus = d->cpus;
    d->m.n_cpus = n;
    d->m.cpu_hotplug = m->cpu_plug ? m->type->cpu_hotplug : 0;
}

static void describe_ioapic(const struct machine *m, struct acpi_description *d)
{
    if (!m->map.ioapic_base || !irq_any_line(m->vm)) /* the machine makes none then */
        return;
    d->ioapic = (struct acpi_ioapic){.address = (uint32_t)m->map.ioapic_base};
    d->m.ioapics = &d->ioapic;
    d->m.n_ioapics = 1;
    if (irq_isa_gsi(0) == 2)
        d->m.flags |= ACPI_IRQ0_TO_2;
}

/* ---- NUMA ---- */

static void add_memory(struct acpi_description *d, uint64_t base, uint64_t len, uint32_t node)
{
    if (!len)
        return;
    d->memory = xrealloc(d->memory, (d->m.n_memory + 1) * sizeof *d->memory);
    d->memory[d->m.n_memory++] = (struct acpi_memory){.base = base, .len = len, .node = node};
    d->m.memory = d->memory;
}

/* Low RAM without the hole below 1 MiB. */
static void add_low_memory(struct acpi_description *d, uint64_t base, uint64_t len, uint32_t node)
{
    uint64_t end = base + len;
    if (base < LEGACY_HOLE_BASE)
        add_memory(d, base, (end < LEGACY_HOLE_BASE ? end : LEGACY_HOLE_BASE) - base, node);
    base = base < LEGACY_HOLE_END ? LEGACY_HOLE_END : base;
    add_memory(d, base, end > base ? end - base : 0, node);
}

/* RAM comes from the nodes in order: first below, then above 4 GiB. */
static void describe_numa(const struct machine *m, struct acpi_description *d)
{
    uint64_t low = 0, high = 0;
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        const struct machine_node *node = &m->node[i];
        uint64_t room = m->map.ram_low - low;
        uint64_t below = node->size < room ? node->size : room, above = node->size - below;
        add_low_memory(d, low, below, node->id);
        add_memory(d, m->map.ram_high_base + high, above, node->id);
        low += below;
        high += above;
    }
    if (m->mem_plug) { /* where modules may come: all of it, as QEMU says it, in the last node */
        add_memory(d, m->map.device_base, m->map.device_size, m->n_nodes - 1);
        d->memory[d->m.n_memory - 1].flags = ACPI_MEM_HOTPLUG;
        d->m.n_slots = m->slots;
        d->m.mem_hotplug = m->type->mem_hotplug;
    }
    d->m.n_nodes = m->n_nodes;
    d->m.distances = m->n_nodes ? m->distances : NULL;
    d->m.hmat = m->hmat;
}

/* ---- PCI ---- */

struct search {
    const struct device *dev;
    uint32_t adr;
};

static int is_it(void *o, struct device *d, uint32_t rid)
{
    struct search *s = o;
    if (d != s->dev)
        return 0;
    s->adr = (rid >> 3 & 0x1f) << 16 | (rid & 7);
    return 1;
}

static uint32_t isa_bridge(struct vm *vm)
{
    struct tn_bus *isa = vm->machine->isa;
    struct search s = {.dev = isa ? isa->owner : NULL, .adr = vm->machine->map.isa_bridge};
    if (!s.adr)
        s.adr = ISA_BRIDGE_ADR;
    if (s.dev)
        pci_each(vm, is_it, &s);
    return isa ? s.adr : 0;
}

static void describe_windows(const struct machine_map *p, struct acpi_description *d)
{
    d->ports[0] = (struct acpi_range){0, 0xcf8};
    d->ports[1] = (struct acpi_range){0xd00, 0xf300};
    d->mem32 = (struct acpi_range){p->mmio32_base, p->mmio32_size};
    d->mem64 = (struct acpi_range){p->mmio64_base, p->mmio64_size};
    d->m.io = d->ports;
    d->m.n_io = 2;
    d->m.mem32 = &d->mem32;
    d->m.n_mem32 = p->mmio32_size != 0;
    d->m.mem64 = &d->mem64;
    d->m.n_mem64 = p->mmio64_size != 0;
}

static void describe_pci(struct vm *vm, struct acpi_description *d)
{
    const struct machine_map *p = &vm->machine->map;
    if (!vm->pci)
        return;
    d->m.flags |= ACPI_PCI;
    d->m.last_bus = UINT8_MAX;
    if (p->ecam_size) {
        d->m.flags |= ACPI_PCIE;
        d->m.ecam = (struct acpi_range){p->ecam_base, p->ecam_size};
        d->m.last_bus = (uint8_t)((p->ecam_size >> 20) - 1);
    }
    describe_windows(p, d);
    for (uint32_t slot = 0; slot < ACPI_SLOTS; slot++)
        for (uint32_t pin = 0; pin < ACPI_PINS; pin++)
            d->intx[slot][pin] = pci_root_gsi(slot, pin);
    d->m.intx = (const uint32_t(*)[ACPI_PINS])d->intx;
    d->m.isa_bridge = isa_bridge(vm);
}

void acpi_describe_vm(struct vm *vm, const struct acpi_pm_ref *pm, struct acpi_description *d)
{
    const struct machine *m = vm->machine;
    *d = (struct acpi_description){.m.flags = ACPI_CPU_DEVICES};
    if (m->i8042)
        d->m.flags |= ACPI_8042;
    if (device_providing(vm, TN_CMOS_1))
        d->m.flags |= ACPI_RTC;
    if (m->n_serial)
        d->m.flags |= ACPI_SERIAL;
    describe_pm(pm, &d->m);
    describe_cpus(vm, d);
    describe_ioapic(m, d);
    describe_numa(m, d);
    describe_pci(vm, d);
}

void acpi_description_free(struct acpi_description *d)
{
    free(d->cpus);
    free(d->memory);
}
