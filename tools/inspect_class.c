/* SPDX-License-Identifier: BSD-2-Clause */
/* One class of a plugin: what a user can say to it, what it saves, what a guest finds. */
#include "core/prop.h"
#include "inspect.h"
#include "util/alloc.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tenon/pci.h>
#include <tenon/virtio.h>

static const char *name_of(const char *const *names, size_t n, uint64_t i)
{
    return i < n ? names[i] : "unknown";
}

static void put_flags(struct kv_node *to, const char *key, const char *const *names, size_t n,
                      uint32_t flags)
{
    if (!flags)
        return;
    struct kv_node *list = kv_add(to, key, kv_new(KV_LIST));
    for (uint32_t i = 0; i < 32; i++)
        if (flags >> i & 1)
            inspect_put(list, NULL, name_of(names, n, i));
}

/* ---- properties ---- */

/* What the text of a property means, where its type does not tell. */
static const char *form_of(const struct tn_prop *p)
{
    static const char *const forms[] = {
        [TN_P_MAC] = "mac",         [TN_P_UUID] = "uuid",   [TN_P_DEVFN] = "slot.function",
        [TN_P_CHARDEV] = "chardev", [TN_P_DRIVE] = "drive", [TN_P_NETDEV] = "netdev",
        [TN_P_FD] = "descriptor",   [TN_P_BUS] = "bus",     [TN_P_AUDIODEV] = "audiodev",
    };
    return p->type < ARRAY_SIZE(forms) ? forms[p->type] : NULL;
}

static void put_range(struct kv_node *to, const struct tn_prop *p)
{
    char text[24];
    int is_signed = p->type == TN_P_I32 || p->type == TN_P_I64;
    if (!p->min && !p->max)
        return;
    if (!is_signed) {
        inspect_put_number(to, "min", p->min);
        inspect_put_number(to, "max", p->max);
        return;
    }
    snprintf(text, sizeof text, "%" PRId64, (int64_t)p->min);
    kv_add(to, "min", kv_scalar(KV_NUMBER, text));
    snprintf(text, sizeof text, "%" PRId64, (int64_t)p->max);
    kv_add(to, "max", kv_scalar(KV_NUMBER, text));
}

static struct kv_node *property(const struct tn_prop *p)
{
    static const char *const flags[] = {"required", "runtime", "deprecated", "no-default",
                                        "read-only"};
    struct kv_node *to = kv_new(KV_DICT);
    AUTO_FREE char *def = prop_default_text(p);
    inspect_put(to, "name", p->name);
    inspect_put(to, "type", prop_type_name(p));
    inspect_put(to, "form", form_of(p));
    inspect_put(to, "default", def);
    put_range(to, p);
    inspect_put_names(to, p->type == TN_P_ENUM ? "values" : "accepts", p->names);
    put_flags(to, "flags", flags, ARRAY_SIZE(flags), p->flags & ~(uint32_t)TN_PF_NODEFAULT);
    if (p->since)
        inspect_put_number(to, "since", p->since);
    inspect_put(to, "help", p->help);
    if (p->type == TN_P_LIST)
        kv_add(to, "element", inspect_props(p->sub, p->nsub, p->sub_stride));
    return to;
}

struct kv_node *inspect_props(const struct tn_prop *p, uint32_t n, uint32_t stride)
{
    struct kv_node *list = kv_new(KV_LIST);
    struct prop_table t = {p, n, stride};
    for (uint32_t i = 0; i < n; i++)
        kv_add(list, NULL, property(prop_at(t, i)));
    return list;
}

/* ---- state ---- */

enum { STATE_DEPTH = 16 }; /* a table that describes itself would never end */

static struct kv_node *state(const struct tn_state *st, uint32_t depth);

static void put_count(struct kv_node *to, const struct tn_field *f)
{
    if (f->flags & TN_SF_COUNT_AT)
        inspect_put_number(to, "at-most", f->max);
    else if (f->count != 1)
        inspect_put_number(to, "count", f->count);
}

static struct kv_node *field(const struct tn_field *f, uint32_t depth)
{
    static const char *const types[] = {
        [TN_S_U8] = "u8",     [TN_S_U16] = "u16",     [TN_S_U32] = "u32",     [TN_S_U64] = "u64",
        [TN_S_BOOL] = "bool", [TN_S_BYTES] = "bytes", [TN_S_TIMER] = "timer", [TN_S_SUB] = "struct",
    };
    struct kv_node *to = kv_new(KV_DICT);
    inspect_put(to, "name", f->name);
    inspect_put(to, "type", f->type ? name_of(types, ARRAY_SIZE(types), f->type) : "unknown");
    put_count(to, f);
    if (f->since)
        inspect_put_number(to, "since", f->since);
    if (f->type == TN_S_SUB && f->sub)
        kv_add(to, "of", state(f->sub, depth + 1));
    return to;
}

static struct kv_node *state(const struct tn_state *st, uint32_t depth)
{
    struct kv_node *to = kv_new(KV_DICT);
    inspect_put(to, "name", st->name);
    inspect_put_number(to, "version", st->version);
    inspect_put_number(to, "loads-from", st->min_version);
    if (depth == STATE_DEPTH)
        return to;
    struct kv_node *list = kv_add(to, "fields", kv_new(KV_LIST));
    for (uint32_t i = 0; i < st->nfields; i++) {
        const char *at = (const char *)st->fields + (size_t)i * st->field_stride;
        kv_add(list, NULL, field((const struct tn_field *)(const void *)at, depth));
    }
    if (st->save)
        inspect_put(to, "more", "what no table can say");
    list = st->subsections ? kv_add(to, "subsections", kv_new(KV_LIST)) : NULL;
    for (const struct tn_state *const *s = st->subsections; s && *s; s++)
        kv_add(list, NULL, state(*s, depth + 1));
    return to;
}

/* ---- what a guest finds ---- */

static void put_hex(struct kv_node *to, const char *key, uint32_t v, int digits)
{
    char text[16];
    snprintf(text, sizeof text, "0x%0*" PRIx32, digits, v);
    inspect_put(to, key, text);
}

static void put_pci(struct kv_node *to, const struct tn_pci_ops *o)
{
    static const char *const flags[] = {"express", "conventional", "cxl", "bridge", "vf"};
    if (o->struct_size < offsetof(struct tn_pci_ops, config_written))
        return;
    to = kv_add(to, "pci", kv_new(KV_DICT));
    put_hex(to, "vendor", o->vendor, 4);
    put_hex(to, "device", o->device, 4);
    if (o->subvendor) {
        put_hex(to, "subvendor", o->subvendor, 4);
        put_hex(to, "subsystem", o->subsystem, 4);
    }
    put_hex(to, "class", o->class_rev >> 8, 6);
    put_hex(to, "revision", o->class_rev & 0xff, 2);
    inspect_put_number(to, "pin", o->int_pin);
    put_flags(to, "flags", flags, ARRAY_SIZE(flags), o->flags);
}

static void put_virtio(struct kv_node *to, const struct tn_virtio_ops *o)
{
    static const char *const flags[] = {"no-legacy", "no-packed", "own-rings"};
    if (o->struct_size < offsetof(struct tn_virtio_ops, features))
        return;
    to = kv_add(to, "virtio", kv_new(KV_DICT));
    inspect_put_number(to, "device-id", o->device_id);
    if (o->pci_legacy_id)
        put_hex(to, "pci-legacy-id", o->pci_legacy_id, 4);
    put_hex(to, "pci-class", o->pci_class_rev >> 8, 6);
    put_flags(to, "flags", flags, ARRAY_SIZE(flags), o->flags);
}

static void put_place(struct kv_node *to, const struct tn_class *c)
{
    inspect_put(to, "bus", c->bus);
    if (!c->bus || !c->bus_ops)
        return;
    if (strcmp(c->bus, TN_PCI_BUS) == 0 || strcmp(c->bus, TN_PCIE_BUS) == 0)
        put_pci(to, c->bus_ops);
    else if (strcmp(c->bus, TN_VIRTIO_BUS) == 0)
        put_virtio(to, c->bus_ops);
}

static void put_traces(struct kv_node *to, const struct tn_class *c)
{
    if (!TN_HAS(c, trace_stride) || !c->ntraces)
        return;
    struct kv_node *list = kv_add(to, "traces", kv_new(KV_LIST));
    for (uint32_t i = 0; i < c->ntraces; i++) {
        const char *at = (const char *)c->traces + (size_t)i * c->trace_stride;
        const struct tn_trace_event *ev = (const struct tn_trace_event *)(const void *)at;
        struct kv_node *one = kv_add(list, NULL, kv_new(KV_DICT));
        inspect_put(one, "name", ev->name);
        inspect_put(one, "format", ev->fmt);
    }
}

struct kv_node *inspect_class(const struct tn_class *c, uint32_t flags)
{
    static const char *const kinds[] = {"device",  "object", "machine",  "netdev",
                                        "chardev", "block",  "audiodev", "display"};
    static const char *const categories[] = {"misc",  "bridge",  "usb",   "storage", "network",
                                             "input", "display", "sound", "cpu",     "watchdog"};
    static const char *const names[] = {"threadsafe", "hotplug", "no-migrate", "servable",
                                        "internal"};
    struct kv_node *to = kv_new(KV_DICT);
    inspect_put(to, "name", c->name);
    inspect_put(to, "kind", name_of(kinds, ARRAY_SIZE(kinds), c->kind));
    inspect_put(to, "summary", c->desc);
    inspect_put_names(to, "aliases", c->aliases);
    if (c->kind == TN_K_DEVICE)
        inspect_put(to, "category", name_of(categories, ARRAY_SIZE(categories), c->category));
    put_flags(to, "flags", names, ARRAY_SIZE(names), c->flags);
    put_place(to, c);
    inspect_put_names(to, "provides", c->provides);
    inspect_put_names(to, "forwards-to", c->forward);
    if (!(flags & INSPECT_INTERFACE))
        inspect_put_number(to, "instance-size", c->instance_size);
    kv_add(to, "properties", inspect_props(c->props, c->nprops, c->prop_stride));
    if (c->state)
        kv_add(to, "state", state(c->state, 0));
    put_traces(to, c);
    return to;
}
