/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/kvm: the VM's own ioctls. vCPUs are vcpu.h's. */
#ifndef TN_HOST_KVM_H
#define TN_HOST_KVM_H
#include "core/vm.h"
#include <linux/kvm.h>

struct kvm;

/* Opens /dev/kvm and makes a VM with a split irqchip (24 reserved routes). NULL with e. */
struct kvm *kvm_new(struct vm *vm, struct tn_err *e);
void kvm_free(struct kvm *k); /* vCPUs are gone */
int kvm_system_fd(const struct kvm *k);
int kvm_vm_fd(const struct kvm *k);
int kvm_has(const struct kvm *k, long cap); /* KVM_CHECK_EXTENSION of the VM */

/* The CPUID that KVM can give guests here; asked once, as it takes KVM long. The VM's. NULL with e.
 * Main thread. */
const struct kvm_cpuid2 *kvm_cpuid(struct kvm *k, struct tn_err *e);

/* A memslot; len 0 removes it. Any thread. 0 or -errno. */
int kvm_memslot(struct kvm *k, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t len, void *va);
/* Pages of a logged memslot that vCPUs and KVM have written since the last call, a bit each. Any
 * thread. 0 or -errno. */
int kvm_dirty_log(struct kvm *k, uint32_t slot, uint64_t *bits);
uint32_t kvm_max_slots(const struct kvm *k);
/* 0 or -errno; the kernel may refuse (its buses take 1000 each). Any thread. */
int kvm_ioeventfd(struct kvm *k, int pio, uint64_t addr, uint32_t size, uint32_t match,
                  uint64_t data, int fd, int on);

/* One message, now: 1 delivered, 0 blocked by the guest, -errno. Any thread. */
int kvm_signal_msi(struct kvm *k, uint64_t addr, uint32_t data);
/* GSI routes. Numbers below 24 belong to the IOAPIC; others are handed out when an irqfd first
 * needs one. Any thread. */
int kvm_gsi_alloc(struct kvm *k);
void kvm_gsi_free(struct kvm *k, int gsi);
/* Stages what gsi stands for; addr 0: nothing. kvm_routes_commit makes it effective. */
void kvm_route(struct kvm *k, uint32_t gsi, uint64_t addr, uint32_t data);
int kvm_routes_commit(struct kvm *k);
int kvm_irqfd(struct kvm *k, uint32_t gsi, int fd, int on);

#endif
