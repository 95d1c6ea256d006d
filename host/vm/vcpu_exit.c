/* SPDX-License-Identifier: BSD-2-Clause */
/* Why KVM_RUN returned. */
#include "core/trace_point.h"
#include "irq.h"
#include "run.h"
#include "space.h"
#include "util/bytes.h"
#include "vcpu_impl.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tenon/machine.h>

static uint64_t load(const uint8_t *p, uint32_t size)
{
    switch (size) {
    case 1:
        return *p;
    case 2:
        return get_le16(p);
    case 4:
        return get_le32(p);
    default:
        return get_le64(p);
    }
}

static void store(uint8_t *p, uint64_t v, uint32_t size)
{
    uint8_t x[8];
    put_le64(x, v);
    memcpy(p, x, size);
}

/* `rep outsb` and its like come as count elements of size. */
static void on_pio(struct vcpu *c)
{
    struct kvm_run *r = c->run;
    struct space *s = c->v->vm->pio;
    uint8_t *p = (uint8_t *)r + r->io.data_offset;
    for (uint32_t i = 0; i < r->io.count; i++, p += r->io.size) {
        if (r->io.direction == KVM_EXIT_IO_OUT)
            space_write(s, r->io.port, load(p, r->io.size), r->io.size);
        else
            store(p, space_read(s, r->io.port, r->io.size), r->io.size);
    }
}

/* KVM cuts accesses at pages, so that 3 or 5 bytes may come: powers of two, from the low end. */
static void on_mmio(struct vcpu *c)
{
    struct kvm_run *r = c->run;
    struct space *s = c->v->vm->mmio;
    for (uint32_t at = 0, n; at < r->mmio.len; at += n) {
        for (n = 8; n > r->mmio.len - at; n /= 2)
            ;
        if (r->mmio.is_write)
            space_write(s, r->mmio.phys_addr + at, load(r->mmio.data + at, n), n);
        else
            store(r->mmio.data + at, space_read(s, r->mmio.phys_addr + at, n), n);
    }
}

static void on_system_event(struct vcpu *c)
{
    switch (c->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        run_request(c->v->vm, TN_REQ_SHUTDOWN, NULL);
        break;
    case KVM_SYSTEM_EVENT_RESET:
        run_request(c->v->vm, TN_REQ_RESET, NULL);
        break;
    default:
        run_request(c->v->vm, TN_REQ_PANIC, "the guest crashed");
    }
}

void vcpu_stuck(struct vcpu *c, const char *what, uint64_t code)
{
    struct kvm_regs g = {0};
    char text[160];
    ioctl(c->fd, KVM_GET_REGS, &g);
    snprintf(text, sizeof text, "vCPU %u: %s 0x%" PRIx64 " at rip 0x%llx: the machine is paused",
             c->index, what, code, (unsigned long long)g.rip);
    run_internal_error(c->v->vm, text);
}

void vcpu_on_exit(struct vcpu *c)
{
    struct kvm_run *r = c->run;
    c->exits++;
    trace_host(c->v->vm, TRACE_VCPU_EXIT, NULL, c->index, r->exit_reason);
    c->by_kind[r->exit_reason < EXIT_KINDS ? r->exit_reason : 0]++;
    switch (r->exit_reason) {
    case KVM_EXIT_IO:
        on_pio(c);
        break;
    case KVM_EXIT_MMIO:
        on_mmio(c);
        break;
    case KVM_EXIT_IOAPIC_EOI:
        irq_eoi(c->v->vm, r->eoi.vector);
        break;
    case KVM_EXIT_SHUTDOWN: /* triple fault: what a PC makes of it */
        run_request(c->v->vm, TN_REQ_RESET, "triple fault");
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        on_system_event(c);
        break;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_HLT:
        break;
    case KVM_EXIT_FAIL_ENTRY:
        vcpu_stuck(c, "the processor refused to enter the guest, reason",
                   r->fail_entry.hardware_entry_failure_reason);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        vcpu_stuck(c, "KVM internal error, suberror", r->internal.suberror);
        break;
    default:
        vcpu_stuck(c, "unknown KVM exit", r->exit_reason);
    }
}
