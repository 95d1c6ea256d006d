/* SPDX-License-Identifier: BSD-2-Clause */
/* What KVM counts: statistics of a VM or a vCPU that describe themselves (Linux,
 * Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD). */
#ifndef TN_HOST_KVM_STATS_H
#define TN_HOST_KVM_STATS_H
#include <stdint.h>

struct tn_err;

/* One statistic: n values, whose unit is the flags' times its base (10 or 2) to exponent. */
struct kvm_stat {
    const char *name;
    uint32_t flags; /* KVM_STATS_TYPE_*, _UNIT_*, _BASE_* */
    int16_t exponent;
    uint32_t n, bucket; /* bucket: width of one, of a linear histogram */
    const uint64_t *value;
};
/* Each of fd's, the VM's or a vCPU's that does not run, the last first, until fn is not 0. 0, that
 * value, or -errno with e; -ENOTSUP: this KVM has none. */
int kvm_stats_each(int fd, int (*fn)(void *o, const struct kvm_stat *s), void *o, struct tn_err *e);

#endif
