/* SPDX-License-Identifier: BSD-2-Clause */
/* Capability auto-converge: a guest that writes faster than its memory can be sent has its vCPUs
 * slowed down, step by step. Main thread. */
#ifndef TN_HOST_MIG_CONVERGE_H
#define TN_HOST_MIG_CONVERGE_H
#include <stdint.h>

struct migration;

struct converge {
    uint32_t often;   /* passes in a row that were too much */
    uint32_t percent; /* of the time that vCPUs do not run; atomic */
};
/* A pass is over: the guest has written so many bytes while so many were sent. */
void converge_step(struct converge *c, struct migration *m, uint64_t written, uint64_t sent);
/* Full speed again. */
void converge_end(struct converge *c, struct migration *m);

#endif
