/* SPDX-License-Identifier: BSD-2-Clause */
/* A vCPU as state: what KVM says of it, field by field, under the names of <linux/kvm.h>. */
#include "vcpu_image.h"

#include "core/state.h"
#include "kvm.h"
#include "util/alloc.h"
#include "vcpu.h"
#include "vcpu_nested.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* ---- from KVM ---- */

static int failed(uint32_t i, const char *what, struct tn_err *e)
{
    return err_set(e, errno, "/dev/kvm: %s of vCPU %u: %s", what, i, strerror(errno));
}

static uint32_t xsave_size(struct kvm *k)
{
    int size = kvm_has(k, KVM_CAP_XSAVE2);
    return size > (int)sizeof(struct kvm_xsave) ? (uint32_t)size : sizeof(struct kvm_xsave);
}

static int get_xsave(struct kvm *k, int fd, struct vcpu_regs *r)
{
    r->xsave_len = xsave_size(k);
    r->xsave = xcalloc(1, r->xsave_len);
    return r->xsave_len > sizeof(struct kvm_xsave) ? ioctl(fd, KVM_GET_XSAVE2, r->xsave)
                                                   : ioctl(fd, KVM_GET_XSAVE, r->xsave);
}

static struct kvm_msrs *msrs_new(uint32_t n)
{
    return xcalloc(1, sizeof(struct kvm_msrs) + n * sizeof(struct kvm_msr_entry));
}

static int get_msr(int fd, uint32_t index, uint64_t *v)
{
    struct kvm_msrs *one = msrs_new(1);
    one->nmsrs = 1;
    one->entries[0].index = index;
    int r = ioctl(fd, KVM_GET_MSRS, one) == 1 ? 0 : -ENOENT;
    *v = one->entries[0].data;
    free(one);
    return r;
}

static int set_msr(int fd, uint32_t index, uint64_t v)
{
    struct kvm_msrs *one = msrs_new(1);
    one->nmsrs = 1;
    one->entries[0] = (struct kvm_msr_entry){.index = index, .data = v};
    int r = ioctl(fd, KVM_SET_MSRS, one) == 1 ? 0 : -EINVAL;
    free(one);
    return r;
}

/* KVM lists MSRs that this vCPU may not have: what can be read is what there is. */
static void get_msrs(struct kvm *k, int fd, struct vcpu_regs *r)
{
    struct kvm_msr_list *list = xcalloc(1, sizeof *list + VCPU_MSRS * sizeof list->indices[0]);
    list->nmsrs = VCPU_MSRS;
    if (ioctl(kvm_system_fd(k), KVM_GET_MSR_INDEX_LIST, list) < 0)
        list->nmsrs = 0;
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        uint64_t v;
        if (get_msr(fd, list->indices[i], &v) < 0)
            continue;
        r->msr_index[r->nmsrs] = list->indices[i];
        r->msr_data[r->nmsrs++] = v;
    }
    free(list);
}

static void get_cpuid(int fd, struct vcpu_regs *r)
{
    struct kvm_cpuid2 *t = xcalloc(1, sizeof *t + VCPU_CPUID * sizeof t->entries[0]);
    t->nent = VCPU_CPUID;
    if (ioctl(fd, KVM_GET_CPUID2, t) < 0)
        t->nent = 0;
    for (uint32_t i = 0; i < t->nent && i < VCPU_CPUID; i++)
        r->cpuid[r->ncpuid++] =
            (struct vcpu_cpuid){t->entries[i].function, t->entries[i].index, t->entries[i].eax,
                                t->entries[i].ebx,      t->entries[i].ecx,   t->entries[i].edx};
    free(t);
}

/* The run state first: KVM takes pending start-up messages into account when it is asked for it. */
static int get_all(struct vm *vm, uint32_t i, struct vcpu_regs *r, struct tn_err *e)
{
    int fd = vcpus_fd(vm, i), khz = ioctl(fd, KVM_GET_TSC_KHZ, 0);
    if (ioctl(fd, KVM_GET_MP_STATE, &r->mp) < 0)
        return failed(i, "run state", e);
    if (ioctl(fd, KVM_GET_REGS, &r->regs) < 0 || ioctl(fd, KVM_GET_SREGS, &r->sregs) < 0)
        return failed(i, "registers", e);
    if (get_xsave(vm->kvm, fd, r) < 0)
        return failed(i, "FPU", e);
    r->has_xcrs = kvm_has(vm->kvm, KVM_CAP_XCRS) > 0 && ioctl(fd, KVM_GET_XCRS, &r->xcrs) == 0;
    r->nxcrs = r->has_xcrs && r->xcrs.nr_xcrs <= KVM_MAX_XCRS ? r->xcrs.nr_xcrs : 0;
    if (ioctl(fd, KVM_GET_DEBUGREGS, &r->debug) < 0)
        return failed(i, "debug registers", e);
    get_msrs(vm->kvm, fd, r);
    r->nmsr_data = r->nmsrs;
    if (ioctl(fd, KVM_GET_LAPIC, &r->lapic) < 0)
        return failed(i, "local APIC", e);
    if (ioctl(fd, KVM_GET_VCPU_EVENTS, &r->events) < 0)
        return failed(i, "events", e);
    r->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
    get_cpuid(fd, r);
    return vcpu_nested_get(vm->kvm, fd, i, r, &r->nested, e);
}

/* ---- to KVM ---- */

/* Time goes on at the speed that the guest has measured; a difference that the guest's own clock
 * steering takes care of is none. */
static int set_tsc_rate(struct vm *vm, int fd, uint32_t i, uint32_t khz, struct tn_err *e)
{
    int now = ioctl(fd, KVM_GET_TSC_KHZ, 0);
    (void)vm;
    if (!khz || now <= 0 || (uint32_t)now == khz || ioctl(fd, KVM_SET_TSC_KHZ, (long)khz) == 0)
        return 0;
    uint64_t off = khz > (uint32_t)now ? khz - (uint32_t)now : (uint32_t)now - khz;
    return off * 1000000 / khz <= 250
               ? 0
               : err_set(e, ENOTSUP,
                         "the TSC of vCPU %u runs at %u kHz, and this processor's, at %d kHz, "
                         "cannot be scaled",
                         i, khz, now);
}

enum { MSR_FEATURE_CONTROL = 0x3a, MSR_TSC_DEADLINE = 0x6e0 };

/* What cannot be written is no harm where the value is there already. */
static int put_msr(int fd, uint32_t i, uint32_t index, uint64_t v, struct tn_err *e)
{
    uint64_t now = 0;
    if (set_msr(fd, index, v) == 0 || (get_msr(fd, index, &now) == 0 && now == v))
        return 0;
    return err_set(e, ENOTSUP, "MSR 0x%x of vCPU %u cannot have the value 0x%" PRIx64 " here",
                   index, i, v);
}

static int set_msrs(int fd, uint32_t i, const struct vcpu_regs *r, int deadline, struct tn_err *e)
{
    for (uint32_t n = 0; n < r->nmsrs; n++) {
        if ((r->msr_index[n] == MSR_TSC_DEADLINE) != deadline)
            continue;
        int err = put_msr(fd, i, r->msr_index[n], r->msr_data[n], e);
        if (err < 0)
            return err;
    }
    return 0;
}

/* A hypervisor's state is in between: virtualization is on by control registers (and where there is
 * one, by MSR), and what follows is its guest's if it is in one. */
static int set_control(struct vm *vm, int fd, uint32_t i, struct vcpu_regs *r, struct tn_err *e)
{
    vcpu_nested_leave(vm->kvm, fd);
    for (uint32_t n = 0; r->nested.on && n < r->nmsrs; n++)
        if (r->msr_index[n] == MSR_FEATURE_CONTROL)
            set_msr(fd, MSR_FEATURE_CONTROL, r->msr_data[n]);
    if (ioctl(fd, KVM_SET_SREGS, &r->sregs) < 0)
        return failed(i, "control registers", e);
    return vcpu_nested_set(vm->kvm, fd, i, &r->nested, e);
}

/* The local APIC after its base and its mode, the deadline of its timer after both, the run state
 * last. */
static int set_all(struct vm *vm, uint32_t i, struct vcpu_regs *r, struct tn_err *e)
{
    int fd = vcpus_fd(vm, i), err = set_tsc_rate(vm, fd, i, r->tsc_khz, e);
    if (err == 0)
        err = set_control(vm, fd, i, r, e);
    if (err < 0)
        return err;
    if (ioctl(fd, KVM_SET_REGS, &r->regs) < 0)
        return failed(i, "registers", e);
    if (r->has_xcrs && ioctl(fd, KVM_SET_XCRS, &r->xcrs) < 0)
        return failed(i, "extended control registers", e);
    if (ioctl(fd, KVM_SET_XSAVE, r->xsave) < 0)
        return failed(i, "FPU", e);
    if ((err = set_msrs(fd, i, r, 0, e)) < 0)
        return err;
    if (ioctl(fd, KVM_SET_LAPIC, &r->lapic) < 0)
        return failed(i, "local APIC", e);
    if ((err = set_msrs(fd, i, r, 1, e)) < 0)
        return err;
    if (ioctl(fd, KVM_SET_DEBUGREGS, &r->debug) < 0)
        return failed(i, "debug registers", e);
    if (ioctl(fd, KVM_SET_VCPU_EVENTS, &r->events) < 0)
        return failed(i, "events", e);
    return ioctl(fd, KVM_SET_MP_STATE, &r->mp) < 0 ? failed(i, "run state", e) : 0;
}

/* ---- state ---- */

static struct vcpu_regs *regs_new(struct vm *vm)
{
    struct vcpu_regs *r = XNEW(struct vcpu_regs);
    (void)vm;
    r->msr_index = xcalloc(VCPU_MSRS, sizeof *r->msr_index);
    r->msr_data = xcalloc(VCPU_MSRS, sizeof *r->msr_data);
    r->cpuid = xcalloc(VCPU_CPUID, sizeof *r->cpuid);
    return r;
}

static void regs_free(struct vcpu_regs *r)
{
    free(r->msr_index);
    free(r->msr_data);
    free(r->cpuid);
    free(r->xsave);
    free(r->nested.data);
    free(r);
}

int vcpu_image_save(struct vm *vm, uint32_t i, struct buf *out, struct tn_err *e)
{
    struct vcpu_regs *r = regs_new(vm);
    r->index = i;
    int err = get_all(vm, i, r, e);
    if (err == 0)
        err = state_write(&vcpu_regs_state, r, out, e);
    regs_free(r);
    return err;
}

/* Feature words of CPUID: what a guest may have found and used. */
static const struct feature {
    uint32_t function, index, reg; /* reg: 0 EAX to 3 EDX */
    uint32_t ignore;               /* bits that follow the vCPU's own registers */
} features[] = {
    {1, 0, 2, 1u << 27},    {1, 0, 3, 1u << 9},
    {7, 0, 1, 0},           {7, 0, 2, 1u << 4},
    {7, 0, 3, 0},           {7, 1, 0, 0},
    {0xd, 0, 0, 0},         {0xd, 1, 0, 0},
    {0x80000001u, 0, 2, 0}, {0x80000001u, 0, 3, 1u << 9},
    {0x80000008u, 0, 1, 0}, {0x40000001u, 0, 0, 0},
};

static uint32_t word(const struct vcpu_regs *r, const struct feature *f)
{
    for (uint32_t i = 0; i < r->ncpuid; i++)
        if (r->cpuid[i].function == f->function && r->cpuid[i].index == f->index) {
            const uint32_t v[] = {r->cpuid[i].eax, r->cpuid[i].ebx, r->cpuid[i].ecx,
                                  r->cpuid[i].edx};
            return v[f->reg] & ~f->ignore;
        }
    return 0;
}

static int check_features(uint32_t i, const struct vcpu_regs *there, const struct vcpu_regs *here,
                          struct tn_err *e)
{
    static const char *const names[] = {"EAX", "EBX", "ECX", "EDX"};
    for (size_t n = 0; n < ARRAY_SIZE(features); n++) {
        const struct feature *f = &features[n];
        if (word(there, f) != word(here, f))
            return err_set(e, EINVAL,
                           "vCPU %u has other features here: CPUID 0x%x.%u %s is 0x%08x there and "
                           "0x%08x here",
                           i, f->function, f->index, names[f->reg], word(there, f), word(here, f));
    }
    return 0;
}

/* Parses and checks; the caller frees *out. */
static int read_image(struct vm *vm, uint32_t i, const void *p, size_t len, struct vcpu_regs **out,
                      struct tn_err *e)
{
    struct vcpu_regs *r = *out = regs_new(vm), *here = regs_new(vm);
    r->xsave = xcalloc(1, VCPU_XSAVE);
    r->nested.data = xcalloc(1, VCPU_NESTED_DATA);
    get_cpuid(vcpus_fd(vm, i), here);
    int err = state_read(&vcpu_regs_state, r, p, len, e);
    r->has_xcrs = r->nxcrs != 0;
    r->xcrs.nr_xcrs = r->nxcrs;
    if (err == 0 && (r->index != i || r->nmsrs != r->nmsr_data))
        err = err_set(e, EINVAL, "the state of vCPU %u makes no sense", i);
    if (err == 0)
        err = check_features(i, r, here, e);
    if (err == 0)
        err = vcpu_nested_fits(vm->kvm, vcpus_fd(vm, i), i, &r->nested, e);
    if (err == 0 && r->xsave_len != xsave_size(vm->kvm))
        err = err_set(e, EINVAL, "the FPU of vCPU %u takes %u bytes there and %u here", i,
                      r->xsave_len, xsave_size(vm->kvm));
    regs_free(here);
    return err;
}

int vcpu_image_fits(struct vm *vm, uint32_t i, const void *p, size_t len, struct tn_err *e)
{
    struct vcpu_regs *r;
    int err = read_image(vm, i, p, len, &r, e);
    regs_free(r);
    return err;
}

int vcpu_image_load(struct vm *vm, uint32_t i, const void *p, size_t len, struct tn_err *e)
{
    struct vcpu_regs *r;
    int err = read_image(vm, i, p, len, &r, e);
    if (err == 0)
        err = set_all(vm, i, r, e);
    regs_free(r);
    return err;
}

/* ---- the clock ---- */

uint64_t vcpu_clock_save(struct vm *vm)
{
    struct kvm_clock_data c = {0};
    return vm->kvm && ioctl(kvm_vm_fd(vm->kvm), KVM_GET_CLOCK, &c) == 0 ? c.clock : 0;
}

int vcpu_clock_load(struct vm *vm, uint64_t ns, struct tn_err *e)
{
    struct kvm_clock_data c = {.clock = ns};
    return vm->kvm && ioctl(kvm_vm_fd(vm->kvm), KVM_SET_CLOCK, &c) < 0
               ? err_set(e, errno, "/dev/kvm: clock: %s", strerror(errno))
               : 0;
}

void vcpu_clock_tell(struct vm *vm)
{
    for (uint32_t i = 0; i < vcpus_max(vm); i++)
        if (vcpus_present(vm, i))
            ioctl(vcpus_fd(vm, i), KVM_KVMCLOCK_CTRL, 0); /* -EINVAL: it has no kvmclock */
}
