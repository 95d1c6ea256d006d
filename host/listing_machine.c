/* SPDX-License-Identifier: BSD-2-Clause */
/* -M help and -cpu help. */
#include "listing.h"

#include "cli/help.h"
#include "util/alloc.h"
#include "vm/cpu_model.h"
#include "vm/machine_version.h"
#include <stdlib.h>
#include <string.h>

/* ---- machines ---- */

struct machine_names {
    struct help_machine *v; /* name is owned */
    size_t n;
};

static void add_machine(struct machine_names *l, const struct machine_type *t, uint32_t version,
                        const struct cli_options *o)
{
    uint32_t newest = machine_version_newest(o);
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] =
        (struct help_machine){.name = machine_version_name(t, version),
                              .alias = t->family && version == newest ? t->name : NULL,
                              .desc = t->desc,
                              .is_default = t == machine_type_default(o) && version == newest,
                              .deprecated = machine_version_deprecated(version, newest)};
}

void listing_machines(const struct cli_options *o, struct buf *out)
{
    struct machine_names l = {0};
    for (const struct machine_type *const *t = machine_types; *t; t++) {
        uint32_t newest = machine_version_newest(o), version = newest;
        for (uint32_t i = 0; i == 0 || (version = machine_version_at(*t, newest, i)); i++)
            add_machine(&l, *t, version, o);
    }
    help_machines(out, l.v, l.n);
    for (size_t i = 0; i < l.n; i++)
        free((char *)(uintptr_t)l.v[i].name);
    free(l.v);
}

/* ---- processors ---- */

struct cpu_names {
    struct help_cpu *v;
    size_t n;
};

static void add_cpu(struct cpu_names *l, char *name, char *desc)
{
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = (struct help_cpu){name, desc};
}

static int by_cpu_name(const void *a, const void *b)
{
    const struct help_cpu *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Every name that -cpu takes; those of this machine's own processor come last, as QEMU lists them.
 */
static void add_cpus(struct cpu_names *l)
{
    const struct cpu_model *m;
    const char *brand = "";
    for (uint32_t i = 0; (m = cpu_model_at(i)); i++) {
        brand = m->brand ? m->brand : brand;
        add_cpu(l, xstrdup(m->name), xstrdup(brand));
        if (m->first)
            add_cpu(l, xasprintf("%.*s", (int)strlen(m->name) - 3, m->name),
                    xasprintf("(alias of %s)", m->name));
        if (m->alias)
            add_cpu(l, xstrdup(m->alias), xasprintf("(alias of %s)", m->name));
    }
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_cpu_name);
    add_cpu(l, xstrdup("base"), xstrdup("base CPU model type with no features enabled"));
    add_cpu(l, xstrdup("host"),
            xstrdup("processor of this machine, with everything that KVM supports"));
    add_cpu(l, xstrdup("max"), xstrdup("the same"));
}

void listing_cpus(struct buf *out)
{
    struct cpu_names models = {0};
    const char *flags[512];
    size_t n = 0;
    add_cpus(&models);
    for (const struct cpu_feature *f; (f = cpu_feature_at((uint32_t)n)) && n < ARRAY_SIZE(flags);
         n++)
        flags[n] = f->name;
    help_cpus(out, models.v, models.n, flags, n);
    for (size_t i = 0; i < models.n; i++) {
        free((char *)(uintptr_t)models.v[i].name);
        free((char *)(uintptr_t)models.v[i].desc);
    }
    free(models.v);
}
