/* SPDX-License-Identifier: BSD-2-Clause */
/* What a plugin says of itself in constant data: it is walked before anything of it runs, and never
 * trusted. */
#include "meta.h"
#include "parts.h"
#include "services.h"
#include <ctype.h>
#include <dlfcn.h>

enum { NAMES_MAX = 4096, ID_GARBAGE = 8 };

static void loads(struct check *c)
{
    AUTO_FREE char *path = realpath(c->o->path, NULL);
    void *so = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CHECK(c, so, "dlopen: %s", dlerror());
    CHECK(c, dlsym(so, "tn_plugin_v1"), "dlsym: %s", dlerror());
}

/* ---- the plugin ---- */

static void plugin_sizes(struct check *c)
{
    const struct tn_plugin *p = c->plugin;
    CHECK(c, p->struct_size >= PLUGIN_1_0 && p->struct_size <= 65536 && p->struct_size % 8 == 0,
          "struct tn_plugin says that it has %u bytes", p->struct_size);
    CHECK(c, p->abi_major == TN_ABI_MAJOR, "it is for ABI %u.%u", p->abi_major, p->abi_minor);
    CHECK(c, p->min_host_minor <= TN_ABI_MINOR, "it wants a host of ABI %u.%u or newer",
          p->abi_major, p->min_host_minor);
    for (const struct tn_class *const *k = p->classes; k && *k; k++)
        CHECK(c, (*k)->struct_size >= CLASS_1_0 && (*k)->struct_size <= 65536,
              "class %d says that it has %u bytes", (int)(k - p->classes), (*k)->struct_size);
    for (const struct tn_bus_type *const *b = p->buses; b && *b; b++)
        CHECK(c, (*b)->struct_size >= BUS_1_0 && (*b)->struct_size <= 65536,
              "bus type %d says that it has %u bytes", (int)(b - p->buses), (*b)->struct_size);
    for (const struct tn_compose *const *m = p->composes; m && *m; m++)
        CHECK(c, (*m)->struct_size >= COMPOSE_1_0, "a composition says that it has %u bytes",
              (*m)->struct_size);
}

static void plugin_text(struct check *c)
{
    const struct tn_plugin *p = c->plugin;
    const struct {
        const char *what, *text;
    } texts[] = {
        {"id", p->id}, {"version", p->version}, {"license", p->license}, {"summary", p->summary}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        CHECK(c, meta_text_ok(texts[i].text), "its %s is missing, empty or not one line of UTF-8",
              texts[i].what);
    CHECK(c, meta_name_ok(p->id), "'%s' is no id: letters, digits, '-', '_' and '.'", p->id);
}

/* id: "tenon.NAME/MAJOR", or of a domain's owner. */
static int service_id_ok(const char *id)
{
    const char *slash = strrchr(id, '/');
    return slash && strchr(id, '.') && strchr(id, '.') < slash && isdigit((unsigned char)slash[1]);
}

static int served(const char *id)
{
    for (const struct service *s = services; s->id; s++)
        if (strcmp(s->id, id) == 0)
            return 1;
    return 0;
}

static void plugin_services(struct check *c)
{
    for (const char *const *n = c->plugin->needs; n && *n; n++) {
        CHECK(c, service_id_ok(*n), "needs names '%s', which is no id of a service", *n);
        CHECK(c, served(*n), "needs names '%s', which no host of ABI %u.%u has", *n, TN_ABI_MAJOR,
              TN_ABI_MINOR);
        for (const char *const *w = c->plugin->wants; w && *w; w++)
            CHECK(c, strcmp(*w, *n) != 0, "'%s' is in needs and in wants", *n);
    }
    for (const char *const *w = c->plugin->wants; w && *w; w++)
        CHECK(c, service_id_ok(*w), "wants names '%s', which is no id of a service", *w);
}

static void class_names(struct check *c)
{
    const struct tn_class *const *k = c->plugin->classes;
    CHECK(c, (k && *k) || c->plugin->buses || c->plugin->composes,
          "it has no class, no bus type and no composition");
    for (; k && *k; k++) {
        CHECK(c, meta_name_ok((*k)->name), "'%s' is no name for a class",
              (*k)->name ? (*k)->name : "");
        for (const struct tn_class *const *x = c->plugin->classes; x < k; x++)
            CHECK(c, (*x)->kind != (*k)->kind || strcmp((*x)->name, (*k)->name) != 0,
                  "class '%s' is there twice", (*k)->name);
    }
}

static void compositions(struct check *c)
{
    for (const struct tn_compose *const *m = c->plugin->composes; m && *m; m++) {
        CHECK(c, (*m)->transport && (*m)->inner_bus && (*m)->suffix && *(*m)->suffix && (*m)->child,
              "the composition with '%s' does not say all names",
              (*m)->transport ? (*m)->transport : "?");
        const struct tn_class *t = meta_class(c->plugin, (*m)->transport);
        CHECK(c, t, "its composition names the class '%s', which it does not have",
              (*m)->transport);
        CHECK(c, t->flags & TN_C_INTERNAL, "the transport '%s' is not TN_C_INTERNAL", t->name);
    }
}

static const char *no_composes(const struct check *c)
{
    return c->plugin->composes ? NULL : "it composes nothing";
}

/* ---- a class ---- */

static void class_text(struct check *c)
{
    const struct tn_class *k = c->cls;
    CHECK(c, k->kind <= TN_K_DISPLAY, "its kind %u does not exist", k->kind);
    CHECK(c, k->category <= TN_CAT_WATCHDOG, "its category %u does not exist", k->category);
    CHECK(c, !k->desc || meta_text_ok(k->desc), "its description is not one line of UTF-8");
    CHECK(c, k->instance_size && k->instance_size <= (uint64_t)1 << 32,
          "its instances have %llu bytes", (unsigned long long)k->instance_size);
    for (const char *const *a = k->aliases; a && *a; a++)
        CHECK(c, meta_name_ok(*a) && strcmp(*a, k->name) != 0, "'%s' is no alias", *a);
    for (const char *const *p = k->provides; p && *p; p++)
        CHECK(c, service_id_ok(*p), "provides names '%s', which is no id", *p);
    CHECK(c, !k->provides || k->get_iface, "it provides interfaces and has no get_iface");
}

/* A device with its own callbacks from files or peers says what runs; what it says must fit
 * together. */
static void class_flags(struct check *c)
{
    const struct tn_class *k = c->cls;
    CHECK(c,
          !(k->flags & ~(uint32_t)(TN_C_THREADSAFE | TN_C_HOTPLUG | TN_C_NO_MIGRATE |
                                   TN_C_SERVABLE | TN_C_INTERNAL)),
          "flags 0x%x has bits that ABI %u.%u does not know", k->flags, TN_ABI_MAJOR, TN_ABI_MINOR);
    CHECK(c, !k->unplug_request || k->flags & TN_C_HOTPLUG,
          "it answers unplug_request and is not TN_C_HOTPLUG");
    int pci = k->bus && (strcmp(k->bus, TN_PCI_BUS) == 0 || strcmp(k->bus, TN_PCIE_BUS) == 0);
    CHECK(c, !pci || k->bus_ops, "it sits on %s and has no bus_ops", k->bus);
}

static void props_table(struct check *c)
{
    meta_rows(c, class_props(c->cls), c->cls->instance_size);
}

static void props_text(struct check *c)
{
    struct prop_rows t = class_props(c->cls);
    for (uint32_t i = 0; i < t.n; i++)
        CHECK(c, !prop_row(t, i)->help || meta_text_ok(prop_row(t, i)->help),
              "the help of '%s' is not one line of UTF-8", prop_row(t, i)->name);
    for (uint32_t i = 0; i < t.n; i++)
        for (const char *n = prop_row(t, i)->name; *n; n++)
            CHECK(c,
                  islower((unsigned char)*n) || isdigit((unsigned char)*n) || strchr("-_.", *n) ||
                      isupper((unsigned char)*n),
                  "the property '%s' has odd characters in its name", prop_row(t, i)->name);
}

static const char *no_props(const struct check *c)
{
    return c->cls->nprops ? NULL : "it has no property";
}

/* A default that the host would refuse from a user is no default. */
static void defaults(struct check *c)
{
    struct prop_rows t = class_props(c->cls);
    for (uint32_t i = 0; i < t.n; i++)
        meta_default(c, prop_row(t, i));
}

static void traces(struct check *c)
{
    const struct tn_class *k = c->cls;
    if (k->struct_size < offsetof(struct tn_class, trace_stride) + 4 || !k->ntraces)
        check_skip(c, "it declares no event");
    CHECK(c, k->traces && k->trace_stride >= sizeof(struct tn_trace_event),
          "its events are %u bytes apart", k->trace_stride);
    for (uint32_t i = 0; i < k->ntraces; i++) {
        const struct tn_trace_event *e =
            (const void *)((const char *)k->traces + (size_t)i * k->trace_stride);
        CHECK(c, meta_name_ok(e->name) && e->fmt, "event %u has no name or no format", i);
        for (const char *f = e->fmt; (f = strchr(f, '%')); f++) {
            f += strspn(f + 1, "0123456789.l#") + 1;
            CHECK(c, strchr("duxX%", *f) && *f,
                  "event '%s': \"%s\" is not of %%d, %%u, %%x and an l", e->name, e->fmt);
        }
    }
}

/* An interface of a back end may depend on its options: net.h, tn_netdev.get_iface. */
static int back_end(const struct tn_class *k)
{
    return k->kind == TN_K_NETDEV || k->kind == TN_K_CHARDEV || k->kind == TN_K_BLOCK;
}

/* get_iface answers each of provides, and nothing else: an id with garbage behind it is another id.
 */
static void interfaces(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (const char *const *p = c->cls->provides; p && *p; p++) {
        const void *t = NULL, *odd = NULL;
        AUTO_FREE char *garbage = xasprintf("%s%d", *p, ID_GARBAGE);
        CALL(d, R_MAIN, "get_iface", t = c->cls->get_iface(dev_self(d), *p));
        CHECK(c, t || back_end(c->cls), "it provides '%s', and get_iface does not answer", *p);
        CALL(d, R_MAIN, "get_iface", odd = c->cls->get_iface(dev_self(d), garbage));
        CHECK(c, !odd, "get_iface answers '%s', which nobody has", garbage);
    }
    check_end(c, h, d);
}

static const char *no_iface(const struct check *c)
{
    return c->cls->provides && c->cls->get_iface ? NULL : "it provides no interface";
}

#define PLUGIN_H "plugin.h: struct tn_plugin"
static const struct check_test tests[] = {
    {"loads", "dlopen(RTLD_NOW | RTLD_LOCAL) succeeds", "docs/abi.md: Finding and loading",
     CT_FILE | CT_GATE, NULL, loads},
    {"sizes", "struct_size is what the ABI's version has, or more", "docs/abi.md: What may grow",
     CT_PLUGIN | CT_GATE, NULL, plugin_sizes},
    {"texts", "id, version, license and summary are there, as one line each", PLUGIN_H,
     CT_PLUGIN | CT_GATE, NULL, plugin_text},
    {"class-names", "each class has a name, and no other class of its kind has the same",
     "class.h: name", CT_PLUGIN | CT_GATE, NULL, class_names},
    {"services", "needs and wants name services, each once", PLUGIN_H, CT_PLUGIN, NULL,
     plugin_services},
    {"compositions", "a composition names a transport of this plugin, its bus and a suffix",
     "plugin.h: struct tn_compose", CT_PLUGIN, no_composes, compositions},
    {"class", "kind, category, description, aliases and interfaces of a class make sense",
     "class.h: struct tn_class", CT_CLASS, NULL, class_text},
    {"flags", "flags and callbacks of a class fit together", "class.h: TN_C_*", CT_CLASS, NULL,
     class_flags},
    {"properties",
     "each property has a known type, lies in the instance, is aligned, does not overlap, and is "
     "there once",
     "prop.h: struct tn_prop", CT_CLASS | CT_GATE, NULL, props_table},
    {"property-texts", "names of properties are words, helps are one line",
     "prop.h: struct tn_prop", CT_CLASS, no_props, props_text},
    {"defaults", "each default is a value that a user could give",
     "prop.h: defval, min, max, names", CT_CLASS, no_props, defaults},
    {"traces", "declared events have names and formats of %d, %u, %x",
     "trace.h: struct tn_trace_event", CT_CLASS, NULL, traces},
    {"interfaces", "get_iface answers what provides names, and no id with garbage behind it",
     "class.h: get_iface", CT_CLASS, no_iface, interfaces},
    {0},
};

const struct check_group group_meta = {"meta", tests};
