/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole of a plugin: identity, what it asks of a host, its buses and compositions. */
#include "core/registry.h"
#include "inspect.h"
#include "sandbox/profiles.h"
#include "sandbox/sigsys.h"
#include "util/alloc.h"
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void inspect_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void inspect_put(struct kv_node *to, const char *key, const char *text)
{
    if (!text)
        return;
    struct kv_node *n = kv_add(to, key, kv_scalar(KV_STRING, text));
    inspect_printable(n->text);
}

void inspect_put_number(struct kv_node *to, const char *key, uint64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, v);
    kv_add(to, key, kv_scalar(KV_NUMBER, text));
}

void inspect_put_names(struct kv_node *to, const char *key, const char *const *names)
{
    if (!names || !*names)
        return;
    struct kv_node *list = kv_add(to, key, kv_new(KV_LIST));
    for (; *names; names++)
        inspect_put(list, NULL, *names);
}

/* ---- the sandbox ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The system calls that a profile adds to a filter, each once, in the order of the alphabet. */
static void put_calls(struct kv_node *to, const char *profile)
{
    const char *names[128];
    size_t n = 0;
    for (size_t i = 0; i < sandbox_nrows; i++) {
        const struct sandbox_row *row = &sandbox_rows[i];
        if (strcmp(row->profile, profile) != 0)
            continue;
        for (size_t k = 0; k < row->nrules && n < ARRAY_SIZE(names); k++)
            if (!row->rules[k].refuse && sigsys_name(row->rules[k].nr))
                names[n++] = sigsys_name(row->rules[k].nr);
    }
    qsort(names, n, sizeof *names, by_text);
    struct kv_node *list = kv_add(to, "calls", kv_new(KV_LIST));
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            inspect_put(list, NULL, names[i]);
}

static void put_sandbox(struct kv_node *to, const char *const *profiles, uint32_t flags)
{
    if (!profiles || !*profiles)
        return;
    struct kv_node *list = kv_add(to, "sandbox", kv_new(KV_LIST));
    for (; *profiles; profiles++) {
        struct kv_node *one = kv_add(list, NULL, kv_new(KV_DICT));
        inspect_put(one, "profile", *profiles);
        if (sandbox_profile_known(*profiles) && !(flags & INSPECT_INTERFACE))
            put_calls(one, *profiles);
        else if (!sandbox_profile_known(*profiles))
            inspect_put(one, "unknown", "this host has no such profile");
    }
}

/* ---- buses and compositions ---- */

static void put_bus(struct kv_node *list, const struct tn_bus_type *t, uint32_t flags)
{
    static const char *const names[] = {"one-domain", "no-default", NULL};
    struct kv_node *to = kv_add(list, NULL, kv_new(KV_DICT));
    inspect_put(to, "name", t->name);
    inspect_put_names(to, "is-a", t->is_a);
    inspect_put(to, "child-ops", t->child_ops);
    inspect_put(to, "port-ops", t->port_ops);
    for (int i = 0; names[i]; i++)
        if (t->flags >> i & 1)
            inspect_put(to, names[i], "yes");
    if (t->max_children)
        inspect_put_number(to, "max-children", t->max_children);
    if (!(flags & INSPECT_INTERFACE))
        inspect_put_number(to, "child-size", t->child_size);
    if (t->nprops)
        kv_add(to, "properties", inspect_props(t->props, t->nprops, t->prop_stride));
}

static void put_composition(struct kv_node *list, const struct tn_compose *m)
{
    struct kv_node *to = kv_add(list, NULL, kv_new(KV_DICT));
    inspect_put(to, "transport", m->transport);
    inspect_put(to, "inner-bus", m->inner_bus);
    inspect_put(to, "suffix", m->suffix);
    inspect_put(to, "child", m->child);
    inspect_put_names(to, "preset", m->preset);
}

/* ---- the plugin ---- */

static void put_identity(struct kv_node *to, const struct tn_plugin *p, uint32_t flags)
{
    char text[32];
    inspect_put(to, "id", p->id);
    if (!(flags & INSPECT_INTERFACE))
        inspect_put(to, "version", p->version);
    inspect_put(to, "license", p->license);
    inspect_put(to, "summary", p->summary);
    snprintf(text, sizeof text, "%u.%u", p->abi_major, p->abi_minor);
    inspect_put(to, "abi", text);
    snprintf(text, sizeof text, "%u.%" PRIu32, p->abi_major, p->min_host_minor);
    inspect_put(to, "oldest-host", text);
}

static void put_contents(struct kv_node *to, const struct tn_plugin *p, uint32_t flags)
{
    inspect_put_names(to, "needs", p->needs);
    inspect_put_names(to, "wants", p->wants);
    put_sandbox(to, p->sandbox, flags);
    struct kv_node *classes = kv_add(to, "classes", kv_new(KV_LIST));
    for (const struct tn_class *const *c = p->classes; c && *c; c++)
        kv_add(classes, NULL, inspect_class(*c, flags));
    struct kv_node *buses = p->buses && *p->buses ? kv_add(to, "buses", kv_new(KV_LIST)) : NULL;
    for (const struct tn_bus_type *const *b = p->buses; buses && *b; b++)
        put_bus(buses, *b, flags);
    struct kv_node *made =
        p->composes && *p->composes ? kv_add(to, "compositions", kv_new(KV_LIST)) : NULL;
    for (const struct tn_compose *const *m = p->composes; made && *m; m++)
        put_composition(made, *m);
}

static const struct tn_plugin *open_plugin(const char *path, struct tn_err *e)
{
    AUTO_FREE char *real = realpath(path, NULL);
    void *h = real ? dlopen(real, RTLD_NOW | RTLD_LOCAL) : NULL;
    const struct tn_plugin *p = h ? dlsym(h, "tn_plugin_v1") : NULL;
    if (!real)
        err_set(e, errno, "%s", strerror(errno));
    else if (!h)
        err_set(e, ENOEXEC, "%s", dlerror());
    else if (!p)
        err_set(e, ENOEXEC, "exports no tn_plugin_v1");
    return p;
}

/* Which struct_size the constant must have for its identity to be there. */
static int has_identity(const struct tn_plugin *p)
{
    return p->struct_size >= offsetof(struct tn_plugin, classes) && p->id && p->version;
}

struct kv_node *inspect_plugin(const char *path, uint32_t flags, struct tn_err *e)
{
    KV_AUTO *to = kv_new(KV_DICT);
    ERR_AUTO why = {0};
    int runs = inspect_file(to, path, flags, e);
    if (runs < 0)
        return NULL;
    if (runs && !(flags & INSPECT_TRUST)) {
        err_set(e, EPERM,
                "opening it would run code of it: a plugin has no constructors (--trust opens it)");
        return NULL;
    }
    const struct tn_plugin *p = open_plugin(path, e);
    if (!p)
        return NULL;
    if (has_identity(p))
        put_identity(to, p, flags);
    if (plugin_fits_file(p, &why) < 0 || plugin_check(p, NULL, &why) < 0)
        inspect_put(to, "refused", err_text(&why));
    else
        put_contents(to, p, flags);
    struct kv_node *whole = to;
    to = NULL;
    return whole;
}
