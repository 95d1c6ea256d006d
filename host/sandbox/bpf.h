/* SPDX-License-Identifier: BSD-2-Clause */
/* From rules to classic BPF, as seccomp(2) takes it. */
#ifndef TN_HOST_SANDBOX_BPF_H
#define TN_HOST_SANDBOX_BPF_H
#include "filter.h"
#include "profiles.h"

/* What is decided of one system call by all rules that name it: a leave without a condition is all
 * that counts; else a leave whose conditions hold, then a refusal whose conditions hold, where a
 * refusal without any means "unless somebody has leave under conditions". What no rule decides
 * traps. A call in another architecture's way kills the process.
 *
 * Writes the program into f, which was empty and whose code the caller frees. rules: n of them, in
 * any order; of one call, those that come first are tried first. */
void bpf_compile(struct filter *f, const struct sandbox_rule *const *rules, size_t n);

#endif
