/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for the offsets, types and bits of the fixed tables (ACPI 6.3, 5.2). */
#ifndef TN_ACPI_SPEC_H
#define TN_ACPI_SPEC_H

/* Common header (5.2.6) */
enum {
    HDR_LENGTH = 4,
    HDR_REVISION = 8,
    HDR_CHECKSUM = 9,
    HDR_OEM_ID = 10,
    HDR_OEM_TABLE_ID = 16,
    HDR_OEM_REVISION = 24,
    HDR_CREATOR_ID = 28,
    HDR_CREATOR_REVISION = 32
};
/* Revisions of the tables in ACPI 6.3; a DSDT of revision 2 computes with 64 bits. */
enum {
    DSDT_REVISION = 2,
    FADT_REVISION = 6,
    FADT_MINOR_REVISION = 3,
    MADT_REVISION = 5,
    MCFG_REVISION = 1,
    SPCR_REVISION = 2,
    SRAT_REVISION = 3,
    SLIT_REVISION = 1,
    RSDP_REVISION_2 = 2
};

/* RSDP (5.2.5.3) */
enum {
    RSDP_CHECKSUM = 8,
    RSDP_OEM_ID = 9,
    RSDP_REVISION = 15,
    RSDP_LENGTH = 20,
    RSDP_XSDT = 24,
    RSDP_XCHECKSUM = 32,
    RSDP_V1_LEN = 20
};

/* FADT (5.2.9) */
enum {
    FADT_FIRMWARE_CTRL = 36,
    FADT_DSDT = 40,
    FADT_PM_PROFILE = 45,
    FADT_SCI_INT = 46,
    FADT_SMI_CMD = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_ACPI_DISABLE = 53,
    FADT_PM1A_EVT = 56,
    FADT_PM1A_CNT = 64,
    FADT_PM_TMR = 76,
    FADT_GPE0 = 80,
    FADT_PM1_EVT_LEN = 88,
    FADT_PM1_CNT_LEN = 89,
    FADT_PM_TMR_LEN = 91,
    FADT_GPE0_LEN = 92,
    FADT_P_LVL2_LAT = 96,
    FADT_P_LVL3_LAT = 98,
    FADT_CENTURY = 108,
    FADT_IAPC_BOOT_ARCH = 109,
    FADT_FLAGS = 112,
    FADT_RESET_REG = 116,
    FADT_RESET_VALUE = 128,
    FADT_MINOR = 131,
    FADT_X_FIRMWARE_CTRL = 132,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_EVT = 148,
    FADT_X_PM1A_CNT = 172,
    FADT_X_PM_TMR = 208,
    FADT_X_GPE0 = 220,
    FADT_SLEEP_CONTROL = 244,
    FADT_SLEEP_STATUS = 256,
    FADT_HYPERVISOR = 268,
    FADT_LEN = 276,
};
/* FADT flags (5.2.9, table 5-35) */
#define FADT_WBINVD         (1u << 0)
#define FADT_PROC_C1        (1u << 2)
#define FADT_PWR_BUTTON     (1u << 4) /* no fixed power button */
#define FADT_SLP_BUTTON     (1u << 5) /* no fixed sleep button */
#define FADT_FIX_RTC        (1u << 6) /* no RTC wake status in PM1 */
#define FADT_TMR_VAL_EXT    (1u << 8) /* PM timer has 32 bits */
#define FADT_RESET_REG_SUP  (1u << 10)
#define FADT_PLATFORM_CLOCK (1u << 15)
#define FADT_APIC_CLUSTER   (1u << 18)
#define FADT_HW_REDUCED     (1u << 20)
/* IAPC_BOOT_ARCH (5.2.9.3) */
#define BOOT_LEGACY_DEVICES (1u << 0)
#define BOOT_8042           (1u << 1)
#define BOOT_NO_VGA         (1u << 2)
#define BOOT_NO_CMOS_RTC    (1u << 5)
/* Lengths of the ICH9's PM registers and their place in the PM block */
enum { PM1_EVT_LEN = 4, PM1_CNT_OFF = 4, PM1_CNT_LEN = 2, PM_TMR_OFF = 8, PM_TMR_LEN = 4 };

/* FACS (5.2.10) */
enum { FACS_WAKING_VECTOR = 12, FACS_VERSION = 32, FACS_LEN = 64 };

/* MADT (5.2.12) */
#define MADT_LAPIC_ADDRESS 0xfee00000u
#define MADT_PCAT_COMPAT   (1u << 0)
enum {
    MADT_LAPIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LAPIC_NMI = 4,
    MADT_X2APIC = 9,
    MADT_X2APIC_NMI = 10
};
#define MADT_CPU_ENABLED        (1u << 0)
#define MADT_CPU_ONLINE_CAPABLE (1u << 1)
/* MPS INTI flags (table 5-49) */
#define INTI_CONFORMS    0u
#define INTI_HIGH_LEVEL  (1u | 3u << 2)
#define MADT_ALL_CPUS    0xffu
#define MADT_ALL_CPUS_X2 0xffffffffu
#define LAPIC_ID_MAX     254u /* 255 is the broadcast */
#define ISA_IRQS         16u
#define LINT1            1u
#define LAPIC_FLAT_MAX   8u /* CPUs that the flat logical destination mode reaches */

/* SRAT (5.2.16) */
enum { SRAT_RESERVED1 = 36 };
enum { SRAT_LAPIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };
#define SRAT_ENABLED         (1u << 0)
#define SRAT_MEM_HOTPLUG     (1u << 1)
#define SRAT_MEM_NONVOLATILE (1u << 2)

/* VIOT (5.2.34 of ACPI 6.4), DMAR (VT-d 8.1): fields of their heads */
enum {
    VIOT_NODE_COUNT = 36,
    VIOT_NODE_OFFSET = 38,
    VIOT_HEAD = 48,
    DMAR_WIDTH = 36,
    DMAR_WIDTH_48 = 47
};
enum { MCFG_RESERVED = 8 };

/* Legacy fixed addresses */
#define COM1_PORT     0x3f8u
#define COM1_GSI      4u
#define CMOS_CENTURY  0x32u
#define PCI_CONF_PORT 0xcf8u /* address and data */
#define PCI_CONF_LEN  8u

#endif
