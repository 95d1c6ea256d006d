/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
enum { QUIET_NS = NS_PER_S, EVERY_NS = NS_PER_S / 4 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void show(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n; /* a terminal that is gone: nobody looks */
}

void progress_begin(struct progress *p, const char *what, uint64_t total)
{
    *p = (struct progress){
        .what = what, .total = total, .begun_ns = now_ns(), .on = total && isatty(STDERR_FILENO)};
}

void progress_at(struct progress *p, uint64_t done)
{
    p->done = done;
    if (!p->on)
        return;
    uint64_t now = now_ns();
    if (now - p->begun_ns < QUIET_NS || now - p->shown_ns < EVERY_NS)
        return;
    char line[160];
    snprintf(line, sizeof line,
             "\r\033[Ktenon: %.80s: %" PRIu64 "%%, %" PRIu64 " of %" PRIu64 " MiB", p->what,
             (uint64_t)((double)done * 100 / (double)p->total), done >> 20, p->total >> 20);
    show(line);
    p->shown_ns = now;
    p->shown = 1;
}

void progress_end(struct progress *p)
{
    if (p->shown)
        show("\r\033[K");
    p->on = p->shown = 0;
}
