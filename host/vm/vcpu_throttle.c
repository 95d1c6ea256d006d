/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that are kept from running for a part of the time, all together. The main loop's timer says
 * when; a nap is no pause: it ends at once when the machine is to stand still. */
#include "core/loop.h"
#include "vcpu_impl.h"

enum { PERIOD_MS = 40, MS = 1000000 };

void vcpu_nap(struct vcpu *c)
{
    struct vcpus *v = c->v;
    pthread_mutex_lock(&v->lock);
    while (__atomic_load_n(&v->want_nap, __ATOMIC_ACQUIRE) &&
           !__atomic_load_n(&v->want_pause, __ATOMIC_ACQUIRE) &&
           !__atomic_load_n(&c->want_end, __ATOMIC_ACQUIRE))
        pthread_cond_wait(&v->cond, &v->lock);
    pthread_mutex_unlock(&v->lock);
}

static void set_nap(struct vcpus *v, uint32_t on)
{
    pthread_mutex_lock(&v->lock);
    __atomic_store_n(&v->want_nap, on, __ATOMIC_RELEASE);
    if (on)
        vcpus_kick_all(v);
    else
        pthread_cond_broadcast(&v->cond);
    pthread_mutex_unlock(&v->lock);
}

static void turn(void *p)
{
    struct vcpus *v = p;
    uint32_t nap = !v->want_nap, percent = nap ? v->throttle : 100 - v->throttle;
    set_nap(v, nap);
    timer_arm(v->throttle_timer,
              clock_now(&v->vm->clock, TN_CLK_REAL) + (uint64_t)percent * PERIOD_MS * MS / 100);
}

void vcpus_throttle(struct vm *vm, uint32_t percent)
{
    struct vcpus *v = vm->vcpus;
    if (!v || v->throttle == percent)
        return;
    uint32_t was = v->throttle;
    v->throttle = percent;
    if (!v->throttle_timer)
        v->throttle_timer = timer_new(vm->main, NULL, TN_LF_NOLOCK, TN_CLK_REAL, turn, v);
    if (percent && !was) {
        turn(v);
    } else if (!percent) {
        timer_disarm(v->throttle_timer);
        set_nap(v, 0);
    }
}
