/* SPDX-License-Identifier: BSD-2-Clause */
/* tenon-index OUT DIR FILE...: writes the index of plugins, so that the host opens only what is
 * named. Reads constant data; runs nothing of a plugin. DIR is where the index will lie: files are
 * named relative to it. */
#include "core/registry.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plugins {
    const struct tn_plugin **p;
    char **path;
    int n;
};

static const char *relative(const char *dir, const char *file)
{
    size_t n = strlen(dir);
    return strncmp(file, dir, n) == 0 && file[n] == '/' ? file + n + 1 : file;
}

static const struct tn_plugin *load(const char *file)
{
    AUTO_FREE char *real = realpath(file, NULL);
    void *h = real ? dlopen(real, RTLD_NOW | RTLD_LOCAL) : NULL;
    const struct tn_plugin *p = h ? dlsym(h, "tn_plugin_v1") : NULL;
    ERR_AUTO e = {0};
    if (!p)
        fprintf(stderr, "tenon-index: %s: %s\n", file,
                h      ? "exports no tn_plugin_v1"
                : real ? dlerror()
                       : "not found");
    else if (plugin_fits_file(p, &e) < 0 || plugin_check(p, NULL, &e) < 0)
        fprintf(stderr, "tenon-index: %s: %s\n", file, err_text(&e));
    return p && !e.text ? p : NULL;
}

/* As the host shows it: see registry.c. */
static const char *transport_bus(const struct tn_plugin *p, const struct tn_compose *m)
{
    if (m->flags & TN_COMPOSE_INTO_FREE)
        return m->inner_bus;
    for (const struct tn_class *const *t = p->classes; t && *t; t++)
        if (strcmp((*t)->name, m->transport) == 0 && (*t)->bus)
            return (*t)->bus;
    return "-";
}

/* The composition, for classes that are not here, and each pairing with one that is. */
static void composition(struct buf *out, const struct plugins *all, int i,
                        const struct tn_compose *m)
{
    const char *bus = transport_bus(all->p[i], m);
    buf_printf(out, "compose\t%s\t%s\t%s\t%s\n", all->path[i], m->inner_bus, m->suffix, bus);
    for (int k = 0; k < all->n; k++)
        for (const struct tn_class *const *c = all->p[k]->classes; c && *c; c++)
            if ((*c)->bus && strcmp((*c)->bus, m->inner_bus) == 0)
                buf_printf(out, "make\t%s\t%u\t%s%s\t%s\t%s\t%s\n", all->path[i], (*c)->category,
                           (*c)->name, m->suffix, bus, (*c)->name, (*c)->desc ? (*c)->desc : "-");
}

static void compositions(struct buf *out, const struct plugins *all)
{
    for (int i = 0; i < all->n; i++)
        for (const struct tn_compose *const *m = all->p[i]->composes; m && *m; m++)
            composition(out, all, i, *m);
}

static const struct tn_class *shared_class(const struct tn_plugin *a, const struct tn_plugin *b)
{
    for (const struct tn_class *const *c = a->classes; c && *c; c++)
        for (const struct tn_class *const *k = b->classes; k && *k; k++)
            if ((*c)->kind == (*k)->kind && strcmp((*c)->name, (*k)->name) == 0)
                return *c;
    return NULL;
}

/* One of the two could never be used beside the other: said here, not to every user. */
static int conflict(const struct plugins *all, const struct tn_plugin *p, const char *file)
{
    for (int i = 0; i < all->n; i++) {
        const struct tn_plugin *o = all->p[i];
        const struct tn_class *c = shared_class(p, o);
        if (strcmp(o->id, p->id) == 0)
            fprintf(stderr, "tenon-index: %s: '%s' %s is in %s already, version %s\n", file, p->id,
                    p->version, all->path[i], o->version);
        else if (c)
            fprintf(stderr, "tenon-index: %s: class '%s' is in %s already\n", file, c->name,
                    all->path[i]);
        else
            continue;
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: tenon-index OUT DIR FILE...\n", stderr);
        return 2;
    }
    struct plugins all = {xcalloc((size_t)argc, sizeof(struct tn_plugin *)),
                          xcalloc((size_t)argc, sizeof(char *)), 0};
    BUF_AUTO out = {0};
    for (int i = 3; i < argc; i++) {
        const struct tn_plugin *p = load(argv[i]);
        if (!p || conflict(&all, p, argv[i]))
            return 1;
        all.p[all.n] = p;
        all.path[all.n++] = (char *)(uintptr_t)relative(argv[2], argv[i]);
        plugin_index_lines(&out, p, relative(argv[2], argv[i]));
    }
    compositions(&out, &all);
    FILE *f = fopen(argv[1], "we");
    int bad = !f || fwrite(buf_cstr(&out), 1, out.len, f) != out.len;
    bad |= f && fclose(f) != 0;
    if (bad)
        fprintf(stderr, "tenon-index: cannot write %s\n", argv[1]);
    free(all.p);
    free(all.path);
    return bad;
}
