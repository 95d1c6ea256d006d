/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi/dsdt.h"

#include "aml/aml.h"
#include "aml/resource.h"
#include "build.h"
#include "cpu_regs.h"
#include "spec.h"

/* ---- PCI host bridge ---- */

void acpi_aml_crs(struct buf *a, const struct acpi_windows *w)
{
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    aml_res_word_bus(a, AML_PRODUCER, w->first_bus, w->last_bus);
    for (uint32_t i = 0; i < w->n_io; i++) {
        if (w->io[i].base == PCI_CONF_PORT + PCI_CONF_LEN)
            aml_res_io(a, PCI_CONF_PORT, PCI_CONF_PORT, 1, PCI_CONF_LEN);
        aml_res_word_io(a, AML_PRODUCER, (uint16_t)w->io[i].base, (uint32_t)w->io[i].len);
    }
    for (uint32_t i = 0; i < w->n_mem32; i++)
        aml_res_dword_memory(a, AML_PRODUCER, AML_MEM_NON_CACHEABLE, (uint32_t)w->mem32[i].base,
                             w->mem32[i].len);
    for (uint32_t i = 0; i < w->n_mem64; i++)
        aml_res_qword_memory(a, AML_PRODUCER, AML_MEM_CACHEABLE, w->mem64[i].base, w->mem64[i].len);
    aml_end(a, crs);
}

/* Package {address of all functions of a slot, pin, no link device, GSI} */
static void add_route(struct buf *a, uint32_t slot, uint32_t pin, uint32_t gsi)
{
    struct aml_block route = aml_package(a, 4);
    aml_int(a, slot << 16 | 0xffff);
    aml_int(a, pin);
    aml_int(a, 0);
    aml_int(a, gsi);
    aml_end(a, route);
}

void acpi_aml_prt(struct buf *a, const uint32_t (*gsi)[ACPI_PINS])
{
    aml_name(a, "_PRT");
    struct aml_block prt = aml_package(a, ACPI_SLOTS * ACPI_PINS);
    for (uint32_t slot = 0; slot < ACPI_SLOTS; slot++)
        for (uint32_t pin = 0; pin < ACPI_PINS; pin++)
            add_route(a, slot, pin, gsi ? gsi[slot][pin] : 16 + (slot + pin) % 8);
    aml_end(a, prt);
}

/* _OSC of a host bridge: the capabilities buffer is Arg3. DWord 1: status, 2: support, 3: control.
 */
#define OSC_PCI_UUID         "33db4d5b-1ff7-401c-9657-7441c03dd766"
#define OSC_UNKNOWN_UUID     (1 << 2)
#define OSC_UNKNOWN_REVISION (1 << 3)
#define OSC_MASKED           (1 << 4)
#define OSC_NATIVE_HOTPLUG   (1 << 0)
#define OSC_SHPC             (1 << 1)
#define OSC_PME              (1 << 2)
#define OSC_AER              (1 << 3)
#define OSC_PCIE_CAPABILITY  (1 << 4)
#define OSC_BUFFER           (AML_ARG0 + 3)

/* Or(CDW1, bits, CDW1) */
static void osc_status(struct buf *a, uint32_t bits)
{
    aml_op(a, AML_OR);
    aml_path(a, "CDW1");
    aml_int(a, bits);
    aml_path(a, "CDW1");
}

/* Local0 = CDW3 & granted; tell what was masked; CDW3 = Local0 */
static void osc_control(struct buf *a, uint32_t granted)
{
    aml_op(a, AML_AND);
    aml_path(a, "CDW3");
    aml_int(a, granted);
    aml_local(a, 0);
    struct aml_block revision = aml_if(a);
    aml_op(a, AML_LNOT_EQUAL);
    aml_arg(a, 1); /* the caller's revision */
    aml_int(a, 1);
    osc_status(a, OSC_UNKNOWN_REVISION);
    aml_end(a, revision);
    struct aml_block masked = aml_if(a);
    aml_op(a, AML_LNOT_EQUAL);
    aml_path(a, "CDW3");
    aml_local(a, 0);
    osc_status(a, OSC_MASKED);
    aml_end(a, masked);
    aml_op(a, AML_STORE);
    aml_local(a, 0);
    aml_path(a, "CDW3");
}

void acpi_aml_osc(struct buf *a, int shpc)
{
    uint32_t granted = OSC_NATIVE_HOTPLUG | OSC_PME | OSC_AER | OSC_PCIE_CAPABILITY;
    struct aml_block osc = aml_method(a, "_OSC", 4, AML_SERIALIZED);
    aml_create_field(a, 4, OSC_BUFFER, 0, "CDW1");
    struct aml_block known = aml_if(a);
    aml_op(a, AML_LEQUAL);
    aml_arg(a, 0);
    aml_uuid(a, OSC_PCI_UUID);
    aml_create_field(a, 4, OSC_BUFFER, 8, "CDW3");
    osc_control(a, granted | (shpc ? OSC_SHPC : 0));
    aml_end(a, known);
    struct aml_block unknown = aml_else(a);
    osc_status(a, OSC_UNKNOWN_UUID);
    aml_end(a, unknown);
    aml_op(a, AML_RETURN);
    aml_op(a, OSC_BUFFER);
    aml_end(a, osc);
}

static void add_isa_bridge(struct buf *a, uint32_t adr)
{
    struct aml_block isa = aml_device(a, "ISA");
    aml_name_int(a, "_ADR", adr);
    aml_end(a, isa);
}

static void add_pci0(struct buf *a, const struct acpi_machine *m)
{
    const struct acpi_windows w = {0,        m->last_bus, m->io,      m->mem32,
                                   m->mem64, m->n_io,     m->n_mem32, m->n_mem64};
    struct aml_block pci = aml_device(a, "PCI0");
    if (m->flags & ACPI_PCIE) {
        aml_name_eisaid(a, "_HID", "PNP0A08");
        aml_name_eisaid(a, "_CID", "PNP0A03");
        acpi_aml_osc(a, !!(m->flags & ACPI_SHPC));
    } else {
        aml_name_eisaid(a, "_HID", "PNP0A03");
    }
    aml_name_int(a, "_UID", 0);
    aml_name_int(a, "_SEG", 0);
    aml_name_int(a, "_BBN", 0);
    acpi_aml_crs(a, &w);
    if (m->n_ioapics)
        acpi_aml_prt(a, m->intx);
    if (m->isa_bridge)
        add_isa_bridge(a, m->isa_bridge);
    aml_end(a, pci);
}

/* ---- motherboard resources: what no other device claims ---- */

/* Firmware must reserve the ECAM (PCI Firmware Specification 3.3, 4.1.2), or the guest ignores it.
 */
static void add_ecam(struct buf *a, const struct acpi_range *ecam)
{
    if (ecam->base + ecam->len <= UINT32_MAX)
        aml_res_memory32_fixed(a, AML_READ_WRITE, (uint32_t)ecam->base, (uint32_t)ecam->len);
    else
        aml_res_qword_memory(a, AML_CONSUMER, AML_MEM_NON_CACHEABLE, ecam->base, ecam->len);
}

static void add_board(struct buf *a, const struct acpi_machine *m)
{
    bool pm = !(m->flags & ACPI_HW_REDUCED);
    struct aml_block board = aml_device(a, "MRES");
    aml_name_eisaid(a, "_HID", "PNP0C02");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    if (m->flags & ACPI_PCIE)
        add_ecam(a, &m->ecam);
    if (pm)
        aml_res_io(a, m->pm_base, m->pm_base, 1, PM_TMR_OFF + PM_TMR_LEN);
    if (pm && m->gpe0_len)
        aml_res_io(a, m->gpe0_base, m->gpe0_base, 1, m->gpe0_len);
    if (m->cpu_hotplug)
        aml_res_io(a, m->cpu_hotplug, m->cpu_hotplug, 1, CPU_REGS_LEN);
    aml_end(a, crs);
    aml_end(a, board);
}

/* ---- sleep ---- */

/* \_S5 (7.4.2): SLP_TYP for PM1a, for PM1b, reserved */
static void add_s5(struct buf *a, uint8_t type)
{
    aml_name(a, "\\_S5");
    struct aml_block s5 = aml_package(a, 4);
    aml_int(a, type);
    aml_int(a, type);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a, s5);
}

void acpi_write_dsdt(struct buf *a, const struct acpi_machine *m)
{
    struct aml_block sb = aml_scope(a, "\\_SB");
    if (m->flags & ACPI_PCI)
        add_pci0(a, m);
    if (m->flags & ACPI_PCIE || !(m->flags & ACPI_HW_REDUCED))
        add_board(a, m);
    if (m->flags & ACPI_CPU_DEVICES)
        acpi_write_cpus(a, m);
    if (m->n_slots)
        acpi_write_modules(a, m);
    aml_end(a, sb);
    if (m->flags & ACPI_S5)
        add_s5(a, m->s5_type);
}
