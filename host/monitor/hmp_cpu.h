/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at a processor while it stands still. Main thread. */
#ifndef TN_HOST_HMP_CPU_H
#define TN_HOST_HMP_CPU_H
#include "core/vm.h"
#include <linux/kvm.h>

struct hmp_cpu {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_debugregs debug;
    struct kvm_fpu fpu;
    uint32_t halted;
};

int hmp_cpu_exists(const struct vm *vm, uint32_t i);
/* All vCPUs are stopped for the moment, which may run the main loop. Without KVM it is the state
 * after reset. 0, or -errno with e. */
int hmp_cpu_look(struct vm *vm, uint32_t i, struct hmp_cpu *c, struct tn_err *e);
/* The guest-physical address of a virtual one; -EFAULT: it is not mapped. */
int hmp_cpu_translate(struct vm *vm, uint32_t i, uint64_t va, uint64_t *gpa);

/* Bits of control registers and EFER that say how addresses are translated (SDM 3, 2.5, 2.2.1). */
enum { CR0_PE = 1, CR4_PAE = 1 << 5, CR4_PSE = 1 << 4, CR4_LA57 = 1 << 12, EFER_LMA = 1 << 10 };
#define CR0_PG (1ull << 31)

#endif
