/* SPDX-License-Identifier: BSD-2-Clause */
/* What -cpu means: the table of models, features, levels, and the CPUID that comes of it. */
#include "tap.h"
#include "vm/cpu_model.h"
#include "vm/vcpu_impl.h"
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

static struct cpu_config config;

static const struct cpu_config *make(const char *spec)
{
    ERR_AUTO e = {0};
    cpu_config_clear(&config);
    CHECK_EQ(cpu_config_make(&config, spec, NULL, 0, &e), 0);
    return &config;
}

static void refused(const char *spec, const char *text)
{
    ERR_AUTO e = {0};
    struct cpu_config c;
    CHECK(cpu_config_make(&c, spec, NULL, 0, &e) < 0);
    CHECK_STR(err_text(&e), text);
}

static uint32_t word(const struct cpu_config *c, const char *feature)
{
    return c->word[cpu_word_of(cpu_feature_find(feature))];
}

TEST(every_name_in_the_table_is_a_feature)
{
    const struct cpu_model *m;
    for (uint32_t i = 0; (m = cpu_model_at(i)); i++) {
        char text[1024], *save = NULL;
        snprintf(text, sizeof text, "%s", m->features);
        for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
            if (!strchr(w, '=') && !cpu_feature_find(w + (*w == '-'))) {
                printf("# %s: %s\n", m->name, w);
                CHECK(0);
            }
    }
}

TEST(a_base_stands_above_its_model_and_no_name_stands_twice)
{
    const struct cpu_model *m;
    for (uint32_t i = 0; (m = cpu_model_at(i)); i++) {
        CHECK(cpu_model_find(m->name) == m);
        CHECK(!m->alias || cpu_model_find(m->alias) == m);
        CHECK(!m->base || (cpu_model_find(m->base) && cpu_model_find(m->base) < m));
    }
}

TEST(every_word_is_that_of_its_features)
{
    const struct cpu_feature *f;
    for (uint32_t i = 0; (f = cpu_feature_at(i)); i++) {
        const struct cpu_word *w = cpu_word_at(cpu_word_of(f));
        CHECK_EQ(w->leaf, f->leaf);
        CHECK_EQ(w->index, f->index);
        CHECK_EQ(w->reg, f->reg);
    }
}

/* Intel SDM volume 2, CPUID: leaf 1 and 7 of that processor. */
TEST(haswell_is_what_the_manual_says)
{
    const struct cpu_config *c = make("Haswell");
    CHECK_STR(c->vendor, "GenuineIntel");
    CHECK_EQ(c->family, 6);
    CHECK_EQ(c->number, 60);
    CHECK_EQ(c->level, 0xd);
    CHECK_EQ(word(c, "avx2"),
             1 << 0 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11);
    CHECK(cpu_config_has(c, "movbe") && cpu_config_has(c, "fma") && cpu_config_has(c, "lm"));
    CHECK(!cpu_config_has(c, "adx") && !cpu_config_has(c, "avx512f"));
}

TEST(a_version_differs_from_the_one_before)
{
    CHECK(!cpu_config_has(make("Haswell-noTSX"), "rtm"));
    CHECK_EQ(config.stepping, 1);
    CHECK_STR(config.brand, "Intel Core Processor (Haswell, no TSX)");
    CHECK(cpu_config_has(make("Haswell-IBRS"), "rtm"));
    CHECK(cpu_config_has(&config, "spec-ctrl"));
    CHECK_EQ(make("Icelake-Server-v4")->number, 106);
}

/* AMD APM volume 3, E.4.2: Fn8000_0001 EDX. */
TEST(amd_repeats_bits_of_leaf_1)
{
    CHECK_EQ(word(make("EPYC"), "syscall") & 0x3ff, 0x3ff);
    CHECK_EQ(word(make("Haswell"), "syscall") & 0x3ff, 0);
}

TEST(levels_follow_from_features_unless_they_are_given)
{
    CHECK_EQ(make("486")->level, 1);
    CHECK_EQ(make("486,arat=on")->level, 6);
    CHECK_EQ(make("486,level=2,arat=on")->level, 2);
    CHECK_EQ(make("athlon,svm=on")->xlevel, 0x8000000a);
    CHECK_EQ(make("phenom,xstore=on")->xlevel2, 0xc0000001);
    ERR_AUTO e = {0};
    cpu_config_clear(&config);
    CHECK_EQ(cpu_config_make(&config, "486,arat=on", NULL, 1, &e), 0);
    CHECK_EQ(config.level, 1);
}

TEST(signs_count_after_values_and_minus_after_plus)
{
    CHECK(!cpu_config_has(make("pentium,-fpu,+fpu"), "fpu"));
    CHECK(!cpu_config_has(make("pentium,-mce,mce=on"), "mce"));
    CHECK(cpu_config_has(make("pentium,+sse4_1,sse4_2=on"), "sse4-1"));
    CHECK(cpu_config_has(&config, "sse4.2"));
}

TEST(what_is_no_model_or_no_feature_is_refused)
{
    refused("Hasswell", "unable to find CPU model 'Hasswell'");
    refused("", "unable to find CPU model ''");
    refused("Haswell,fooo=on", "Property 'Haswell-x86_64-cpu.fooo' not found");
    refused("Haswell,+fooo", "Property 'Haswell-x86_64-cpu.fooo' not found");
    refused("max,vendor=me", "Property 'vendor' doesn't take value 'me'");
    CHECK_EQ(make("max,vendor=0123456789ab,model-id=x")->brand[0], 'x');
}

TEST(what_the_accelerator_has_not_is_filtered)
{
    uint32_t have[CPU_WORDS];
    ERR_AUTO e = {0};
    memset(have, 0xff, sizeof have);
    const struct cpu_feature *rtm = cpu_feature_find("rtm");
    have[cpu_word_of(rtm)] &= ~(1u << rtm->bit);
    const struct cpu_limits lim = {.word = have};
    cpu_config_clear(&config);
    CHECK_EQ(cpu_config_make(&config, "Haswell,check=off", &lim, 0, &e), 0);
    CHECK(!cpu_config_has(&config, "rtm") && cpu_config_has(&config, "hle"));
    CHECK_EQ(config.filtered[cpu_word_of(rtm)], 1u << rtm->bit);
    CHECK(cpu_config_has(&config, "x2apic") && cpu_config_has(&config, "kvmclock"));
    cpu_config_clear(&config);
    CHECK_EQ(cpu_config_make(&config, "Haswell,check=off,enforce=on", &lim, 0, &e), -ENOTSUP);
}

/* ---- CPUID ---- */

static struct kvm_cpuid2 *table;

static void add(uint32_t fn, uint32_t index, uint32_t eax, uint32_t ebx)
{
    struct kvm_cpuid_entry2 *l = cpuid_leaf_or_new(table, fn, index);
    l->eax = eax;
    l->ebx = ebx;
}

/* A processor with AVX-512 state and a performance monitor. */
static void real_processor(void)
{
    free(table);
    table = calloc(1, sizeof *table + 300 * sizeof table->entries[0]);
    add(0, 0, 0x1f, 0);
    add(1, 0, 0x000a06a4, 0);
    add(7, 0, 2, 0);
    add(0xa, 0, 0x7300405, 0);
    add(0xd, 0, 0xe7, 0);
    add(0xd, 1, 0xf, 0);
    add(0xd, 2, 256, 576);
    add(0xd, 5, 64, 1088);
    add(0x16, 0, 3000, 3000);
    add(0x80000000, 0, 0x80000008, 0);
    add(0x80000001, 0, 0, 0);
    add(0x80000008, 0, 0x3027, 0);
}

TEST(a_model_hides_the_real_processor)
{
    real_processor();
    cpuid_model_apply(table, make("Haswell"));
    CHECK_EQ(cpuid_leaf(table, 0, 0)->eax, 0xd);
    CHECK_EQ(cpuid_leaf(table, 0, 0)->ebx, 0x756e6547); /* Genu */
    CHECK_EQ(cpuid_leaf(table, 1, 0)->eax, 0x000306c4); /* 06_3CH, stepping 4 */
    CHECK(!cpuid_leaf(table, 0xa, 0) && !cpuid_leaf(table, 0x16, 0));
    CHECK_EQ(cpuid_leaf(table, 7, 0)->eax, 0);
    CHECK_EQ(cpuid_leaf(table, 0x80000002, 0)->eax, 0x65746e49); /* Inte */
    CHECK_EQ(cpuid_leaf(table, 0x80000008, 0)->eax, 0x3027);
}

/* SDM volume 1, 13.2: only what the model's features save, and room for that. */
TEST(xsave_has_the_models_components)
{
    real_processor();
    cpuid_model_apply(table, make("Haswell"));
    CHECK_EQ(cpuid_leaf(table, 0xd, 0)->eax, 7);
    CHECK_EQ(cpuid_leaf(table, 0xd, 0)->ecx, 832);
    CHECK(!cpuid_leaf(table, 0xd, 5) || cpuid_leaf(table, 0xd, 5)->index != 5);
    real_processor();
    cpuid_model_apply(table, make("Nehalem"));
    CHECK(!cpuid_leaf(table, 0xd, 0));
}

/* SDM volume 2, leaf 4: bytes = ways * partitions * line * sets. */
TEST(caches_are_described)
{
    real_processor();
    cpuid_model_apply(table, make("Haswell"));
    const struct kvm_cpuid_entry2 *l = cpuid_leaf(table, 4, 0);
    CHECK_EQ(((l->ebx >> 22) + 1) * ((l->ebx & 0xfff) + 1) * (l->ecx + 1), 32 << 10);
    real_processor();
    cpuid_model_apply(table, make("EPYC"));
    CHECK(!cpuid_leaf(table, 4, 0));
    CHECK_EQ(cpuid_leaf(table, 0x80000005, 0)->ecx >> 24, 32);
    CHECK_EQ(cpuid_leaf(table, 1, 0)->eax, 0x00800f12); /* family 17h, model 1, stepping 2 */
}

int main(void)
{
    RUN(every_name_in_the_table_is_a_feature);
    RUN(a_base_stands_above_its_model_and_no_name_stands_twice);
    RUN(every_word_is_that_of_its_features);
    RUN(haswell_is_what_the_manual_says);
    RUN(a_version_differs_from_the_one_before);
    RUN(amd_repeats_bits_of_leaf_1);
    RUN(levels_follow_from_features_unless_they_are_given);
    RUN(signs_count_after_values_and_minus_after_plus);
    RUN(what_is_no_model_or_no_feature_is_refused);
    RUN(what_the_accelerator_has_not_is_filtered);
    RUN(a_model_hides_the_real_processor);
    RUN(xsave_has_the_models_components);
    RUN(caches_are_described);
    cpu_config_clear(&config);
    free(table);
    return tap_done();
}
