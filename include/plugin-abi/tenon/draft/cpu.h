/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. CPU hotplug, for the device that shows it to the guest. Events come by tn_machine.on: TN_ON_CPU_PLUG and
 * TN_ON_CPU_UNPLUG_REQUEST, with the index as arg.
 */
#ifndef TENON_DRAFT_CPU_H
#define TENON_DRAFT_CPU_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

enum {
    TN_CPU_PRESENT = 1,
    TN_CPU_REMOVING = 2 /**< asked to leave, the guest has not let go yet */
};

#define TN_CPU_1 "tenon.cpu/1"
/** TN_CPU_1. CPUs are counted from 0; an index out of range is absent. */
struct tn_cpus {
    uint32_t struct_size, rev;
    /** [any] the most that there can be */
    uint32_t (*count)(struct tn_dev *d);
    /** [any] TN_CPU_* */
    uint32_t (*state)(struct tn_dev *d, uint32_t i);
    /** [any] APIC id, or MPIDR */
    uint64_t (*arch_id)(struct tn_dev *d, uint32_t i);
    /** [vcpu][dev] the guest let go: the host removes it, later, on main */
    void (*ejected)(struct tn_dev *d, uint32_t i);
    /** [vcpu][dev] _OST (ACPI 6.3.5): event and status as the guest gave them */
    void (*ost)(struct tn_dev *d, uint32_t i, uint32_t event, uint32_t status);
};

#ifdef __cplusplus
}
#endif
#endif
