/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the Generic Event Device. ACPI 6.5 5.6.9 defines the device, not its registers:
 * these are QEMU's (its docs/specs/acpi_hw_reduced_hotplug), and 4.8.3.7 and 5.2.9 give the sleep
 * and reset ones. */
#ifndef GED_REGS_H
#define GED_REGS_H

/* Event selector block, one dword. */
#define GED_SELECTOR     0x0 /* pending events; a read clears them */
#define GED_SELECTOR_LEN 0x4

/* Register block, bytes. */
#define GED_SLEEP_CTL 0x0 /* SLEEP_CONTROL_REG (4.8.3.7) */
#define GED_SLEEP_STS 0x1 /* SLEEP_STATUS_REG (4.8.3.7) */
#define GED_RESET     0x2 /* RESET_REG (5.2.9) */
#define GED_REGS_LEN  0x3

#define GED_SLP_TYP_SHIFT 2
#define GED_SLP_TYP       (7u << GED_SLP_TYP_SHIFT)
#define GED_SLP_EN        (1u << 5) /* write-only */
#define GED_WAK_STS       (1u << 7) /* write 1 to clear */
#define GED_RESET_VALUE   0x42      /* FADT RESET_VALUE */

/* Event bits, as the machine's _EVT method tests them. */
#define GED_EVT_MEM_HOTPLUG    (1u << 0)
#define GED_EVT_POWER_DOWN     (1u << 1)
#define GED_EVT_NVDIMM_HOTPLUG (1u << 2)
#define GED_EVT_CPU_HOTPLUG    (1u << 3)

#endif
