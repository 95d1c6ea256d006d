/* SPDX-License-Identifier: BSD-2-Clause */
#include "hmp_cpu.h"

#include "vm/machine.h"
#include "vm/run.h"
#include "vm/vcpu.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

int hmp_cpu_exists(const struct vm *vm, uint32_t i)
{
    if (vm->vcpus)
        return vcpus_present(vm, i);
    return i == 0 && vm->memory && vm->machine; /* qtest: one, that never runs */
}

/* SDM 3, 9.1.1, table 9-1: after power-up. */
static void after_reset(struct hmp_cpu *c)
{
    const struct kvm_segment data = {.limit = 0xffff, .type = 3, .present = 1, .s = 1};
    struct kvm_sregs *s = &c->sregs;
    memset(c, 0, sizeof *c);
    s->ds = s->es = s->fs = s->gs = s->ss = s->cs = data;
    s->cs.selector = 0xf000;
    s->cs.base = 0xffff0000;
    s->cs.type = 11;
    s->ldt = (struct kvm_segment){.limit = 0xffff, .type = 2, .present = 1};
    s->tr = (struct kvm_segment){.limit = 0xffff, .type = 11, .present = 1};
    s->gdt.limit = s->idt.limit = 0xffff;
    s->cr0 = 0x60000010;
    c->regs.rip = 0xfff0;
    c->regs.rflags = 2;
    c->debug.dr6 = 0xffff0ff0;
    c->debug.dr7 = 0x400;
    c->fpu.fcw = 0x37f;
    c->fpu.mxcsr = 0x1f80;
}

static int look(int fd, struct hmp_cpu *c)
{
    struct kvm_mp_state mp = {0};
    memset(c, 0, sizeof *c);
    if (ioctl(fd, KVM_GET_REGS, &c->regs) < 0 || ioctl(fd, KVM_GET_SREGS, &c->sregs) < 0 ||
        ioctl(fd, KVM_GET_FPU, &c->fpu) < 0 || ioctl(fd, KVM_GET_MP_STATE, &mp) < 0)
        return -errno;
    ioctl(fd, KVM_GET_DEBUGREGS, &c->debug); /* where KVM has them */
    struct kvm_xsave x;
    if (ioctl(fd, KVM_GET_XSAVE, &x) == 0)
        c->fpu.mxcsr = x.region[6]; /* KVM_GET_FPU leaves it out; SDM 1, 10.5.1 */
    c->halted = mp.mp_state == KVM_MP_STATE_HALTED;
    return 0;
}

int hmp_cpu_look(struct vm *vm, uint32_t i, struct hmp_cpu *c, struct tn_err *e)
{
    if (!vm->vcpus) {
        after_reset(c);
        return 0;
    }
    run_hold(vm);
    int r = look(vcpus_fd(vm, i), c);
    run_unhold(vm);
    return r < 0 ? err_set(e, -r, "registers of CPU #%u: %s", i, strerror(-r)) : 0;
}

int hmp_cpu_translate(struct vm *vm, uint32_t i, uint64_t va, uint64_t *gpa)
{
    struct kvm_translation t = {.linear_address = va};
    if (!vm->vcpus) {
        *gpa = va; /* as after reset */
        return 0;
    }
    run_hold(vm);
    int r = ioctl(vcpus_fd(vm, i), KVM_TRANSLATE, &t);
    run_unhold(vm);
    if (r < 0 || !t.valid)
        return -EFAULT;
    *gpa = t.physical_address;
    return 0;
}
