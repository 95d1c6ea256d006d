/* SPDX-License-Identifier: BSD-2-Clause */
/* MADT, SRAT and SLIT: processors, interrupt controllers and what is near what. */
#include "build.h"
#include "spec.h"

/* ---- MADT (5.2.12) ---- */

/* The old entry holds 8 bits of APIC id and of _UID. */
static bool fits_lapic(const struct acpi_cpu *cpu, uint32_t uid)
{
    return cpu->apic_id <= LAPIC_ID_MAX && uid < MADT_ALL_CPUS;
}

void acpi_add_madt_cpu(struct buf *b, const struct acpi_cpu *cpu, uint32_t uid)
{
    uint32_t flags = cpu->enabled ? MADT_CPU_ENABLED : MADT_CPU_ONLINE_CAPABLE;
    if (fits_lapic(cpu, uid)) {
        buf_add8(b, MADT_LAPIC);
        buf_add8(b, 8);
        buf_add8(b, (uint8_t)uid);
        buf_add8(b, (uint8_t)cpu->apic_id);
        buf_add_le32(b, flags);
    } else {
        buf_add8(b, MADT_X2APIC);
        buf_add8(b, 16);
        buf_add_le16(b, 0);
        buf_add_le32(b, cpu->apic_id);
        buf_add_le32(b, flags);
        buf_add_le32(b, uid);
    }
}

static void add_ioapic(struct buf *b, const struct acpi_ioapic *io)
{
    buf_add8(b, MADT_IOAPIC);
    buf_add8(b, 12);
    buf_add8(b, io->id);
    buf_add8(b, 0);
    buf_add_le32(b, io->address);
    buf_add_le32(b, io->gsi_base);
}

static void add_override(struct buf *b, uint8_t isa_irq, uint32_t gsi, uint16_t flags)
{
    buf_add8(b, MADT_OVERRIDE);
    buf_add8(b, 10);
    buf_add8(b, 0); /* ISA */
    buf_add8(b, isa_irq);
    buf_add_le32(b, gsi);
    buf_add_le16(b, flags);
}

/* Where ISA interrupts differ from the bus's own rule: IRQ n is GSI n, edge, active high. */
static void add_overrides(struct buf *b, const struct acpi_machine *m)
{
    if (m->flags & ACPI_IRQ0_TO_2)
        add_override(b, 0, 2, INTI_CONFORMS);
    if (!(m->flags & ACPI_HW_REDUCED) && m->sci_gsi < ISA_IRQS)
        add_override(b, (uint8_t)m->sci_gsi, m->sci_gsi, INTI_HIGH_LEVEL);
}

/* LINT1 of every local APIC is the NMI. */
static void add_nmi(struct buf *b, bool lapic, bool x2apic)
{
    if (lapic) {
        buf_add8(b, MADT_LAPIC_NMI);
        buf_add8(b, 6);
        buf_add8(b, MADT_ALL_CPUS);
        buf_add_le16(b, INTI_CONFORMS);
        buf_add8(b, LINT1);
    }
    if (x2apic) {
        buf_add8(b, MADT_X2APIC_NMI);
        buf_add8(b, 12);
        buf_add_le16(b, INTI_CONFORMS);
        buf_add_le32(b, MADT_ALL_CPUS_X2);
        buf_add8(b, LINT1);
        buf_add(b, NULL, 3);
    }
}

void acpi_add_madt(struct acpi_tables *t, const struct acpi_machine *m)
{
    bool lapic = false, x2apic = false;
    struct buf *b = acpi_start(t, "APIC", MADT_REVISION);
    buf_add_le32(b, MADT_LAPIC_ADDRESS);
    buf_add_le32(b, m->flags & ACPI_8259 ? MADT_PCAT_COMPAT : 0);
    for (uint32_t i = 0; i < m->n_cpus; i++) {
        acpi_add_madt_cpu(b, &m->cpus[i], i);
        lapic |= fits_lapic(&m->cpus[i], i);
        x2apic |= !fits_lapic(&m->cpus[i], i);
    }
    for (uint32_t i = 0; i < m->n_ioapics; i++)
        add_ioapic(b, &m->ioapics[i]);
    if (m->n_ioapics)
        add_overrides(b, m);
    add_nmi(b, lapic, x2apic);
}

/* ---- SRAT (5.2.16) ---- */

static void add_cpu_affinity(struct buf *b, const struct acpi_cpu *cpu, uint32_t uid)
{
    if (fits_lapic(cpu, uid)) {
        buf_add8(b, SRAT_LAPIC);
        buf_add8(b, 16);
        buf_add8(b, (uint8_t)cpu->node);
        buf_add8(b, (uint8_t)cpu->apic_id);
        buf_add_le32(b, SRAT_ENABLED);
        buf_add(b, NULL, 8); /* SAPIC EID, node bits 8..31, clock domain */
    } else {
        buf_add8(b, SRAT_X2APIC);
        buf_add8(b, 24);
        buf_add_le16(b, 0);
        buf_add_le32(b, cpu->node);
        buf_add_le32(b, cpu->apic_id);
        buf_add_le32(b, SRAT_ENABLED);
        buf_add(b, NULL, 8); /* clock domain */
    }
}

static void add_memory_affinity(struct buf *b, const struct acpi_memory *mem)
{
    uint32_t flags = SRAT_ENABLED;
    flags |= mem->flags & ACPI_MEM_HOTPLUG ? SRAT_MEM_HOTPLUG : 0;
    flags |= mem->flags & ACPI_MEM_NONVOLATILE ? SRAT_MEM_NONVOLATILE : 0;
    buf_add8(b, SRAT_MEMORY);
    buf_add8(b, 40);
    buf_add_le32(b, mem->node);
    buf_add_le16(b, 0);
    buf_add_le64(b, mem->base);
    buf_add_le64(b, mem->len);
    buf_add_le32(b, 0);
    buf_add_le32(b, flags);
    buf_add_le64(b, 0);
}

void acpi_add_srat(struct acpi_tables *t, const struct acpi_machine *m)
{
    struct buf *b = acpi_start(t, "SRAT", SRAT_REVISION);
    buf_add_le32(b, 1);
    buf_add_le64(b, 0);
    for (uint32_t i = 0; i < m->n_cpus; i++)
        add_cpu_affinity(b, &m->cpus[i], i);
    for (uint32_t i = 0; i < m->n_memory; i++)
        add_memory_affinity(b, &m->memory[i]);
}

/* ---- SLIT (5.2.17) ---- */

void acpi_add_slit(struct acpi_tables *t, const struct acpi_machine *m)
{
    struct buf *b = acpi_start(t, "SLIT", SLIT_REVISION);
    buf_add_le64(b, m->n_nodes);
    buf_add(b, m->distances, (size_t)m->n_nodes * m->n_nodes);
}
