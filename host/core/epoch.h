/* SPDX-License-Identifier: BSD-2-Clause */
/* Grace periods: readers of published, immutable data pay two plain stores; a writer that has
 * unpublished something waits until every reader has left the section in which it may have seen it.
 * membarrier(2) gives the ordering, so that readers need no fence. */
#ifndef TN_HOST_EPOCH_H
#define TN_HOST_EPOCH_H
#include <stdint.h>

/* One per thread that reads; lives in the thread. */
struct reader {
    uint32_t seq; /* odd inside a section; written by its thread only */
    uint32_t depth;
    struct reader *next;
    int registered;
};

extern __thread struct reader reader_tls; /* use reader_self() */
void reader_enlist(void);

/* The calling thread's reader; registered at its first use, taken off when the thread ends. */
static inline struct reader *reader_self(void)
{
    if (__builtin_expect(!reader_tls.registered, 0))
        reader_enlist();
    return &reader_tls;
}

static inline void reader_enter(struct reader *r)
{
    if (r->depth++ == 0) {
        __atomic_store_n(&r->seq, r->seq + 1, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
}

static inline void reader_leave(struct reader *r)
{
    if (--r->depth == 0)
        __atomic_store_n(&r->seq, r->seq + 1, __ATOMIC_RELEASE);
}

/* Leaves every section that this thread is in, to wait for something; what was seen in them is
 * gone. resume() opens as many again. */
static inline uint32_t reader_pause(struct reader *r)
{
    uint32_t depth = r->depth;
    if (depth) {
        r->depth = 1;
        reader_leave(r);
    }
    return depth;
}

static inline void reader_resume(struct reader *r, uint32_t depth)
{
    if (depth) {
        reader_enter(r);
        r->depth = depth;
    }
}

/* Returns when every section that was open at the call has ended. Not inside a section; no lock
 * held that a section may want. */
void epoch_wait(void);

#endif
