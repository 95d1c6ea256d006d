/* SPDX-License-Identifier: BSD-2-Clause */
/* Are the rows of a table what the host can store: for strangers' tables. */
#include "prop.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

/* What each type is called, and how many bytes it stores (0: 4 or 8). */
static const struct {
    const char *name;
    uint32_t size;
} types[] = {
    [TN_P_BOOL] = {"bool", 1},
    [TN_P_BIT] = {"bool", 0},
    [TN_P_U8] = {"uint8", 1},
    [TN_P_U16] = {"uint16", 2},
    [TN_P_U32] = {"uint32", 4},
    [TN_P_U64] = {"uint64", 8},
    [TN_P_I32] = {"int32", 4},
    [TN_P_I64] = {"int64", 8},
    [TN_P_SIZE] = {"size", 8},
    [TN_P_STR] = {"str", 8},
    [TN_P_ENUM] = {"enum", 4},
    [TN_P_ONOFFAUTO] = {"OnOffAuto", 4},
    [TN_P_MAC] = {"str", 6},
    [TN_P_UUID] = {"str", 16},
    [TN_P_DEVFN] = {"int32", 4},
    [TN_P_CHARDEV] = {"str", 8},
    [TN_P_DRIVE] = {"str", 8},
    [TN_P_NETDEV] = {"str", 8},
    [TN_P_MEMDEV] = {"link<memory-backend>", 8},
    [TN_P_IOTHREAD] = {"link<iothread>", 8},
    [TN_P_LINK] = {"link", 8},
    [TN_P_LIST] = {"list", sizeof(struct tn_list)},
    [TN_P_FD] = {"str", 4},
    [TN_P_BUS] = {"str", 8},
    [TN_P_AUDIODEV] = {"str", 8},
};

const char *prop_type_name(const struct tn_prop *p)
{
    return p->type < ARRAY_SIZE(types) && types[p->type].name ? types[p->type].name : "unknown";
}

static int check_bounds(const struct tn_prop *p, struct tn_err *e)
{
    int is_signed = p->type == TN_P_I32 || p->type == TN_P_I64;
    if (is_signed ? (int64_t)p->min > (int64_t)p->max : p->min > p->max)
        return err_set(e, EINVAL, "property '%s' has a minimum above its maximum", p->name);
    return 0;
}

/* The default is one of the names. */
static int check_names(const struct tn_prop *p, struct tn_err *e)
{
    uint64_t n = 0;
    while (p->names && p->names[n])
        n++;
    return p->defval < n ? 0
                         : err_set(e, EINVAL, "property '%s' has no name for its default", p->name);
}

/* The list is a member of an element: of scalars only, so that no table is endless. */
static int check_inner_list(const struct tn_prop *p, struct tn_err *e)
{
    int flat = p->sub && p->nsub == 1 && !p->sub->name && p->sub->type != TN_P_LIST;
    return flat ? prop_check(p, 1u << 16, e)
                : err_set(e, EINVAL, "property '%s' is a list of lists", p->name);
}

static int check_element(const struct tn_prop *p, struct tn_err *e)
{
    if (!p->sub || !p->nsub || p->sub_stride < PROP_1_0 || p->sub_stride % 8 || p->nsub > 64)
        return err_set(e, EINVAL, "property '%s' has no element type", p->name);
    struct prop_table t = {p->sub, p->nsub, p->sub_stride};
    for (uint32_t i = 0; i < t.n; i++) {
        struct tn_prop m = prop_row(t, i);
        if (!m.name && t.n == 1)
            m.name = p->name; /* a list of scalars */
        int r = m.type == TN_P_LIST ? check_inner_list(&m, e) : prop_check(&m, 1u << 16, e);
        if (r < 0)
            return r;
    }
    return 0;
}

int prop_check(const struct tn_prop *p, uint64_t instance_size, struct tn_err *e)
{
    if (!p->name || p->type >= ARRAY_SIZE(types) || !types[p->type].name)
        return err_set(e, EINVAL, "property '%s' has an unknown type %u", p->name ? p->name : "?",
                       p->type);
    uint32_t want = types[p->type].size;
    if (want ? p->size != want : p->size != 4 && p->size != 8)
        return err_set(e, EINVAL, "property '%s' of type %s has size %u", p->name,
                       prop_type_name(p), p->size);
    if (p->offset > instance_size || p->size > instance_size - p->offset)
        return err_set(e, EINVAL, "property '%s' lies outside the instance", p->name);
    if (p->type != TN_P_MAC && p->type != TN_P_UUID && p->offset % (p->size > 8 ? 8 : p->size))
        return err_set(e, EINVAL, "property '%s' is not aligned", p->name);
    if (p->type == TN_P_BIT && p->bit >= 8 * p->size)
        return err_set(e, EINVAL, "property '%s' is bit %u of %u", p->name, p->bit, 8 * p->size);
    if (p->type == TN_P_ENUM)
        return check_names(p, e);
    return p->type == TN_P_LIST ? check_element(p, e) : check_bounds(p, e);
}
