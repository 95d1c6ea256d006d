/* SPDX-License-Identifier: BSD-2-Clause */
#include "epoch.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Readers are threads, and threads belong to the process: so does their list. */
static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct reader *readers;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int have_membarrier;
__thread struct reader reader_tls;

/* Only threads that end take readers off, one at a time; new ones are put in front without a lock,
 * so that the first look at a view never waits for a grace period. */
static void unregister(void *p)
{
    struct reader *me = p, *head = me;
    pthread_mutex_lock(&readers_lock);
    if (!__atomic_compare_exchange_n(&readers, &head, me->next, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        for (; head; head = head->next)
            if (head->next == me) {
                head->next = me->next;
                break;
            }
    pthread_mutex_unlock(&readers_lock);
    me->registered = 0;
}

static void setup(void)
{
    pthread_key_create(&key, unregister);
    have_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void reader_enlist(void)
{
    struct reader *me = &reader_tls;
    pthread_once(&once, setup);
    pthread_setspecific(key, me);
    me->registered = 1;
    me->next = __atomic_load_n(&readers, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&readers, &me->next, me, 1, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
        ;
}

/* Orders the writer's unpublishing before its look at the readers, on every CPU that runs one of
 * our threads. Without the system call there are only slower ways; the expedited one exists since
 * Linux 4.14. */
static void barrier_all(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (have_membarrier)
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    else
        syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

void epoch_wait(void)
{
    struct reader *me = reader_self();
    barrier_all();
    pthread_mutex_lock(&readers_lock);
    for (struct reader *r = __atomic_load_n(&readers, __ATOMIC_ACQUIRE); r; r = r->next) {
        if (r == me)
            continue;
        uint32_t seen = __atomic_load_n(&r->seq, __ATOMIC_ACQUIRE);
        if (!(seen & 1))
            continue;
        for (int spin = 0; __atomic_load_n(&r->seq, __ATOMIC_ACQUIRE) == seen; spin++)
            if (spin < 100)
                sched_yield();
            else
                usleep(50);
    }
    pthread_mutex_unlock(&readers_lock);
    barrier_all();
}
