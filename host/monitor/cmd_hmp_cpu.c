/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: which CPU is meant, and its registers. */
#include "hmp_cpu.h"
#include "hmp_impl.h"

#include "util/alloc.h"
#include "vm/vcpu.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static int cpu(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint32_t i;
    if (hmp_u32(&a, "cpu", &i) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (hmp_cpu_exists(c->vm, i))
        c->mon->cpu = i;
    else
        buf_str(out, "invalid CPU index\n");
    return 0;
}

/* ---- $register ---- */

struct named {
    const char *name, *other;
    size_t offset, size; /* in struct hmp_cpu */
};
#define REG(name, other, member)                                                                   \
    {                                                                                              \
        name, other, offsetof(struct hmp_cpu, regs.member), sizeof(((struct kvm_regs *)0)->member) \
    }
#define SREG(name, member)                                  \
    {                                                       \
        name, NULL, offsetof(struct hmp_cpu, sregs.member), \
            sizeof(((struct kvm_sregs *)0)->member)         \
    }
#define SEGMENT(name) \
    SREG(#name, name.selector), SREG(#name ".base", name.base), SREG(#name ".limit", name.limit)

static const struct named names[] = {
    REG("rax", "eax", rax),
    REG("rbx", "ebx", rbx),
    REG("rcx", "ecx", rcx),
    REG("rdx", "edx", rdx),
    REG("rsi", "esi", rsi),
    REG("rdi", "edi", rdi),
    REG("rbp", "ebp", rbp),
    REG("rsp", "esp", rsp),
    REG("sp", NULL, rsp),
    REG("fp", NULL, rbp),
    REG("r8", NULL, r8),
    REG("r9", NULL, r9),
    REG("r10", NULL, r10),
    REG("r11", NULL, r11),
    REG("r12", NULL, r12),
    REG("r13", NULL, r13),
    REG("r14", NULL, r14),
    REG("r15", NULL, r15),
    REG("rip", "eip", rip),
    REG("rflags", "eflags", rflags),
    SEGMENT(cs),
    SEGMENT(ds),
    SEGMENT(es),
    SEGMENT(fs),
    SEGMENT(gs),
    SEGMENT(ss),
    SREG("cr0", cr0),
    SREG("cr2", cr2),
    SREG("cr3", cr3),
    SREG("cr4", cr4),
    SREG("efer", efer),
};

/* A register of any width, little-endian as all of KVM's. */
static uint64_t value(const struct hmp_cpu *c, const struct named *n)
{
    uint64_t v = 0;
    memcpy(&v, (const char *)c + n->offset, n->size);
    return v;
}

int hmp_register(struct qmp_call *c, const char *name, uint64_t *v)
{
    struct hmp_cpu now;
    if (!c->mon || !hmp_cpu_exists(c->vm, c->mon->cpu) ||
        hmp_cpu_look(c->vm, c->mon->cpu, &now, NULL) < 0)
        return -ENOENT;
    *v = now.sregs.cs.base + now.regs.rip;
    if (strcmp(name, "pc") == 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i].name, name) == 0 ||
            (names[i].other && strcmp(names[i].other, name) == 0)) {
            *v = value(&now, &names[i]);
            return 0;
        }
    return -ENOENT;
}

/* ---- info registers ---- */

/* SDM 3, 3.4.5: bits 8 to 23 of a descriptor's upper half. */
static uint32_t flags_of(const struct kvm_segment *s)
{
    return (uint32_t)s->type << 8 | (uint32_t)s->s << 12 | (uint32_t)s->dpl << 13 |
           (uint32_t)s->present << 15 | (uint32_t)s->avl << 20 | (uint32_t)s->l << 21 |
           (uint32_t)s->db << 22 | (uint32_t)s->g << 23;
}

/* SDM 3, table 3-2: types of system segments, in 32-bit and in IA-32e mode. */
static const char *const system_types[2][16] = {
    {"Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16",
     "TrapGate16", "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved",
     "IntGate32", "TrapGate32"},
    {"<hiword>", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved",
     "Reserved", "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64",
     "TrapGate64"},
};

static void kind(struct buf *out, const struct kvm_segment *s, int lma)
{
    buf_printf(out, " DPL=%u ", s->dpl);
    if (!s->s)
        buf_str(out, system_types[lma][s->type & 15]);
    else if (s->type & 8)
        buf_printf(out, "%s [%c%c%c]",
                   s->l    ? "CS64"
                   : s->db ? "CS32"
                           : "CS16",
                   s->type & 4 ? 'C' : '-', s->type & 2 ? 'R' : '-', s->type & 1 ? 'A' : '-');
    else
        buf_printf(out, "%s [%c%c%c]", s->db || lma ? "DS  " : "DS16", s->type & 4 ? 'E' : '-',
                   s->type & 2 ? 'W' : '-', s->type & 1 ? 'A' : '-');
}

static int is_lma(const struct hmp_cpu *c)
{
    return (c->sregs.efer & EFER_LMA) != 0;
}

static int is_64bit(const struct hmp_cpu *c)
{
    return is_lma(c) && c->sregs.cs.l;
}

static int base_digits(const struct hmp_cpu *c)
{
    return is_lma(c) ? 16 : 8;
}

static void segment(struct buf *out, const char *name, const struct hmp_cpu *c,
                    const struct kvm_segment *s)
{
    buf_printf(out, "%-3s=%04x %0*llx %08x %08x", name, s->selector, base_digits(c),
               (unsigned long long)s->base, s->limit, flags_of(s));
    if (c->sregs.cr0 & CR0_PE && s->present)
        kind(out, s, is_lma(c));
    buf_str(out, "\n");
}

static void table(struct buf *out, const char *name, const struct hmp_cpu *c,
                  const struct kvm_dtable *t)
{
    buf_printf(out, "%s=     %0*llx %08x\n", name, base_digits(c), (unsigned long long)t->base,
               t->limit);
}

static void flags(struct buf *out, const struct hmp_cpu *c)
{
    static const struct {
        uint32_t bit;
        char name;
    } bits[] = {{10, 'D'}, {11, 'O'}, {7, 'S'}, {6, 'Z'}, {4, 'A'}, {2, 'P'}, {0, 'C'}};
    buf_str(out, " [");
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        buf_add8(out, (uint8_t)(c->regs.rflags >> bits[i].bit & 1 ? bits[i].name : '-'));
    buf_printf(out, "] CPL=%u II=0 A20=1 SMM=0 HLT=%u\n", c->sregs.ss.dpl, c->halted);
}

static void general64(struct buf *out, const struct kvm_regs *r)
{
    const struct {
        const char *name;
        uint64_t v;
    } list[] = {{"RAX", r->rax}, {"RBX", r->rbx}, {"RCX", r->rcx}, {"RDX", r->rdx},
                {"RSI", r->rsi}, {"RDI", r->rdi}, {"RBP", r->rbp}, {"RSP", r->rsp},
                {"R8 ", r->r8},  {"R9 ", r->r9},  {"R10", r->r10}, {"R11", r->r11},
                {"R12", r->r12}, {"R13", r->r13}, {"R14", r->r14}, {"R15", r->r15}};
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        buf_printf(out, "%s=%016llx%s", list[i].name, (unsigned long long)list[i].v,
                   i % 4 == 3 ? "\n" : " ");
    buf_printf(out, "RIP=%016llx RFL=%08llx", (unsigned long long)r->rip,
               (unsigned long long)r->rflags);
}

static void general32(struct buf *out, const struct kvm_regs *r)
{
    buf_printf(out, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x\n", (uint32_t)r->rax, (uint32_t)r->rbx,
               (uint32_t)r->rcx, (uint32_t)r->rdx);
    buf_printf(out, "ESI=%08x EDI=%08x EBP=%08x ESP=%08x\n", (uint32_t)r->rsi, (uint32_t)r->rdi,
               (uint32_t)r->rbp, (uint32_t)r->rsp);
    buf_printf(out, "EIP=%08x EFL=%08x", (uint32_t)r->rip, (uint32_t)r->rflags);
}

static void segments(struct buf *out, const struct hmp_cpu *c)
{
    const struct kvm_sregs *s = &c->sregs;
    segment(out, "ES", c, &s->es);
    segment(out, "CS", c, &s->cs);
    segment(out, "SS", c, &s->ss);
    segment(out, "DS", c, &s->ds);
    segment(out, "FS", c, &s->fs);
    segment(out, "GS", c, &s->gs);
    segment(out, "LDT", c, &s->ldt);
    segment(out, "TR", c, &s->tr);
    table(out, "GDT", c, &s->gdt);
    table(out, "IDT", c, &s->idt);
}

static void controls(struct buf *out, const struct hmp_cpu *c)
{
    const struct kvm_sregs *s = &c->sregs;
    int n = base_digits(c);
    buf_printf(out, "CR0=%08llx CR2=%0*llx CR3=%0*llx CR4=%08llx\n", (unsigned long long)s->cr0, n,
               (unsigned long long)s->cr2, n, (unsigned long long)s->cr3,
               (unsigned long long)s->cr4);
    for (int i = 0; i < 4; i++)
        buf_printf(out, "DR%d=%016llx ", i, (unsigned long long)c->debug.db[i]);
    buf_printf(out, "\nDR6=%016llx DR7=%016llx\n", (unsigned long long)c->debug.dr6,
               (unsigned long long)c->debug.dr7);
    buf_printf(out, "EFER=%016llx\n", (unsigned long long)s->efer);
}

static void fpu(struct buf *out, const struct hmp_cpu *c)
{
    const struct kvm_fpu *f = &c->fpu;
    uint64_t v[2];
    buf_printf(out, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", f->fcw, f->fsw,
               f->fsw >> 11 & 7, f->ftwx, f->mxcsr);
    for (int i = 0; i < 8; i++) {
        memcpy(v, f->fpr[i], sizeof v);
        buf_printf(out, "FPR%d=%016llx %04x%s", i, (unsigned long long)v[0], (uint16_t)v[1],
                   i & 1 ? "\n" : " ");
    }
    for (int i = 0; i < (is_64bit(c) ? 16 : 8); i++) {
        memcpy(v, f->xmm[i], sizeof v);
        buf_printf(out, "XMM%02d=%016llx %016llx%s", i, (unsigned long long)v[1],
                   (unsigned long long)v[0], i & 1 ? "\n" : " ");
    }
}

static int print_cpu(struct vm *vm, uint32_t i, struct buf *out, struct tn_err *e)
{
    struct hmp_cpu c;
    if (hmp_cpu_look(vm, i, &c, e) < 0)
        return -EINVAL;
    buf_printf(out, "\nCPU#%u\n", i);
    if (is_64bit(&c))
        general64(out, &c.regs);
    else
        general32(out, &c.regs);
    flags(out, &c);
    segments(out, &c);
    controls(out, &c);
    fpu(out, &c);
    return 0;
}

static int print_all(struct vm *vm, struct buf *out, struct tn_err *e)
{
    uint32_t n = vm->vcpus ? vcpus_max(vm) : 1;
    int r = 0;
    for (uint32_t i = 0; i < n && r == 0; i++)
        if (hmp_cpu_exists(vm, i))
            r = print_cpu(vm, i, out, e);
    return r;
}

static int info_registers(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint32_t all, i = c->mon->cpu;
    if (hmp_flags(&a, "a", &all) < 0 || (hmp_more(&a) && hmp_u32(&a, "vcpu", &i) < 0) ||
        hmp_end(&a) < 0)
        return -EINVAL;
    if (all)
        return print_all(c->vm, out, e);
    if (hmp_cpu_exists(c->vm, i))
        return print_cpu(c->vm, i, out, e);
    buf_printf(out, "CPU#%u not available\n", i);
    return 0;
}

static int info_cpus(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct kv_node *list = NULL;
    if (hmp_end(&a) < 0 || monitor_run(c, "query-cpus-fast", NULL, &list, e) < 0)
        return -EINVAL;
    for (size_t i = 0; i < list->n_child; i++) {
        const char *index = kv_text(list->child[i], "cpu-index");
        int current = index && strtoul(index, NULL, 10) == c->mon->cpu;
        buf_printf(out, "%c CPU #%s: thread_id=%s\n", current ? '*' : ' ', index,
                   kv_text(list->child[i], "thread-id"));
    }
    kv_free(list);
    return 0;
}

static const struct hmp_command commands[] = {
    {"cpu", "index", "set the default CPU", 0, cpu, NULL},
    {"cpus", "", "show infos for each CPU", 1, info_cpus, NULL},
    {"registers", "[-a|vcpu]",
     "show the cpu registers (-a: show register info for all cpus; vcpu: specific vCPU to query; "
     "show the current CPU's registers if no argument is specified)",
     1, info_registers, NULL},
    {0},
};

const struct qmp_module qmp_hmp_cpu = {.hmp = commands};
