/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of properties: what the table allows is taken, or refused by realize with a reason. */
#include "parts.h"
#include <tenon/pci.h>

/* Text of a value; freed by the caller. */
static char *number(const struct tn_prop *p, uint64_t v)
{
    int is_signed = p->type == TN_P_I32 || p->type == TN_P_I64;
    return is_signed ? xasprintf("%lld", (long long)v) : xasprintf("%llu", (unsigned long long)v);
}

static uint64_t top(const struct tn_prop *p)
{
    return p->size >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * p->size) - 1;
}

static int is_number(const struct tn_prop *p)
{
    return (p->type >= TN_P_U8 && p->type <= TN_P_SIZE);
}

/* The n-th value to try, or NULL. */
static char *number_value(const struct tn_prop *p, uint32_t n)
{
    int is_signed = p->type == TN_P_I32 || p->type == TN_P_I64, bounded = p->min || p->max;
    uint64_t lo = bounded     ? p->min
                  : is_signed ? (p->size == 4 ? (uint64_t)INT32_MIN : (uint64_t)INT64_MIN)
                              : 0;
    uint64_t hi = bounded ? p->max : is_signed ? (p->size == 4 ? INT32_MAX : INT64_MAX) : top(p);
    const uint64_t v[] = {lo, hi, lo + 1, hi - 1, lo / 2 + hi / 2, 0, 1, 3, 4096};
    return n < ARRAY_SIZE(v) ? number(p, v[n]) : NULL;
}

static char *text_value(uint32_t n)
{
    static const char *const v[] = {"",      "x",        "/nonexistent",       "%s%n%x",
                                    "a,b=c", "\xc3\xa9", "../../../etc/passwd"};
    if (n < ARRAY_SIZE(v))
        return xstrdup(v[n]);
    if (n > ARRAY_SIZE(v))
        return NULL;
    char *s = xcalloc(4097, 1);
    memset(s, 'a', 4096);
    return s;
}

static char *value(const struct tn_prop *p, uint32_t n)
{
    switch (p->type) {
    case TN_P_BOOL:
    case TN_P_BIT:
        return n < 2 ? xstrdup(n ? "on" : "off") : NULL;
    case TN_P_ONOFFAUTO:
        return n < 3 ? xstrdup(n == 0 ? "auto" : n == 1 ? "on" : "off") : NULL;
    case TN_P_ENUM:
        for (uint32_t i = 0; i <= n; i++)
            if (!p->names[i])
                return NULL;
        return xstrdup(p->names[n]);
    case TN_P_STR:
        return text_value(n);
    case TN_P_MAC:
        return n < 2 ? xstrdup(n ? "ff:ff:ff:ff:ff:ff" : "52:54:00:12:34:99") : NULL;
    case TN_P_IOTHREAD:
        return n ? NULL : xstrdup("io");
    default:
        return is_number(p) ? number_value(p, n) : NULL;
    }
}

static void live(struct check *c, struct host *h, struct dev *d)
{
    struct tn_err e = {0};
    if (dev_realize(d, &e) == 0) {
        dev_reset(d, TN_RESET_COLD);
        dev_resume(d);
        for (int i = 0; i < 30; i++)
            guest_step(h, &c->rng);
    }
    check_end(c, h, d);
}

/* key may be refused by the host's own range check: that value says nothing of the plugin then. */
static void with(struct check *c, const char *key, const char *text)
{
    struct host *h = NULL;
    struct tn_err e = {0};
    struct dev *d = check_make(c, &h);
    check_at(c, "%s=%.40s", key, text);
    if (dev_set(d, key, text, &e) < 0)
        check_end(c, h, d);
    else
        live(c, h, d);
}

static int quick(const struct check *c, const struct tn_prop *p)
{
    for (uint32_t i = 0; i < c->o->nsets; i++)
        if (strcmp(setting_key(&c->o->sets[i], c->cls), p->name) == 0)
            return 0; /* the user knows better */
    return !(p->flags & TN_PF_READONLY);
}

static void bounds(struct check *c)
{
    struct prop_rows t = class_props(c->cls);
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_row(t, i);
        char *text;
        for (uint32_t n = 0; quick(c, p) && (text = value(p, n)); n++) {
            with(c, p->name, text);
            free(text);
        }
    }
}

/* Some at once, drawn at random: what one alone does not do. */
static void mixed(struct check *c)
{
    struct prop_rows t = class_props(c->cls);
    for (int round = 0; round < 40; round++) {
        struct host *h = NULL;
        struct dev *d = check_make(c, &h);
        for (uint32_t i = 0; i < t.n; i++) {
            const struct tn_prop *p = prop_row(t, i);
            AUTO_FREE char *text =
                quick(c, p) && !rng_below(&c->rng, 3) ? value(p, rng_below(&c->rng, 5)) : NULL;
            struct tn_err e = {0};
            if (text && dev_set(d, p->name, text, &e) == 0)
                check_at(c, "%s=%.40s", p->name, text);
        }
        live(c, h, d);
    }
}

/* TN_PF_RUNTIME: while it runs. A refusal has a reason, and the old value is back. */
static void runtime(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct prop_rows t = class_props(c->cls);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_row(t, i);
        char *text;
        for (uint32_t n = 0; p->flags & TN_PF_RUNTIME && (text = value(p, n)); n++, seen++) {
            struct tn_err e = {0};
            int r = dev_set(d, p->name, text, &e);
            CHECK(c, r == 0 || e.err, "prop_changed refused %s=%.40s with %d and no reason",
                  p->name, text, r);
            host_run(h, 1000);
            free(text);
        }
    }
    check_end(c, h, d);
    if (!seen)
        check_skip(c, "no property can be set while it runs");
}

/* The host says so where something required is missing; the class is not asked. Where it declares
 * nothing required, realize copes with nothing. */
static void nothing_set(struct check *c)
{
    struct host *h = host_new(c);
    struct dev *d = dev_new(h, c->cls, NULL);
    struct tn_err e = {0};
    CHECK(c, d, "init failed though there is memory");
    if (dev_realize(d, &e) == 0) {
        dev_reset(d, TN_RESET_COLD);
        dev_resume(d);
        host_run(h, 1000000);
    }
    check_end(c, h, d);
}

static const char *no_props(const struct check *c)
{
    return c->cls->nprops ? NULL : "it has no property";
}

static const struct check_test tests[] = {
    {"nothing-set", "with no property set, realize works or says why not", "class.h: realize",
     CT_CLASS, NULL, nothing_set},
    {"bounds", "each property at and near its bounds: it works, or realize says why not",
     "prop.h: min, max; class.h: realize", CT_CLASS, no_props, bounds},
    {"mixed", "several at once, likewise", "class.h: realize", CT_CLASS, no_props, mixed},
    {"runtime", "properties of a running device are taken, or refused with a reason",
     "class.h: prop_changed", CT_CLASS, no_props, runtime},
    {0},
};

const struct check_group group_props = {"props", tests};
