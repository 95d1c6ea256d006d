/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs that come and go, and their threads. */
#include "core/device.h"
#include "core/loop.h"
#include "run.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include "vcpu_impl.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define KICK_SIGNAL SIGUSR1 /* its handler does nothing: it only ends KVM_RUN */

/* ---- threads ---- */

static int wants(const uint32_t *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0;
}

/* Finishes what the last exit left half-done in the kernel (the value of a read), without entering
 * the guest. The rest of an instruction (the next page, the next of 16 bytes) comes as further
 * exits: left there, it would run into the state that is loaded or reset meanwhile. */
static void complete_io(struct vcpu *c)
{
    __atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_RELEASE);
    while (ioctl(c->fd, KVM_RUN, 0) == 0)
        vcpu_on_exit(c);
}

/* The kick is taken back before its reason is looked at: one that comes between the two is not
 * lost. */
static void heed_kick(struct vcpu *c)
{
    __atomic_store_n(&c->run->immediate_exit, 0, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void park(struct vcpu *c)
{
    struct vcpus *v = c->v;
    complete_io(c);
    pthread_mutex_lock(&v->lock);
    v->inside--;
    pthread_cond_broadcast(&v->cond);
    while (wants(&v->want_pause) && !wants(&c->want_end))
        pthread_cond_wait(&v->cond, &v->lock);
    v->inside++;
    pthread_mutex_unlock(&v->lock);
    heed_kick(c);
}

static void enter(struct vcpu *c)
{
    if (ioctl(c->fd, KVM_RUN, 0) == 0) {
        vcpu_on_exit(c);
    } else if (errno == EINTR) {
        heed_kick(
            c); /* also one that comes when its reason is gone: nobody else would take it back */
    } else if (errno == EFAULT) {
        vcpu_stuck(c, "the guest touched memory that cannot be mapped, flags", c->run->exit_reason);
    } else if (errno != EAGAIN) {
        vcpu_stuck(c, "KVM_RUN failed, errno", (uint64_t)errno);
    }
}

static void *vcpu_thread(void *p)
{
    struct vcpu *c = p;
    struct vcpus *v = c->v;
    char name[16];
    snprintf(name, sizeof name, "CPU %u/KVM", c->index);
    pthread_setname_np(pthread_self(), name);
    __atomic_store_n(&c->tid, (int32_t)gettid(), __ATOMIC_RELEASE);
    sandbox_enter(v->vm, SANDBOX_VCPU, NULL);
    while (!wants(&c->want_end)) {
        if (wants(&v->want_pause)) {
            park(c);
            continue;
        }
        if (wants(&v->want_nap)) {
            vcpu_nap(c);
            continue;
        }
        if (c->index == 0 && !__atomic_load_n(&v->first_entry_ns, __ATOMIC_RELAXED))
            __atomic_store_n(&v->first_entry_ns, clock_now(&v->vm->clock, TN_CLK_REAL),
                             __ATOMIC_RELEASE);
        enter(c);
    }
    pthread_mutex_lock(&v->lock);
    v->inside--;
    c->has_thread = 0; /* nobody kicks it any more */
    pthread_cond_broadcast(&v->cond);
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

/* With the lock: a thread that ends says so first. */
static void kick(struct vcpu *c)
{
    if (!c->has_thread)
        return;
    __atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_RELEASE);
    if (!pthread_equal(c->thread, pthread_self()))
        pthread_kill(c->thread, KICK_SIGNAL);
}

void vcpus_kick_all(struct vcpus *v)
{
    for (uint32_t i = 0; i < v->o.max; i++)
        kick(&v->cpu[i]);
}

static void on_kick(int sig)
{
    (void)sig;
}

/* With the lock. */
static int make_thread(struct vcpu *c)
{
    int err = pthread_create(&c->thread, NULL, vcpu_thread, c);
    c->has_thread = err == 0;
    c->v->inside += err == 0;
    return -err;
}

static void make_threads(struct vcpus *v)
{
    struct sigaction sa = {.sa_handler = on_kick};
    sigaction(KICK_SIGNAL, &sa, NULL);
    v->running = 1;
    for (uint32_t i = 0; i < v->o.max; i++)
        if (v->cpu[i].present && make_thread(&v->cpu[i]) < 0) {
            log_line(LOG_ERROR, "no thread for vCPU %u", i);
            exit(1);
        }
}

void vcpus_hold(struct vm *vm)
{
    struct vcpus *v = vm->vcpus;
    if (!v || __atomic_exchange_n(&v->want_pause, 1, __ATOMIC_ACQ_REL))
        return;
    pthread_mutex_lock(&v->lock);
    vcpus_kick_all(v);
    pthread_cond_broadcast(&v->cond); /* who naps */
    pthread_mutex_unlock(&v->lock);
}

void vcpus_run(struct vm *vm)
{
    struct vcpus *v = vm->vcpus;
    if (!v)
        return;
    pthread_mutex_lock(&v->lock);
    __atomic_store_n(&v->want_pause, 0, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&v->cond);
    if (!v->running)
        make_threads(v);
    pthread_mutex_unlock(&v->lock);
}

/* Returns when *count is 0, with the lock. A vCPU may wait for an access that the main loop has to
 * finish (core->stall), so the loop goes on meanwhile. */
static void await_none(struct vcpus *v, const uint32_t *count)
{
    while (*count) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 2000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        if (pthread_cond_timedwait(&v->cond, &v->lock, &until) == ETIMEDOUT) {
            pthread_mutex_unlock(&v->lock);
            loop_once(v->vm->main, 0);
            pthread_mutex_lock(&v->lock);
            vcpus_kick_all(v);
        }
    }
}

void vcpus_pause(struct vm *vm)
{
    struct vcpus *v = vm->vcpus;
    if (!v || !v->running)
        return;
    vcpus_hold(vm);
    pthread_mutex_lock(&v->lock);
    await_none(v, &v->inside);
    pthread_mutex_unlock(&v->lock);
}

void vcpus_nmi(struct vm *vm)
{
    for (uint32_t i = 0; i < vcpus_max(vm); i++)
        if (vcpus_present(vm, i))
            ioctl(vm->vcpus->cpu[i].fd, KVM_NMI, 0);
}

/* ---- coming and going ---- */

static int create(struct vcpus *v, uint32_t i, struct tn_err *e)
{
    struct vcpu *c = &v->cpu[i];
    c->fd = ioctl(kvm_vm_fd(v->vm->kvm), KVM_CREATE_VCPU, (unsigned long)c->apic_id);
    if (c->fd < 0)
        return err_set(e, errno, "/dev/kvm: vCPU %u: %s", i, strerror(errno));
    c->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    if (c->run == MAP_FAILED) {
        c->run = NULL;
        return err_set(e, errno, "/dev/kvm: state of vCPU %u: %s", i, strerror(errno));
    }
    cpuid_personal(v->cpuid, &v->o, c->apic_id);
    if (ioctl(c->fd, KVM_SET_CPUID2, v->cpuid) < 0)
        return err_set(e, errno, "/dev/kvm: KVM refuses the CPUID of vCPU %u: %s", i,
                       strerror(errno));
    return vcpu_state_remember(c, e);
}

static void destroy(struct vcpu *c)
{
    if (c->run)
        munmap(c->run, c->v->run_size);
    c->run = NULL;
    close_fd(&c->fd);
    vcpu_state_forget(c);
    c->fresh = NULL;
}

/* Either made now, or kept from the last time that it was plugged. */
static int prepare(struct vcpu *c, struct tn_err *e)
{
    int made = c->fd < 0, err = made ? create(c->v, c->index, e) : 0;
    if (err == 0 && c->v->started)
        err = vcpu_state_reset(c, NULL, e);
    if (err < 0 && made)
        destroy(c);
    return err;
}

int vcpus_add(struct vm *vm, uint32_t i, struct tn_err *e)
{
    struct vcpus *v = vm->vcpus;
    struct vcpu *c = &v->cpu[i];
    int err = prepare(c, e);
    if (err < 0)
        return err;
    pthread_mutex_lock(&v->lock);
    c->want_end = 0;
    if (v->running)
        err = make_thread(c);
    c->present = err == 0;
    if (v->running && wants(&v->want_pause))
        await_none(v, &v->inside); /* the machine is paused, and the new one with it */
    pthread_mutex_unlock(&v->lock);
    return err < 0 ? err_set(e, -err, "no thread for vCPU %u: %s", i, strerror(-err)) : 0;
}

void vcpus_remove(struct vm *vm, uint32_t i)
{
    struct vcpus *v = vm->vcpus;
    struct vcpu *c = &v->cpu[i];
    pthread_mutex_lock(&v->lock);
    int had = (int)c->has_thread;
    c->present = 0;
    __atomic_store_n(&c->want_end, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&v->cond);
    kick(c);
    await_none(v, &c->has_thread);
    pthread_mutex_unlock(&v->lock);
    if (had)
        pthread_join(c->thread, NULL);
    __atomic_store_n(&c->tid, 0, __ATOMIC_RELEASE);
}

static struct vcpus *alloc(struct vm *vm, const struct vcpu_options *o)
{
    struct vcpus *v = xcalloc(1, sizeof *v + o->max * sizeof v->cpu[0]);
    v->vm = vm;
    v->o = *o;
    v->want_pause = 1;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->cond, NULL);
    for (uint32_t i = 0; i < o->max; i++)
        v->cpu[i] = (struct vcpu){.v = v, .index = i, .apic_id = cpuid_apic_id(o, i), .fd = -1};
    int size = ioctl(kvm_system_fd(vm->kvm), KVM_GET_VCPU_MMAP_SIZE, 0);
    v->run_size = size > 0 ? (size_t)size : 4096;
    return v;
}

struct vcpus *vcpus_new(struct vm *vm, const struct vcpu_options *o, struct tn_err *e)
{
    int most = kvm_has(vm->kvm, KVM_CAP_MAX_VCPUS);
    if (most > 0 && o->max > (uint32_t)most) {
        err_set(e, EINVAL,
                "Number of hotpluggable CPUs requested (%u) exceeds max CPUs supported by KVM (%d)",
                o->max, most);
        return NULL;
    }
    struct vcpus *v = alloc(vm, o);
    v->cpuid = cpuid_make(vm->kvm, o->config, e);
    if (v->cpuid)
        return v;
    vcpus_free(v);
    return NULL;
}

void vcpus_free(struct vcpus *v)
{
    if (!v)
        return;
    for (uint32_t i = 0; i < v->o.max; i++) {
        if (v->cpu[i].present)
            vcpus_remove(v->vm, i);
        destroy(&v->cpu[i]);
    }
    if (v->throttle_timer)
        timer_del(v->throttle_timer);
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->cond);
    free(v->cpuid);
    free(v);
}

uint32_t vcpus_max(const struct vm *vm)
{
    return vm->vcpus ? vm->vcpus->o.max : 0;
}

int vcpus_present(const struct vm *vm, uint32_t i)
{
    return i < vcpus_max(vm) && vm->vcpus->cpu[i].present;
}

int32_t vcpus_thread_id(const struct vm *vm, uint32_t i)
{
    return vcpus_present(vm, i) ? __atomic_load_n(&vm->vcpus->cpu[i].tid, __ATOMIC_ACQUIRE) : 0;
}

int vcpus_fd(const struct vm *vm, uint32_t i)
{
    return vcpus_present(vm, i) ? vm->vcpus->cpu[i].fd : -1;
}

int vcpus_reset(struct vm *vm, const struct boot_entry *entry, struct tn_err *e)
{
    if (vm->vcpus)
        vm->vcpus->started = 1;
    for (uint32_t i = 0; i < vcpus_max(vm); i++) {
        int err = vcpus_present(vm, i)
                      ? vcpu_state_reset(&vm->vcpus->cpu[i], i == 0 ? entry : NULL, e)
                      : 0;
        if (err < 0)
            return err;
    }
    return 0;
}

uint64_t vcpus_first_entry_ns(const struct vm *vm)
{
    return vm->vcpus ? __atomic_load_n(&vm->vcpus->first_entry_ns, __ATOMIC_ACQUIRE) : 0;
}

char *vcpus_stats(const struct vm *vm)
{
    uint64_t all = 0, pio = 0, mmio = 0, eoi = 0;
    for (uint32_t i = 0; i < vcpus_max(vm); i++) {
        const struct vcpu *c = &vm->vcpus->cpu[i];
        all += c->exits;
        pio += c->by_kind[KVM_EXIT_IO];
        mmio += c->by_kind[KVM_EXIT_MMIO];
        eoi += c->by_kind[KVM_EXIT_IOAPIC_EOI];
    }
    return xasprintf("exits %" PRIu64 " pio %" PRIu64 " mmio %" PRIu64 " eoi %" PRIu64, all, pio,
                     mmio, eoi);
}
