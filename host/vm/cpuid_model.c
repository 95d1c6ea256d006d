/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUID of a named model: what it says beside feature bits, and what of the real processor's it
 * must not say. Leaves: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E. */
#include "cpu_model.h"
#include "util/alloc.h"
#include "vcpu_impl.h"
#include <string.h>

#define EXTENDED 0x80000000u
#define KVM_LEAF 0x40000000u
#define CENTAUR  0xc0000000u

static struct kvm_cpuid_entry2 *fresh(struct kvm_cpuid2 *t, uint32_t fn, uint32_t index)
{
    struct kvm_cpuid_entry2 *l = cpuid_leaf_or_new(t, fn, index);
    if (l)
        l->eax = l->ebx = l->ecx = l->edx = 0;
    return l;
}

/* ---- what goes ---- */

/* Leaves about one processor, or of a feature: 0 if the model has none of it. */
static int belongs(const struct cpu_config *c, const struct kvm_cpuid_entry2 *l)
{
    switch (l->function) {
    case 0x2: /* made anew */
    case 0x4:
    case 0x5:
    case 0x9:
    case 0xa: /* performance counters */
    case 0x15:
    case 0x16:
    case 0x17:
    case 0x18:
    case 0x1f: /* made for each vCPU where the level reaches it */
    case 0x80000005:
    case 0x80000006:
    case 0x8000001d:
        return 0;
    case 0xd:
        return cpu_config_has(c, "xsave");
    case 0x12:
        return cpu_config_has(c, "sgx");
    case 0x14:
        return cpu_config_has(c, "intel-pt");
    case 0x1d:
    case 0x1e:
        return cpu_config_has(c, "amx-tile");
    case 0x24:
        return cpu_config_has(c, "avx10");
    case 0x8000000a:
        return cpu_config_has(c, "svm");
    case 0x8000001e:
        return cpu_config_has(c, "topoext");
    default:
        return 1;
    }
}

static int within_levels(const struct cpu_config *c, uint32_t fn)
{
    if (fn < KVM_LEAF)
        return fn <= c->level;
    return fn < EXTENDED || (fn < CENTAUR ? fn <= c->xlevel : fn <= c->xlevel2);
}

static void trim(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    for (uint32_t i = 0; i < t->nent;)
        if (within_levels(c, t->entries[i].function) && belongs(c, &t->entries[i]))
            i++;
        else
            t->entries[i] = t->entries[--t->nent];
}

/* ---- who it is ---- */

static void write_text(struct kvm_cpuid_entry2 *l, const char *text)
{
    if (!l)
        return;
    memcpy(&l->eax, text, 4);
    memcpy(&l->ebx, text + 4, 4);
    memcpy(&l->ecx, text + 8, 4);
    memcpy(&l->edx, text + 12, 4);
}

static void write_vendor(struct kvm_cpuid_entry2 *l, uint32_t level, const char *vendor)
{
    if (!l)
        return;
    l->eax = level;
    memcpy(&l->ebx, vendor, 4);
    memcpy(&l->edx, vendor + 4, 4);
    memcpy(&l->ecx, vendor + 8, 4);
}

/* EAX of leaf 1: a family above 15 is 15 and an extended family. */
static uint32_t signature(const struct cpu_config *c)
{
    uint32_t base = c->family < 15 ? c->family : 15;
    return (c->family - base) << 20 | (c->number >> 4) << 16 | base << 8 | (c->number & 15) << 4 |
           (c->stepping & 15);
}

static void write_identity(struct kvm_cpuid2 *t, const struct cpu_config *c, int amd)
{
    char brand[48] = "";
    struct kvm_cpuid_entry2 *l1 = cpuid_leaf(t, 1, 0), *x1 = cpuid_leaf(t, 0x80000001, 0);
    memcpy(brand, c->brand, strlen(c->brand));
    write_vendor(cpuid_leaf_or_new(t, 0, 0), c->level, c->vendor);
    if (l1)
        l1->eax = signature(c);
    if (c->xlevel >= EXTENDED)
        write_vendor(cpuid_leaf_or_new(t, EXTENDED, 0), c->xlevel,
                     amd ? c->vendor : "\0\0\0\0\0\0\0\0\0\0\0");
    if (x1) {
        x1->eax = amd ? signature(c) : 0;
        x1->ebx = 0;
    }
    for (uint32_t i = 0; i < 3 && c->xlevel >= 0x80000002 + i; i++)
        write_text(cpuid_leaf_or_new(t, 0x80000002 + i, 0), brand + (size_t)16 * i);
}

/* ---- caches ---- */

struct cache {
    uint32_t eax, ebx, ecx, edx; /* of leaf 4 */
};
/* Level 1 with 32 KiB of data and of code, 4 MiB, and 16 MiB for a whole package, in lines of 64
 * bytes: the same everywhere, so that a guest does not see where it was moved to. */
static const struct cache caches[] = {{0x121, 7u << 22 | 63, 63, 0},
                                      {0x122, 7u << 22 | 63, 63, 0},
                                      {0x143, 15u << 22 | 63, 4095, 0},
                                      {0x163, 15u << 22 | 63, 16383, 6}};

static void write_caches(struct kvm_cpuid2 *t, uint32_t fn)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(caches); i++) {
        struct kvm_cpuid_entry2 *l = fresh(t, fn, i);
        if (!l)
            return;
        l->eax = caches[i].eax;
        l->ebx = caches[i].ebx;
        l->ecx = caches[i].ecx;
        l->edx = caches[i].edx;
    }
}

/* The same sizes as AMD's leaves have them: KiB, ways and line; ways 8 stand for 16, 6 for 8. */
static void write_amd_caches(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    struct kvm_cpuid_entry2 *l1 = c->xlevel >= 0x80000005 ? fresh(t, 0x80000005, 0) : NULL,
                            *l2 = c->xlevel >= 0x80000006 ? fresh(t, 0x80000006, 0) : NULL;
    if (l1)
        l1->ecx = l1->edx = 32u << 24 | 8 << 16 | 1 << 8 | 64;
    if (l2) {
        l2->ecx = 4096u << 16 | 8 << 12 | 1 << 8 | 64;
        l2->edx = 32u << 18 | 8 << 12 | 1 << 8 | 64;
    }
    if (cpu_config_has(c, "topoext") && c->xlevel >= 0x8000001d)
        write_caches(t, 0x8000001d);
}

static void write_intel_caches(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    struct kvm_cpuid_entry2 *l2 = c->level >= 2 ? fresh(t, 2, 0) : NULL;
    if (l2)
        l2->eax = 0xff01; /* look at leaf 4 */
    if (c->level >= 4)
        write_caches(t, 4);
}

/* ---- registers that XSAVE keeps ---- */

static uint64_t xsave_components(const struct cpu_config *c)
{
    static const struct {
        const char *feature;
        uint64_t bits;
    } of[] = {{"avx", 1 << 2},
              {"mpx", 3 << 3},
              {"avx512f", 7 << 5},
              {"pku", 1 << 9},
              {"amx-tile", 3 << 17}};
    uint64_t bits = 3; /* x87, SSE */
    for (size_t i = 0; i < ARRAY_SIZE(of); i++)
        bits |= cpu_config_has(c, of[i].feature) ? of[i].bits : 0;
    return bits;
}

/* Subleaf n above 1 describes component n: where it is, and its size. */
static void trim_xsave(struct kvm_cpuid2 *t, uint64_t have)
{
    uint32_t end = 576; /* the legacy region and the header */
    for (uint32_t i = 0; i < t->nent;) {
        const struct kvm_cpuid_entry2 *l = &t->entries[i];
        if (l->function != 0xd || l->index < 2) {
            i++;
        } else if (l->index > 63 || !(have >> l->index & 1)) {
            t->entries[i] = t->entries[--t->nent];
        } else {
            end = l->ebx + l->eax > end ? l->ebx + l->eax : end;
            i++;
        }
    }
    struct kvm_cpuid_entry2 *l0 = cpuid_leaf(t, 0xd, 0), *l1 = cpuid_leaf(t, 0xd, 1);
    if (l0) {
        l0->eax &= (uint32_t)have;
        l0->edx &= (uint32_t)(have >> 32);
        l0->ebx = l0->ecx = end;
    }
    if (l1)
        l1->ecx = l1->edx = 0; /* no supervisor state */
}

/* ---- all of it ---- */

/* Leaf 7 says in EAX which subleaf is its last. */
static void count_leaf_7(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < CPU_WORDS; i++) {
        const struct cpu_word *w = cpu_word_at(i);
        if (w->leaf == 7 && c->word[i] && w->index > last)
            last = w->index;
    }
    struct kvm_cpuid_entry2 *l = cpuid_leaf(t, 7, 0);
    if (l)
        l->eax = last;
}

void cpuid_model_apply(struct kvm_cpuid2 *t, const struct cpu_config *c)
{
    int amd = c->vendor[0] == 'A' || c->vendor[0] == 'H';
    struct kvm_cpuid_entry2 *l6;
    trim(t, c);
    write_identity(t, c, amd);
    if (amd)
        write_amd_caches(t, c);
    else
        write_intel_caches(t, c);
    trim_xsave(t, xsave_components(c));
    count_leaf_7(t, c);
    if ((l6 = cpuid_leaf(t, 6, 0)))
        l6->ebx = l6->ecx = l6->edx = 0;
    if (c->xlevel2)
        cpuid_leaf_or_new(t, CENTAUR, 0)->eax = c->xlevel2;
}
