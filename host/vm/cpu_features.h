/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of CPUID feature bits, as -cpu takes them. */
#ifndef TN_HOST_CPU_FEATURES_H
#define TN_HOST_CPU_FEATURES_H
#include <stdint.h>

#define CPU_HYPERVISOR (1u << 31) /* leaf 1, ECX */
enum { CPU_EAX, CPU_EBX, CPU_ECX, CPU_EDX };
struct cpu_feature {
    const char *name;
    uint32_t leaf, index, reg, bit;
};
/* "_" and "-" are the same in name. NULL if it is not known. */
const struct cpu_feature *cpu_feature_find(const char *name);
/* In order of leaf and bit; NULL behind the last. */
const struct cpu_feature *cpu_feature_at(uint32_t i);

#endif
