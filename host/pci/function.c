/* SPDX-License-Identifier: BSD-2-Clause */
/* One function: what its plugin declares, and its life. */
#include "core/loop.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_SUBVENDOR = 0x1af4, DEFAULT_SUBSYSTEM = 0x1100 }; /* as QEMU's */

uint32_t pci_func_rid(const struct pci_func *f)
{
    return __atomic_load_n(&f->bus->number, __ATOMIC_RELAXED) << 8 | f->devfn;
}

/* ---- life ---- */

static uint32_t config_flags(const struct pci_bus *b, const struct tn_pci_ops *ops,
                             const struct pci_child *child)
{
    uint32_t flags = 0;
    if (pci_bus_is_express(b) && (ops->flags & TN_PCIF_EXPRESS))
        flags |= PCI_FN_EXPRESS;
    if (ops->flags & TN_PCIF_BRIDGE)
        flags |= PCI_FN_BRIDGE;
    if (ops->flags & TN_PCIF_VF)
        flags |= PCI_FN_VF;
    return flags | (child->multifunction ? PCI_FN_MULTI : 0);
}

static struct pci_ids ids_of(const struct tn_pci_ops *o)
{
    struct pci_ids ids = {o->vendor,    o->device,    o->subvendor,
                          o->subsystem, o->class_rev, o->int_pin};
    if (!ids.subvendor) {
        ids.subvendor = DEFAULT_SUBVENDOR;
        ids.subsystem = DEFAULT_SUBSYSTEM;
    }
    return ids;
}

/* From here on no new access finds the function; those under way are waited for before anything is
 * released. */
static void stop_func(struct managed *m)
{
    struct pci_func *f = (struct pci_func *)m;
    pthread_mutex_lock(&f->pci->lock);
    __atomic_store_n(&f->bus->seen[f->devfn], NULL, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&f->pci->lock);
    pthread_mutex_lock(&f->lock);
    f->stopped = 1;
    pthread_mutex_unlock(&f->lock);
    if (f->below)
        pci_route(f->pci);
}

/* The memory is detach()'s to free, as it outlives the regions; what waits for others goes here,
 * with no lock held. */
static void release_func(struct managed *m)
{
    struct pci_func *f = (struct pci_func *)m;
    struct tn_line *l = f->line;

    managed_del(m);
    pthread_mutex_lock(&f->lock);
    f->line = NULL;
    pthread_mutex_unlock(&f->lock);
    if (l)
        irq_line_free(l);
}

struct pci_func *pci_func_new(struct pci_bus *b, struct device *d, const struct tn_pci_ops *ops,
                              struct pci_child *child, uint32_t devfn)
{
    struct pci_func *f = XNEW(struct pci_func);
    struct pci_ids ids = ids_of(ops);
    *f = (struct pci_func){.m = {.stop = stop_func, .release = release_func},
                           .dev = d,
                           .pci = b->pci,
                           .bus = b,
                           .child = child,
                           .ops = ops,
                           .devfn = devfn,
                           .intx_fd = -1,
                           .as = {.vm = b->pci->vm, .dev = d}};
    memory_as_init(&f->as, 0);
    pthread_mutex_init(&f->lock, NULL);
    if (pci_config_init(&f->c, config_flags(b, ops, child), &ids) < 0)
        abort(); /* as XNEW() */
    for (uint32_t i = 0; i < PCI_REGIONS; i++)
        f->region[i].at = PCI_BAR_UNMAPPED;
    f->reset_bh = bh_new(b->pci->vm->main, NULL, 0, pci_func_reset_now, f);
    f->tell_bh = bh_new(b->pci->vm->main, NULL, 0, pci_func_tell_owed, f);
    b->at[devfn] = f;
    d->pci = f;
    managed_add(d, &f->m);
    return f;
}

void pci_func_free(struct pci_func *f)
{
    f->dev->pci = NULL;
    f->bus->at[f->devfn] = NULL;
    bh_del(f->reset_bh);
    bh_del(f->tell_bh);
    pci_vfs_free(f);
    if (f->intx_fd >= 0)
        close(f->intx_fd);
    pci_irqfds_free(f);
    if (f->below)
        pci_bus_free(f->below);
    msix_fini(&f->msix);
    pci_config_fini(&f->c);
    memory_as_fini(&f->as);
    pthread_mutex_destroy(&f->lock);
    free(f->traps);
    free(f->vec_state);
    free(f);
}

void pci_func_show(struct pci_func *f)
{
    pthread_mutex_lock(&f->pci->lock);
    __atomic_store_n(&f->bus->seen[f->devfn], f, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&f->pci->lock);
}

/* ---- regions ---- */

static struct space *space_of(const struct pci_func *f, uint32_t kind)
{
    return kind & TN_BAR_IO ? f->pci->vm->pio : f->pci->vm->mmio;
}

static int add_region(struct pci_func *f, uint32_t slot, uint32_t bar, uint64_t off, uint64_t size,
                      const struct tn_region_ops *ops, void *s, struct tn_err *e)
{
    static const char *const suffix[PCI_REGIONS] = {"bar0", "bar1", "bar2",       "bar3",    "bar4",
                                                    "bar5", "rom",  "msix-table", "msix-pba"};
    AUTO_FREE char *name = xasprintf("%s-%s", f->dev->entry->name, suffix[slot]);
    struct tn_region_req q = {
        .struct_size = sizeof q, .base = TN_ANYWHERE, .size = size, .name = name};
    struct pci_region *r = &f->region[slot];
    int err = region_add(space_of(f, f->c.bar[bar].kind), f->dev, &q, ops, s, 1, &r->region, e);
    if (err < 0)
        return err;
    r->bar = bar;
    r->off = off;
    r->size = size;
    return 0;
}

int pci_func_bar(struct pci_func *f, uint32_t n, uint32_t kind, uint64_t size,
                 const struct tn_region_ops *ops, void *s, struct tn_err *e)
{
    if (f->dev->stage != DEV_REALIZING)
        return err_set(e, EBUSY, "%s: BAR %u after realize", device_id(f->dev), n);
    pthread_mutex_lock(&f->lock);
    int err = n == PCI_ROM_BAR ? pci_rom_add(&f->c, size) : pci_bar_add(&f->c, n, kind, size);
    pthread_mutex_unlock(&f->lock);
    if (err < 0)
        return err_set(e, -err, "%s: BAR %u of kind 0x%x and 0x%" PRIx64 " bytes is %s",
                       device_id(f->dev), n, kind, size, err == -EBUSY ? "taken" : "impossible");
    return add_region(f, n, n, 0, size, ops, s, e);
}

/* ---- vectors ---- */

static int grow_vectors(struct pci_func *f, uint32_t n)
{
    if (n <= f->nvec)
        return 0;
    uint8_t *state = realloc(f->vec_state, n);
    if (!state)
        return -ENOMEM;
    memset(state + f->nvec, 0, n - f->nvec);
    f->vec_state = state;
    f->nvec = n;
    return 0;
}

static int vectors_failed(struct pci_func *f, const char *what, uint32_t n, int err,
                          struct tn_err *e)
{
    return err_set(e, -err, "%s: no %s capability with %u vectors: %s", device_id(f->dev), what, n,
                   strerror(-err));
}

int pci_func_msi(struct pci_func *f, uint32_t at, uint32_t n, uint32_t flags, struct tn_err *e)
{
    pthread_mutex_lock(&f->lock);
    int err = f->msi.cap ? -EBUSY : grow_vectors(f, n <= MSI_MAX_VECTORS ? n : 0);
    if (err == 0)
        err = msi_init(&f->msi, &f->c, at, n, flags, &pci_msi_ops, f);
    pthread_mutex_unlock(&f->lock);
    return err < 0 ? vectors_failed(f, "MSI", n, err, e) : err;
}

static uint64_t table_read(void *s, uint64_t off, uint32_t size)
{
    struct pci_func *f = s;
    pthread_mutex_lock(&f->lock);
    uint64_t v = msix_table_read(&f->msix, off, size);
    pthread_mutex_unlock(&f->lock);
    return v;
}

static void table_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct pci_func *f = s;
    struct pci_events ev = {0};
    pthread_mutex_lock(&f->lock);
    msix_table_write(&f->msix, off, size, v);
    pci_func_settle(f, &ev);
    pthread_mutex_unlock(&f->lock);
    pci_func_tell(f, &ev);
}

static uint64_t pba_read(void *s, uint64_t off, uint32_t size)
{
    struct pci_func *f = s;
    pthread_mutex_lock(&f->lock);
    uint64_t v = msix_pba_read(&f->msix, off, size);
    pthread_mutex_unlock(&f->lock);
    return v;
}

static const struct tn_region_ops table_ops = {.struct_size = sizeof table_ops,
                                               .valid_min = 4,
                                               .valid_max = 8,
                                               .read = table_read,
                                               .write = table_write};
static const struct tn_region_ops pba_ops = {
    .struct_size = sizeof pba_ops, .valid_min = 4, .valid_max = 8, .read = pba_read};

int pci_func_msix(struct pci_func *f, uint32_t at, uint32_t n, uint32_t table_bar,
                  uint64_t table_off, uint32_t pba_bar, uint64_t pba_off, struct tn_err *e)
{
    pthread_mutex_lock(&f->lock);
    int off = f->msix.cap ? -EBUSY : grow_vectors(f, n <= MSIX_MAX_VECTORS ? n : 0);
    if (off == 0 && (off = msix_init(&f->msix, &f->c, at, n, table_bar, table_off, pba_bar, pba_off,
                                     &pci_msix_ops, f)) < 0)
        f->msix = (struct msix){0};
    pthread_mutex_unlock(&f->lock);
    if (off < 0)
        return vectors_failed(f, "MSI-X", n, off, e);
    int err = add_region(f, PCI_MSIX_TABLE_REGION, table_bar, table_off, msix_table_len(&f->msix),
                         &table_ops, f, e);
    if (err == 0)
        err = add_region(f, PCI_MSIX_PBA_REGION, pba_bar, pba_off, msix_pba_len(&f->msix), &pba_ops,
                         f, e);
    if (err < 0)
        return err;
    region_above(f->region[PCI_MSIX_TABLE_REGION].region, f->region[table_bar].region);
    region_above(f->region[PCI_MSIX_PBA_REGION].region, f->region[pba_bar].region);
    return off;
}

/* ---- overlays ---- */

/* Pages of BAR n from off on, up to end, that the MSI-X structures leave alone: the first run of
 * them. */
static uint64_t next_run(const struct pci_func *f, uint32_t n, uint64_t *off, uint64_t end)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), stop = end;
    for (int again = 1; again;) {
        again = 0;
        stop = end;
        for (uint32_t i = PCI_MSIX_TABLE_REGION; i < PCI_REGIONS; i++) {
            const struct pci_region *r = &f->region[i];
            uint64_t first = r->off & ~(page - 1),
                     past = (r->off + r->size + page - 1) & ~(page - 1);
            if (!r->region || r->bar != n || past <= *off || first >= stop)
                continue;
            again |= first <= *off;
            if (first <= *off)
                *off = past;
            else
                stop = first;
        }
    }
    return *off < stop ? stop - *off : 0;
}

int pci_func_mmap(struct pci_func *f, uint32_t n, uint64_t off, uint64_t len, int fd,
                  uint64_t fd_off, uint32_t prot, struct tn_err *e)
{
    uint64_t first = off, end = off + len, run;
    if (n >= PCI_ROM_BAR)
        return err_set(e, EINVAL, "%s: there is no BAR %u", device_id(f->dev), n);
    struct pci_region *r = &f->region[n];
    if (!r->region || !len || off > r->size || len > r->size - off)
        return err_set(e, EINVAL, "%s: BAR %u has no 0x%" PRIx64 " bytes at 0x%" PRIx64,
                       device_id(f->dev), n, len, off);
    while ((run = next_run(f, n, &off, end)) != 0) {
        int err = region_overlay(r->region, off, run, fd, fd_off + (off - first), prot, e);
        if (err < 0)
            return err;
        off += run;
    }
    return 0;
}
