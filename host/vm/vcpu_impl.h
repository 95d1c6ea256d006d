/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by vcpu.c (threads), vcpu_exit.c, vcpu_state.c (registers) and cpuid.c; nobody else's. */
#ifndef TN_HOST_VCPU_IMPL_H
#define TN_HOST_VCPU_IMPL_H
#include "kvm.h"
#include "vcpu.h"
#include <pthread.h>

struct vcpu_reset_state; /* what KVM made of a fresh vCPU */
enum { EXIT_KINDS = 40 };

struct vcpu {
    struct vcpus *v;
    uint32_t index, apic_id;
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    uint32_t present;                    /* it is plugged; main thread writes, with the lock */
    uint32_t has_thread;                 /* with the lock */
    uint32_t want_end;                   /* atomic: its thread is to end */
    int32_t tid;                         /* of its thread; atomic, 0 before it runs */
    uint64_t exits, by_kind[EXIT_KINDS]; /* its thread writes */
    struct vcpu_reset_state *fresh;
};
struct vcpus {
    struct vm *vm;
    struct vcpu_options o;
    uint32_t running; /* vcpus_run() was called: a vCPU that comes gets a thread */
    uint32_t started; /* vcpus_reset() was called: a vCPU that comes is reset by itself */
    size_t run_size;
    pthread_mutex_t lock; /* leaf */
    pthread_cond_t cond;
    uint32_t want_pause; /* atomic */
    uint32_t want_nap;   /* atomic */
    uint32_t throttle;   /* per cent of the time; main thread */
    struct tn_timer *throttle_timer;
    uint32_t inside; /* vCPUs that are not parked */
    uint64_t first_entry_ns;
    struct kvm_cpuid2 *cpuid; /* of vCPU 0; others differ in ids */
    struct vcpu cpu[];        /* o.max of them */
};

/* With the lock: every vCPU leaves the guest for a look at what is wanted. */
void vcpus_kick_all(struct vcpus *v);
/* Of its thread: until there is no nap any more, or something else is wanted. */
void vcpu_nap(struct vcpu *c);

/* ---- vcpu_exit.c, of its thread ---- */

/* KVM_RUN has returned 0: does what the guest wants, as c->run says. */
void vcpu_on_exit(struct vcpu *c);
/* c cannot go on: the machine stands still, and says so with what and code. */
void vcpu_stuck(struct vcpu *c, const char *what, uint64_t code);

/* ---- vcpu_state.c ---- */

int vcpu_state_remember(struct vcpu *c, struct tn_err *e);
void vcpu_state_forget(struct vcpu *c);
int vcpu_state_reset(struct vcpu *c, const struct boot_entry *entry, struct tn_err *e);

/* ---- cpuid.c ---- */

/* What -cpu says, within what KVM has here (k NULL: within nothing); old as of cpu_config_make().
 * 0, or -errno with e. */
struct cpu_config;
int cpuid_config(struct kvm *k, const char *spec, uint32_t old, struct cpu_config *c,
                 struct tn_err *e);
/* The CPUID of such a processor. NULL with e. The caller frees it. */
struct kvm_cpuid2 *cpuid_make(struct kvm *k, const struct cpu_config *c, struct tn_err *e);
/* cpuid_model.c: makes what KVM has what a named model has, but for its feature bits. */
void cpuid_model_apply(struct kvm_cpuid2 *t, const struct cpu_config *c);
/* The entry of a leaf; NULL if there is none, or no room for one. */
struct kvm_cpuid_entry2 *cpuid_leaf(struct kvm_cpuid2 *t, uint32_t fn, uint32_t index);
struct kvm_cpuid_entry2 *cpuid_leaf_or_new(struct kvm_cpuid2 *t, uint32_t fn, uint32_t index);
/* The ids and topology of one vCPU, in place. */
void cpuid_personal(struct kvm_cpuid2 *t, const struct vcpu_options *o, uint32_t apic_id);
/* APIC id of vCPU i: package, core and thread each in a power of two of ids. */
uint32_t cpuid_apic_id(const struct vcpu_options *o, uint32_t i);

#endif
