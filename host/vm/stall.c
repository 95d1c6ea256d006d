/* SPDX-License-Identifier: BSD-2-Clause */
/* core->stall: an access whose answer takes time. The lock is released, the vCPU waits here,
 * outside the guest; under qtest, where the main thread is the guest, its loop goes on meanwhile.
 */
#include "core/loop.h"
#include "space_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct stall {
    struct stall *next;
    struct device *dev;
    uint64_t token;
    uint32_t waiting; /* 1 until unstall */
};
/* Those that wait belong to threads, and threads to the process: so does their list. A token that
 * is not in it is stale. */
static pthread_mutex_t stalls_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stall *stalls;
static uint64_t tokens;
__thread struct stall *stall_tls;

int space_stall(struct device *d, uint64_t *token)
{
    if (stall_tls || !reader_self()->depth)
        return -EBUSY;
    struct stall *s = XNEW(struct stall);
    pthread_mutex_lock(&stalls_lock);
    *s = (struct stall){stalls, d, ++tokens, 1};
    stalls = s;
    pthread_mutex_unlock(&stalls_lock);
    stall_tls = s;
    *token = s->token;
    return 0;
}

/* Lets go those of d: the one with this token, or all if it is 0. The wake is under the lock:
 * whoever wakes frees. */
static void let_go(struct device *d, uint64_t token)
{
    pthread_mutex_lock(&stalls_lock);
    for (struct stall **at = &stalls; *at;) {
        struct stall *s = *at;
        if (s->dev != d || (token && s->token != token)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        __atomic_store_n(&s->waiting, 0, __ATOMIC_RELEASE);
        syscall(SYS_futex, &s->waiting, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&stalls_lock);
    loop_wake(d->vm->main);
}

void space_unstall(struct device *d, uint64_t token)
{
    if (token)
        let_go(d, token);
}

void space_unstall_all(struct device *d)
{
    let_go(d, 0);
}

void stall_sleep(struct vm *vm)
{
    struct stall *s = stall_tls;
    stall_tls = NULL; /* what the loop below runs may have an access of its own */
    while (__atomic_load_n(&s->waiting, __ATOMIC_ACQUIRE)) {
        if (loop_here(vm->main))
            loop_once(vm->main, 10000000u);
        else
            syscall(SYS_futex, &s->waiting, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
    }
    pthread_mutex_lock(&stalls_lock); /* let_go() is done with it */
    pthread_mutex_unlock(&stalls_lock);
    free(s);
}
