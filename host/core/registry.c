/* SPDX-License-Identifier: BSD-2-Clause */
#include "registry_impl.h"
#include "util/alloc.h"
#include "util/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct registry *registry_new(const struct tn_host *host)
{
    struct registry *r = XNEW(struct registry);
    r->host = host;
    return r;
}

void registry_entry_free(struct class_entry *c)
{
    free(c->name);
    free(c->bus);
    free(c->desc);
    free(c->alias);
    free(c->inner_name);
    free(c->bus_made);
    free(c);
}

void registry_free(struct registry *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        registry_entry_free(r->classes[i]);
    free(r->classes);
    for (struct announced *a = r->announced, *next; a; a = next) {
        next = a->next;
        free(a->inner_bus);
        free(a->suffix);
        free(a->bus);
        free(a);
    }
    for (struct plugin_file *f = r->files, *next; f; f = next) {
        next = f->next;
        plugin_close(f);
        free(f->path);
        free(f);
    }
    for (uint32_t i = 0; i < r->nfolders; i++)
        free(r->folders[i]);
    free(r->folders);
    free(r->trusted_folder);
    free(r);
}

/* ---- the table of classes ---- */

static int by_name(const void *a, const void *b)
{
    const struct class_entry *x = *(struct class_entry *const *)a,
                             *y = *(struct class_entry *const *)b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static void sort(struct registry *r)
{
    if (!r->sorted)
        qsort(r->classes, r->n, sizeof *r->classes, by_name);
    r->sorted = 1;
}

static struct class_entry **bucket(struct registry *r, const char *name)
{
    return &r->bucket[hash_text(name) % REGISTRY_BUCKETS];
}

/* Other names of a composition's transport are not its own. */
static const char *const *own_aliases(const struct class_entry *c)
{
    return c->cls && !c->compose ? c->cls->aliases : NULL;
}

static void note_aliases(struct registry *r, struct class_entry *c)
{
    if (c->has_alias || !(c->alias || own_aliases(c)))
        return;
    c->has_alias = 1;
    c->next_alias = r->aliased;
    r->aliased = c;
}

void registry_add(struct registry *r, struct class_entry *c)
{
    struct class_entry **b = bucket(r, c->name);
    c->next = *b;
    *b = c;
    note_aliases(r, c);
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->classes = xrealloc(r->classes, r->cap * sizeof(struct class_entry *));
    }
    r->classes[r->n++] = c;
    r->sorted = 0;
}

static int has_alias(const struct class_entry *c, const char *name)
{
    if (c->alias && strcmp(c->alias, name) == 0)
        return 1;
    for (const char *const *a = own_aliases(c); a && *a; a++)
        if (strcmp(*a, name) == 0)
            return 1;
    return 0;
}

static int is_composed(const struct class_entry *c)
{
    return c->compose || c->inner_name;
}

/* By name; a class of that very name beats a composition, and both an alias. */
static struct class_entry *find(struct registry *r, uint32_t kind, const char *name)
{
    struct class_entry *found = NULL, *alias = NULL, *c;
    for (c = *bucket(r, name); c; c = c->next)
        if (c->kind == kind && strcmp(c->name, name) == 0 && (!found || is_composed(found)))
            found = c;
    for (c = found ? NULL : r->aliased; c; c = c->next_alias) /* the oldest, which is the last */
        if (c->kind == kind && has_alias(c, name))
            alias = c;
    return found ? found : alias;
}

struct class_entry *registry_peek(struct registry *r, uint32_t kind, const char *name)
{
    return find(r, kind, name);
}

static struct class_entry *describe(const struct tn_class *k, struct plugin_file *f)
{
    struct class_entry *c = XNEW(struct class_entry);
    c->name = xstrdup(k->name);
    c->kind = k->kind;
    c->flags = k->flags;
    c->category = k->category;
    c->bus = k->bus ? xstrdup(k->bus) : NULL;
    c->desc = k->desc ? xstrdup(k->desc) : NULL;
    c->alias = k->aliases && k->aliases[0] ? xstrdup(k->aliases[0]) : NULL;
    c->file = f;
    c->cls = k;
    return c;
}

/* What users see: the bus that it takes a place of, be it made or found. */
static const char *shown_bus(const struct tn_compose *m, const char *transport)
{
    return m->flags & TN_COMPOSE_INTO_FREE ? m->inner_bus : transport;
}

/* A class that plugs into the inner bus of a composition. */
static int plugs_into(const struct class_entry *c, const char *inner_bus)
{
    return c->kind == TN_K_DEVICE && !is_composed(c) && c->bus && strcmp(c->bus, inner_bus) == 0;
}

/* X on the inner bus of a composition becomes X + suffix. */
static void compose_one(struct registry *r, struct plugin_file *f, const struct tn_compose *m,
                        struct class_entry *transport, struct class_entry *inner)
{
    AUTO_FREE char *name = xasprintf("%s%s", inner->name, m->suffix);
    if (find(r, TN_K_DEVICE, name)) /* a class of that very name is preferred */
        return;
    struct class_entry *c = XNEW(struct class_entry);
    c->name = xstrdup(name);
    c->flags = transport->flags & ~(uint32_t)TN_C_INTERNAL;
    c->category = inner->category;
    const char *bus = shown_bus(m, transport->bus);
    c->bus = bus ? xstrdup(bus) : NULL;
    c->desc = inner->desc ? xstrdup(inner->desc) : NULL;
    c->file = f;
    c->cls = transport->cls;
    c->compose = m;
    c->inner = inner;
    registry_add(r, c);
}

/* Every pairing of the compositions of open plugins with the classes that are known. */
static void compose_all(struct registry *r)
{
    for (struct plugin_file *f = r->files; f; f = f->next)
        for (const struct tn_compose *const *m = f->plugin ? f->plugin->composes : NULL; m && *m;
             m++) {
            struct class_entry *t = find(r, TN_K_DEVICE, (*m)->transport);
            for (uint32_t i = 0, n = r->n; t && i < n; i++)
                if (plugs_into(r->classes[i], (*m)->inner_bus) && r->classes[i]->cls)
                    compose_one(r, f, *m, t, r->classes[i]);
        }
}

/* A class of a stranger's plugin on the inner bus of a composition that only the index knows. */
static void announce_one(struct registry *r, const struct announced *a,
                         const struct class_entry *inner)
{
    AUTO_FREE char *name = xasprintf("%s%s", inner->name, a->suffix);
    if (find(r, TN_K_DEVICE, name))
        return;
    struct class_entry *c = XNEW(struct class_entry);
    c->name = xstrdup(name);
    c->category = inner->category;
    c->bus = a->bus ? xstrdup(a->bus) : NULL;
    c->desc = inner->desc ? xstrdup(inner->desc) : NULL;
    c->file = a->file;
    c->inner_name = xstrdup(inner->name);
    registry_add(r, c);
}

static void announce_all(struct registry *r)
{
    for (const struct announced *a = r->announced; a; a = a->next)
        for (uint32_t i = 0, n = r->n; i < n; i++)
            if (plugs_into(r->classes[i], a->inner_bus))
                announce_one(r, a, r->classes[i]);
}

static struct class_entry *in_the_way(struct registry *r, const struct plugin_file *f,
                                      const struct tn_class *k)
{
    struct class_entry *c = find(r, k->kind, k->name);
    return c && c->file != f && !is_composed(c) ? c : NULL;
}

static const char *whose(const struct plugin_file *f)
{
    return f->path ? f->path : "the host";
}

/* Two files of one id are two versions of one plugin, or one twice: they would share bus types and
 * interfaces by name, and mean different things by them. */
static int check_only_one(struct registry *r, const struct plugin_file *f, struct tn_err *e)
{
    for (const struct plugin_file *o = r->files; o; o = o->next)
        if (o != f && o->plugin && strcmp(o->plugin->id, f->plugin->id) == 0)
            return err_set(e, EEXIST, "%s%s%s'%s' %s: version %s of %s is loaded already",
                           f->path ? "plugin " : "", f->path ? f->path : "", f->path ? ": " : "",
                           f->plugin->id, f->plugin->version, o->plugin->version, whose(o));
    return 0;
}

/* All of its classes, or none. */
static int add_plugin(struct registry *r, struct plugin_file *f, struct tn_err *e)
{
    if (check_only_one(r, f, e) < 0)
        return -EEXIST;
    const struct tn_class *const *first = f->plugin ? f->plugin->classes : NULL, *const * k;
    for (k = first; k && *k; k++) {
        const struct class_entry *c = in_the_way(r, f, *k);
        if (c)
            return err_set(e, EEXIST, "class '%s' is already provided by %s", (*k)->name,
                           whose(c->file));
    }
    for (k = first; k && *k; k++) {
        struct class_entry *c = find(r, (*k)->kind, (*k)->name);
        if (c && c->file == f && !is_composed(c) && strcmp(c->name, (*k)->name) == 0) {
            c->cls = *k;
            note_aliases(r, c);
        } else {
            registry_add(r, describe(*k, f));
        }
    }
    compose_all(r);
    announce_all(r);
    return 0;
}

/* ---- plugins ---- */

struct plugin_file *registry_file_new(struct registry *r, const char *path)
{
    struct plugin_file *f = XNEW(struct plugin_file);
    f->path = path ? xstrdup(path) : NULL;
    f->next = r->files;
    r->files = f;
    return f;
}

/* The newest one, of which nothing is known after all. */
static void file_drop(struct registry *r, struct plugin_file *f)
{
    r->files = f->next;
    plugin_close(f);
    free(f->path);
    free(f);
}

static int add_own(struct registry *r, const struct tn_plugin *p, uint32_t own, struct tn_err *e)
{
    int err = plugin_check(p, NULL, e);
    if (err < 0)
        return err;
    struct plugin_file *f = registry_file_new(r, NULL);
    f->plugin = p;
    f->own = f->used = own;
    err = add_plugin(r, f, e);
    if (err < 0)
        file_drop(r, f);
    return err;
}

int registry_builtin(struct registry *r, const struct tn_plugin *p, struct tn_err *e)
{
    return add_own(r, p, 1, e);
}

int registry_linked(struct registry *r, const struct tn_plugin *p, struct tn_err *e)
{
    int err = add_own(r, p, 0, e);
    if (err < 0)
        err_prefix(e, "a plugin that is linked in: ");
    return err;
}

int registry_plugin(struct registry *r, const char *name, struct tn_err *e)
{
    AUTO_FREE char *path = registry_find_file(r, name, e);
    if (!path)
        return -ENOENT;
    struct plugin_file *f = registry_file_new(r, path);
    int err = plugin_open(r, f, e);
    if (err == 0)
        err = add_plugin(r, f, e);
    if (err < 0)
        file_drop(r, f);
    return err;
}

static const char *const kind_words[] = {
    "is not a valid device model name",    "is not a valid object type name",
    "is not a valid machine option group", "is not a valid netdev type",
    "is not a valid char driver name",     "is not a valid block driver name",
    "is not a valid audio driver name",    "is not a valid display name",
};

static int open_entry(struct registry *r, struct class_entry *c, struct tn_err *e)
{
    int err = c->file->plugin ? 0 : plugin_open(r, c->file, e);
    if (err == 0 && !c->cls)
        err = add_plugin(r, c->file, e);
    if (err == 0 && !c->cls)
        err = err_set(e, ENOEXEC, "plugin %s has no class '%s': its index is stale", c->file->path,
                      c->name);
    return err;
}

/* A composition that the index announced: the transport's file and the inner class's are opened,
 * then it is real. */
static int open_composition(struct registry *r, struct class_entry *c, struct tn_err *e)
{
    c->inner = registry_class(r, TN_K_DEVICE, c->inner_name, e);
    if (!c->inner || (!c->file->plugin && plugin_open(r, c->file, e) < 0) ||
        add_plugin(r, c->file, e) < 0)
        return -ENOEXEC;
    const struct tn_plugin *p = c->file->plugin;
    for (const struct tn_compose *const *m = p ? p->composes : NULL; m && *m; m++) {
        size_t n = strlen(c->name), k = strlen((*m)->suffix);
        struct class_entry *t = find(r, TN_K_DEVICE, (*m)->transport);
        if (t && n > k && strcmp(c->name + n - k, (*m)->suffix) == 0 &&
            strlen(c->inner_name) == n - k) {
            c->compose = *m;
            c->cls = t->cls;
            return 0;
        }
    }
    return err_set(e, ENOEXEC, "plugin %s does not make '%s': its index is stale", c->file->path,
                   c->name);
}

struct class_entry *registry_composed(struct registry *r, const struct class_entry *inner,
                                      uint32_t n)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct class_entry *c = r->classes[i];
        const char *name = c->inner ? c->inner->name : c->inner_name;
        if (name && strcmp(name, inner->name) == 0 && n-- == 0)
            return c;
    }
    return NULL;
}

struct class_entry *registry_class(struct registry *r, uint32_t kind, const char *name,
                                   struct tn_err *e)
{
    struct class_entry *c = find(r, kind, name);
    if (!c) {
        err_set(e, ENOENT, "'%s' %s", name,
                kind < ARRAY_SIZE(kind_words) ? kind_words[kind] : "is not known");
        return NULL;
    }
    if (!c->cls && (c->inner_name ? open_composition(r, c, e) : open_entry(r, c, e)) < 0)
        return NULL;
    c->file->used = 1;
    if (c->inner)
        c->inner->file->used = 1;
    return c;
}

int registry_each(struct registry *r, uint32_t kind,
                  int (*fn)(void *o, const struct class_entry *c), void *o)
{
    sort(r);
    for (uint32_t i = 0; i < r->n; i++) {
        int x = r->classes[i]->kind == kind ? fn(o, r->classes[i]) : 0;
        if (x)
            return x;
    }
    return 0;
}

int registry_each_open(struct registry *r, int (*fn)(void *o, const struct tn_plugin *p), void *o)
{
    int x = 0;
    for (struct plugin_file *f = r->files; f && !x; f = f->next)
        if (f->plugin && f->used)
            x = fn(o, f->plugin);
    return x;
}

int registry_each_known(struct registry *r, int (*fn)(void *o, const struct tn_plugin *p), void *o)
{
    int x = 0;
    for (struct plugin_file *f = r->files; f && !x; f = f->next)
        if (f->plugin)
            x = fn(o, f->plugin);
    return x;
}

int registry_each_plugin(struct registry *r,
                         int (*fn)(void *o, const char *path, const struct tn_plugin *p,
                                   const struct tn_err *e),
                         void *o)
{
    int x = 0;
    for (struct plugin_file *f = r->files; f && !x; f = f->next) {
        ERR_AUTO e = {0};
        if (f->own)
            continue;
        plugin_open(r, f, &e);
        x = fn(o, f->path, f->plugin, &e);
    }
    return x;
}

const struct tn_bus_type *registry_bus_type(struct registry *r, const char *name)
{
    for (struct plugin_file *f = r->files; f; f = f->next)
        for (const struct tn_bus_type *const *t = f->plugin ? f->plugin->buses : NULL; t && *t; t++)
            if (strcmp((*t)->name, name) == 0)
                return *t;
    return NULL;
}
