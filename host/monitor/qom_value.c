/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of property tables as JSON: values, defaults, and the names of their types. */
#include "qom.h"

#include "core/bus.h"
#include "core/prop.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <inttypes.h>
#include <string.h>

/* ---- types ---- */

/* QEMU names its enumerations and what links lead to; a table here has values and interfaces. */
static const char *known(const char *const table[][2], size_t n, const char *key)
{
    for (size_t i = 0; key && i < n; i++)
        if (strcmp(table[i][0], key) == 0)
            return table[i][1];
    return NULL;
}

static const char *enum_type(const struct tn_prop *p)
{
    static const char *const by_name[][2] = {
        {"x-speed", "PCIELinkSpeed"},   {"x-width", "PCIELinkWidth"},
        {"rerror", "BlockdevOnError"},  {"werror", "BlockdevOnError"},
        {"policy", "HostMemPolicy"},    {"lost_tick_policy", "LostTickPolicy"},
        {"queue", "NetFilterDirection"}};
    const char *t = known(by_name, ARRAY_SIZE(by_name), p->name);
    return t ? t : "enum";
}

static const char *link_type(const struct tn_prop *p)
{
    static const char *const by_iface[][2] = {{"tenon.rng/1", "link<rng-backend>"}};
    const char *t = known(by_iface, ARRAY_SIZE(by_iface), p->names ? p->names[0] : NULL);
    return t ? t : "link<object>";
}

const char *qom_prop_type(const struct tn_prop *p)
{
    switch (p->type) {
    case TN_P_ENUM:
        return enum_type(p);
    case TN_P_LINK:
        return link_type(p);
    case TN_P_DEVFN:
        return "str";
    default:
        return prop_type_name(p);
    }
}

/* ---- values ---- */

static struct kv_node *number(const struct tn_prop *p, uint64_t v)
{
    int is_signed =
        p->type == TN_P_I32 || p->type == TN_P_I64 || p->type == TN_P_DEVFN || p->type == TN_P_FD;
    int64_t s = p->size == 4 ? (int32_t)v : (int64_t)v;
    AUTO_FREE char *text = is_signed ? xasprintf("%" PRId64, s) : xasprintf("%" PRIu64, v);
    return kv_scalar(KV_NUMBER, text);
}

static struct kv_node *flag(int on)
{
    return kv_scalar(KV_BOOL, on ? "on" : "off");
}

/* Objects by their path, back ends by their id, as QEMU. */
static struct kv_node *reference(const struct device *owner, const struct tn_prop *p,
                                 void *const *at)
{
    if (p->type == TN_P_BUS) {
        AUTO_FREE char *path = *at ? qom_bus_path(*at) : xstrdup("");
        return kv_scalar(KV_STRING, path);
    }
    const struct device *d = prop_refers_to(owner, p->type, *at);
    int by_path = p->type == TN_P_LINK || p->type == TN_P_MEMDEV || p->type == TN_P_IOTHREAD;
    return kv_scalar(KV_STRING, !d ? "" : by_path ? d->path : d->id ? d->id : d->path);
}

static struct kv_node *members(const struct device *owner, struct prop_table t, const void *item)
{
    if (t.n == 1 && !t.p->name)
        return qom_value(owner, t.p, item);
    struct kv_node *dict = kv_new(KV_DICT);
    for (uint32_t i = 0; i < t.n; i++)
        kv_add(dict, prop_at(t, i)->name, qom_value(owner, prop_at(t, i), item));
    return dict;
}

static struct kv_node *list(const struct device *owner, const struct tn_prop *p, const void *at)
{
    const struct tn_list *l = at;
    struct kv_node *out = kv_new(KV_LIST);
    struct prop_table t = {p->sub, p->nsub, p->sub_stride};
    for (uint32_t i = 0; i < l->n; i++)
        kv_add(out, NULL, members(owner, t, (const char *)l->items + (uint64_t)i * l->stride));
    return out;
}

static struct kv_node *as_text(const struct tn_prop *p, const void *base)
{
    BUF_AUTO b = {0};
    prop_get(p, base, &b);
    return kv_scalar(KV_STRING, buf_cstr(&b));
}

static int is_reference(uint32_t type)
{
    return (type >= TN_P_CHARDEV && type <= TN_P_LINK) || type == TN_P_AUDIODEV || type == TN_P_BUS;
}

struct kv_node *qom_value(const struct device *owner, const struct tn_prop *p, const void *base)
{
    const void *at = (const char *)base + p->offset;
    if (is_reference(p->type))
        return reference(owner, p, at);
    switch (p->type) {
    case TN_P_BOOL:
        return flag(prop_load(p, at) != 0);
    case TN_P_BIT:
        return flag(prop_load(p, at) >> p->bit & 1);
    case TN_P_LIST:
        return list(owner, p, at);
    case TN_P_STR:
    case TN_P_ENUM:
    case TN_P_ONOFFAUTO:
    case TN_P_MAC:
    case TN_P_UUID:
        return as_text(p, base);
    default:
        return number(p, prop_load(p, at));
    }
}

/* ---- defaults ---- */

static struct kv_node *default_ooa(uint64_t v)
{
    return kv_scalar(KV_STRING, v == TN_AUTO ? "auto" : v == TN_ON ? "on" : "off");
}

struct kv_node *qom_default(const struct tn_prop *p)
{
    if ((p->flags & TN_PF_NODEFAULT) || is_reference(p->type))
        return NULL;
    switch (p->type) {
    case TN_P_BOOL:
    case TN_P_BIT:
        return flag(p->defval != 0);
    case TN_P_STR:
        return p->defstr ? kv_scalar(KV_STRING, p->defstr) : NULL;
    case TN_P_ENUM:
        return kv_scalar(KV_STRING, p->names[p->defval]);
    case TN_P_ONOFFAUTO:
        return default_ooa(p->defval);
    case TN_P_MAC:
    case TN_P_UUID:
    case TN_P_LIST:
    case TN_P_FD:
        return NULL;
    default:
        return number(p, p->defval);
    }
}
