/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu_model.h"

#include "cli/values.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIXED_LEVEL = 1, FIXED_XLEVEL = 2, FIXED_XLEVEL2 = 4 };
#define BASIC_RANGE    0u
#define EXTENDED_RANGE 0x80000000u
#define CENTAUR_RANGE  0xc0000000u
#define RANGE_MASK     0xf0000000u
/* AMD APM volume 3, E.4.2: bits of leaf 1 EDX that Fn8000_0001 EDX repeats. */
#define AMD_REPEATED 0x0183f3ffu

static void set_bit(uint32_t word[CPU_WORDS], const struct cpu_feature *f, int on)
{
    uint32_t *w = &word[cpu_word_of(f)], bit = 1u << f->bit;
    *w = on ? *w | bit : *w & ~bit;
}

static void set_named(struct cpu_config *c, const char *feature, int on)
{
    const struct cpu_feature *f = cpu_feature_find(feature);
    if (f)
        set_bit(c->word, f, on);
}

int cpu_config_has(const struct cpu_config *c, const char *feature)
{
    const struct cpu_feature *f = cpu_feature_find(feature);
    return f && (c->word[cpu_word_of(f)] >> f->bit & 1);
}

/* ---- what a model is ---- */

/* Numbers that an option or a row of the table sets by name. */
static uint32_t *number(struct cpu_config *c, const char *key, uint32_t *fixed)
{
    const struct {
        const char *name;
        uint32_t *v, fixed;
    } n[] = {{"family", &c->family, 0},
             {"model", &c->number, 0},
             {"stepping", &c->stepping, 0},
             {"level", &c->level, FIXED_LEVEL},
             {"xlevel", &c->xlevel, FIXED_XLEVEL},
             {"xlevel2", &c->xlevel2, FIXED_XLEVEL2}};
    for (size_t i = 0; i < ARRAY_SIZE(n); i++)
        if (strcmp(n[i].name, key) == 0) {
            *fixed = n[i].fixed;
            return n[i].v;
        }
    return NULL;
}

static void apply_word(struct cpu_config *c, const char *word)
{
    AUTO_FREE char *key = xstrdup(word);
    char *eq = strchr(key, '=');
    uint32_t fixed;
    if (!eq) {
        set_named(c, key + (*key == '-'), *key != '-');
        return;
    }
    *eq = 0;
    uint32_t *v = number(c, key, &fixed);
    if (v)
        *v = (uint32_t)strtoul(eq + 1, NULL, 0);
}

static void apply_row(struct cpu_config *c, const struct cpu_model *m)
{
    AUTO_FREE char *text = xstrdup(m->features);
    char *save = NULL;
    for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
        apply_word(c, w);
    if (m->brand)
        snprintf(c->brand, sizeof c->brand, "%s", m->brand);
    if (!m->first)
        return;
    snprintf(c->vendor, sizeof c->vendor, "%s", m->vendor);
    c->family = m->family;
    c->number = m->model;
    c->stepping = m->stepping;
    c->level = m->level;
    c->xlevel = m->xlevel;
}

/* From the oldest ancestor down: the row before, or the one that a first version names. */
static void apply_model(struct cpu_config *c, const struct cpu_model *m)
{
    const struct cpu_model *base = !m->first ? m - 1 : m->base ? cpu_model_find(m->base) : NULL;
    if (base)
        apply_model(c, base);
    apply_row(c, m);
}

/* host and max: what the accelerator has; without one, every feature that has a name. */
static void apply_all(struct cpu_config *c, const struct cpu_limits *lim)
{
    const struct cpu_feature *f;
    for (uint32_t i = 0; !lim && (f = cpu_feature_at(i)); i++)
        set_bit(c->word, f, 1);
    if (!lim) {
        apply_word(c, "-invtsc"); /* a guest that has it cannot be moved */
        snprintf(c->vendor, sizeof c->vendor, "%s", "AuthenticAMD");
        snprintf(c->brand, sizeof c->brand, "%s", "Tenon Virtual CPU");
        c->family = c->number = 6;
        c->stepping = 3;
        return;
    }
    memcpy(c->word, lim->word, sizeof c->word);
    memcpy(c->vendor, lim->vendor, sizeof c->vendor);
    memcpy(c->brand, lim->brand, sizeof c->brand);
    c->family = lim->family;
    c->number = lim->number;
    c->stepping = lim->stepping;
    c->level = lim->level;
    c->xlevel = lim->xlevel;
    c->fixed = FIXED_LEVEL | FIXED_XLEVEL;
}

/* What a virtual machine on KVM has, whatever its model: KVM's own leaves and an x2APIC, and not
 * what a guest cannot use. */
static void apply_kvm(struct cpu_config *c)
{
    static const char *const words[] = {"kvmclock",
                                        "kvmclock2",
                                        "kvm-nopiodelay",
                                        "kvm-asyncpf",
                                        "kvm-steal-time",
                                        "kvm-pv-eoi",
                                        "x2apic",
                                        "-acpi",
                                        "-monitor",
                                        "-svm",
                                        "kvmclock-stable-bit",
                                        NULL};
    for (const char *const *w = words; *w; w++)
        apply_word(c, *w);
}

/* ---- options ---- */

struct options {
    struct cpu_config *c;
    char **v; /* in order */
    size_t n;
};

static int not_found(const struct cpu_config *c, const char *key, struct tn_err *e)
{
    return err_set(e, ENOENT, "Property '%s-x86_64-cpu.%s' not found", c->name, key);
}

static int set_switch(struct cpu_config *c, const char *key, const char *value, struct tn_err *e)
{
    const struct cpu_feature *f = cpu_feature_find(key);
    AUTO_FREE char *why = NULL;
    bool on = true;
    if (value && val_bool(key, value, &on, &why) < 0)
        return err_set(e, EINVAL, "%s", why);
    if (strcmp(key, "check") == 0)
        c->quiet = !on;
    else if (strcmp(key, "enforce") == 0)
        c->enforce = on;
    else if (strcmp(key, "kvm") == 0)
        c->hide_kvm = !on;
    else if (strcmp(key, "migratable") == 0 || strcmp(key, "host-phys-bits") == 0)
        return 0; /* what KVM reports is what it has */
    else if (f)
        set_bit(c->word, f, on);
    else
        return not_found(c, key, e);
    return 0;
}

static int set_text(char *to, size_t size, const char *key, const char *value, struct tn_err *e)
{
    if (!value || strlen(value) >= size || (strcmp(key, "vendor") == 0 && strlen(value) != 12))
        return err_set(e, EINVAL, "Property '%s' doesn't take value '%s'", key, value ? value : "");
    memset(to, 0, size);
    memcpy(to, value, strlen(value));
    return 0;
}

static int set_number(struct cpu_config *c, const char *key, const char *value, struct tn_err *e)
{
    AUTO_FREE char *why = NULL;
    uint32_t fixed = 0, *to = number(c, key, &fixed);
    uint64_t v;
    if (val_u64(key, value ? value : "", 0, UINT32_MAX, &v, &why) < 0)
        return err_set(e, EINVAL, "%s", why);
    *to = (uint32_t)v;
    c->fixed |= fixed;
    return 0;
}

/* KEY, KEY=VALUE */
static int set_option(struct cpu_config *c, const char *opt, struct tn_err *e)
{
    AUTO_FREE char *key = xstrdup(opt);
    char *eq = strchr(key, '=');
    const char *value = eq ? eq + 1 : NULL;
    uint32_t fixed;
    if (eq)
        *eq = 0;
    if (strcmp(key, "vendor") == 0)
        return set_text(c->vendor, sizeof c->vendor, key, value, e);
    if (strcmp(key, "model-id") == 0)
        return set_text(c->brand, sizeof c->brand, key, value, e);
    return number(c, key, &fixed) ? set_number(c, key, value, e) : set_switch(c, key, value, e);
}

static int is_about(const char *option, const char *name)
{
    size_t n = strlen(name);
    return strncmp(option, name, n) == 0 && (option[n] == '=' || option[n] == 0);
}

/* "+x" and "-x" count after everything else, and "-x" last: who mixes them is told. */
static void warn_mixed(const struct options *o, const char *signed_one)
{
    int mixed = 0;
    for (size_t i = 0; i < o->n; i++)
        if (is_about(o->v[i], signed_one + 1) && ++mixed)
            log_line(LOG_WARN, "Ambiguous CPU model string. Don't mix both \"%s\" and \"%s\"",
                     signed_one, o->v[i]);
    for (size_t i = 0; *signed_one == '-' && i < o->n; i++)
        if (*o->v[i] == '+' && strcmp(o->v[i] + 1, signed_one + 1) == 0 && ++mixed)
            log_line(LOG_WARN, "Ambiguous CPU model string. Don't mix both \"%s\" and \"%s\"",
                     o->v[i], signed_one);
}

static int apply_signed(const struct options *o, char sign, struct tn_err *e)
{
    for (size_t i = 0; i < o->n; i++) {
        if (*o->v[i] != sign)
            continue;
        const struct cpu_feature *f = cpu_feature_find(o->v[i] + 1);
        if (!f)
            return not_found(o->c, o->v[i] + 1, e);
        warn_mixed(o, o->v[i]);
        set_bit(o->c->word, f, sign == '+');
    }
    return 0;
}

static int apply_options(const struct options *o, struct tn_err *e)
{
    int err = 0;
    for (size_t i = 0; i < o->n && err == 0; i++)
        if (*o->v[i] != '+' && *o->v[i] != '-')
            err = set_option(o->c, o->v[i], e);
    if (err == 0)
        err = apply_signed(o, '+', e);
    return err < 0 ? err : apply_signed(o, '-', e);
}

/* ---- what the accelerator has not ---- */

static void describe(struct buf *b, const struct cpu_word *w, uint32_t bit)
{
    static const char *const regs[] = {"EAX", "EBX", "ECX", "EDX"};
    const struct cpu_feature *f;
    buf_printf(b, "CPUID.%02XH:%s", w->leaf, regs[w->reg]);
    for (uint32_t i = 0; (f = cpu_feature_at(i)); i++)
        if (f->leaf == w->leaf && f->index == w->index && f->reg == w->reg && f->bit == bit)
            buf_printf(b, ".%s", f->name);
    buf_printf(b, " [bit %u]", bit);
}

static void warn_missing(const struct cpu_word *w, uint32_t bits)
{
    for (uint32_t bit = 0; bit < 32; bit++) {
        BUF_AUTO b = {0};
        if (!(bits >> bit & 1))
            continue;
        describe(&b, w, bit);
        log_line(LOG_WARN, "host doesn't support requested feature: %s", buf_cstr(&b));
    }
}

static int limit(struct cpu_config *c, const struct cpu_limits *lim, struct tn_err *e)
{
    uint32_t any = 0;
    for (uint32_t i = 0; lim && i < CPU_WORDS; i++) {
        c->filtered[i] = c->word[i] & ~lim->word[i];
        c->word[i] &= lim->word[i];
        any |= c->filtered[i];
        if (!c->quiet || c->enforce)
            warn_missing(cpu_word_at(i), c->filtered[i]);
    }
    return any && c->enforce ? err_set(e, ENOTSUP, "Host doesn't support requested features") : 0;
}

/* ---- levels ---- */

static void reach(uint32_t *level, uint32_t leaf, int fixed)
{
    if (!fixed && *level < leaf)
        *level = leaf;
}

/* A leaf that says something must be within what leaf 0 (0x80000000, 0xc0000000) promises. */
static void follow_features(struct cpu_config *c)
{
    for (uint32_t i = 0; i < CPU_WORDS; i++) {
        const uint32_t leaf = cpu_word_at(i)->leaf, word = c->word[i] | c->filtered[i];
        const uint32_t range = leaf & RANGE_MASK;
        if (!word)
            continue;
        if (range == BASIC_RANGE)
            reach(&c->level, leaf, c->fixed & FIXED_LEVEL);
        else if (range == EXTENDED_RANGE)
            reach(&c->xlevel, leaf, c->fixed & FIXED_XLEVEL);
        else if (range == CENTAUR_RANGE)
            reach(&c->xlevel2, leaf, c->fixed & FIXED_XLEVEL2);
    }
    if (cpu_config_has(c, "svm"))
        reach(&c->xlevel, 0x8000000a, c->fixed & FIXED_XLEVEL);
}

static void repeat_leaf_1(struct cpu_config *c)
{
    uint32_t basic = cpu_word_of(cpu_feature_find("fpu")),
             extended = cpu_word_of(cpu_feature_find("syscall"));
    c->word[extended] = (c->word[extended] & ~AMD_REPEATED) | (c->word[basic] & AMD_REPEATED);
}

/* ---- all of it ---- */

static int choose_model(struct cpu_config *c, const struct cpu_limits *lim, struct tn_err *e)
{
    c->model = cpu_model_find(c->name);
    if (c->model) {
        apply_model(c, c->model);
        if (lim)
            apply_kvm(c);
    } else if (strcmp(c->name, "host") == 0 || strcmp(c->name, "max") == 0) {
        apply_all(c, lim);
    } else if (strcmp(c->name, "base") != 0) {
        err_set(e, EINVAL, "unable to find CPU model '%s'", c->name);
        err_hint(e, "'-cpu help' lists the models.");
        return -EINVAL;
    }
    if (strcmp(c->name, "base") != 0)
        apply_word(c, "hypervisor");
    return 0;
}

static int configure(struct cpu_config *c, char *spec, const struct cpu_limits *lim, uint32_t old,
                     struct tn_err *e)
{
    AUTO_FREE char **list = xcalloc(strlen(spec) + 1, sizeof *list);
    struct options o = {.c = c, .v = list};
    char *save = NULL, *name = strtok_r(spec, ",", &save);
    c->name = xstrdup(name ? name : "");
    while ((o.v[o.n] = strtok_r(NULL, ",", &save)))
        o.n++;
    int err = choose_model(c, lim, e);
    if (err == 0)
        err = apply_options(&o, e);
    if (err == 0)
        err = limit(c, lim, e);
    if (err < 0)
        return err;
    if (!old)
        follow_features(c);
    if (c->model && strcmp(c->vendor, "AuthenticAMD") == 0)
        repeat_leaf_1(c);
    return 0;
}

int cpu_config_make(struct cpu_config *c, const char *spec, const struct cpu_limits *lim,
                    uint32_t old, struct tn_err *e)
{
    AUTO_FREE char *text = xstrdup(spec);
    *c = (struct cpu_config){0};
    int err = configure(c, text, lim, old, e);
    if (err < 0)
        cpu_config_clear(c);
    return err;
}

void cpu_config_clear(struct cpu_config *c)
{
    free(c->name);
    *c = (struct cpu_config){0};
}
