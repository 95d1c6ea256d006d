/* SPDX-License-Identifier: BSD-2-Clause */
#include "vcpu_regs.h"

#include <stddef.h>

#define TABLE(var, nm, rows)                                                     \
    static const struct tn_state var = {.struct_size = sizeof var,               \
                                        .version = 1,                            \
                                        .min_version = 1,                        \
                                        .name = nm,                              \
                                        .fields = rows,                          \
                                        .nfields = sizeof rows / sizeof rows[0], \
                                        .field_stride = sizeof rows[0]}
#define SUB(T, f, st)                                                                    \
    {                                                                                    \
        .name = #f, .type = TN_S_SUB, .offset = offsetof(T, f), .count = 1, .sub = &(st) \
    }

/* ---- general registers ---- */

#define G(r) TN_FIELD_ROW(struct kvm_regs, r, #r, U64, 1)
static const struct tn_field general[] = {G(rax), G(rbx), G(rcx), G(rdx), G(rsi), G(rdi),
                                          G(rsp), G(rbp), G(r8),  G(r9),  G(r10), G(r11),
                                          G(r12), G(r13), G(r14), G(r15), G(rip), G(rflags)};
TABLE(general_state, "regs", general);

/* ---- segments and control registers ---- */

static const struct tn_field segment[] = {
    TN_FIELD(struct kvm_segment, base, U64),     TN_FIELD(struct kvm_segment, limit, U32),
    TN_FIELD(struct kvm_segment, selector, U16), TN_FIELD(struct kvm_segment, type, U8),
    TN_FIELD(struct kvm_segment, present, U8),   TN_FIELD(struct kvm_segment, dpl, U8),
    TN_FIELD(struct kvm_segment, db, U8),        TN_FIELD(struct kvm_segment, s, U8),
    TN_FIELD(struct kvm_segment, l, U8),         TN_FIELD(struct kvm_segment, g, U8),
    TN_FIELD(struct kvm_segment, avl, U8),       TN_FIELD(struct kvm_segment, unusable, U8),
};
TABLE(segment_state, "segment", segment);

static const struct tn_field table[] = {TN_FIELD(struct kvm_dtable, base, U64),
                                        TN_FIELD(struct kvm_dtable, limit, U16)};
TABLE(table_state, "descriptor-table", table);

#define SEG(f) SUB(struct kvm_sregs, f, segment_state)
#define CR(f)  TN_FIELD(struct kvm_sregs, f, U64)
static const struct tn_field special[] = {
    SEG(cs),
    SEG(ds),
    SEG(es),
    SEG(fs),
    SEG(gs),
    SEG(ss),
    SEG(tr),
    SEG(ldt),
    SUB(struct kvm_sregs, gdt, table_state),
    SUB(struct kvm_sregs, idt, table_state),
    CR(cr0),
    CR(cr2),
    CR(cr3),
    CR(cr4),
    CR(cr8),
    CR(efer),
    CR(apic_base),
    TN_FIELD_ARRAY(struct kvm_sregs, interrupt_bitmap, U64),
};
TABLE(special_state, "sregs", special);

/* ---- pending events ---- */

#define EV(f, ty) TN_FIELD_ROW(struct kvm_vcpu_events, f, #f, ty, 1)
static const struct tn_field event[] = {
    EV(exception.injected, U8),
    EV(exception.nr, U8),
    EV(exception.has_error_code, U8),
    EV(exception.pending, U8),
    EV(exception.error_code, U32),
    EV(interrupt.injected, U8),
    EV(interrupt.nr, U8),
    EV(interrupt.soft, U8),
    EV(interrupt.shadow, U8),
    EV(nmi.injected, U8),
    EV(nmi.pending, U8),
    EV(nmi.masked, U8),
    EV(sipi_vector, U32),
    EV(flags, U32),
    EV(smi.smm, U8),
    EV(smi.pending, U8),
    EV(smi.smm_inside_nmi, U8),
    EV(smi.latched_init, U8),
    EV(triple_fault.pending, U8),
    EV(exception_has_payload, U8),
    EV(exception_payload, U64),
};
TABLE(event_state, "events", event);

static const struct tn_field debug[] = {
    TN_FIELD_ARRAY(struct kvm_debugregs, db, U64),
    TN_FIELD(struct kvm_debugregs, dr6, U64),
    TN_FIELD(struct kvm_debugregs, dr7, U64),
    TN_FIELD(struct kvm_debugregs, flags, U64),
};
TABLE(debug_state, "debugregs", debug);

static const struct tn_field xcr[] = {TN_FIELD(struct kvm_xcr, xcr, U32),
                                      TN_FIELD(struct kvm_xcr, value, U64)};
TABLE(xcr_state, "xcr", xcr);

static const struct tn_field cpuid[] = {
    TN_FIELD(struct vcpu_cpuid, function, U32), TN_FIELD(struct vcpu_cpuid, index, U32),
    TN_FIELD(struct vcpu_cpuid, eax, U32),      TN_FIELD(struct vcpu_cpuid, ebx, U32),
    TN_FIELD(struct vcpu_cpuid, ecx, U32),      TN_FIELD(struct vcpu_cpuid, edx, U32),
};
TABLE(cpuid_state, "cpuid", cpuid);

/* ---- all of it ---- */

#define R struct vcpu_regs
#define MANY(f, nm, ty, n, most)                                                          \
    {                                                                                     \
        .name = nm, .type = TN_S_##ty, .offset = offsetof(R, f), .count = offsetof(R, n), \
        .flags = TN_SF_PTR | TN_SF_COUNT_AT, .max = (most)                                \
    }
static const struct tn_field fields[] = {
    TN_FIELD(R, index, U32),
    TN_FIELD(R, tsc_khz, U32),
    TN_FIELD_ROW(R, mp.mp_state, "mp_state", U32, 1),
    SUB(R, regs, general_state),
    SUB(R, sregs, special_state),
    SUB(R, events, event_state),
    SUB(R, debug, debug_state),
    {.name = "xcrs",
     .type = TN_S_SUB,
     .offset = offsetof(R, xcrs.xcrs),
     .count = offsetof(R, nxcrs),
     .sub = &xcr_state,
     .stride = sizeof(struct kvm_xcr),
     .max = KVM_MAX_XCRS,
     .flags = TN_SF_COUNT_AT},
    TN_FIELD_ROW(R, lapic.regs, "lapic", BYTES, KVM_APIC_REG_SIZE),
    MANY(xsave, "xsave", BYTES, xsave_len, VCPU_XSAVE),
    MANY(msr_index, "msr-index", U32, nmsrs, VCPU_MSRS),
    MANY(msr_data, "msr-data", U64, nmsr_data, VCPU_MSRS),
    {.name = "cpuid",
     .type = TN_S_SUB,
     .offset = offsetof(R, cpuid),
     .count = offsetof(R, ncpuid),
     .sub = &cpuid_state,
     .stride = sizeof(struct vcpu_cpuid),
     .max = VCPU_CPUID,
     .flags = TN_SF_PTR | TN_SF_COUNT_AT},
};

/* ---- of a guest that is a hypervisor ---- */

static int is_nested(void *s)
{
    return ((const struct vcpu_regs *)s)->nested.on != 0;
}

static int nested_came(void *s, uint32_t version, struct tn_err *e)
{
    (void)version;
    (void)e;
    ((struct vcpu_regs *)s)->nested.on = 1;
    return 0;
}

static const struct tn_field nested[] = {
    TN_FIELD_ROW(R, nested.format, "format", U32, 1),
    TN_FIELD_ROW(R, nested.flags, "flags", U32, 1),
    TN_FIELD_ROW(R, nested.head, "head", BYTES, VCPU_NESTED_HEAD),
    MANY(nested.data, "data", BYTES, nested.len, VCPU_NESTED_DATA),
};
static const struct tn_state nested_state = {
    .struct_size = sizeof nested_state,
    .version = 1,
    .min_version = 1,
    .name = "nested",
    .fields = nested,
    .nfields = sizeof nested / sizeof nested[0],
    .field_stride = sizeof nested[0],
    .needed = is_nested,
    .post_load = nested_came,
};
static const struct tn_state *const subsections[] = {&nested_state, NULL};

const struct tn_state vcpu_regs_state = {
    .struct_size = sizeof vcpu_regs_state,
    .version = 1,
    .min_version = 1,
    .name = "vcpu",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .subsections = subsections,
};
