/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPU threads over KVM. All functions are the main thread's. */
#ifndef TN_HOST_VCPU_H
#define TN_HOST_VCPU_H
#include "boot/entry.h"
#include "core/vm.h"

struct vcpu_options {
    uint32_t max;                     /* indexes that a vCPU may have */
    uint32_t cores, threads, sockets; /* topology: their product is max */
    const struct cpu_config *config;  /* what they are; lives as long as the vCPUs */
};

/* Room for vCPUs, and none yet. NULL with e. */
struct vcpus *vcpus_new(struct vm *vm, const struct vcpu_options *o, struct tn_err *e);
void vcpus_free(struct vcpus *v);
/* vCPU i comes, in the state after power-on: a processor that waits for its start-up message, but
 * for the first. On a machine that runs its thread starts. 0, or -errno with e and nothing has
 * changed. */
int vcpus_add(struct vm *vm, uint32_t i, struct tn_err *e);
/* vCPU i goes: its thread has ended when this returns. KVM has no way to take a vCPU back, so it is
 * kept for the next vcpus_add(). May run the main loop, no lock held. */
void vcpus_remove(struct vm *vm, uint32_t i);
uint32_t vcpus_max(const struct vm *vm);                  /* 0 without vCPUs */
int vcpus_present(const struct vm *vm, uint32_t i);       /* is vCPU i there */
int32_t vcpus_thread_id(const struct vm *vm, uint32_t i); /* 0: it has not run yet */
/* The descriptor of vCPU i, for ioctls while it is paused; -1 if it is not there. */
int vcpus_fd(const struct vm *vm, uint32_t i);
/* Architectural reset of all; vCPU 0 gets the entry state (NULL: the reset vector). They are
 * paused. */
int vcpus_reset(struct vm *vm, const struct boot_entry *entry, struct tn_err *e);
void vcpus_run(struct vm *vm);   /* threads are made at the first call */
void vcpus_pause(struct vm *vm); /* returns when none is in the guest or in a callback */
void vcpus_hold(struct vm *vm);  /* [any] none enters the guest again until vcpus_run */
void vcpus_nmi(struct vm *vm);
/* For so many per cent of the time (0: none, at most 99) no vCPU runs. Main thread. */
void vcpus_throttle(struct vm *vm, uint32_t percent);
/* Exits by kind, for tests and the bench: total, pio, mmio, hlt... as one line of text. The caller
 * frees it. */
char *vcpus_stats(const struct vm *vm);
uint64_t
vcpus_first_entry_ns(const struct vm *vm); /* CLOCK_MONOTONIC of the first KVM_RUN; 0 before it */

#endif
