/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu_features.h"

#include "util/alloc.h"
#include <stddef.h>

/* Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; Linux
 * Documentation/virt/kvm/x86/cpuid.rst for 0x40000001. */
static const struct cpu_feature features[] = {
    {"fpu", 0x1, 0, CPU_EDX, 0},
    {"vme", 0x1, 0, CPU_EDX, 1},
    {"de", 0x1, 0, CPU_EDX, 2},
    {"pse", 0x1, 0, CPU_EDX, 3},
    {"tsc", 0x1, 0, CPU_EDX, 4},
    {"msr", 0x1, 0, CPU_EDX, 5},
    {"pae", 0x1, 0, CPU_EDX, 6},
    {"mce", 0x1, 0, CPU_EDX, 7},
    {"cx8", 0x1, 0, CPU_EDX, 8},
    {"apic", 0x1, 0, CPU_EDX, 9},
    {"sep", 0x1, 0, CPU_EDX, 11},
    {"mtrr", 0x1, 0, CPU_EDX, 12},
    {"pge", 0x1, 0, CPU_EDX, 13},
    {"mca", 0x1, 0, CPU_EDX, 14},
    {"cmov", 0x1, 0, CPU_EDX, 15},
    {"pat", 0x1, 0, CPU_EDX, 16},
    {"pse36", 0x1, 0, CPU_EDX, 17},
    {"pn", 0x1, 0, CPU_EDX, 18},
    {"clflush", 0x1, 0, CPU_EDX, 19},
    {"ds", 0x1, 0, CPU_EDX, 21},
    {"acpi", 0x1, 0, CPU_EDX, 22},
    {"mmx", 0x1, 0, CPU_EDX, 23},
    {"fxsr", 0x1, 0, CPU_EDX, 24},
    {"sse", 0x1, 0, CPU_EDX, 25},
    {"sse2", 0x1, 0, CPU_EDX, 26},
    {"ss", 0x1, 0, CPU_EDX, 27},
    {"ht", 0x1, 0, CPU_EDX, 28},
    {"tm", 0x1, 0, CPU_EDX, 29},
    {"ia64", 0x1, 0, CPU_EDX, 30},
    {"pbe", 0x1, 0, CPU_EDX, 31},
    {"pni", 0x1, 0, CPU_ECX, 0},
    {"pclmulqdq", 0x1, 0, CPU_ECX, 1},
    {"dtes64", 0x1, 0, CPU_ECX, 2},
    {"monitor", 0x1, 0, CPU_ECX, 3},
    {"ds-cpl", 0x1, 0, CPU_ECX, 4},
    {"vmx", 0x1, 0, CPU_ECX, 5},
    {"smx", 0x1, 0, CPU_ECX, 6},
    {"est", 0x1, 0, CPU_ECX, 7},
    {"tm2", 0x1, 0, CPU_ECX, 8},
    {"ssse3", 0x1, 0, CPU_ECX, 9},
    {"cid", 0x1, 0, CPU_ECX, 10},
    {"fma", 0x1, 0, CPU_ECX, 12},
    {"cx16", 0x1, 0, CPU_ECX, 13},
    {"xtpr", 0x1, 0, CPU_ECX, 14},
    {"pdcm", 0x1, 0, CPU_ECX, 15},
    {"pcid", 0x1, 0, CPU_ECX, 17},
    {"dca", 0x1, 0, CPU_ECX, 18},
    {"sse4.1", 0x1, 0, CPU_ECX, 19},
    {"sse4.2", 0x1, 0, CPU_ECX, 20},
    {"x2apic", 0x1, 0, CPU_ECX, 21},
    {"movbe", 0x1, 0, CPU_ECX, 22},
    {"popcnt", 0x1, 0, CPU_ECX, 23},
    {"tsc-deadline", 0x1, 0, CPU_ECX, 24},
    {"aes", 0x1, 0, CPU_ECX, 25},
    {"xsave", 0x1, 0, CPU_ECX, 26},
    {"avx", 0x1, 0, CPU_ECX, 28},
    {"f16c", 0x1, 0, CPU_ECX, 29},
    {"rdrand", 0x1, 0, CPU_ECX, 30},
    {"hypervisor", 0x1, 0, CPU_ECX, 31},
    {"arat", 0x6, 0, CPU_EAX, 2},
    {"fsgsbase", 0x7, 0, CPU_EBX, 0},
    {"tsc-adjust", 0x7, 0, CPU_EBX, 1},
    {"sgx", 0x7, 0, CPU_EBX, 2},
    {"bmi1", 0x7, 0, CPU_EBX, 3},
    {"hle", 0x7, 0, CPU_EBX, 4},
    {"avx2", 0x7, 0, CPU_EBX, 5},
    {"fdp-excptn-only", 0x7, 0, CPU_EBX, 6},
    {"smep", 0x7, 0, CPU_EBX, 7},
    {"bmi2", 0x7, 0, CPU_EBX, 8},
    {"erms", 0x7, 0, CPU_EBX, 9},
    {"invpcid", 0x7, 0, CPU_EBX, 10},
    {"rtm", 0x7, 0, CPU_EBX, 11},
    {"zero-fcs-fds", 0x7, 0, CPU_EBX, 13},
    {"mpx", 0x7, 0, CPU_EBX, 14},
    {"avx512f", 0x7, 0, CPU_EBX, 16},
    {"avx512dq", 0x7, 0, CPU_EBX, 17},
    {"rdseed", 0x7, 0, CPU_EBX, 18},
    {"adx", 0x7, 0, CPU_EBX, 19},
    {"smap", 0x7, 0, CPU_EBX, 20},
    {"avx512ifma", 0x7, 0, CPU_EBX, 21},
    {"pcommit", 0x7, 0, CPU_EBX, 22},
    {"clflushopt", 0x7, 0, CPU_EBX, 23},
    {"clwb", 0x7, 0, CPU_EBX, 24},
    {"intel-pt", 0x7, 0, CPU_EBX, 25},
    {"avx512pf", 0x7, 0, CPU_EBX, 26},
    {"avx512er", 0x7, 0, CPU_EBX, 27},
    {"avx512cd", 0x7, 0, CPU_EBX, 28},
    {"sha-ni", 0x7, 0, CPU_EBX, 29},
    {"avx512bw", 0x7, 0, CPU_EBX, 30},
    {"avx512vl", 0x7, 0, CPU_EBX, 31},
    {"avx512vbmi", 0x7, 0, CPU_ECX, 1},
    {"umip", 0x7, 0, CPU_ECX, 2},
    {"pku", 0x7, 0, CPU_ECX, 3},
    {"ospke", 0x7, 0, CPU_ECX, 4},
    {"waitpkg", 0x7, 0, CPU_ECX, 5},
    {"avx512vbmi2", 0x7, 0, CPU_ECX, 6},
    {"gfni", 0x7, 0, CPU_ECX, 8},
    {"vaes", 0x7, 0, CPU_ECX, 9},
    {"vpclmulqdq", 0x7, 0, CPU_ECX, 10},
    {"avx512vnni", 0x7, 0, CPU_ECX, 11},
    {"avx512bitalg", 0x7, 0, CPU_ECX, 12},
    {"avx512-vpopcntdq", 0x7, 0, CPU_ECX, 14},
    {"la57", 0x7, 0, CPU_ECX, 16},
    {"rdpid", 0x7, 0, CPU_ECX, 22},
    {"bus-lock-detect", 0x7, 0, CPU_ECX, 24},
    {"cldemote", 0x7, 0, CPU_ECX, 25},
    {"movdiri", 0x7, 0, CPU_ECX, 27},
    {"movdir64b", 0x7, 0, CPU_ECX, 28},
    {"sgxlc", 0x7, 0, CPU_ECX, 30},
    {"pks", 0x7, 0, CPU_ECX, 31},
    {"avx512-4vnniw", 0x7, 0, CPU_EDX, 2},
    {"avx512-4fmaps", 0x7, 0, CPU_EDX, 3},
    {"fsrm", 0x7, 0, CPU_EDX, 4},
    {"avx512-vp2intersect", 0x7, 0, CPU_EDX, 8},
    {"md-clear", 0x7, 0, CPU_EDX, 10},
    {"serialize", 0x7, 0, CPU_EDX, 14},
    {"tsx-ldtrk", 0x7, 0, CPU_EDX, 16},
    {"arch-lbr", 0x7, 0, CPU_EDX, 19},
    {"amx-bf16", 0x7, 0, CPU_EDX, 22},
    {"avx512-fp16", 0x7, 0, CPU_EDX, 23},
    {"amx-tile", 0x7, 0, CPU_EDX, 24},
    {"amx-int8", 0x7, 0, CPU_EDX, 25},
    {"spec-ctrl", 0x7, 0, CPU_EDX, 26},
    {"stibp", 0x7, 0, CPU_EDX, 27},
    {"flush-l1d", 0x7, 0, CPU_EDX, 28},
    {"arch-capabilities", 0x7, 0, CPU_EDX, 29},
    {"core-capability", 0x7, 0, CPU_EDX, 30},
    {"ssbd", 0x7, 0, CPU_EDX, 31},
    {"sha512", 0x7, 1, CPU_EAX, 0},
    {"sm3", 0x7, 1, CPU_EAX, 1},
    {"sm4", 0x7, 1, CPU_EAX, 2},
    {"avx-vnni", 0x7, 1, CPU_EAX, 4},
    {"avx512-bf16", 0x7, 1, CPU_EAX, 5},
    {"cmpccxadd", 0x7, 1, CPU_EAX, 7},
    {"fzrm", 0x7, 1, CPU_EAX, 10},
    {"fsrs", 0x7, 1, CPU_EAX, 11},
    {"fsrc", 0x7, 1, CPU_EAX, 12},
    {"fred", 0x7, 1, CPU_EAX, 17},
    {"lkgs", 0x7, 1, CPU_EAX, 18},
    {"wrmsrns", 0x7, 1, CPU_EAX, 19},
    {"amx-fp16", 0x7, 1, CPU_EAX, 21},
    {"avx-ifma", 0x7, 1, CPU_EAX, 23},
    {"lam", 0x7, 1, CPU_EAX, 26},
    {"avx-vnni-int8", 0x7, 1, CPU_EDX, 4},
    {"avx-ne-convert", 0x7, 1, CPU_EDX, 5},
    {"amx-complex", 0x7, 1, CPU_EDX, 8},
    {"avx-vnni-int16", 0x7, 1, CPU_EDX, 10},
    {"prefetchiti", 0x7, 1, CPU_EDX, 14},
    {"avx10", 0x7, 1, CPU_EDX, 19},
    {"intel-psfd", 0x7, 2, CPU_EDX, 0},
    {"ipred-ctrl", 0x7, 2, CPU_EDX, 1},
    {"rrsba-ctrl", 0x7, 2, CPU_EDX, 2},
    {"ddpd-u", 0x7, 2, CPU_EDX, 3},
    {"bhi-ctrl", 0x7, 2, CPU_EDX, 4},
    {"mcdt-no", 0x7, 2, CPU_EDX, 5},
    {"xsaveopt", 0xd, 1, CPU_EAX, 0},
    {"xsavec", 0xd, 1, CPU_EAX, 1},
    {"xgetbv1", 0xd, 1, CPU_EAX, 2},
    {"xsaves", 0xd, 1, CPU_EAX, 3},
    {"xfd", 0xd, 1, CPU_EAX, 4},
    {"intel-pt-lip", 0x14, 0, CPU_ECX, 31},
    {"avx10-128", 0x24, 0, CPU_EBX, 16},
    {"avx10-256", 0x24, 0, CPU_EBX, 17},
    {"avx10-512", 0x24, 0, CPU_EBX, 18},
    {"syscall", 0x80000001, 0, CPU_EDX, 11},
    {"nx", 0x80000001, 0, CPU_EDX, 20},
    {"mmxext", 0x80000001, 0, CPU_EDX, 22},
    {"fxsr-opt", 0x80000001, 0, CPU_EDX, 25},
    {"pdpe1gb", 0x80000001, 0, CPU_EDX, 26},
    {"rdtscp", 0x80000001, 0, CPU_EDX, 27},
    {"lm", 0x80000001, 0, CPU_EDX, 29},
    {"3dnowext", 0x80000001, 0, CPU_EDX, 30},
    {"3dnow", 0x80000001, 0, CPU_EDX, 31},
    {"lahf-lm", 0x80000001, 0, CPU_ECX, 0},
    {"cmp-legacy", 0x80000001, 0, CPU_ECX, 1},
    {"svm", 0x80000001, 0, CPU_ECX, 2},
    {"extapic", 0x80000001, 0, CPU_ECX, 3},
    {"cr8legacy", 0x80000001, 0, CPU_ECX, 4},
    {"abm", 0x80000001, 0, CPU_ECX, 5},
    {"sse4a", 0x80000001, 0, CPU_ECX, 6},
    {"misalignsse", 0x80000001, 0, CPU_ECX, 7},
    {"3dnowprefetch", 0x80000001, 0, CPU_ECX, 8},
    {"osvw", 0x80000001, 0, CPU_ECX, 9},
    {"ibs", 0x80000001, 0, CPU_ECX, 10},
    {"xop", 0x80000001, 0, CPU_ECX, 11},
    {"skinit", 0x80000001, 0, CPU_ECX, 12},
    {"wdt", 0x80000001, 0, CPU_ECX, 13},
    {"lwp", 0x80000001, 0, CPU_ECX, 15},
    {"fma4", 0x80000001, 0, CPU_ECX, 16},
    {"tce", 0x80000001, 0, CPU_ECX, 17},
    {"nodeid-msr", 0x80000001, 0, CPU_ECX, 19},
    {"tbm", 0x80000001, 0, CPU_ECX, 21},
    {"topoext", 0x80000001, 0, CPU_ECX, 22},
    {"perfctr-core", 0x80000001, 0, CPU_ECX, 23},
    {"perfctr-nb", 0x80000001, 0, CPU_ECX, 24},
    {"overflow-recov", 0x80000007, 0, CPU_EBX, 0},
    {"succor", 0x80000007, 0, CPU_EBX, 1},
    {"invtsc", 0x80000007, 0, CPU_EDX, 8},
    {"clzero", 0x80000008, 0, CPU_EBX, 0},
    {"xsaveerptr", 0x80000008, 0, CPU_EBX, 2},
    {"wbnoinvd", 0x80000008, 0, CPU_EBX, 9},
    {"ibpb", 0x80000008, 0, CPU_EBX, 12},
    {"ibrs", 0x80000008, 0, CPU_EBX, 14},
    {"amd-stibp", 0x80000008, 0, CPU_EBX, 15},
    {"stibp-always-on", 0x80000008, 0, CPU_EBX, 17},
    {"amd-ssbd", 0x80000008, 0, CPU_EBX, 24},
    {"virt-ssbd", 0x80000008, 0, CPU_EBX, 25},
    {"amd-no-ssb", 0x80000008, 0, CPU_EBX, 26},
    {"amd-psfd", 0x80000008, 0, CPU_EBX, 28},
    {"npt", 0x8000000a, 0, CPU_EDX, 0},
    {"lbrv", 0x8000000a, 0, CPU_EDX, 1},
    {"svm-lock", 0x8000000a, 0, CPU_EDX, 2},
    {"nrip-save", 0x8000000a, 0, CPU_EDX, 3},
    {"tsc-scale", 0x8000000a, 0, CPU_EDX, 4},
    {"vmcb-clean", 0x8000000a, 0, CPU_EDX, 5},
    {"flushbyasid", 0x8000000a, 0, CPU_EDX, 6},
    {"decodeassists", 0x8000000a, 0, CPU_EDX, 7},
    {"pause-filter", 0x8000000a, 0, CPU_EDX, 10},
    {"pfthreshold", 0x8000000a, 0, CPU_EDX, 12},
    {"avic", 0x8000000a, 0, CPU_EDX, 13},
    {"v-vmsave-vmload", 0x8000000a, 0, CPU_EDX, 15},
    {"vgif", 0x8000000a, 0, CPU_EDX, 16},
    {"vnmi", 0x8000000a, 0, CPU_EDX, 25},
    {"svme-addr-chk", 0x8000000a, 0, CPU_EDX, 28},
    {"no-nested-data-bp", 0x80000021, 0, CPU_EAX, 0},
    {"lfence-always-serializing", 0x80000021, 0, CPU_EAX, 2},
    {"null-sel-clr-base", 0x80000021, 0, CPU_EAX, 6},
    {"auto-ibrs", 0x80000021, 0, CPU_EAX, 8},
    {"eraps", 0x80000021, 0, CPU_EAX, 24},
    {"sbpb", 0x80000021, 0, CPU_EAX, 27},
    {"ibpb-brtype", 0x80000021, 0, CPU_EAX, 28},
    {"srso-no", 0x80000021, 0, CPU_EAX, 29},
    {"srso-user-kernel-no", 0x80000021, 0, CPU_EAX, 30},
    {"perfmon-v2", 0x80000022, 0, CPU_EAX, 0},
    {"xstore", 0xc0000001, 0, CPU_EDX, 2},
    {"xstore-en", 0xc0000001, 0, CPU_EDX, 3},
    {"xcrypt", 0xc0000001, 0, CPU_EDX, 6},
    {"xcrypt-en", 0xc0000001, 0, CPU_EDX, 7},
    {"ace2", 0xc0000001, 0, CPU_EDX, 8},
    {"ace2-en", 0xc0000001, 0, CPU_EDX, 9},
    {"phe", 0xc0000001, 0, CPU_EDX, 10},
    {"phe-en", 0xc0000001, 0, CPU_EDX, 11},
    {"pmm", 0xc0000001, 0, CPU_EDX, 12},
    {"pmm-en", 0xc0000001, 0, CPU_EDX, 13},
    {"kvmclock", 0x40000001, 0, CPU_EAX, 0},
    {"kvm-nopiodelay", 0x40000001, 0, CPU_EAX, 1},
    {"kvm-mmu", 0x40000001, 0, CPU_EAX, 2},
    {"kvmclock2", 0x40000001, 0, CPU_EAX, 3},
    {"kvm-asyncpf", 0x40000001, 0, CPU_EAX, 4},
    {"kvm-steal-time", 0x40000001, 0, CPU_EAX, 5},
    {"kvm-pv-eoi", 0x40000001, 0, CPU_EAX, 6},
    {"kvm-pv-unhalt", 0x40000001, 0, CPU_EAX, 7},
    {"kvm-pv-tlb-flush", 0x40000001, 0, CPU_EAX, 9},
    {"kvm-pv-ipi", 0x40000001, 0, CPU_EAX, 11},
    {"kvm-poll-control", 0x40000001, 0, CPU_EAX, 12},
    {"kvm-pv-sched-yield", 0x40000001, 0, CPU_EAX, 13},
    {"kvm-asyncpf-int", 0x40000001, 0, CPU_EAX, 14},
    {"kvm-msi-ext-dest-id", 0x40000001, 0, CPU_EAX, 15},
    {"kvmclock-stable-bit", 0x40000001, 0, CPU_EAX, 24},
};

/* In the order of the features. */
static const struct cpu_word words[CPU_WORDS] = {
    {0x1, 0, CPU_EDX, 0},        {0x1, 0, CPU_ECX, 0},        {0x6, 0, CPU_EAX, 0},
    {0x7, 0, CPU_EBX, 1},        {0x7, 0, CPU_ECX, 1},        {0x7, 0, CPU_EDX, 1},
    {0x7, 1, CPU_EAX, 1},        {0x7, 1, CPU_EDX, 1},        {0x7, 2, CPU_EDX, 1},
    {0xd, 1, CPU_EAX, 1},        {0x14, 0, CPU_ECX, 1},       {0x24, 0, CPU_EBX, 1},
    {0x80000001, 0, CPU_EDX, 0}, {0x80000001, 0, CPU_ECX, 0}, {0x80000007, 0, CPU_EBX, 0},
    {0x80000007, 0, CPU_EDX, 0}, {0x80000008, 0, CPU_EBX, 0}, {0x8000000a, 0, CPU_EDX, 0},
    {0x80000021, 0, CPU_EAX, 0}, {0x80000022, 0, CPU_EAX, 0}, {0xc0000001, 0, CPU_EDX, 0},
    {0x40000001, 0, CPU_EAX, 0},
};

/* What else they are called: one name, and the one above. */
static const char *const aliases[][2] = {
    {"sse3", "pni"}, {"pclmuldq", "pclmulqdq"}, {"sse4-1", "sse4.1"}, {"sse4-2", "sse4.2"},
    {"xd", "nx"},    {"ffxsr", "fxsr-opt"},     {"i64", "lm"},        {"lbrv", "lbrv"},
};

static char plain(char c)
{
    return c == '_' ? '-' : c;
}

static int same(const char *a, const char *b)
{
    while (*a && plain(*a) == plain(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct cpu_feature *cpu_feature_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
        if (same(aliases[i][0], name))
            name = aliases[i][1];
    for (size_t i = 0; i < ARRAY_SIZE(features); i++)
        if (same(features[i].name, name))
            return &features[i];
    return NULL;
}

const struct cpu_feature *cpu_feature_at(uint32_t i)
{
    return i < ARRAY_SIZE(features) ? &features[i] : NULL;
}

const char *const *cpu_feature_alias_at(uint32_t i)
{
    return i < ARRAY_SIZE(aliases) ? aliases[i] : NULL;
}

const struct cpu_word *cpu_word_at(uint32_t i)
{
    return &words[i];
}

uint32_t cpu_word_of(const struct cpu_feature *f)
{
    uint32_t i = 0;
    while (i + 1 < CPU_WORDS &&
           (words[i].leaf != f->leaf || words[i].index != f->index || words[i].reg != f->reg))
        i++;
    return i;
}
