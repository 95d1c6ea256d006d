/* SPDX-License-Identifier: BSD-2-Clause */
/* core->stall: an access whose answer takes time. The lock is released, the vCPU waits here, outside the guest; under
 * qtest, where the main thread is the guest, its loop goes on meanwhile. */
#include "core/loop.h"
#include "space_impl.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct stall {
    struct vm *vm;
    uint32_t waiting; /* 1 until unstall */
};
static __thread struct stall current;
static __thread uint32_t stalled;

int space_stall(struct device *d, uint64_t *token)
{
    if (stalled)
        return -EBUSY;
    current = (struct stall){d->vm, 1};
    stalled = 1;
    *token = (uint64_t)(uintptr_t)&current;
    return 0;
}

void space_unstall(struct device *d, uint64_t token)
{
    struct stall *s = (struct stall *)(uintptr_t)token;
    struct tn_ctx *main = d->vm->main;
    __atomic_store_n(&s->waiting, 0, __ATOMIC_RELEASE);
    syscall(SYS_futex, &s->waiting, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
    loop_wake(main);
}

int stall_wait(void)
{
    if (__builtin_expect(!stalled, 1))
        return 0;
    struct tn_ctx *main = current.vm->main;
    while (__atomic_load_n(&current.waiting, __ATOMIC_ACQUIRE)) {
        if (loop_here(main))
            loop_once(main, 10000000u);
        else
            syscall(SYS_futex, &current.waiting, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
    }
    stalled = 0;
    return 1;
}
