/* SPDX-License-Identifier: BSD-2-Clause */
#include "registry.h"

#include "prop.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A composition of a file that is not open: what the index says of it. */
struct announced {
    struct announced *next;
    struct plugin_file *file;
    char *inner_bus, *suffix, *bus; /* bus: the transport's */
};

struct registry {
    const struct tn_host *host;
    struct class_entry **classes; /* sorted by kind, name once `sorted` */
    uint32_t n, cap, sorted;
    struct plugin_file *files;
    struct announced *announced;
};

struct registry *registry_new(const struct tn_host *host)
{
    struct registry *r = XNEW(struct registry);
    r->host = host;
    return r;
}

static void entry_free(struct class_entry *c)
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
        entry_free(r->classes[i]);
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
        if (f->handle)
            dlclose(f->handle);
        free(f->path);
        free(f);
    }
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

static void add(struct registry *r, struct class_entry *c)
{
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
    for (const char *const *a = c->cls && !c->compose ? c->cls->aliases : NULL; a && *a; a++)
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
    struct class_entry *composed = NULL, *alias = NULL;
    for (uint32_t i = 0; i < r->n; i++) {
        struct class_entry *c = r->classes[i];
        if (c->kind != kind)
            continue;
        if (strcmp(c->name, name) == 0) {
            if (!is_composed(c))
                return c;
            composed = c;
        } else if (!alias && has_alias(c, name)) {
            alias = c;
        }
    }
    return composed ? composed : alias;
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
    add(r, c);
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
    add(r, c);
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

/* All of its classes, or none. */
static int add_plugin(struct registry *r, struct plugin_file *f, struct tn_err *e)
{
    const struct tn_class *const *first = f->plugin ? f->plugin->classes : NULL, *const * k;
    for (k = first; k && *k; k++) {
        const struct class_entry *c = in_the_way(r, f, *k);
        if (c)
            return err_set(e, EEXIST, "class '%s' is already provided by %s", (*k)->name,
                           c->file->path ? c->file->path : "the host");
    }
    for (k = first; k && *k; k++) {
        struct class_entry *c = find(r, (*k)->kind, (*k)->name);
        if (c && c->file == f && !is_composed(c) && strcmp(c->name, (*k)->name) == 0)
            c->cls = *k;
        else
            add(r, describe(*k, f));
    }
    compose_all(r);
    announce_all(r);
    return 0;
}

/* ---- plugins ---- */

static struct plugin_file *file_new(struct registry *r, const char *path)
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
    if (f->handle)
        dlclose(f->handle);
    free(f->path);
    free(f);
}

int registry_builtin(struct registry *r, const struct tn_plugin *p, struct tn_err *e)
{
    int err = plugin_check(p, NULL, e);
    if (err < 0)
        return err;
    struct plugin_file *f = file_new(r, NULL);
    f->plugin = p;
    err = add_plugin(r, f, e);
    if (err < 0)
        file_drop(r, f);
    return err;
}

static int open_file(struct registry *r, struct plugin_file *f, struct tn_err *e)
{
    if (f->plugin)
        return 0;
    void *h = dlopen(f->path, RTLD_NOW | RTLD_LOCAL);
    if (!h) {
        const char *why = dlerror();
        return err_set(e, ENOEXEC, "plugin %s: %s", f->path, why ? why : "cannot be loaded");
    }
    const struct tn_plugin *p = dlsym(h, "tn_plugin_v1");
    if (!p) {
        dlclose(h);
        return err_set(e, ENOEXEC,
                       "plugin %s: exports no tn_plugin_v1: not a plugin of ABI major %d", f->path,
                       TN_ABI_MAJOR);
    }
    if (plugin_check(p, r->host, e) < 0) {
        err_prefix(e, "plugin %s: ", f->path);
        dlclose(h);
        return -ENOEXEC;
    }
    f->handle = h;
    f->plugin = p;
    return 0;
}

int registry_plugin(struct registry *r, const char *path, struct tn_err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_set(e, errno, "plugin %s: %s", path, strerror(errno));
    /* a name without "/" would be looked up in the library path */
    AUTO_FREE char *real = realpath(path, NULL);
    struct plugin_file *f = file_new(r, real ? real : path);
    int err = open_file(r, f, e);
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
    int err = c->file->plugin ? 0 : open_file(r, c->file, e);
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
    if (!c->inner || (!c->file->plugin && open_file(r, c->file, e) < 0) ||
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
        if (f->plugin)
            x = fn(o, f->plugin);
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

/* ---- the index: lines of tab-separated fields ----
 *   class FILE KIND FLAGS CATEGORY NAME BUS ALIAS DESC
 *   make  FILE CATEGORY NAME BUS INNER DESC                 (a composition)
 *   compose FILE INNER-BUS SUFFIX BUS                       (for classes that come by -plugin) */

static struct plugin_file *file_for(struct registry *r, const char *dir, const char *rel)
{
    AUTO_FREE char *path = rel[0] == '/' ? xstrdup(rel) : xasprintf("%s/%s", dir, rel);
    for (struct plugin_file *f = r->files; f; f = f->next)
        if (f->path && strcmp(f->path, path) == 0)
            return f;
    return file_new(r, path);
}

static char *field(char **line)
{
    char *s = strsep(line, "\t");
    return s ? s : (char *)"";
}

static char *maybe(const char *s)
{
    return *s && strcmp(s, "-") != 0 ? xstrdup(s) : NULL;
}

static void index_compose(struct registry *r, const char *dir, char *line)
{
    struct announced *a = XNEW(struct announced);
    a->file = file_for(r, dir, field(&line));
    a->inner_bus = xstrdup(field(&line));
    a->suffix = xstrdup(field(&line));
    a->bus = maybe(field(&line));
    a->next = r->announced;
    r->announced = a;
}

static void index_line(struct registry *r, const char *dir, char *line)
{
    const char *what = field(&line);
    if (strcmp(what, "compose") == 0)
        index_compose(r, dir, line);
    int made = strcmp(what, "make") == 0;
    if (!made && strcmp(what, "class") != 0)
        return;
    struct class_entry *c = XNEW(struct class_entry);
    c->file = file_for(r, dir, field(&line));
    if (!made) {
        c->kind = (uint32_t)strtoul(field(&line), NULL, 10);
        c->flags = (uint32_t)strtoul(field(&line), NULL, 10);
    }
    c->category = (uint32_t)strtoul(field(&line), NULL, 10);
    c->name = xstrdup(field(&line));
    c->bus = maybe(field(&line));
    if (made)
        c->inner_name = maybe(field(&line));
    else
        c->alias = maybe(field(&line));
    c->desc = maybe(field(&line));
    if (*c->name && !find(r, c->kind, c->name))
        add(r, c);
    else
        entry_free(c);
}

int registry_index(struct registry *r, const char *dir, struct tn_err *e)
{
    AUTO_FREE char *path = xasprintf("%s/plugins.idx", dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return err_set(e, errno, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        index_line(r, dir, line);
    }
    free(line);
    fclose(f);
    return 0;
}

static const char *dash(const char *s)
{
    return s && *s ? s : "-";
}

void plugin_index_lines(struct buf *out, const struct tn_plugin *p, const char *path)
{
    for (const struct tn_class *const *k = p->classes; k && *k; k++)
        buf_printf(out, "class\t%s\t%u\t%u\t%u\t%s\t%s\t%s\t%s\n", path, (*k)->kind, (*k)->flags,
                   (*k)->category, (*k)->name, dash((*k)->bus),
                   dash((*k)->aliases ? (*k)->aliases[0] : NULL), dash((*k)->desc));
}
