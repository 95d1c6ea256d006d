/* SPDX-License-Identifier: BSD-2-Clause */
/* How far long work has come, on the terminal of who started it: one line that follows the work and
 * is gone when it is done. Work that takes less than a second, and a standard error that is no
 * terminal, see nothing. */
#ifndef TN_HOST_PROGRESS_H
#define TN_HOST_PROGRESS_H
#include <stdint.h>

struct progress {
    const char *what;     /* "memory 'm0'"; stays the caller's until progress_end() */
    uint64_t total, done; /* bytes */
    uint64_t begun_ns, shown_ns;
    uint32_t on, shown; /* the line can be shown; it is */
};

void progress_begin(struct progress *p, const char *what, uint64_t total);
/* done of total bytes are done; of many calls few cost more than looking at the clock. */
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p); /* also of work that failed */

#endif
