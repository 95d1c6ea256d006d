/* SPDX-License-Identifier: BSD-2-Clause */
#include "meta.h"

enum { PROPS_MAX = 1024, SUB_MAX = 64, ELEMENT_MAX = 1 << 16, LINE_MAX_LEN = 400 };

int meta_name_ok(const char *s)
{
    if (!s || !*s)
        return 0;
    for (; *s; s++)
        if (*s <= ' ' || *s > '~' || *s == ',' || *s == '/' || *s == '=')
            return 0;
    return 1;
}

/* Length of the UTF-8 sequence at s (RFC 3629, without a check for overlong forms); 0: none. */
static uint32_t sequence(const uint8_t *s)
{
    uint32_t n = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 : *s >> 3 == 30 ? 4 : 0;
    for (uint32_t i = 1; i < n; i++)
        if (s[i] >> 6 != 2)
            return 0;
    return n;
}

int meta_text_ok(const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    if (!s || !*s)
        return 0;
    for (uint32_t n, len = 0; *s; s += n, len += n)
        if (*s < ' ' || !(n = sequence(s)) || len > LINE_MAX_LEN)
            return 0;
    return 1;
}

const struct tn_class *meta_class(const struct tn_plugin *p, const char *name)
{
    for (const struct tn_class *const *k = p->classes; k && *k; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

/* Bytes that a type stores; 0: 4 or 8; -1: no such type. */
static int type_size(uint32_t type)
{
    static const uint8_t sizes[] = {
        [TN_P_BOOL] = 1,     [TN_P_U8] = 1,        [TN_P_U16] = 2,
        [TN_P_U32] = 4,      [TN_P_U64] = 8,       [TN_P_I32] = 4,
        [TN_P_I64] = 8,      [TN_P_SIZE] = 8,      [TN_P_STR] = 8,
        [TN_P_ENUM] = 4,     [TN_P_ONOFFAUTO] = 4, [TN_P_MAC] = 6,
        [TN_P_UUID] = 16,    [TN_P_DEVFN] = 4,     [TN_P_CHARDEV] = 8,
        [TN_P_DRIVE] = 8,    [TN_P_NETDEV] = 8,    [TN_P_MEMDEV] = 8,
        [TN_P_IOTHREAD] = 8, [TN_P_LINK] = 8,      [TN_P_LIST] = sizeof(struct tn_list),
        [TN_P_FD] = 4,       [TN_P_BUS] = 8,       [TN_P_AUDIODEV] = 8};
    return type == TN_P_BIT ? 0 : type < ARRAY_SIZE(sizes) && sizes[type] ? sizes[type] : -1;
}

static int bytes_type(const struct tn_prop *p)
{
    return p->type == TN_P_MAC || p->type == TN_P_UUID;
}

static void row(struct check *c, const struct tn_prop *p, uint64_t size)
{
    int want = type_size(p->type);
    CHECK(c, want >= 0, "property '%s' has an unknown type %u", p->name, p->type);
    CHECK(c, want ? p->size == (uint32_t)want : p->size == 4 || p->size == 8,
          "property '%s' of type %u has %u bytes", p->name, p->type, p->size);
    CHECK(c, p->offset <= size && p->size <= size - p->offset,
          "property '%s' lies outside of the instance", p->name);
    CHECK(c, bytes_type(p) || p->offset % (p->size > 8 ? 8 : p->size) == 0,
          "property '%s' is not aligned", p->name);
    CHECK(c, p->type != TN_P_BIT || p->bit < 8 * p->size, "property '%s' is bit %u of %u", p->name,
          p->bit, 8 * p->size);
    CHECK(c, p->type != TN_P_ENUM || (p->names && p->names[0]), "property '%s' is one of no names",
          p->name);
    CHECK(c, p->type != TN_P_LINK || (p->names && p->names[0]), "property '%s' links to anything",
          p->name);
    CHECK(c, !(p->flags & ~(uint32_t)31), "property '%s' has unknown flags 0x%x", p->name,
          p->flags);
    if (p->type != TN_P_LIST)
        return;
    CHECK(c,
          p->sub && p->nsub && p->nsub <= SUB_MAX && p->sub_stride >= PROP_1_0 &&
              p->sub_stride % 8 == 0,
          "property '%s' is a list of nothing", p->name);
    for (uint32_t i = 0; i < p->nsub; i++) {
        const struct tn_prop *m = (const void *)((const char *)p->sub + (size_t)i * p->sub_stride);
        CHECK(c, m->name || p->nsub == 1, "a member of the list '%s' has no name", p->name);
        CHECK(c, type_size(m->type) >= 0, "a member of the list '%s' has an unknown type", p->name);
        CHECK(c, m->offset <= ELEMENT_MAX && m->size <= ELEMENT_MAX,
              "a member of the list '%s' lies far out", p->name);
    }
}

/* Bits of one word share it, and one place may have two names (an alias): then all of it is shared.
 */
static int overlap(const struct tn_prop *a, const struct tn_prop *b)
{
    int apart = a->offset + a->size <= b->offset || b->offset + b->size <= a->offset;
    int same = a->offset == b->offset && a->size == b->size;
    if (a->type == TN_P_BIT && b->type == TN_P_BIT && same)
        return 0;
    return !apart && !(same && a->type == b->type);
}

void meta_rows(struct check *c, struct prop_rows t, uint64_t size)
{
    CHECK(c, !t.n || (t.p && t.stride >= PROP_1_0 && t.stride % 8 == 0 && t.stride <= ELEMENT_MAX),
          "the properties are %u bytes apart, a struct tn_prop has %d", t.stride, PROP_1_0);
    CHECK(c, t.n <= PROPS_MAX, "it says that it has %u properties", t.n);
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_row(t, i);
        CHECK(c, meta_name_ok(p->name), "property %u has no name, or an odd one", i);
        row(c, p, size);
        for (uint32_t k = 0; k < i; k++) {
            CHECK(c, strcmp(prop_row(t, k)->name, p->name) != 0, "property '%s' is there twice",
                  p->name);
            CHECK(c, !overlap(prop_row(t, k), p), "properties '%s' and '%s' lie on each other",
                  prop_row(t, k)->name, p->name);
        }
    }
}

static uint64_t names(const struct tn_prop *p)
{
    uint64_t n = 0;
    while (p->names && p->names[n])
        n++;
    return n;
}

static void in_bounds(struct check *c, const struct tn_prop *p, int is_signed)
{
    int bounded = p->min || p->max;
    uint64_t top = p->size >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * p->size) - 1;
    if (is_signed) {
        int64_t v = (int64_t)p->defval;
        CHECK(c, (int64_t)p->min <= (int64_t)p->max, "the minimum of '%s' is above its maximum",
              p->name);
        CHECK(c, !bounded || (v >= (int64_t)p->min && v <= (int64_t)p->max),
              "the default %lld of '%s' is out of its bounds", (long long)v, p->name);
        return;
    }
    CHECK(c, p->min <= p->max, "the minimum of '%s' is above its maximum", p->name);
    CHECK(c, p->max <= top, "the maximum of '%s' is more than %u bytes hold", p->name, p->size);
    CHECK(c, p->defval <= top, "the default of '%s' is more than %u bytes hold", p->name, p->size);
    CHECK(c, !bounded || p->flags & TN_PF_NODEFAULT || (p->defval >= p->min && p->defval <= p->max),
          "the default %llu of '%s' is out of its bounds", (unsigned long long)p->defval, p->name);
}

void meta_default(struct check *c, const struct tn_prop *p)
{
    switch (p->type) {
    case TN_P_BOOL:
    case TN_P_BIT:
        CHECK(c, p->defval <= 1, "the default of '%s' is %llu, not 0 or 1", p->name,
              (unsigned long long)p->defval);
        break;
    case TN_P_ONOFFAUTO:
        CHECK(c, p->defval <= TN_OFF, "the default of '%s' is none of auto, on, off", p->name);
        break;
    case TN_P_ENUM:
        CHECK(c, p->defval < names(p), "the default of '%s' is none of its names", p->name);
        break;
    case TN_P_I32:
    case TN_P_I64:
        in_bounds(c, p, 1);
        break;
    case TN_P_U8:
    case TN_P_U16:
    case TN_P_U32:
    case TN_P_U64:
    case TN_P_SIZE:
        in_bounds(c, p, 0);
        break;
    default:
        break;
    }
}
