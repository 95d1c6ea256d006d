/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties by the tables of prop.h: defaults and text into the instance. */
#include "parts.h"
#include <tenon/prop.h>

struct prop_rows class_props(const struct tn_class *c)
{
    return (struct prop_rows){c->props, c->nprops, c->prop_stride};
}

const struct tn_prop *prop_find(struct prop_rows t, const char *name)
{
    for (uint32_t i = 0; i < t.n; i++)
        if (strcmp(prop_row(t, i)->name, name) == 0)
            return prop_row(t, i);
    return NULL;
}

static void put_int(void *at, uint32_t size, uint64_t v)
{
    memcpy(at, &v, size); /* little-endian */
}

static void put_bit(const struct tn_prop *p, void *at, uint64_t on)
{
    uint64_t v = 0;
    memcpy(&v, at, p->size);
    v = (v & ~((uint64_t)1 << p->bit)) | (uint64_t) !!on << p->bit;
    memcpy(at, &v, p->size);
}

static void put_default(const struct tn_prop *p, uint8_t *at)
{
    switch (p->type) {
    case TN_P_BIT:
        return put_bit(p, at, p->defval);
    case TN_P_STR:
        memcpy(at, &p->defstr, sizeof p->defstr);
        return;
    case TN_P_MAC:
    case TN_P_UUID:
    case TN_P_LIST:
        memset(at, 0, p->size);
        return;
    case TN_P_FD:
    case TN_P_DEVFN:
        return put_int(at, 4,
                       p->flags & TN_PF_NODEFAULT || p->type == TN_P_FD ? ~(uint64_t)0 : p->defval);
    default:
        put_int(at, p->size, p->defval);
    }
}

void props_default(struct prop_rows t, void *base)
{
    for (uint32_t i = 0; i < t.n; i++)
        put_default(prop_row(t, i), (uint8_t *)base + prop_row(t, i)->offset);
}

/* ---- text to values ---- */

static int bad(const struct tn_prop *p, const char *text, struct tn_err *e)
{
    return err_set(e, EINVAL, "property '%s' takes no value '%s'", p->name, text);
}

/* The most that the type holds, in its own sign. */
static int in_range(const struct tn_prop *p, int64_t sv, uint64_t uv, struct tn_err *e)
{
    int is_signed = p->type == TN_P_I32 || p->type == TN_P_I64;
    uint64_t top = p->size >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * p->size) - 1;
    int ok = is_signed ? (p->min || p->max ? sv >= (int64_t)p->min && sv <= (int64_t)p->max
                                           : p->size == 8 || (sv >= INT32_MIN && sv <= INT32_MAX))
                       : (p->min || p->max ? uv >= p->min && uv <= p->max : uv <= top);
    return ok ? 0 : err_set(e, ERANGE, "property '%s' is out of range", p->name);
}

static int store_number(const struct tn_prop *p, void *at, const char *text, struct tn_err *e)
{
    static const char units[] = "kMGTPE";
    int is_signed = p->type == TN_P_I32 || p->type == TN_P_I64;
    char *end;
    errno = 0;
    int64_t sv = is_signed ? strtoll(text, &end, 0) : 0;
    uint64_t uv = is_signed ? (uint64_t)sv : strtoull(text, &end, 0);
    if (errno || end == text || (!is_signed && strchr(text, '-')))
        return bad(p, text, e);
    if (p->type == TN_P_SIZE && *end && strchr(units, *end))
        uv <<= 10 * (strchr(units, *end++) - units + 1);
    if (*end)
        return bad(p, text, e);
    int r = in_range(p, sv, uv, e);
    if (r == 0)
        put_int(at, p->size, uv);
    return r;
}

static int is_on(const char *s)
{
    return strcmp(s, "on") == 0 || strcmp(s, "true") == 0 || strcmp(s, "yes") == 0;
}

static int is_off(const char *s)
{
    return strcmp(s, "off") == 0 || strcmp(s, "false") == 0 || strcmp(s, "no") == 0;
}

static int store_bool(const struct tn_prop *p, void *at, const char *text, struct tn_err *e)
{
    if (!is_on(text) && !is_off(text))
        return bad(p, text, e);
    if (p->type == TN_P_BIT)
        put_bit(p, at, (uint64_t)is_on(text));
    else
        put_int(at, 1, (uint64_t)is_on(text));
    return 0;
}

static int store_name(const struct tn_prop *p, void *at, const char *text, struct tn_err *e)
{
    static const char *const three[] = {"auto", "on", "off", NULL};
    const char *const *names = p->type == TN_P_ONOFFAUTO ? three : p->names;
    for (uint32_t i = 0; names && names[i]; i++)
        if (strcmp(names[i], text) == 0) {
            put_int(at, 4, i);
            return 0;
        }
    return bad(p, text, e);
}

static int store_bytes(const struct tn_prop *p, uint8_t *at, const char *text, struct tn_err *e)
{
    uint8_t v[16];
    uint32_t n = 0;
    for (const char *s = text; *s && n < p->size; n++) {
        const char two[3] = {s[0], s[1], 0};
        char *end;
        v[n] = (uint8_t)strtoul(two, &end, 16);
        if (end != two + 2)
            return bad(p, text, e);
        s += 2;
        s += *s == ':' || *s == '-';
    }
    if (n != p->size)
        return bad(p, text, e);
    memcpy(at, v, n);
    return 0;
}

static int store_devfn(const struct tn_prop *p, void *at, const char *text, struct tn_err *e)
{
    char *end;
    if (strcmp(text, "-1") == 0) {
        put_int(at, 4, ~(uint64_t)0);
        return 0;
    }
    uint32_t slot = (uint32_t)strtoul(text, &end, 16), fn = 0;
    if (end != text && *end == '.')
        fn = (uint32_t)strtoul(end + 1, &end, 8);
    if (end == text || *end || slot > 31 || fn > 7)
        return bad(p, text, e);
    put_int(at, 4, slot << 3 | fn);
    return 0;
}

static void own(struct dev *d, void *p)
{
    buf_add(&d->owned, &p, sizeof p);
}

static int store_string(struct dev *d, void *at, const char *text)
{
    char *copy = xstrdup(text);
    own(d, copy);
    memcpy(at, &copy, sizeof copy);
    return 0;
}

/* "v/v/v": a list of scalars; other elements have no form as text here. */
static int store_list(struct dev *d, const struct tn_prop *p, void *at, const char *text,
                      struct tn_err *e)
{
    struct tn_prop m = *p->sub;
    struct tn_list l = {.stride = (m.offset + m.size + 7) / 8 * 8};
    AUTO_FREE char *copy = xstrdup(text);
    if (p->nsub != 1 || m.name)
        return err_set(e, ENOTSUP, "property '%s' is a list of structures", p->name);
    m.name = p->name;
    for (char *save = NULL, *w = strtok_r(copy, "/", &save); w; w = strtok_r(NULL, "/", &save)) {
        l.items = xrealloc(l.items, (size_t)(l.n + 1) * l.stride);
        memset((uint8_t *)l.items + (size_t)l.n * l.stride, 0, l.stride);
        int r = prop_store(d, &m, (uint8_t *)l.items + (size_t)l.n++ * l.stride, w, e);
        if (r < 0) {
            free(l.items);
            return r;
        }
    }
    own(d, l.items);
    memcpy(at, &l, sizeof l);
    return 0;
}

static int store_handle(struct dev *d, const struct tn_prop *p, void *at, const char *text,
                        struct tn_err *e)
{
    void *v = p->type == TN_P_LINK ? stand_in_link(d, p) : stand_in(d, p->type, text);
    if (!v)
        return err_set(e, ENOENT, "property '%s': there is no stand-in for what it names", p->name);
    memcpy(at, &v, sizeof v);
    return 0;
}

int prop_store(struct dev *d, const struct tn_prop *p, void *base, const char *text,
               struct tn_err *e)
{
    uint8_t *at = (uint8_t *)base + p->offset;
    switch (p->type) {
    case TN_P_BOOL:
    case TN_P_BIT:
        return store_bool(p, at, text, e);
    case TN_P_STR:
        return store_string(d, at, text);
    case TN_P_ENUM:
    case TN_P_ONOFFAUTO:
        return store_name(p, at, text, e);
    case TN_P_MAC:
    case TN_P_UUID:
        return store_bytes(p, at, text, e);
    case TN_P_DEVFN:
        return store_devfn(p, at, text, e);
    case TN_P_LIST:
        return store_list(d, p, at, text, e);
    case TN_P_CHARDEV:
    case TN_P_DRIVE:
    case TN_P_NETDEV:
    case TN_P_MEMDEV:
    case TN_P_IOTHREAD:
    case TN_P_LINK:
    case TN_P_BUS:
    case TN_P_AUDIODEV:
        return store_handle(d, p, at, text, e);
    default:
        return store_number(p, at, text, e);
    }
}

static int set_row(struct dev *d, const struct tn_prop *p, const char *text, struct tn_err *e)
{
    int runtime = d->stage >= ST_REALIZED && d->stage < ST_UNREALIZING;
    if (p->flags & TN_PF_READONLY)
        return err_set(e, EPERM, "property '%s' is read-only", p->name);
    if (runtime && !(p->flags & TN_PF_RUNTIME))
        return err_set(e, EBUSY, "property '%s' cannot be set after realize", p->name);
    uint8_t old[64], *at = (uint8_t *)d->pub.self + p->offset;
    memcpy(old, at, p->size);
    int r = prop_store(d, p, d->pub.self, text, e);
    if (r == 0 && runtime && d->pub.cls->prop_changed)
        CALL(d, R_MAIN | R_DEV, "prop_changed",
             r = d->pub.cls->prop_changed(d->pub.self, p->name, e));
    if (r < 0)
        memcpy(at, old, p->size);
    return r;
}

static void mark(struct dev *d, const char *key)
{
    struct prop_rows t = class_props(d->pub.cls);
    for (uint32_t i = 0; i < t.n; i++)
        if (strcmp(prop_row(t, i)->name, key) == 0)
            d->required_set[i] = 1;
}

int dev_set(struct dev *d, const char *key, const char *text, struct tn_err *e)
{
    const struct tn_prop *p = prop_find(class_props(d->pub.cls), key);
    if (!p)
        return err_set(e, ENOENT, "class '%s' has no property '%s'", d->pub.cls->name, key);
    int r = set_row(d, p, text, e);
    if (r == 0)
        mark(d, key);
    return r;
}

int dev_set_kv(struct dev *d, const struct tn_kv *kv, struct tn_err *e)
{
    const struct tn_prop *p = prop_find(class_props(d->pub.cls), kv->key);
    if (!p || kv->str)
        return dev_set(d, kv->key, kv->str ? kv->str : "", e);
    memcpy((uint8_t *)d->pub.self + p->offset, &kv->handle, sizeof kv->handle);
    mark(d, kv->key);
    return 0;
}

int dev_set_required(struct dev *d, struct tn_err *e)
{
    struct prop_rows t = class_props(d->pub.cls);
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_row(t, i);
        int handle = p->type == TN_P_CHARDEV || p->type == TN_P_DRIVE || p->type == TN_P_NETDEV ||
                     p->type == TN_P_MEMDEV || p->type == TN_P_LINK;
        if (!handle || d->required_set[i])
            continue;
        int r = dev_set(d, p->name, "stand-in", e);
        if (r < 0 && p->flags & TN_PF_REQUIRED)
            return r;
    }
    return 0;
}

void props_free(struct dev *d)
{
    for (size_t i = 0; i < d->owned.len; i += sizeof(void *)) {
        void *p;
        memcpy(&p, d->owned.data + i, sizeof p);
        free(p);
    }
    buf_free(&d->owned);
}
