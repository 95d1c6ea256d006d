/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU's registers as state, and the clock that all have in common. vCPUs are paused. Main
 * thread. */
#ifndef TN_HOST_VCPU_IMAGE_H
#define TN_HOST_VCPU_IMAGE_H
#include "core/vm.h"
#include "util/buf.h"

/* Appends the state of vCPU i to out. 0 or -errno with e. */
int vcpu_image_save(struct vm *vm, uint32_t i, struct buf *out, struct tn_err *e);
/* Would vCPU i take it: are its features, and the sizes of what it has, the same here? Changes
 * nothing. */
int vcpu_image_fits(struct vm *vm, uint32_t i, const void *p, size_t len, struct tn_err *e);
/* Loads it. After guest memory. */
int vcpu_image_load(struct vm *vm, uint32_t i, const void *p, size_t len, struct tn_err *e);

/* kvmclock, in ns; 0 without KVM. */
uint64_t vcpu_clock_save(struct vm *vm);
int vcpu_clock_load(struct vm *vm, uint64_t ns, struct tn_err *e);
/* Guests are told that time stood still, so that watchdogs forgive it. */
void vcpu_clock_tell(struct vm *vm);

#endif
