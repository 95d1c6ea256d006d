/* SPDX-License-Identifier: BSD-2-Clause */
/* What firmware does before a kernel starts: bus numbers, bridge windows, base addresses,
 * INTERRUPT_LINE. Each bus lays out what is on it twice: to learn how much it needs, and then where
 * its parent put it. */
#include "pci_impl.h"
#include "util/alloc.h"
#include <inttypes.h>
#include <stdlib.h>

/* Smallest windows of a bridge (PCI-to-PCI Bridge 1.2 3.2.5.6, 3.2.5.8), and what a slot for
 * hot-plug gets at least. */
#define IO_GRANULE  0x1000ull
#define MEM_GRANULE 0x100000ull
#define HOTPLUG_MEM 0x200000ull
#define FOUR_GIB    0x100000000ull
#define BIG_BAR     0x10000000ull /* of 64 bits, on a root: leaves the space below 4 GiB to others */

struct item {
    struct pci_func *f;
    uint32_t bar; /* PCI_BARS: the window of the bridge f */
    uint64_t size, align;
};
struct list {
    struct item *item;
    uint32_t n, cap;
};

static uint64_t align_up(uint64_t v, uint64_t a)
{
    return (v + a - 1) & ~(a - 1);
}

/* ---- numbers ---- */

/* Gives the buses below b numbers from next on; returns the first that is free. */
static uint32_t assign_numbers(struct pci_bus *b, uint32_t next)
{
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = b->seen[devfn];
        if (!f || !f->below || next >= PCI_BUSES)
            continue;
        uint32_t primary = __atomic_load_n(&b->number, __ATOMIC_RELAXED), secondary = next;
        pci_func_write(f, PCI_PRIMARY_BUS, 4, primary | secondary << 8 | 0xff0000);
        next = assign_numbers(f->below, secondary + 1);
        uint64_t wish = f->reserve[0] <= PCI_BUSES ? f->reserve[0] : 0;
        next = next + wish < PCI_BUSES ? next + (uint32_t)wish : PCI_BUSES;
        pci_func_write(f, PCI_SUBORDINATE_BUS, 1, next - 1);
    }
    return next;
}

/* ---- what a bus needs ---- */

static int kind_of(const struct pci_func *f, uint32_t bar, int have64)
{
    uint32_t kind = f->c.bar[bar].kind;
    if (kind & PCI_BAR_IO)
        return PCI_IO;
    if (!have64 || !(kind & PCI_BAR_MEM64))
        return PCI_MEM;
    int big = pci_bus_is_root(f->bus) && f->c.bar[bar].size >= BIG_BAR;
    return big || ((kind & PCI_BAR_PREFETCH) && !pci_bus_is_root(f->bus)) ? PCI_PREF : PCI_MEM;
}

static void push(struct list *l, struct item i)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->item = xrealloc(l->item, l->cap * sizeof l->item[0]);
    }
    l->item[l->n++] = i;
}

static int largest_first(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return x->align == y->align ? 0 : x->align > y->align ? -1 : 1;
}

static struct item needs_of_bridge(struct pci_func *f, uint32_t kind, int have64);

static struct list collect(struct pci_bus *b, uint32_t kind, int have64)
{
    struct list l = {NULL, 0, 0};
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = b->seen[devfn];
        for (uint32_t n = 0; f && n < PCI_BARS; n++)
            if (f->c.bar[n].size && !(f->c.flags & PCI_FN_VF) &&
                (uint32_t)kind_of(f, n, have64) == kind)
                push(&l, (struct item){f, n, f->c.bar[n].size, f->c.bar[n].size});
        struct item w = f && f->below ? needs_of_bridge(f, kind, have64) : (struct item){0};
        if (w.size)
            push(&l, w);
    }
    if (l.n)
        qsort(l.item, l.n, sizeof l.item[0], largest_first);
    return l;
}

static uint64_t wish(const struct pci_func *f, uint32_t kind)
{
    uint64_t io = f->reserve[1], mem = f->reserve[2],
             pref = f->reserve[4] != ~0ull ? f->reserve[4] : f->reserve[3];
    uint64_t least = f->below->flags & TN_PCIB_HOTPLUG ? HOTPLUG_MEM : 0;
    if (kind == PCI_IO)
        return io != ~0ull ? io : 0;
    if (kind == PCI_MEM)
        return mem != ~0ull ? mem : least;
    return pref != ~0ull ? pref : least;
}

static struct item needs_of_bridge(struct pci_func *f, uint32_t kind, int have64)
{
    uint64_t granule = kind == PCI_IO ? IO_GRANULE : MEM_GRANULE, size = 0;
    struct list l = collect(f->below, kind, have64);
    struct item w = {.f = f,
                     .bar = PCI_BARS,
                     .align = l.n && l.item[0].align > granule ? l.item[0].align : granule};
    for (uint32_t i = 0; i < l.n; i++)
        size = align_up(size, l.item[i].align) + l.item[i].size;
    if (kind != PCI_PREF || have64)
        size = size > wish(f, kind) ? size : wish(f, kind);
    free(l.item);
    w.size = align_up(size, granule);
    return w;
}

/* ---- putting it there ---- */

static void write_bar(struct pci_func *f, uint32_t n, uint64_t at)
{
    uint32_t reg = pci_bar_reg(&f->c, n);
    pci_func_write(f, reg, 4, (uint32_t)at);
    if (f->c.bar[n].kind & PCI_BAR_MEM64)
        pci_func_write(f, reg + 4, 4, (uint32_t)(at >> 32));
}

/* base > limit closes a window (3.2.5.6, 3.2.5.8, 3.2.5.9). */
static void write_window(struct pci_func *f, uint32_t kind, uint64_t base, uint64_t size)
{
    uint64_t first = size ? base : FOUR_GIB - MEM_GRANULE, last = size ? base + size - 1 : 0;
    uint32_t mem = (uint32_t)(first >> 16 & 0xfff0) | ((uint32_t)(last >> 16 & 0xfff0) << 16);
    if (kind == PCI_IO) {
        pci_func_write(f, PCI_IO_BASE, 2,
                       size ? (uint32_t)(base >> 8 & 0xf0) | (uint32_t)(last & 0xf000) : 0x00f0);
    } else if (kind == PCI_MEM) {
        pci_func_write(f, PCI_MEMORY_BASE, 4, mem);
    } else {
        pci_func_write(f, PCI_PREF_MEMORY_BASE, 4, mem);
        pci_func_write(f, PCI_PREF_BASE_UPPER32, 4, size ? (uint32_t)(first >> 32) : 0);
        pci_func_write(f, PCI_PREF_LIMIT_UPPER32, 4, (uint32_t)(last >> 32));
    }
}

/* Returns the end of what was placed from base on; what would end behind limit is left where nobody
 * sees it. */
static uint64_t place(struct pci_bus *b, uint32_t kind, uint64_t base, uint64_t limit, int have64)
{
    struct list l = collect(b, kind, have64);
    for (uint32_t i = 0; i < l.n; i++) {
        struct item *it = &l.item[i];
        uint64_t at = align_up(base, it->align);
        int fits = at >= base && at <= limit && it->size - 1 <= limit - at;
        if (!fits)
            log_line(LOG_WARN, "PCI: no room for 0x%" PRIx64 " bytes of %s", it->size,
                     device_id(it->f->dev));
        if (it->bar < PCI_BARS && fits)
            write_bar(it->f, it->bar, at);
        else if (it->bar == PCI_BARS) {
            write_window(it->f, kind, at, fits ? it->size : 0);
            if (fits)
                place(it->f->below, kind, at, at + (it->size - 1), have64);
        }
        base = fits ? at + it->size : base;
    }
    free(l.item);
    return base;
}

static void close_windows(struct pci_bus *b)
{
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = b->seen[devfn];
        if (!f || !f->below)
            continue;
        for (uint32_t kind = 0; kind < PCI_WINDOWS; kind++)
            write_window(f, kind, 0, 0);
        close_windows(f->below);
    }
}

/* Decoding on, as firmware leaves it; a pin's line is the GSI that _PRT says too. */
static void enable(struct pci_bus *b)
{
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = b->seen[devfn];
        if (!f)
            continue;
        uint32_t pin = pci_func_read(f, PCI_INTERRUPT_PIN, 1);
        if (pin >= 1 && pin <= 4)
            pci_func_write(f, PCI_INTERRUPT_LINE, 1, pci_pin_gsi(b, devfn, pin - 1));
        uint32_t command = pci_func_read(f, PCI_COMMAND, 2);
        pci_func_write(f, PCI_COMMAND, 2,
                       command | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
                           (f->below ? PCI_COMMAND_MASTER : 0));
        if (f->below)
            enable(f->below);
    }
}

static void number_all(struct pci *p)
{
    uint32_t next = 1;
    for (struct pci_bus *b = p->buses; b; b = b->next) {
        if (!pci_bus_is_root(b))
            continue;
        next = assign_numbers(b, next > b->number ? next : b->number + 1);
        close_windows(b);
    }
}

/* Roots share a window, one behind the other. */
static void place_all(struct pci *p, uint32_t kind, uint64_t at, uint64_t size, int have64)
{
    uint64_t limit = at + (size - 1), granule = kind == PCI_IO ? IO_GRANULE : MEM_GRANULE;
    for (struct pci_bus *b = p->buses; b && size; b = b->next) {
        if (!pci_bus_is_root(b))
            continue;
        uint64_t end = align_up(place(b, kind, at, limit, have64), granule);
        b->given[kind] = (struct pci_range){at, end - at};
        at = end;
    }
}

int pci_assign(struct vm *vm, const struct pci_windows *w, struct tn_err *e)
{
    struct pci *p = vm->pci;
    int have64 = w->mem64_size != 0;
    (void)e; /* what has no room stays off, and is warned of: it may not be needed */
    number_all(p);
    place_all(p, PCI_IO, w->io_base, w->io_size, have64);
    place_all(p, PCI_MEM, w->mem32_base, w->mem32_size, have64);
    place_all(p, PCI_PREF, w->mem64_base, w->mem64_size, have64);
    for (struct pci_bus *b = p->buses; b; b = b->next)
        if (pci_bus_is_root(b))
            enable(b);
    return 0;
}
