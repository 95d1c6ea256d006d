/* SPDX-License-Identifier: BSD-2-Clause */
/* What a processor says of itself, under the names that QEMU's have. All of a machine are alike. */
#include "qom.h"

#include "util/alloc.h"
#include "vm/cpu_model.h"
#include <inttypes.h>
#include <string.h>

struct visit {
    int (*fn)(void *o, const struct qom_prop *p);
    void *o;
};

static int say(const struct visit *v, const char *name, const char *type, struct kv_node *value)
{
    struct qom_prop p = {.name = name, .type = type, .value = value};
    int r = v->fn(v->o, &p);
    kv_free(value);
    return r;
}

static struct kv_node *number(uint32_t n)
{
    AUTO_FREE char *text = xasprintf("%" PRIu32, n);
    return kv_scalar(KV_NUMBER, text);
}

static int say_numbers(const struct visit *v, const struct cpu_config *c)
{
    const struct {
        const char *name;
        uint32_t v;
    } n[] = {{"family", c->family}, {"model", c->number},  {"stepping", c->stepping},
             {"level", c->level},   {"xlevel", c->xlevel}, {"xlevel2", c->xlevel2}};
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(n) && r == 0; i++)
        r = say(v, n[i].name, "uint32", number(n[i].v));
    return r;
}

static int say_flag(const struct visit *v, const struct cpu_config *c, const char *name)
{
    return say(v, name, "bool", kv_scalar(KV_BOOL, cpu_config_has(c, name) ? "on" : "off"));
}

static int say_features(const struct visit *v, const struct cpu_config *c)
{
    const struct cpu_feature *f;
    const char *const *other;
    int r = 0;
    for (uint32_t i = 0; r == 0 && (f = cpu_feature_at(i)); i++)
        r = say_flag(v, c, f->name);
    for (uint32_t i = 0; r == 0 && (other = cpu_feature_alias_at(i)); i++)
        r = say_flag(v, c, other[0]);
    return r;
}

static struct kv_node *words(const uint32_t *word)
{
    static const char *const regs[] = {"EAX", "EBX", "ECX", "EDX"};
    struct kv_node *list = kv_new(KV_LIST);
    for (uint32_t i = 0; i < CPU_WORDS; i++) {
        const struct cpu_word *w = cpu_word_at(i);
        struct kv_node *d = kv_new(KV_DICT);
        kv_add(d, "cpuid-register", kv_scalar(KV_STRING, regs[w->reg]));
        kv_add(d, "cpuid-input-eax", number(w->leaf));
        if (w->indexed)
            kv_add(d, "cpuid-input-ecx", number(w->index));
        kv_add(d, "features", number(word[i]));
        kv_add(list, NULL, d);
    }
    return list;
}

int qom_each_cpu_prop(const struct cpu_config *c, int (*fn)(void *o, const struct qom_prop *p),
                      void *o)
{
    const struct visit v = {fn, o};
    if (!c)
        return 0;
    int r = say_numbers(&v, c);
    if (r == 0)
        r = say(&v, "vendor", "string", kv_scalar(KV_STRING, c->vendor));
    if (r == 0)
        r = say(&v, "model-id", "string", kv_scalar(KV_STRING, c->brand));
    if (r == 0)
        r = say_features(&v, c);
    if (r == 0)
        r = say(&v, "feature-words", "X86CPUFeatureWordInfo", words(c->word));
    return r == 0 ? say(&v, "filtered-features", "X86CPUFeatureWordInfo", words(c->filtered)) : r;
}
