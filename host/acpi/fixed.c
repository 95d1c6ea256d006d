/* SPDX-License-Identifier: BSD-2-Clause */
/* FADT, MCFG and SPCR. */
#include "build.h"
#include "spec.h"
#include "util/bytes.h"
#include <string.h>

/* Access sizes of a Generic Address Structure (5.2.3.2) */
enum { ACCESS_BYTE = 1, ACCESS_WORD = 2, ACCESS_DWORD = 3 };

static void put_gas(uint8_t *p, const struct acpi_gas *g, uint8_t access)
{
    if (!g->bits)
        return;
    p[0] = g->space;
    p[1] = g->bits;
    p[2] = 0;
    p[3] = access;
    put_le64(p + 4, g->address);
}

/* ---- FADT ---- */

/* A block of len bytes of registers: its port in the old field, and again, with its width as far as
 * that can be said, in the X_ one. */
static void put_block(uint8_t *fadt, size_t field, size_t x_field, uint32_t port, uint32_t len,
                      uint8_t access)
{
    uint8_t bits = len * 8 < UINT8_MAX ? (uint8_t)(len * 8) : UINT8_MAX;
    const struct acpi_gas g = {ACPI_GAS_IO, bits, port};
    put_le32(fadt + field, port);
    put_gas(fadt + x_field, &g, access);
}

static void put_pm(uint8_t *fadt, const struct acpi_machine *m)
{
    put_le16(fadt + FADT_SCI_INT, m->sci_gsi);
    put_le32(fadt + FADT_SMI_CMD, m->smi_cmd);
    fadt[FADT_ACPI_ENABLE] = m->acpi_enable;
    fadt[FADT_ACPI_DISABLE] = m->acpi_disable;
    put_block(fadt, FADT_PM1A_EVT, FADT_X_PM1A_EVT, m->pm_base, PM1_EVT_LEN, ACCESS_WORD);
    put_block(fadt, FADT_PM1A_CNT, FADT_X_PM1A_CNT, m->pm_base + PM1_CNT_OFF, PM1_CNT_LEN,
              ACCESS_WORD);
    put_block(fadt, FADT_PM_TMR, FADT_X_PM_TMR, m->pm_base + PM_TMR_OFF, PM_TMR_LEN, ACCESS_DWORD);
    fadt[FADT_PM1_EVT_LEN] = PM1_EVT_LEN;
    fadt[FADT_PM1_CNT_LEN] = PM1_CNT_LEN;
    fadt[FADT_PM_TMR_LEN] = PM_TMR_LEN;
    if (m->gpe0_len) {
        put_block(fadt, FADT_GPE0, FADT_X_GPE0, m->gpe0_base, m->gpe0_len, ACCESS_BYTE);
        fadt[FADT_GPE0_LEN] = m->gpe0_len;
    }
}

static uint32_t fadt_flags(const struct acpi_machine *m)
{
    uint32_t flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON;
    if (m->flags & ACPI_HW_REDUCED)
        flags |= FADT_HW_REDUCED | FADT_PWR_BUTTON;
    else
        flags |= FADT_PLATFORM_CLOCK;
    if (!(m->flags & ACPI_RTC) || m->flags & ACPI_HW_REDUCED)
        flags |= FADT_FIX_RTC;
    if (m->reset.bits)
        flags |= FADT_RESET_REG_SUP;
    if (m->n_cpus > LAPIC_FLAT_MAX)
        flags |= FADT_APIC_CLUSTER;
    return flags;
}

static uint16_t boot_arch(const struct acpi_machine *m)
{
    uint32_t v = 0;
    if (m->flags & (ACPI_SERIAL | ACPI_8042))
        v |= BOOT_LEGACY_DEVICES;
    if (m->flags & ACPI_8042)
        v |= BOOT_8042;
    if (!(m->flags & ACPI_VGA))
        v |= BOOT_NO_VGA;
    if (!(m->flags & ACPI_RTC))
        v |= BOOT_NO_CMOS_RTC;
    return (uint16_t)v;
}

void acpi_add_fadt(struct acpi_tables *t, const struct acpi_machine *m)
{
    struct buf *b = acpi_start(t, "FACP", FADT_REVISION);
    buf_add(b, NULL, FADT_LEN - ACPI_HEADER_LEN);
    uint8_t *fadt = b->data;
    /* Longer latencies than these bounds say that there is no C2 and no C3. */
    put_le16(fadt + FADT_P_LVL2_LAT, 100 + 1);
    put_le16(fadt + FADT_P_LVL3_LAT, 1000 + 1);
    fadt[FADT_CENTURY] = m->flags & ACPI_RTC ? CMOS_CENTURY : 0;
    put_le16(fadt + FADT_IAPC_BOOT_ARCH, boot_arch(m));
    put_le32(fadt + FADT_FLAGS, fadt_flags(m));
    put_gas(fadt + FADT_RESET_REG, &m->reset, ACCESS_BYTE);
    fadt[FADT_RESET_VALUE] = m->reset_value;
    fadt[FADT_MINOR] = FADT_MINOR_REVISION;
    memcpy(fadt + FADT_HYPERVISOR, "TENONVM", 8);
    if (m->flags & ACPI_HW_REDUCED) {
        put_gas(fadt + FADT_SLEEP_CONTROL, &m->sleep_control, ACCESS_BYTE);
        put_gas(fadt + FADT_SLEEP_STATUS, &m->sleep_status, ACCESS_BYTE);
    } else {
        put_pm(fadt, m);
    }
}

/* ---- MCFG (PCI Firmware Specification 3.3, 4.1.2) ---- */

void acpi_add_mcfg(struct acpi_tables *t, const struct acpi_machine *m)
{
    struct buf *b = acpi_start(t, "MCFG", MCFG_REVISION);
    buf_add(b, NULL, MCFG_RESERVED);
    buf_add_le64(b, m->ecam.base);
    buf_add_le16(b, 0); /* segment */
    buf_add8(b, 0);     /* first bus */
    buf_add8(b, m->last_bus);
    buf_add_le32(b, 0);
}

/* ---- SPCR (Serial Port Console Redirection table, revision 2) ---- */

enum {
    SPCR_INTERFACE = 36,
    SPCR_ADDRESS = 40,
    SPCR_INTERRUPT_TYPE = 52,
    SPCR_GSI = 54,
    SPCR_BAUD = 58,
    SPCR_STOP_BITS = 60,
    SPCR_TERMINAL = 62,
    SPCR_PCI_DEVICE = 64,
    SPCR_PCI_VENDOR = 66,
    SPCR_LEN = 80
};
#define SPCR_16550      0
#define SPCR_IOAPIC     (1 << 1)
#define SPCR_115200     7
#define SPCR_ONE_STOP   1
#define SPCR_ANSI       3
#define SPCR_NOT_ON_PCI 0xffff

void acpi_add_spcr(struct acpi_tables *t)
{
    const struct acpi_gas com1 = {ACPI_GAS_IO, 8, COM1_PORT};
    struct buf *b = acpi_start(t, "SPCR", SPCR_REVISION);
    buf_add(b, NULL, SPCR_LEN - ACPI_HEADER_LEN);
    uint8_t *p = b->data;
    p[SPCR_INTERFACE] = SPCR_16550;
    put_gas(p + SPCR_ADDRESS, &com1, ACCESS_BYTE);
    p[SPCR_INTERRUPT_TYPE] = SPCR_IOAPIC;
    put_le32(p + SPCR_GSI, COM1_GSI);
    p[SPCR_BAUD] = SPCR_115200;
    p[SPCR_STOP_BITS] = SPCR_ONE_STOP;
    p[SPCR_TERMINAL] = SPCR_ANSI;
    put_le16(p + SPCR_PCI_DEVICE, SPCR_NOT_ON_PCI);
    put_le16(p + SPCR_PCI_VENDOR, SPCR_NOT_ON_PCI);
}
