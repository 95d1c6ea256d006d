/* SPDX-License-Identifier: BSD-2-Clause */
/* What -cpu asks for: a model of processor with features added and taken away, within what the
 * accelerator has. */
#ifndef TN_HOST_CPU_MODEL_H
#define TN_HOST_CPU_MODEL_H
#include "core/err.h"
#include "cpu_features.h"

struct cpu_model {
    const char *name;  /* "Haswell-v2" */
    const char *alias; /* another name of it: "Haswell-noTSX"; NULL: none */
    const char
        *base; /* what it differs from; NULL: the row before, or nothing for a first version */
    const char *vendor, *brand; /* NULL: as base */
    uint32_t first;             /* -v1: its name without version means it, too */
    uint32_t family, model, stepping, level, xlevel; /* of a first version */
    const char *features; /* by name; "-x" takes away, "stepping=1" sets */
};
/* Rows in order of the table; NULL behind the last. */
const struct cpu_model *cpu_model_at(uint32_t i);
/* By any of its names; NULL if there is none ("host" and "max" are no rows). */
const struct cpu_model *cpu_model_find(const char *name);

/* A processor, completely. */
struct cpu_config {
    char *name;                    /* as -cpu has it, without features */
    const struct cpu_model *model; /* NULL: host or max: what the accelerator has */
    char vendor[13], brand[49];
    uint32_t family, number, stepping; /* number: what CPUID calls the model */
    uint32_t level, xlevel, xlevel2;   /* highest leaf of the basic, extended and Centaur ranges */
    uint32_t word[CPU_WORDS];          /* feature registers, by cpu_word_at() */
    uint32_t filtered[CPU_WORDS];      /* asked for, and not there */
    uint32_t hide_kvm;                 /* kvm=off: no signature of the hypervisor */
    uint32_t quiet, enforce; /* check=off: no warnings; enforce=on: a missing feature is an error */
    uint32_t fixed;          /* level, xlevel, xlevel2 were given: bits 0, 1, 2 */
};
/* What an accelerator has. */
struct cpu_limits {
    const uint32_t *word; /* CPU_WORDS of them */
    uint32_t level, xlevel, family, number,
        stepping; /* of the processor itself, for host and max */
    char vendor[13], brand[49];
};
/* Reads MODEL[,FEATURE=on|off][,+FEATURE][,-FEATURE]...; lim NULL: nothing limits, as under qtest.
 * old: levels do not follow from features, as on machines before 2.9. 0, or -errno with e and c is
 * empty. */
int cpu_config_make(struct cpu_config *c, const char *spec, const struct cpu_limits *lim,
                    uint32_t old, struct tn_err *e);
void cpu_config_clear(struct cpu_config *c);
/* Is a feature on; by name or other name. 0 also for a name that is none. */
int cpu_config_has(const struct cpu_config *c, const char *feature);

#endif
