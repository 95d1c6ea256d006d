/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by loop.c and loop_*.c; nobody else's. */
#ifndef TN_HOST_LOOP_IMPL_H
#define TN_HOST_LOOP_IMPL_H
#include "device.h"
#include "domain.h"
#include "loop.h"

/* What has been stopped does not even look at its device: that may be half gone. */
static inline int is_set(const uint32_t *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

static inline struct domain *lock_for(struct device *d, uint32_t flags)
{
    if (!d || (flags & TN_LF_NOLOCK))
        return NULL;
    struct domain *dom = device_domain(d);
    domain_lock(dom);
    return dom;
}

/* ---- loop_watch.c ---- */

/* epoll reported events (EPOLL*) of w. */
void loop_run_watch(struct tn_watch *w, uint32_t events);
/* Files and the like, which are always ready: once a round. 1 if a callback ran. c's thread. */
int loop_run_always(struct tn_ctx *c);
int loop_any_always(struct tn_ctx *c);
void loop_watch_bury(struct tn_watch *dead);

/* ---- loop_bh.c ---- */

/* What has been kicked; what that kicks follows at once, without a look at descriptors: some times.
 * 1 if a callback ran. c's thread. */
int loop_run_bhs(struct tn_ctx *c);

/* ---- loop_poll.c ---- */

/* Asks for work until some is found, something else is to be done, or it is not worth more: then
 * notifications are on. Returns 1 if there is no reason to wait. c's thread. */
int loop_poll(struct tn_ctx *c, uint64_t timeout_ns);
/* The descriptors must be looked at, although polling finds work. */
int loop_poll_owes(struct tn_ctx *c);
/* From the begin of polling to the end of the wait it was that long. */
void loop_poll_learn(struct loop_polling *p, uint64_t ns);
void loop_poll_bury(struct tn_poll *dead);
/* The time until the earliest deadline, at most `most`. */
uint64_t loop_until_deadline(struct tn_ctx *c, uint64_t most);

#endif
