/* SPDX-License-Identifier: BSD-2-Clause */
/* What is saved of a vCPU, and the table that says so. */
#ifndef TN_HOST_VCPU_REGS_H
#define TN_HOST_VCPU_REGS_H
#include <linux/kvm.h>
#include <stdint.h>
#include <tenon/state.h>

enum { VCPU_MSRS = 1024, VCPU_CPUID = 256, VCPU_XSAVE = 1 << 16 };
enum { VCPU_NESTED_HEAD = 120, VCPU_NESTED_DATA = 1 << 16 };

struct vcpu_cpuid {
    uint32_t function, index, eax, ebx, ecx, edx;
};
/* struct kvm_nested_state in parts; on: there is one */
struct vcpu_nested {
    uint32_t on, format, flags, len;
    uint8_t head[VCPU_NESTED_HEAD], *data;
};
struct vcpu_regs {
    uint32_t index, tsc_khz;
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_lapic_state lapic;
    struct kvm_vcpu_events events;
    struct kvm_mp_state mp;
    struct kvm_debugregs debug;
    struct kvm_xcrs xcrs;
    uint32_t has_xcrs, nxcrs;
    uint32_t xsave_len;
    uint8_t *xsave; /* as KVM_GET_XSAVE2 lays it out: SDM 13.4 */
    uint32_t nmsrs, nmsr_data;
    uint32_t *msr_index;
    uint64_t *msr_data;
    uint32_t ncpuid;
    struct vcpu_cpuid *cpuid;
    struct vcpu_nested nested;
};
extern const struct tn_state vcpu_regs_state;

#endif
