/* SPDX-License-Identifier: BSD-2-Clause */
#include "address_map.h"

#include "memory.h"
#include "space_impl.h"
#include "util/alloc.h"
#include <stdlib.h>

struct ranges {
    struct vm *vm;
    struct map_range *v;
    size_t n;
};

static void add(struct ranges *l, const struct map_range *r)
{
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = *r;
}

static int by_first(const void *a, const void *b)
{
    const struct map_range *x = a, *y = b;
    int by_end = x->last > y->last ? -1 : x->last < y->last;
    return x->first < y->first ? -1 : x->first > y->first ? 1 : by_end;
}

static void sort(struct ranges *l)
{
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_first);
}

static int give(struct ranges *l, map_fn fn, void *o)
{
    int x = 0;
    for (size_t i = 0; i < l->n && !x; i++)
        x = fn(o, &l->v[i]);
    free(l->v);
    return x;
}

/* ---- RAM, and what is like it ---- */

/* The memory-backend that the block is of. */
static struct device *backend_of(struct vm *vm, const struct tn_mem *mem)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->handle == mem)
        return d;
    return mem->m.dev;
}

static int add_ram(void *o, const struct memory_piece *p)
{
    struct ranges *l = o;
    add(l, &(struct map_range){.first = p->gpa,
                               .last = p->gpa + (p->len - 1),
                               .offset = p->off,
                               .kind = p->ro ? MAP_ROM : MAP_RAM,
                               .name = p->mem->name,
                               .owner = backend_of(l->vm, p->mem)});
    return 0;
}

static int answers(const struct tn_region *r)
{
    return r->enabled && r->live && r->base != TN_ANYWHERE;
}

static int add_overlays(void *o, const struct tn_region *r)
{
    for (const struct overlay *v = answers(r) ? r->overlays : NULL; v; v = v->next)
        add(o, &(struct map_range){.first = r->base + v->off,
                                   .last = r->base + v->off + (v->len - 1),
                                   .offset = v->off,
                                   .kind = MAP_RAM,
                                   .name = r->name,
                                   .owner = r->m.dev});
    return 0;
}

/* ---- what answers ---- */

struct flat {
    struct ranges memory, all;
};

static void add_trap(struct ranges *l, const struct tn_region *r, uint64_t first, uint64_t last)
{
    struct map_range x = {first, last, first - r->base, MAP_IO, 0, r->name, r->m.dev};
    add(l, &x);
}

/* The parts of a range that traps which no memory hides. */
static int add_bare(void *o, const struct tn_region *r, uint64_t first, uint64_t last)
{
    struct flat *f = o;
    for (size_t i = 0; i < f->memory.n; i++) {
        const struct map_range *m = &f->memory.v[i];
        if (m->last < first || m->first > last)
            continue;
        if (m->first > first)
            add_trap(&f->all, r, first, m->first - 1);
        if (m->last >= last)
            return 0;
        first = m->last + 1;
    }
    add_trap(&f->all, r, first, last);
    return 0;
}

int map_flat(struct vm *vm, struct space *s, map_fn fn, void *o)
{
    struct flat f = {{vm, NULL, 0}, {vm, NULL, 0}};
    if (s == vm->mmio)
        memory_each_piece(vm, add_ram, &f.memory);
    space_each_region(s, add_overlays, &f.memory);
    sort(&f.memory);
    space_each(s, add_bare, &f);
    for (size_t i = 0; i < f.memory.n; i++)
        add(&f.all, &f.memory.v[i]);
    free(f.memory.v);
    sort(&f.all);
    return give(&f.all, fn, o);
}

/* ---- what is registered ---- */

static int add_region(void *o, const struct tn_region *r)
{
    uint64_t base = r->base == TN_ANYWHERE ? 0 : r->base;
    struct map_range x = {base, base + (r->size - 1), 0, MAP_IO, !answers(r), r->name, r->m.dev};
    add(o, &x);
    return add_overlays(o, r);
}

int map_registered(struct vm *vm, struct space *s, map_fn fn, void *o)
{
    struct ranges l = {vm, NULL, 0};
    if (s == vm->mmio)
        memory_each_piece(vm, add_ram, &l);
    space_each_region(s, add_region, &l);
    sort(&l);
    return give(&l, fn, o);
}

const char *map_kind_name(enum map_kind k)
{
    static const char *const names[] = {[MAP_IO] = "i/o", [MAP_RAM] = "ram", [MAP_ROM] = "rom"};
    return names[k];
}
