/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks of a VM. Guest time stands still while the VM is stopped; under qtest it moves only by
 * command. */
#ifndef TN_HOST_CLOCK_H
#define TN_HOST_CLOCK_H
#include <stdint.h>

struct clock {
    uint64_t manual; /* 1: guest time is `at` and nothing else (qtest) */
    uint64_t at;     /* guest ns: while manual or stopped */
    int64_t offset;  /* guest ns = CLOCK_MONOTONIC + offset, while running */
    uint32_t stopped;
};

void clock_init(struct clock *c, int manual);            /* guest time 0, stopped */
uint64_t clock_now(const struct clock *c, uint32_t clk); /* TN_CLK_*; any thread */
void clock_start(struct clock *c);                       /* main thread, while no vCPU runs */
void clock_stop(struct clock *c);
void clock_set(struct clock *c, uint64_t ns); /* manual only, never backwards */

/* Guest time becomes ns, as in a saved machine; the clock is stopped or manual. */
void clock_load(struct clock *c, uint64_t ns);

#endif
