/* SPDX-License-Identifier: BSD-2-Clause */
/* SR-IOV (PCIe Base 6.0 9): virtual functions are devices that the main loop makes and removes as
 * the guest enables them; the specification gives it 100 ms (9.3.3.3.1). What it disabled is absent
 * at once. */
#include "core/epoch.h"
#include "core/loop.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void change(void *pf);

static struct sriov_spec spec_of(const struct tn_sriov *t)
{
    struct sriov_spec s = {.total = (uint16_t)t->total,
                           .first = (uint16_t)t->first,
                           .stride = (uint16_t)t->stride,
                           .device = (uint16_t)t->vf_device};
    memcpy(s.bar_size, t->bar_size, sizeof s.bar_size);
    memcpy(s.bar_kind, t->bar_kind, sizeof s.bar_kind);
    return s;
}

/* The last virtual function is on the bus of its physical one. */
static int fits(const struct pci_func *f, const struct tn_sriov *t)
{
    return t->total && t->total < PCI_DEVFNS && t->first < PCI_DEVFNS && t->stride < PCI_DEVFNS &&
           f->devfn + t->first + (t->total - 1) * t->stride < PCI_DEVFNS;
}

int pci_vfs_add(struct pci_func *f, const struct tn_sriov *spec, struct tn_err *e)
{
    struct sriov_spec s = spec_of(spec);
    if (f->vfs || !f->c.exp || !fits(f, spec))
        return err_set(e, EINVAL, "%s: %u virtual functions are impossible here", device_id(f->dev),
                       spec->total);
    const struct class_entry *entry =
        registry_class(f->pci->vm->registry, TN_K_DEVICE, spec->vf->name, e);
    if (!entry)
        return -ENOENT;
    struct pci_vfs *v = XNEW(struct pci_vfs);
    int off = sriov_init(&v->v, &f->c, 0, &s);
    if (off < 0) {
        free(v);
        return err_set(e, -off, "%s: no SR-IOV capability: %s", device_id(f->dev), strerror(-off));
    }
    v->spec = *spec;
    v->entry = entry;
    v->vf = xcalloc(spec->total, sizeof(struct device *));
    v->change_bh = bh_new(f->pci->vm->main, NULL, 0, change, f);
    f->vfs = v;
    return off;
}

void pci_vfs_free(struct pci_func *f)
{
    if (!f->vfs)
        return;
    bh_del(f->vfs->change_bh);
    free(f->vfs->vf);
    free(f->vfs);
}

/* ---- one virtual function ---- */

int pci_vf_devfn(const struct device *d)
{
    const struct pci_func *pf = d->parent ? d->parent->pci : NULL;
    const struct tn_pci_ops *ops = d->pub.cls->bus_ops;
    if (!pf || !pf->vfs || !ops || !(ops->flags & TN_PCIF_VF) || pf->vfs->n >= pf->vfs->spec.total)
        return -1;
    return (int)(sriov_rid(&pf->vfs->v, pf->devfn, pf->vfs->n) & 0xff);
}

void pci_vf_met(struct pci_func *f)
{
    f->pf = f->dev->parent->pci;
    f->vf_index = f->pf->vfs->n;
}

void pci_vf_place(struct pci_func *f)
{
    for (uint32_t n = 0; n < PCI_ROM_BAR; n++) {
        pthread_mutex_lock(&f->pf->lock);
        uint64_t at = f->vf_index < sriov_vfs(&f->pf->vfs->v)
                          ? sriov_bar_addr(&f->pf->vfs->v, f->vf_index, n)
                          : PCI_BAR_UNMAPPED;
        pthread_mutex_unlock(&f->pf->lock);
        pthread_mutex_lock(&f->lock);
        pci_bar_place(&f->c, n, at);
        pthread_mutex_unlock(&f->lock);
    }
}

/* ---- following the capability ---- */

static uint32_t wanted(struct pci_func *pf)
{
    pthread_mutex_lock(&pf->lock);
    uint32_t n = sriov_vfs(&pf->vfs->v);
    pthread_mutex_unlock(&pf->lock);
    return n;
}

/* Those that answer: none of an absent function's. */
static uint32_t present(struct pci_func *pf)
{
    pthread_mutex_lock(&pf->lock);
    uint32_t n = pf->held ? 0 : sriov_vfs(&pf->vfs->v);
    pthread_mutex_unlock(&pf->lock);
    return n;
}

static void follow_one(struct pci_func *f, uint32_t n)
{
    struct pci_events ev = {0};
    pci_vf_place(f);
    pthread_mutex_lock(&f->lock);
    pci_func_hold(f, PCI_HELD_BY_PF, f->vf_index >= n, &ev);
    pci_func_tell_later(f, &ev);
    pthread_mutex_unlock(&f->lock);
}

void pci_vfs_follow(struct pci_func *pf, uint32_t what)
{
    struct reader *me = reader_self();
    uint32_t n = present(pf);
    reader_enter(me);
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = __atomic_load_n(&pf->bus->seen[devfn], __ATOMIC_ACQUIRE);
        if (f && f->pf == pf)
            follow_one(f, n);
    }
    reader_leave(me);
    if (what & SRIOV_VFS)
        bh_kick(pf->vfs->change_bh);
}

static int make(struct pci_func *pf, uint32_t index, struct tn_err *e)
{
    struct pci_vfs *v = pf->vfs;
    AUTO_FREE char *name = xasprintf("vf%u", index);
    struct device *d = device_new(pf->pci->vm, v->entry, NULL, pf->dev, name, e);
    if (!d)
        return -ENOMEM;
    int r = v->spec.setup ? v->spec.setup(pf->dev->pub.self, d->pub.self, index, e) : 0;
    if (r == 0)
        r = device_realize(d, pf->bus->bus, e);
    if (r < 0) {
        device_free(d);
        return r;
    }
    v->vf[v->n++] = d;
    return 0;
}

static void remove_last(struct pci_func *pf)
{
    ERR_AUTO e = {0};
    struct device *d = pf->vfs->vf[--pf->vfs->n];
    if (device_quiesce(d, TN_Q_UNPLUG, &e) < 0)
        err_report(&e);
    device_free(d);
}

/* Main loop: as many as the guest wants by now. */
static void change(void *s)
{
    struct pci_func *pf = s;
    struct pci_vfs *v = pf->vfs;
    uint32_t before = v->n;
    ERR_AUTO e = {0};
    if (pci_put_off(pf->pci))
        return;
    while (v->n > wanted(pf))
        remove_last(pf);
    while (v->n < wanted(pf) && make(pf, v->n, &e) == 0)
        ;
    if (e.err)
        err_report(&e);
    if (v->n == before || !v->spec.enabled)
        return;
    int entered = domain_enter(pf->dev->domain);
    v->spec.enabled(pf->dev->pub.self, v->n);
    domain_leave(pf->dev->domain, entered);
}
