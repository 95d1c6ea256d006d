/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPU threads over KVM. All functions are the main thread's. */
#ifndef TN_HOST_VCPU_H
#define TN_HOST_VCPU_H
#include "boot/entry.h"
#include "core/vm.h"

struct vcpu_options {
    uint32_t count, max;
    uint32_t cores, threads, sockets; /* topology: their product is max */
    const char *model; /* -cpu: host or max, with ,+feature,-feature,feature=on|off */
};

struct vcpus *vcpus_new(struct vm *vm, const struct vcpu_options *o, struct tn_err *e);
void vcpus_free(struct vcpus *v);
uint32_t vcpus_count(const struct vm *vm);
uint32_t vcpus_apic_id(const struct vm *vm, uint32_t i);
/* Architectural reset of all; vCPU 0 gets the entry state (NULL: the reset vector). They are
 * paused. */
int vcpus_reset(struct vm *vm, const struct boot_entry *entry, struct tn_err *e);
void vcpus_run(struct vm *vm);   /* threads are made at the first call */
void vcpus_pause(struct vm *vm); /* returns when none is in the guest or in a callback */
void vcpus_hold(struct vm *vm);  /* [any] none enters the guest again until vcpus_run */
void vcpus_nmi(struct vm *vm);
/* Exits by kind, for tests and the bench: total, pio, mmio, hlt... as one line of text. The caller
 * frees it. */
char *vcpus_stats(const struct vm *vm);
uint64_t
vcpus_first_entry_ns(const struct vm *vm); /* CLOCK_MONOTONIC of the first KVM_RUN; 0 before it */

#endif
