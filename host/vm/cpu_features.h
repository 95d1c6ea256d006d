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
/* By name or other name; "_" and "-" are the same in it. NULL if it is not known. */
const struct cpu_feature *cpu_feature_find(const char *name);
/* In order of leaf and bit; NULL behind the last. */
const struct cpu_feature *cpu_feature_at(uint32_t i);
/* Other names: pairs of one and the name that the table has; NULL behind the last. */
const char *const *cpu_feature_alias_at(uint32_t i);

/* A register of CPUID that consists of feature bits. */
struct cpu_word {
    uint32_t leaf, index, reg;
    uint32_t indexed; /* the leaf has subleaves */
};
enum { CPU_WORDS = 22 };
const struct cpu_word *cpu_word_at(uint32_t i); /* i < CPU_WORDS */
/* The word that f is a bit of. */
uint32_t cpu_word_of(const struct cpu_feature *f);

#endif
