/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the frequency of this machine's time stamp counter in kHz. An emulated CPU counts at the
 * same rate, and its kernel's own calibration goes wrong by a factor when the host is busy, so
 * rig-run tells it. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct instant {
    double ns;
    uint64_t ticks;
};

/* The counter and the clock read together: the closest pair of several tries, since one may be
 * preempted. */
static struct instant now(void)
{
    struct instant best = {0};
    uint64_t narrowest = UINT64_MAX;

    for (int i = 0; i < 16; i++) {
        struct timespec t;
        uint64_t before = __rdtsc();

        clock_gettime(CLOCK_MONOTONIC_RAW, &t);
        uint64_t after = __rdtsc();
        if (after - before < narrowest) {
            narrowest = after - before;
            best =
                (struct instant){.ns = t.tv_sec * 1e9 + t.tv_nsec, .ticks = before + narrowest / 2};
        }
    }
    return best;
}

int main(void)
{
    struct instant from = now();

    nanosleep(&(struct timespec){.tv_nsec = 40000000}, NULL);
    struct instant to = now();
    printf("%.0f\n", (double)(to.ticks - from.ticks) * 1e6 / (to.ns - from.ns));
    return 0;
}
