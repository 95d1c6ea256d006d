/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes that a plugin states of itself, against the file that it is: a table whose size or count is
 * a lie would have the host read what lies behind it. */
#include "registry_impl.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>

enum { SEGMENTS_MAX = 16 };

/* Is member m within what t says is its size? */
#define REACHES(t, m) ((t)->struct_size >= offsetof(__typeof__(*(t)), m) + sizeof((t)->m))

/* Where the loaded file is in memory. */
struct extent {
    uintptr_t base;
    struct {
        uintptr_t from, to;
    } at[SEGMENTS_MAX];
    uint32_t n;
};

static int add_segments(struct dl_phdr_info *info, size_t size, void *o)
{
    struct extent *x = o;
    (void)size;
    if (info->dlpi_addr != x->base)
        return 0;
    for (int i = 0; i < info->dlpi_phnum && x->n < SEGMENTS_MAX; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_LOAD) {
            x->at[x->n].from = x->base + h->p_vaddr;
            x->at[x->n++].to = x->base + h->p_vaddr + h->p_memsz;
        }
    }
    return 1;
}

static int inside(const struct extent *x, const void *p, uint64_t size)
{
    uintptr_t at = (uintptr_t)p;
    for (uint32_t i = 0; i < x->n; i++)
        if (at >= x->at[i].from && at < x->at[i].to)
            return size <= x->at[i].to - at;
    return 0;
}

/* A NULL-terminated list of pointers to structs that begin with their size. */
static int check_list(const struct extent *x, const void *list, const char *what, struct tn_err *e)
{
    for (const void *const *p = list; p; p++) {
        if (inside(x, p, sizeof *p) && !*p)
            return 0;
        if (!inside(x, p, sizeof *p) || !inside(x, *p, sizeof(uint32_t)))
            return err_set(e, ENOEXEC, "its list of %s has no end", what);
        uint32_t size = *(const uint32_t *)*p;
        if (!inside(x, *p, size))
            return err_set(e, ENOEXEC,
                           "one of its %s says that it has %u bytes: more than the file", what,
                           size);
    }
    return 0;
}

static int check_table(const struct extent *x, const void *rows, uint32_t n, uint32_t stride,
                       const char *what, const char *whose, struct tn_err *e)
{
    if (n == 0 || inside(x, rows, (uint64_t)n * stride))
        return 0;
    return err_set(e, ENOEXEC, "'%s' says that it has %u %s: more than the file", whose, n, what);
}

static int check_class(const struct extent *x, const struct tn_class *c, struct tn_err *e)
{
    const char *name = inside(x, c->name, 1) ? c->name : "?";
    int err = check_table(x, c->props, c->nprops, c->prop_stride, "properties", name, e);
    if (err == 0 && REACHES(c, trace_stride))
        err = check_table(x, c->traces, c->ntraces, c->trace_stride, "trace events", name, e);
    return err;
}

/* Of what is long enough to have such members; plugin_check() refuses what is not. */
static int check_members(const struct extent *x, const struct tn_plugin *p, struct tn_err *e)
{
    int err = 0;
    for (const struct tn_class *const *c = p->classes; c && *c && err == 0; c++)
        if (REACHES(*c, prop_stride))
            err = check_class(x, *c, e);
    for (const struct tn_bus_type *const *b = p->buses; b && *b && err == 0; b++)
        if (REACHES(*b, prop_stride))
            err = check_table(x, (*b)->props, (*b)->nprops, (*b)->prop_stride, "properties",
                              inside(x, (*b)->name, 1) ? (*b)->name : "?", e);
    return err;
}

/* The file that p is in; what the linker says of the symbol's size, 0 for nothing, goes to size. */
static int find_file(const struct tn_plugin *p, struct extent *x, uint64_t *size)
{
    Dl_info info;
    struct link_map *map = NULL;
    const ElfW(Sym) *sym = NULL;
    if (!dladdr1(p, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
        return -ENOEXEC;
    *x = (struct extent){.base = map->l_addr};
    dl_iterate_phdr(add_segments, x);
    *size = dladdr1(p, &info, (void **)&sym, RTLD_DL_SYMENT) && sym ? sym->st_size : 0;
    return 0;
}

int plugin_fits_file(const struct tn_plugin *p, struct tn_err *e)
{
    struct extent x;
    uint64_t size;
    if (find_file(p, &x, &size) < 0 || !inside(&x, p, sizeof(uint32_t)))
        return err_set(e, ENOEXEC, "its description is in no file");
    if (size && p->struct_size > size)
        return err_set(e, ENOEXEC, "says that its description has %u bytes, and it has %llu",
                       p->struct_size, (unsigned long long)size);
    if (!REACHES(p, composes))
        return 0; /* too short: plugin_check() says so */
    int err = check_list(&x, p->classes, "classes", e);
    if (err == 0)
        err = check_list(&x, p->buses, "bus types", e);
    if (err == 0)
        err = check_list(&x, p->composes, "compositions", e);
    return err == 0 ? check_members(&x, p, e) : err;
}
