/* SPDX-License-Identifier: BSD-2-Clause */
/* What KVM holds of a vCPU whose guest is a hypervisor itself (KVM_GET_NESTED_STATE): on SVM
 * whether it is in a guest of its own and with which VMCB, on VMX also VMXON and the current VMCS.
 * A vCPU that has not turned virtualization on has none. vCPUs are paused. Main thread. */
#ifndef TN_HOST_VCPU_NESTED_H
#define TN_HOST_VCPU_NESTED_H
#include "core/vm.h"
#include "vcpu_regs.h"

/* Reads it into n, whose data is the caller's to free; n->on is 0 if there is none. -ENOTSUP with
 * e: the guest of vCPU i has turned virtualization on, and this kernel cannot say more. r: its
 * control registers have been read. */
int vcpu_nested_get(struct kvm *k, int fd, uint32_t i, const struct vcpu_regs *r,
                    struct vcpu_nested *n, struct tn_err *e);
/* Puts it back, after control registers and before the others. 0 or -errno with e. */
int vcpu_nested_set(struct kvm *k, int fd, uint32_t i, const struct vcpu_nested *n,
                    struct tn_err *e);
/* Leaves it, so that control registers may say that virtualization is off. */
void vcpu_nested_leave(struct kvm *k, int fd);
/* 0 if n could be set here, -ENOTSUP or -EINVAL with e. */
int vcpu_nested_fits(struct kvm *k, int fd, uint32_t i, const struct vcpu_nested *n,
                     struct tn_err *e);

#endif
