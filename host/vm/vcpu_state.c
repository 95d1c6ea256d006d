/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of a vCPU: the architectural reset state, as KVM made it, and the state in which a
 * kernel is entered. */
#include "util/alloc.h"
#include "vcpu_impl.h"
#include "vcpu_nested.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    MSR_IA32_TSC = 0x10,
    MSR_IA32_TSC_ADJUST = 0x3b,
    MSR_IA32_MTRR_DEF_TYPE = 0x2ff,
    MTRR_ENABLE_WRITE_BACK =
        0x806, /* SDM 12.11.2.1: enabled, default write-back, as firmware leaves it */
    MAX_MSRS = 1024
};

struct vcpu_reset_state {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_lapic_state lapic;
    struct kvm_vcpu_events events;
    struct kvm_mp_state mp;
    struct kvm_debugregs debug;
    struct kvm_xcrs xcrs;
    struct kvm_xsave *xsave; /* of the size that KVM says; NULL: fpu */
    struct kvm_fpu fpu;
    struct kvm_msrs *msrs; /* those that can be read */
    uint32_t has_xcrs, has_debug;
};

static struct kvm_msrs *msrs_alloc(uint32_t n)
{
    return xcalloc(1, sizeof(struct kvm_msrs) + n * sizeof(struct kvm_msr_entry));
}

/* Time goes on over a reset: the kernel's clocks are built on it. */
static int keep_running(uint32_t msr)
{
    return msr == MSR_IA32_TSC || msr == MSR_IA32_TSC_ADJUST;
}

static struct kvm_msrs *list_msrs(const struct vcpu *c)
{
    AUTO_FREE struct kvm_msr_list *list =
        xcalloc(1, sizeof *list + MAX_MSRS * sizeof list->indices[0]);
    list->nmsrs = MAX_MSRS;
    if (ioctl(kvm_system_fd(c->v->vm->kvm), KVM_GET_MSR_INDEX_LIST, list) < 0)
        list->nmsrs = 0;
    struct kvm_msrs *all = msrs_alloc(list->nmsrs);
    for (uint32_t i = 0; i < list->nmsrs; i++)
        if (!keep_running(list->indices[i]))
            all->entries[all->nmsrs++].index = list->indices[i];
    return all;
}

/* KVM lists MSRs that this vCPU may not have, and stops at each: it is left out, and the rest asked
 * for. */
static struct kvm_msrs *read_msrs(const struct vcpu *c)
{
    AUTO_FREE struct kvm_msrs *rest = list_msrs(c);
    struct kvm_msrs *all = msrs_alloc(rest->nmsrs);
    while (rest->nmsrs) {
        int n = ioctl(c->fd, KVM_GET_MSRS, rest);
        uint32_t got = n > 0 ? (uint32_t)n : 0, over = got < rest->nmsrs ? got + 1 : got;
        memcpy(all->entries + all->nmsrs, rest->entries, got * sizeof all->entries[0]);
        all->nmsrs += got;
        rest->nmsrs -= over;
        memmove(rest->entries, rest->entries + over, rest->nmsrs * sizeof rest->entries[0]);
    }
    return all;
}

static void write_msrs(struct vcpu *c, const struct kvm_msrs *all)
{
    struct kvm_msrs *rest = msrs_alloc(all->nmsrs);
    for (uint32_t done = 0; done < all->nmsrs;) {
        rest->nmsrs = all->nmsrs - done;
        memcpy(rest->entries, all->entries + done, rest->nmsrs * sizeof rest->entries[0]);
        int n = ioctl(c->fd, KVM_SET_MSRS, rest);
        done += n > 0 ? (uint32_t)n : 0;
        if (done < all->nmsrs) /* read-only in effect: nothing to put back */
            done++;
    }
    free(rest);
}

static void set_msr(struct vcpu *c, uint32_t index, uint64_t v)
{
    struct kvm_msrs *one = msrs_alloc(1);
    one->nmsrs = 1;
    one->entries[0] = (struct kvm_msr_entry){.index = index, .data = v};
    ioctl(c->fd, KVM_SET_MSRS, one);
    free(one);
}

/* A triple fault on a processor of AMD makes KVM forget the TSC offset in hardware, but not in its
 * own books: the guest would read the host's TSC, and have its timers late by the difference. Here
 * it gets the same offset anew. */
static void renew_tsc_offset(struct vcpu *c)
{
    uint64_t offset = 0;
    struct kvm_device_attr a = {.group = KVM_VCPU_TSC_CTRL,
                                .attr = KVM_VCPU_TSC_OFFSET,
                                .addr = (uint64_t)(uintptr_t)&offset};
    if (ioctl(c->fd, KVM_GET_DEVICE_ATTR, &a) == 0 && ioctl(c->fd, KVM_SET_DEVICE_ATTR, &a) == 0)
        return;
    struct kvm_msrs *one =
        msrs_alloc(1); /* before Linux 5.16: KVM makes the offset of a value close to its own */
    one->nmsrs = 1;
    one->entries[0].index = MSR_IA32_TSC;
    if (ioctl(c->fd, KVM_GET_MSRS, one) == 1)
        ioctl(c->fd, KVM_SET_MSRS, one);
    free(one);
}

static void remember_fpu(struct vcpu *c, struct vcpu_reset_state *f)
{
    int size = kvm_has(c->v->vm->kvm, KVM_CAP_XSAVE2);
    if (kvm_has(c->v->vm->kvm, KVM_CAP_XSAVE) > 0) {
        f->xsave = xcalloc(1, size > (int)sizeof *f->xsave ? (size_t)size : sizeof *f->xsave);
        int get = size > (int)sizeof *f->xsave ? ioctl(c->fd, KVM_GET_XSAVE2, f->xsave)
                                               : ioctl(c->fd, KVM_GET_XSAVE, f->xsave);
        if (get < 0) {
            free(f->xsave);
            f->xsave = NULL;
        }
    }
    if (!f->xsave)
        ioctl(c->fd, KVM_GET_FPU, &f->fpu);
    f->has_xcrs =
        kvm_has(c->v->vm->kvm, KVM_CAP_XCRS) > 0 && ioctl(c->fd, KVM_GET_XCRS, &f->xcrs) == 0;
    f->has_debug = kvm_has(c->v->vm->kvm, KVM_CAP_DEBUGREGS) > 0 &&
                   ioctl(c->fd, KVM_GET_DEBUGREGS, &f->debug) == 0;
}

int vcpu_state_remember(struct vcpu *c, struct tn_err *e)
{
    struct vcpu_reset_state *f = XNEW(struct vcpu_reset_state);
    c->fresh = f;
    if (ioctl(c->fd, KVM_GET_REGS, &f->regs) < 0 || ioctl(c->fd, KVM_GET_SREGS, &f->sregs) < 0 ||
        ioctl(c->fd, KVM_GET_LAPIC, &f->lapic) < 0 ||
        ioctl(c->fd, KVM_GET_VCPU_EVENTS, &f->events) < 0 ||
        ioctl(c->fd, KVM_GET_MP_STATE, &f->mp) < 0)
        return err_set(e, errno, "/dev/kvm: state of vCPU %u: %s", c->index, strerror(errno));
    remember_fpu(c, f);
    return 0;
}

void vcpu_state_forget(struct vcpu *c)
{
    if (!c->fresh)
        return;
    free(c->fresh->xsave);
    free(c->fresh->msrs);
    free(c->fresh);
}

/* ---- a kernel's entry ---- */

static struct kvm_segment segment(const struct boot_seg *s)
{
    return (struct kvm_segment){.base = s->base,
                                .limit = s->limit,
                                .selector = s->selector,
                                .type = s->attr & 15,
                                .s = s->attr >> 4 & 1,
                                .dpl = s->attr >> 5 & 3,
                                .present = s->attr >> 7 & 1,
                                .avl = s->attr >> 12 & 1,
                                .l = s->attr >> 13 & 1,
                                .db = s->attr >> 14 & 1,
                                .g = s->attr >> 15 & 1};
}

static void enter_kernel(struct kvm_sregs *s, struct kvm_regs *r, const struct boot_entry *b)
{
    s->cs = segment(&b->cs);
    s->ds = s->es = s->fs = s->gs = s->ss = segment(&b->ds);
    s->tr = segment(&b->tr);
    s->gdt.base = b->gdt_gpa;
    s->gdt.limit = (uint16_t)b->gdt_limit;
    s->idt.base = 0;
    s->idt.limit = 0;
    s->cr0 = b->cr0;
    s->cr3 = b->cr3;
    s->cr4 = b->cr4;
    s->efer = b->efer;
    *r = (struct kvm_regs){
        .rip = b->rip, .rsp = b->rsp, .rbx = b->rbx, .rsi = b->rsi, .rflags = b->rflags};
}

static void enter(struct kvm_sregs *s, struct kvm_regs *r, const struct boot_entry *b)
{
    if (b && b->mode == BOOT_WAKE) {
        s->cs.base = b->cs.base;
        s->cs.selector = b->cs.selector;
        r->rip = b->rip;
    } else if (b && b->mode != BOOT_RESET) {
        enter_kernel(s, r, b);
    }
}

/* What a kernel's entry does not say, put back; the guest may have been anywhere. */
static int put_back(struct vcpu *c, struct tn_err *e)
{
    struct vcpu_reset_state *f = c->fresh;
    vcpu_nested_leave(c->v->vm->kvm, c->fd);
    write_msrs(c, f->msrs);
    renew_tsc_offset(c);
    if (f->xsave ? ioctl(c->fd, KVM_SET_XSAVE, f->xsave) < 0
                 : ioctl(c->fd, KVM_SET_FPU, &f->fpu) < 0)
        return err_set(e, errno, "/dev/kvm: FPU of vCPU %u: %s", c->index, strerror(errno));
    if (f->has_xcrs)
        ioctl(c->fd, KVM_SET_XCRS, &f->xcrs);
    if (f->has_debug)
        ioctl(c->fd, KVM_SET_DEBUGREGS, &f->debug);
    return 0;
}

/* The APIC base and the local APIC come before what depends on them; the run state last. Also of a
 * fresh vCPU: it is by this that KVM learns which APIC ids there are now. */
static int write_registers(struct vcpu *c, const struct boot_entry *entry, struct tn_err *e)
{
    struct vcpu_reset_state *f = c->fresh;
    struct kvm_sregs s = f->sregs;
    struct kvm_regs r = f->regs;
    enter(&s, &r, entry);
    if (ioctl(c->fd, KVM_SET_SREGS, &s) < 0 || ioctl(c->fd, KVM_SET_REGS, &r) < 0 ||
        ioctl(c->fd, KVM_SET_LAPIC, &f->lapic) < 0 ||
        ioctl(c->fd, KVM_SET_VCPU_EVENTS, &f->events) < 0 ||
        ioctl(c->fd, KVM_SET_MP_STATE, &f->mp) < 0)
        return err_set(e, errno, "/dev/kvm: resetting vCPU %u: %s", c->index, strerror(errno));
    return 0;
}

int vcpu_state_reset(struct vcpu *c, const struct boot_entry *entry, struct tn_err *e)
{
    int err = 0;
    if (c->fresh->msrs)
        err = put_back(c, e);
    else /* the first time: all is as KVM made it */
        c->fresh->msrs = read_msrs(c);
    if (err < 0)
        return err;
    if (entry && entry->mode != BOOT_RESET)
        set_msr(c, MSR_IA32_MTRR_DEF_TYPE, MTRR_ENABLE_WRITE_BACK);
    return write_registers(c, entry, e);
}
