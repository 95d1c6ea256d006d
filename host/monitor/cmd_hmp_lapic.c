/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: info lapic, the local APIC of a processor (SDM 3, 10.4 to 10.8). */
#include "hmp_cpu.h"
#include "hmp_impl.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/cpu.h"
#include "vm/machine.h"
#include "vm/run.h"
#include "vm/vcpu.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

enum { /* SDM 3, table 10-1: offsets */
       LAPIC_TPR = 0x80,
       LAPIC_APR = 0x90,
       LAPIC_PPR = 0xa0,
       LAPIC_LDR = 0xd0,
       LAPIC_DFR = 0xe0,
       LAPIC_SPIV = 0xf0,
       LAPIC_ISR = 0x100,
       LAPIC_TMR = 0x180,
       LAPIC_IRR = 0x200,
       LAPIC_ESR = 0x280,
       LAPIC_ICR = 0x300,
       LAPIC_ICR2 = 0x310,
       LAPIC_LVTT = 0x320,
       LAPIC_LVTTHMR = 0x330,
       LAPIC_LVTPC = 0x340,
       LAPIC_LVT0 = 0x350,
       LAPIC_LVT1 = 0x360,
       LAPIC_LVTERR = 0x370,
       LAPIC_INITIAL = 0x380,
       LAPIC_CURRENT = 0x390,
       LAPIC_DCR = 0x3e0,
};
enum { /* of an LVT entry and of the ICR: figures 10-8 and 10-12 */
       BIT_LOGICAL = 1 << 11,
       BIT_LOW = 1 << 13,
       BIT_ASSERT = 1 << 14,
       BIT_LEVEL = 1 << 15,
       BIT_MASKED = 1 << 16,
       DELIVERY_NMI = 4,
};

static const char *const deliveries[] = {"Fixed", "LowPri", "SMI",  "...",
                                         "NMI",   "INIT",   "SIPI", "ExtINT"};
static const char *const timer_modes[] = {"one-shot", "periodic", "tsc-deadline", ""};
static const char *const shorthands[] = {"no-shorthand", "self", "all-self", "all"};

static uint32_t reg(const struct kvm_lapic_state *l, uint32_t offset)
{
    return get_le32(l->regs + offset);
}

static void print_lvt(struct buf *out, const char *name, uint32_t v, int timer)
{
    uint32_t delivery = v >> 8 & 7;
    buf_printf(out, "%s\t 0x%08x active-%s %-5s %-6s %-7s %-12s %-6s", name, v,
               v & BIT_LOW ? "lo" : "hi", v & BIT_LEVEL ? "level" : "edge",
               v & BIT_MASKED ? "masked" : "", "", timer ? timer_modes[v >> 17 & 3] : "",
               deliveries[timer ? 0 : delivery]);
    if (timer || delivery != DELIVERY_NMI)
        buf_printf(out, " (vec %u)", v & 0xff);
    buf_str(out, "\n");
}

static void print_lvts(struct buf *out, const struct kvm_lapic_state *l)
{
    static const struct {
        const char *name;
        uint32_t offset;
    } lvts[] = {{"LVT0", LAPIC_LVT0},     {"LVT1", LAPIC_LVT1},       {"LVTPC", LAPIC_LVTPC},
                {"LVTERR", LAPIC_LVTERR}, {"LVTTHMR", LAPIC_LVTTHMR}, {"LVTT", LAPIC_LVTT}};
    for (size_t i = 0; i < ARRAY_SIZE(lvts); i++)
        print_lvt(out, lvts[i].name, reg(l, lvts[i].offset), lvts[i].offset == LAPIC_LVTT);
}

static void print_timer(struct buf *out, const struct kvm_lapic_state *l)
{
    uint32_t dcr = reg(l, LAPIC_DCR), code = (dcr & 3) | (dcr >> 1 & 4);
    buf_printf(out, "Timer\t DCR=0x%x (divide by %u) initial_count = %u current_count = %u\n",
               dcr & 0xf, code == 7 ? 1 : 2u << code, reg(l, LAPIC_INITIAL), reg(l, LAPIC_CURRENT));
}

static void print_spiv(struct buf *out, uint32_t v)
{
    buf_printf(out, "SPIV\t 0x%08x APIC %s, focus=%s, spurious vec %u\n", v,
               v & 1 << 8 ? "enabled" : "disabled", v & 1 << 9 ? "on" : "off", v & 0xff);
}

static void print_icr(struct buf *out, uint32_t v, uint32_t high)
{
    uint32_t shorthand = v >> 18 & 3;
    buf_printf(out, "ICR\t 0x%08x %s %s %s %s\n", v, v & BIT_LOGICAL ? "logical" : "physical",
               v & BIT_LEVEL ? "level" : "edge", v & BIT_ASSERT ? "assert" : "de-assert",
               shorthands[shorthand]);
    buf_printf(out, "ICR2\t 0x%08x", high);
    if (!shorthand && !(v & BIT_LOGICAL))
        buf_printf(out, " cpu %u (APIC ID)", high >> 24);
    buf_str(out, "\n");
}

/* 256 bits, 32 in each register: 10.8.4. */
static void print_vectors(struct buf *out, const struct kvm_lapic_state *l, const char *name,
                          uint32_t offset)
{
    int any = 0;
    buf_printf(out, "%s\t ", name);
    for (uint32_t v = 0; v < 256; v++) {
        if (!(reg(l, offset + v / 32 * 16) >> v % 32 & 1))
            continue;
        int level = reg(l, LAPIC_TMR + v / 32 * 16) >> v % 32 & 1;
        buf_printf(out, "%u%s ", v, level ? "(level)" : "");
        any = 1;
    }
    buf_printf(out, "%s\n", any ? "" : "(none)");
}

static void print_lapic(struct buf *out, uint32_t i, const struct kvm_lapic_state *l)
{
    buf_printf(out, "dumping local APIC state for CPU %u \n\n", i);
    print_lvts(out, l);
    print_timer(out, l);
    print_spiv(out, reg(l, LAPIC_SPIV));
    print_icr(out, reg(l, LAPIC_ICR), reg(l, LAPIC_ICR2));
    buf_printf(out, "ESR\t 0x%08x\n", reg(l, LAPIC_ESR));
    print_vectors(out, l, "ISR", LAPIC_ISR);
    print_vectors(out, l, "IRR", LAPIC_IRR);
    buf_printf(out, "\nAPR 0x%02x TPR 0x%02x DFR 0x%02x LDR 0x%02x PPR 0x%02x\n",
               reg(l, LAPIC_APR) & 0xff, reg(l, LAPIC_TPR) & 0xff, reg(l, LAPIC_DFR) >> 28,
               reg(l, LAPIC_LDR) >> 24, reg(l, LAPIC_PPR) & 0xff);
}

/* The vCPU with that APIC id, or -ENODEV. */
static int find_cpu(struct vm *vm, uint32_t id)
{
    for (uint32_t i = 0; i < vcpus_max(vm); i++)
        if (hmp_cpu_exists(vm, i) && vm->machine->cpu[i].apic_id == id)
            return (int)i;
    return -ENODEV;
}

static int info_lapic(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct kvm_lapic_state l;
    uint32_t id = 0;
    int i = (int)c->mon->cpu, given = hmp_more(&a);
    if ((given && hmp_u32(&a, "apic-id", &id) < 0) || hmp_end(&a) < 0)
        return -EINVAL;
    if (given)
        i = find_cpu(c->vm, id);
    if (i < 0 || !c->vm->vcpus || !hmp_cpu_exists(c->vm, (uint32_t)i)) {
        buf_str(out, "No local APIC\n");
        return 0;
    }
    run_hold(c->vm);
    int r = ioctl(vcpus_fd(c->vm, (uint32_t)i), KVM_GET_LAPIC, &l) < 0 ? -errno : 0;
    run_unhold(c->vm);
    if (r < 0)
        return err_set(e, -r, "local APIC of CPU #%d: %s", i, strerror(-r));
    print_lapic(out, (uint32_t)i, &l);
    return 0;
}

static const struct hmp_command commands[] = {
    {"lapic", "[apic-id]",
     "show local apic state (apic-id: local apic to read, default is which of current CPU)", 1,
     info_lapic, NULL},
    {0},
};

const struct qmp_module qmp_hmp_lapic = {.hmp = commands};
