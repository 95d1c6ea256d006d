/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by loop.c and loop_timer.c; nobody else's. */
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

#endif
