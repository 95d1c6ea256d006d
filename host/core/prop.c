/* SPDX-License-Identifier: BSD-2-Clause */
#include "prop.h"

#include "backend/block_host.h"
#include "bus.h"
#include "cli/kvtree.h"
#include "cli/values.h"
#include "device.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct strings {
    struct strings *next;
    void *p;
};

void *strings_keep(struct strings **list, void *p)
{
    struct strings *s = XNEW(struct strings);
    *s = (struct strings){*list, p};
    *list = s;
    return p;
}

void strings_free(struct strings **list)
{
    while (*list) {
        struct strings *s = *list;
        *list = s->next;
        free(s->p);
        free(s);
    }
}

const struct tn_prop *prop_find(struct prop_table t, const char *name)
{
    for (uint32_t i = 0; i < t.n; i++)
        if (strcmp(prop_at(t, i)->name, name) == 0)
            return prop_at(t, i);
    return NULL;
}

static void put_bit(const struct tn_prop *p, void *at, int on)
{
    uint64_t v = p->size == 8 ? *(uint64_t *)at : *(uint32_t *)at;
    v = on ? v | (uint64_t)1 << p->bit : v & ~((uint64_t)1 << p->bit);
    if (p->size == 8)
        *(uint64_t *)at = v;
    else
        *(uint32_t *)at = (uint32_t)v;
}

static void put_int(const struct tn_prop *p, void *at, uint64_t v)
{
    switch (p->size) {
    case 1:
        *(uint8_t *)at = (uint8_t)v;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)v;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)v;
        break;
    default:
        *(uint64_t *)at = v;
    }
}

void props_default(struct device *owner, struct prop_table t, void *base)
{
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_at(t, i);
        void *at = prop_place(p, base);
        if (p->type == TN_P_BIT)
            put_bit(p, at, p->defval != 0);
        else if (p->type == TN_P_STR)
            *(char **)at = p->defstr ? strings_keep(&owner->strings, xstrdup(p->defstr)) : NULL;
        else if (p->type == TN_P_FD)
            *(int32_t *)at = -1;
        else if (p->type == TN_P_MAC || p->type == TN_P_UUID || p->type == TN_P_LIST)
            memset(at, 0, p->size);
        else
            put_int(p, at, p->defval);
    }
}

/* "isa-serial.irq": how messages call a property. */
static char *label(struct device *owner, const struct tn_prop *p)
{
    return xasprintf("%s.%s", owner->entry->name, p->name);
}

static int take_text(struct tn_err *e, int r, char **text)
{
    if (r < 0) {
        err_set(e, -r, "%s", *text ? *text : "bad value");
        free(*text);
        *text = NULL;
    }
    return r;
}

static int set_unsigned(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                        struct tn_err *e)
{
    uint64_t most = p->size == 8 ? ~(uint64_t)0 : ((uint64_t)1 << (8 * p->size)) - 1;
    uint64_t min = p->min, max = p->min || p->max ? p->max : most, v;
    AUTO_FREE char *key = label(owner, p);
    char *text_err = NULL;
    int r = p->type == TN_P_SIZE ? val_size(key, text, 1, &v, &text_err)
                                 : val_u64(key, text, min, max, &v, &text_err);
    if (take_text(e, r, &text_err) < 0)
        return r;
    if (v < min || v > max)
        return err_set(e, ERANGE,
                       "Property %s doesn't take value '%s' (minimum: %" PRIu64
                       ", maximum: %" PRIu64 ")",
                       key, text, min, max);
    put_int(p, at, v);
    return 0;
}

static int set_signed(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                      struct tn_err *e)
{
    int64_t min = p->size == 4 ? INT32_MIN : INT64_MIN, max = p->size == 4 ? INT32_MAX : INT64_MAX,
            v;
    if (p->min || p->max) {
        min = (int64_t)p->min;
        max = (int64_t)p->max;
    }
    AUTO_FREE char *key = label(owner, p);
    char *text_err = NULL;
    int r = take_text(e, val_s64(key, text, min, max, &v, &text_err), &text_err);
    if (r == 0)
        put_int(p, at, (uint64_t)v);
    return r;
}

static int set_enum(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                    struct tn_err *e)
{
    size_t n = 0, which;
    while (p->names[n])
        n++;
    AUTO_FREE char *key = label(owner, p);
    char *text_err = NULL;
    int r = take_text(e, val_choice(key, text, p->names, n, &which, &text_err), &text_err);
    if (r == 0)
        *(uint32_t *)at = (uint32_t)which;
    return r;
}

static int set_bool(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                    struct tn_err *e)
{
    bool on;
    AUTO_FREE char *key = label(owner, p);
    char *text_err = NULL;
    int r = take_text(e, val_bool(key, text, &on, &text_err), &text_err);
    if (r < 0)
        return r;
    if (p->type == TN_P_BIT)
        put_bit(p, at, on);
    else
        *(uint8_t *)at = on;
    return 0;
}

static int set_parsed(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                      struct tn_err *e)
{
    char *text_err = NULL;
    int r;
    enum val_on_off_auto ooa;
    uint8_t bytes[16];
    int32_t devfn;
    AUTO_FREE char *key = label(owner, p);
    switch (p->type) {
    case TN_P_ONOFFAUTO:
        if ((r = val_on_off_auto(key, text, &ooa, &text_err)) == 0)
            *(uint32_t *)at = ooa == VAL_AUTO ? TN_AUTO : ooa == VAL_ON ? TN_ON : TN_OFF;
        break;
    case TN_P_MAC:
        if ((r = val_mac(owner->entry->name, p->name, text, bytes, &text_err)) == 0)
            memcpy(at, bytes, 6);
        break;
    case TN_P_UUID:
        if ((r = val_uuid(owner->entry->name, p->name, text, bytes, &text_err)) == 0)
            memcpy(at, bytes, 16);
        break;
    default:
        if ((r = val_pci_devfn(owner->entry->name, p->name, text, &devfn, &text_err)) == 0)
            *(int32_t *)at = devfn;
    }
    return take_text(e, r, &text_err);
}

/* ---- handles: text names another instance ---- */

static uint32_t kind_of_handle(uint32_t type)
{
    switch (type) {
    case TN_P_CHARDEV:
        return TN_K_CHARDEV;
    case TN_P_NETDEV:
        return TN_K_NETDEV;
    case TN_P_DRIVE:
        return TN_K_BLOCK;
    case TN_P_AUDIODEV:
        return TN_K_AUDIODEV;
    default:
        return TN_K_OBJECT;
    }
}

struct device *prop_refers_to(const struct device *owner, uint32_t type, const void *handle)
{
    struct device *d;
    if (handle)
        TAILQ_FOREACH(d, &owner->vm->devices, all)
    if (type == TN_P_LINK ? d == handle : d->handle_type == type && d->handle == handle)
        return d;
    return NULL;
}

static int is_handle(uint32_t type)
{
    return (type >= TN_P_CHARDEV && type <= TN_P_LINK) || type == TN_P_AUDIODEV;
}

/* by 1: what the value names must stay; -1: no longer. Elements of a list count one by one. */
static void hold(struct device *owner, const struct tn_prop *p, const void *at, uint32_t by)
{
    if (is_handle(p->type)) {
        struct device *other = prop_refers_to(owner, p->type, *(void *const *)at);
        if (other)
            other->holds += by;
    }
    const struct tn_list *l = at;
    struct prop_table t = {p->sub, p->nsub, p->sub_stride};
    for (uint32_t i = 0; p->type == TN_P_LIST && i < l->n; i++)
        for (uint32_t k = 0; k < t.n; k++)
            hold(owner, prop_at(t, k),
                 (char *)l->items + (uint64_t)i * l->stride + prop_at(t, k)->offset, by);
}

static void hold_other(struct device *owner, const struct tn_prop *p, void *at, const void *handle)
{
    hold(owner, p, at, ~0u);
    *(const void **)at = handle;
    hold(owner, p, at, 1);
}

static int set_backend(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                       struct tn_err *e)
{
    struct device *other = p->type == TN_P_DRIVE
                               ? block_find(owner->vm, text)
                               : device_find(owner->vm, kind_of_handle(p->type), text);
    if (!other || other->handle_type != p->type)
        return err_set(e, ENOENT, "Property '%s.%s' can't find value '%s'", owner->entry->name,
                       p->name, text);
    hold_other(owner, p, at, other->handle);
    return 0;
}

static int link_fits(const struct tn_prop *p, struct device *other)
{
    void *self;
    if (!p->names)
        return 1;
    for (const char *const *n = p->names; *n; n++)
        if (device_iface(other, *n, &self))
            return 1;
    return 0;
}

static int set_link(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                    struct tn_err *e)
{
    struct device *other = device_find(owner->vm, TN_K_OBJECT, text);
    if (!other)
        other = device_find(owner->vm, TN_K_DEVICE, text);
    if (!other)
        return err_set(e, ENOENT, "Device '%s' not found", text);
    if (!link_fits(p, other))
        return err_set(e, EINVAL,
                       "Property '%s.%s' cannot be set to '%s': a %s is not one of that kind",
                       owner->entry->name, p->name, text, other->entry->name);
    hold_other(owner, p, at, &other->pub);
    return 0;
}

static int set_bus(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                   struct tn_err *e)
{
    struct tn_bus *b = bus_find(owner->vm, text);
    int fits = b && !p->names;
    for (const char *const *n = p->names; b && n && *n; n++)
        fits |= bus_type_is(b->type, *n);
    if (!fits)
        return err_set(e, ENOENT, "Property '%s.%s' can't find value '%s'", owner->entry->name,
                       p->name, text);
    *(struct tn_bus **)at = b;
    return 0;
}

static int set_fd(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                  struct tn_err *e)
{
    int64_t fd;
    AUTO_FREE char *key = label(owner, p);
    char *text_err = NULL;
    int r = take_text(e, val_s64(key, text, 0, INT32_MAX, &fd, &text_err), &text_err);
    if (r == 0)
        *(int32_t *)at = (int32_t)fd;
    return r;
}

static int set_string(struct device *owner, const struct tn_prop *p, void *at, const char *text,
                      struct tn_err *e)
{
    (void)p;
    (void)e;
    *(char **)at = strings_keep(&owner->strings, xstrdup(text));
    return 0;
}

static int set_scalar_list(struct device *owner, const struct tn_prop *p, void *at,
                           const char *text, struct tn_err *e);

typedef int (*setter)(struct device *, const struct tn_prop *, void *, const char *,
                      struct tn_err *);
static const setter setters[] = {
    [TN_P_BOOL] = set_bool,
    [TN_P_BIT] = set_bool,
    [TN_P_U8] = set_unsigned,
    [TN_P_U16] = set_unsigned,
    [TN_P_U32] = set_unsigned,
    [TN_P_U64] = set_unsigned,
    [TN_P_I32] = set_signed,
    [TN_P_I64] = set_signed,
    [TN_P_SIZE] = set_unsigned,
    [TN_P_STR] = set_string,
    [TN_P_ENUM] = set_enum,
    [TN_P_ONOFFAUTO] = set_parsed,
    [TN_P_MAC] = set_parsed,
    [TN_P_UUID] = set_parsed,
    [TN_P_DEVFN] = set_parsed,
    [TN_P_CHARDEV] = set_backend,
    [TN_P_DRIVE] = set_backend,
    [TN_P_NETDEV] = set_backend,
    [TN_P_MEMDEV] = set_backend,
    [TN_P_IOTHREAD] = set_backend,
    [TN_P_LINK] = set_link,
    [TN_P_LIST] = set_scalar_list,
    [TN_P_FD] = set_fd,
    [TN_P_BUS] = set_bus,
    [TN_P_AUDIODEV] = set_backend,
};

int prop_set(struct device *owner, const struct tn_prop *p, void *base, const char *text,
             struct tn_err *e)
{
    if (p->flags & TN_PF_READONLY)
        return err_set(e, EPERM, "Property '%s.%s' is not writable", owner->entry->name, p->name);
    if (p->flags & TN_PF_DEPRECATED)
        log_line(LOG_WARN, "Property '%s.%s' is deprecated", owner->entry->name, p->name);
    return setters[p->type](owner, p, prop_place(p, base), text, e);
}

/* ---- lists ---- */

static int append(struct device *owner, const struct tn_prop *p, struct tn_list *l,
                  const struct kv_node *v, struct tn_err *e)
{
    struct prop_table t = {p->sub, p->nsub, p->sub_stride};
    char *item = (char *)l->items + (uint64_t)l->n * l->stride;
    props_default(owner, t, item);
    l->n++;
    if (!p->sub->name) { /* a scalar goes by the name of its list */
        struct tn_prop scalar = prop_row(t, 0);
        scalar.name = p->name;
        return prop_set_node(owner, &scalar, item, v, e);
    }
    for (size_t i = 0; v->kind == KV_DICT && i < v->n_child; i++) {
        const struct tn_prop *m = prop_find(t, v->child[i]->key);
        if (!m)
            return err_set(e, ENOENT, "Property '%s.%s.%s' not found", owner->entry->name, p->name,
                           v->child[i]->key);
        int r = prop_set_node(owner, m, item, v->child[i], e);
        if (r < 0)
            return r;
    }
    return v->kind == KV_DICT ? 0
                              : err_set(e, EINVAL, "Property '%s.%s' takes a list of objects",
                                        owner->entry->name, p->name);
}

static uint32_t element_size(const struct tn_prop *p)
{
    uint64_t end = 0;
    struct prop_table t = {p->sub, p->nsub, p->sub_stride};
    for (uint32_t i = 0; i < t.n; i++)
        if (prop_at(t, i)->offset + (uint64_t)prop_at(t, i)->size > end)
            end = prop_at(t, i)->offset + (uint64_t)prop_at(t, i)->size;
    return (uint32_t)((end + 7) & ~(uint64_t)7);
}

static int set_list(struct device *owner, const struct tn_prop *p, void *at,
                    const struct kv_node *v, struct tn_err *e)
{
    struct tn_list l = {.stride = element_size(p)};
    if (v->n_child)
        l.items = strings_keep(&owner->strings, xcalloc(v->n_child, l.stride));
    for (size_t i = 0; i < v->n_child; i++) {
        int r = append(owner, p, &l, v->child[i], e);
        if (r < 0) {
            hold(owner, p, &l, ~0u);
            return r;
        }
    }
    hold(owner, p, at, ~0u); /* the elements of the new one are held already */
    *(struct tn_list *)at = l;
    return 0;
}

/* `[1,2,3]` or one value, for lists of scalars given as text. */
static int set_scalar_list(struct device *owner, const struct tn_prop *p, void *at,
                           const char *text, struct tn_err *e)
{
    if (p->sub->name)
        return err_set(e, EINVAL, "Property '%s.%s' is a list: give it in JSON or with dotted keys",
                       owner->entry->name, p->name);
    KV_AUTO *list = kv_new(KV_LIST);
    size_t n = strlen(text);
    int bracket = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    AUTO_FREE char *copy = bracket ? xstrndup(text + 1, n - 2) : xstrdup(text);
    for (char *save, *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
        kv_add(list, NULL, kv_scalar(KV_STRING, w));
    return set_list(owner, p, at, list, e);
}

int prop_set_node(struct device *owner, const struct tn_prop *p, void *base,
                  const struct kv_node *v, struct tn_err *e)
{
    if (p->type == TN_P_LIST && v->kind == KV_LIST)
        return set_list(owner, p, prop_place(p, base), v, e);
    if (!kv_is_scalar(v))
        return err_set(e, EINVAL, "Property '%s.%s' does not take a JSON %s", owner->entry->name,
                       p->name ? p->name : "?", v->kind == KV_DICT ? "object" : "array");
    if (p->type == TN_P_DEVFN && v->kind == KV_NUMBER)
        return set_signed(
            owner,
            &(const struct tn_prop){.name = p->name, .size = 4, .min = (uint64_t)-1, .max = 255},
            prop_place(p, base), v->text, e);
    return prop_set(owner, p, base, v->text, e);
}

/* ---- values at hand ---- */

int prop_set_handle(struct device *owner, const struct tn_prop *p, void *base, const void *handle,
                    struct tn_err *e)
{
    if (!is_handle(p->type) || (p->flags & TN_PF_READONLY))
        return err_set(e, EINVAL, "Property '%s.%s' takes no back end", owner->entry->name,
                       p->name);
    hold_other(owner, p, prop_place(p, base), handle);
    return 0;
}

void prop_put_back(struct device *owner, const struct tn_prop *p, void *base, const void *was)
{
    hold(owner, p, prop_place(p, base), ~0u);
    memcpy(prop_place(p, base), was, p->size);
    hold(owner, p, prop_place(p, base), 1);
}

void props_drop(struct device *owner, struct prop_table t, void *base)
{
    for (uint32_t i = 0; i < t.n; i++)
        hold(owner, prop_at(t, i), prop_place(prop_at(t, i), base), ~0u);
}
