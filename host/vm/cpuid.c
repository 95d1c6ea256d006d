/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID as KVM supports it, with the user's features, and each vCPU's place in the topology.
 * Leaves: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E. */
#include "cpu_model.h"
#include "util/alloc.h"
#include "vcpu_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LEAVES = 272 }; /* of a guest's table: KVM's, and some more */
enum {
    LEAF1_ECX_X2APIC = 1 << 21,
    LEAF1_ECX_TSC_DEADLINE = 1 << 24,
    LEAF1_EDX_HTT = 1 << 28,
    LEAF6_EAX_ARAT = 1 << 2
};

static uint32_t bits_for(uint32_t n)
{
    uint32_t b = 0;
    while ((1u << b) < n)
        b++;
    return b;
}

static uint32_t at_least_1(uint32_t n)
{
    return n ? n : 1;
}

uint32_t cpuid_apic_id(const struct vcpu_options *o, uint32_t i)
{
    uint32_t threads = at_least_1(o->threads), cores = at_least_1(o->cores);
    uint32_t tb = bits_for(threads), cb = bits_for(cores);
    return (i / (threads * cores)) << (tb + cb) | (i / threads % cores) << tb | i % threads;
}

/* ---- the table ---- */

struct kvm_cpuid_entry2 *cpuid_leaf(struct kvm_cpuid2 *t, uint32_t fn, uint32_t index)
{
    for (uint32_t i = 0; i < t->nent; i++)
        if (t->entries[i].function == fn &&
            (t->entries[i].index == index ||
             !(t->entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
            return &t->entries[i];
    return NULL;
}

struct kvm_cpuid_entry2 *cpuid_leaf_or_new(struct kvm_cpuid2 *t, uint32_t fn, uint32_t index)
{
    for (uint32_t i = 0; i < t->nent; i++)
        if (t->entries[i].function == fn && t->entries[i].index == index)
            return &t->entries[i];
    if (t->nent >= MAX_LEAVES)
        return NULL;
    struct kvm_cpuid_entry2 *n = &t->entries[t->nent++];
    *n = (struct kvm_cpuid_entry2){
        .function = fn, .index = index, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX};
    return n;
}

/* What KVM provides itself although the list of the processor's features does not say so. */
static void add_kvm_features(struct kvm *k, struct kvm_cpuid2 *t)
{
    struct kvm_cpuid_entry2 *l1 = cpuid_leaf(t, 1, 0), *l6 = cpuid_leaf(t, 6, 0);
    if (l1)
        l1->ecx |= LEAF1_ECX_X2APIC | CPU_HYPERVISOR |
                   (kvm_has(k, KVM_CAP_TSC_DEADLINE_TIMER) > 0 ? LEAF1_ECX_TSC_DEADLINE : 0u);
    if (l6)
        l6->eax |= LEAF6_EAX_ARAT; /* the timer of a virtual APIC never stops */
}

static uint32_t *reg_of(struct kvm_cpuid_entry2 *l, uint32_t reg)
{
    uint32_t *r[] = {&l->eax, &l->ebx, &l->ecx, &l->edx};
    return r[reg & 3];
}

/* Without the hypervisor bit a guest must find nothing of KVM's either. */
static void hide_kvm(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    struct kvm_cpuid_entry2 *l1 = cpuid_leaf(t, 1, 0);
    if (!c->hide_kvm && (!l1 || (l1->ecx & CPU_HYPERVISOR)))
        return;
    for (uint32_t i = 0; i < t->nent;)
        if (t->entries[i].function >= 0x40000000 && t->entries[i].function < 0x40010000)
            t->entries[i] = t->entries[--t->nent];
        else
            i++;
}

/* ---- what -cpu makes of it ---- */

static void read_words(struct kvm_cpuid2 *t, uint32_t word[CPU_WORDS])
{
    for (uint32_t i = 0; i < CPU_WORDS; i++) {
        const struct cpu_word *w = cpu_word_at(i);
        struct kvm_cpuid_entry2 *l = cpuid_leaf(t, w->leaf, w->index);
        word[i] = l ? *reg_of(l, w->reg) : 0;
    }
}

static void write_words(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    for (uint32_t i = 0; i < CPU_WORDS; i++) {
        const struct cpu_word *w = cpu_word_at(i);
        struct kvm_cpuid_entry2 *l = cpuid_leaf(t, w->leaf, w->index);
        if (l)
            *reg_of(l, w->reg) = c->word[i];
    }
}

static void read_identity(struct kvm_cpuid2 *t, struct cpu_limits *lim)
{
    struct kvm_cpuid_entry2 *l0 = cpuid_leaf(t, 0, 0), *l1 = cpuid_leaf(t, 1, 0),
                            *x0 = cpuid_leaf(t, 0x80000000, 0);
    if (l0) {
        const uint32_t vendor[] = {l0->ebx, l0->edx, l0->ecx};
        memcpy(lim->vendor, vendor, sizeof vendor);
        lim->level = l0->eax;
    }
    if (l1) {
        uint32_t family = l1->eax >> 8 & 15;
        lim->family = family == 15 ? family + (l1->eax >> 20 & 255) : family;
        lim->number = (l1->eax >> 4 & 15) | (l1->eax >> 12 & 0xf0);
        lim->stepping = l1->eax & 15;
    }
    lim->xlevel = x0 ? x0->eax : 0;
    for (uint32_t i = 0; i < 3; i++) {
        struct kvm_cpuid_entry2 *l = cpuid_leaf(t, 0x80000002 + i, 0);
        if (l)
            memcpy(lim->brand + (size_t)16 * i, (const uint32_t[]){l->eax, l->ebx, l->ecx, l->edx},
                   16);
    }
}

static struct kvm_cpuid2 *everything(struct kvm *k, struct tn_err *e)
{
    const struct kvm_cpuid2 *here = kvm_cpuid(k, e);
    if (!here)
        return NULL;
    struct kvm_cpuid2 *t = xcalloc(1, sizeof *t + MAX_LEAVES * sizeof t->entries[0]);
    t->nent = here->nent;
    memcpy(t->entries, here->entries, here->nent * sizeof t->entries[0]);
    add_kvm_features(k, t);
    return t;
}

int cpuid_config(struct kvm *k, const char *spec, uint32_t old, struct cpu_config *c,
                 struct tn_err *e)
{
    if (!k)
        return cpu_config_make(c, spec, NULL, old, e);
    uint32_t word[CPU_WORDS];
    struct cpu_limits lim = {.word = word};
    AUTO_FREE struct kvm_cpuid2 *t = everything(k, e);
    if (!t)
        return -ENOTSUP;
    read_words(t, word);
    read_identity(t, &lim);
    return cpu_config_make(c, spec, &lim, old, e);
}

struct kvm_cpuid2 *cpuid_make(struct kvm *k, const struct cpu_config *c, struct tn_err *e)
{
    struct kvm_cpuid2 *t = everything(k, e);
    if (!t)
        return NULL;
    write_words(t, c);
    if (c->model)
        cpuid_model_apply(t, c);
    hide_kvm(t, c);
    return t;
}

/* ---- topology ---- */

/* Leaf 4 (and 0x8000001d, which has its shape): how many ids share a cache, and how many cores a
 * package has. */
static void share_caches(struct kvm_cpuid2 *t, uint32_t fn, uint32_t threads, uint32_t cores)
{
    for (uint32_t i = 0; i < t->nent; i++) {
        struct kvm_cpuid_entry2 *l = &t->entries[i];
        if (l->function != fn || !(l->eax & 31))
            continue;
        uint32_t level = l->eax >> 5 & 7, sharers = level >= 3 ? threads * cores : threads;
        l->eax = (l->eax & 0x3fff) | (sharers - 1) << 14 | (fn == 4 ? (cores - 1) << 26 : 0);
    }
}

/* Leaves 0xb and 0x1f: extended topology. */
static void extended_topology(struct kvm_cpuid2 *t, uint32_t fn, uint32_t threads, uint32_t cores,
                              uint32_t apic_id)
{
    uint32_t tb = bits_for(threads), pb = tb + bits_for(cores);
    struct kvm_cpuid_entry2 *smt = cpuid_leaf_or_new(t, fn, 0), *core = cpuid_leaf_or_new(t, fn, 1),
                            *end = cpuid_leaf_or_new(t, fn, 2);
    if (!smt || !core || !end)
        return;
    smt->eax = tb;
    smt->ebx = threads;
    smt->ecx = 0 | 1 << 8;
    core->eax = pb;
    core->ebx = threads * cores;
    core->ecx = 1 | 2 << 8;
    end->eax = end->ebx = 0;
    end->ecx = 2;
    smt->edx = core->edx = end->edx = apic_id;
}

static void amd_topology(struct kvm_cpuid2 *t, uint32_t threads, uint32_t cores, uint32_t apic_id)
{
    struct kvm_cpuid_entry2 *l8 = cpuid_leaf(t, 0x80000008, 0), *l1e = cpuid_leaf(t, 0x8000001e, 0);
    if (l8)
        l8->ecx = (l8->ecx & ~0xf0ffu) | (threads * cores - 1) | bits_for(threads * cores) << 12;
    if (l1e) {
        l1e->eax = apic_id;
        l1e->ebx = (threads - 1) << 8 | (apic_id >> bits_for(threads) & 0xff);
        l1e->ecx = 0;
    }
}

static int is_amd(struct kvm_cpuid2 *t)
{
    struct kvm_cpuid_entry2 *l = cpuid_leaf(t, 0, 0);
    return l && (l->ebx == 0x68747541 /* Auth */ || l->ebx == 0x6f677948 /* Hygo */);
}

void cpuid_personal(struct kvm_cpuid2 *t, const struct vcpu_options *o, uint32_t apic_id)
{
    uint32_t threads = at_least_1(o->threads), cores = at_least_1(o->cores), all = threads * cores;
    struct kvm_cpuid_entry2 *l0 = cpuid_leaf(t, 0, 0), *l1 = cpuid_leaf(t, 1, 0);
    if (l1) {
        l1->ebx = (l1->ebx & 0xffff) | (all < 255 ? all : 255) << 16 | apic_id << 24;
        l1->edx = all > 1 ? l1->edx | LEAF1_EDX_HTT : l1->edx & ~(uint32_t)LEAF1_EDX_HTT;
    }
    share_caches(t, is_amd(t) ? 0x8000001d : 4, threads, cores);
    if (l0 && l0->eax >= 0xb)
        extended_topology(t, 0xb, threads, cores, apic_id);
    if (l0 && l0->eax >= 0x1f)
        extended_topology(t, 0x1f, threads, cores, apic_id);
    if (is_amd(t))
        amd_topology(t, threads, cores, apic_id);
}
