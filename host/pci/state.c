/* SPDX-License-Identifier: BSD-2-Clause */
/* What a function is beside its plugin's state: configuration space, the MSI-X structures, the
 * level of its pin. Everything else (where BARs are, bus numbers, routes of messages) follows from
 * these. */
#include "core/state.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct image {
    uint32_t config_len, table_len, pba_len;
    uint8_t *config, *table, *pba;
    uint8_t pin, bus_reset;
    uint32_t resetting; /* TN_RESET_* that the guest asked for and that is to come */
};

#define PLANE(f, n)                                                              \
    {                                                                            \
        .name = #f, .type = TN_S_BYTES, .offset = offsetof(struct image, f),     \
        .count = offsetof(struct image, n), .flags = TN_SF_PTR | TN_SF_COUNT_AT, \
        .max = PCIE_CONFIG_SIZE + MSIX_MAX_VECTORS * PCI_MSIX_ENTRY_SIZE         \
    }
static const struct tn_field fields[] = {
    PLANE(config, config_len),
    PLANE(table, table_len),
    PLANE(pba, pba_len),
    TN_FIELD(struct image, pin, BOOL),
    TN_FIELD(struct image, bus_reset, BOOL),
    TN_FIELD(struct image, resetting, U32),
};
static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "pci-function",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
};

/* Messages whose descriptors are signalled become pending bits, or go out: they are on nobody's
 * account afterwards. */
static void settle_signals(struct pci_func *f)
{
    pthread_mutex_lock(&f->lock);
    pci_irqfds_poll(f, 0, f->nvec);
    pthread_mutex_unlock(&f->lock);
}

int pci_state_save(struct device *d, struct buf *out, struct tn_err *e)
{
    struct pci_func *f = d->pci;
    if (f->vfs && sriov_vfs(&f->vfs->v))
        return err_set(e, EBUSY, "Device '%s' has virtual functions", device_id(d));
    settle_signals(f);
    struct image i = {.config_len = f->c.size,
                      .config = f->c.bytes,
                      .pin = f->pin_level != 0,
                      .bus_reset = (f->held & PCI_HELD_BUS_RESET) != 0,
                      .resetting = f->resetting};
    if (f->msix.cap) {
        i.table_len = msix_table_len(&f->msix);
        i.table = f->msix.table;
        i.pba_len = msix_pba_len(&f->msix);
        i.pba = f->msix.pba;
    }
    int r = state_write(&state, &i, out, e);
    if (r < 0)
        err_prefix(e, "Device '%s' cannot be saved: ", device_id(d));
    return r;
}

/* ---- loading ---- */

static int read_image(struct pci_func *f, struct image *i, const void *p, size_t len,
                      struct tn_err *e)
{
    uint32_t most = PCIE_CONFIG_SIZE + MSIX_MAX_VECTORS * PCI_MSIX_ENTRY_SIZE;
    *i = (struct image){
        .config = xcalloc(1, most), .table = xcalloc(1, most), .pba = xcalloc(1, most)};
    int r = state_read(&state, i, p, len, e);
    if (r < 0)
        return r;
    uint32_t table = f->msix.cap ? msix_table_len(&f->msix) : 0,
             pba = f->msix.cap ? msix_pba_len(&f->msix) : 0;
    if (i->config_len != f->c.size)
        return err_set(e, EINVAL, "%u bytes of configuration space where there are %u",
                       i->config_len, f->c.size);
    if (i->table_len != table || i->pba_len != pba || i->resetting > TN_RESET_PM)
        return err_set(e, EINVAL, "other MSI-X vectors than there are");
    return 0;
}

static void free_image(struct image *i)
{
    free(i->config);
    free(i->table);
    free(i->pba);
}

static int check_config(struct pci_func *f, const struct image *i, struct tn_err *e)
{
    uint32_t bad = 0;
    return pci_config_agrees(&f->c, i->config, i->config_len, &bad) == 0
               ? 0
               : err_set(e, EINVAL, "register 0x%x is 0x%02x there and 0x%02x here", bad,
                         i->config[bad], f->c.bytes[bad]);
}

static int fail(struct device *d, int r, struct tn_err *e)
{
    if (r < 0)
        err_prefix(e, "Device '%s' cannot be loaded: PCI: ", device_id(d));
    return r;
}

int pci_state_fits(struct device *d, const void *p, size_t len, struct tn_err *e)
{
    struct image i;
    int r = read_image(d->pci, &i, p, len, e);
    if (r == 0)
        r = check_config(d->pci, &i, e);
    free_image(&i);
    return fail(d, r, e);
}

/* What follows from the registers. f's lock held. */
static void follow(struct pci_func *f, struct pci_events *ev)
{
    if (f->below) {
        ev->routed = bridge_written(&f->bridge, NULL) & ~(uint32_t)(BRIDGE_RESET | BRIDGE_UNRESET);
        __atomic_store_n(&f->numbers,
                         f->bridge.d.secondary | (uint32_t)f->bridge.d.subordinate << 8,
                         __ATOMIC_RELAXED);
    }
    if (f->msi.cap)
        msi_refresh(&f->msi);
    if (f->msix.cap)
        msix_refresh(&f->msix);
    pci_func_settle(f, ev);
}

static void apply(struct pci_func *f, const struct image *i, struct pci_events *ev)
{
    pthread_mutex_lock(&f->lock);
    pci_config_restore(&f->c, i->config, i->config_len, NULL);
    if (f->msix.cap)
        msix_restore(&f->msix, i->table, i->pba);
    f->pin_level = i->pin;
    if (i->bus_reset)
        pci_func_hold(f, PCI_HELD_BUS_RESET, 1, ev);
    follow(f, ev);
    pthread_mutex_unlock(&f->lock);
}

int pci_state_load(struct device *d, const void *p, size_t len, struct tn_err *e)
{
    struct pci_func *f = d->pci;
    struct pci_events ev = {0};
    struct image i;
    int r = read_image(f, &i, p, len, e);
    if (r == 0)
        r = check_config(f, &i, e);
    if (r == 0) {
        int entered = domain_enter(d->domain);
        apply(f, &i, &ev);
        if (f->below)
            pci_route(f->pci);
        pci_func_tell(f, &ev);
        domain_leave(d->domain, entered);
        if (i.resetting)
            pci_func_reset_later(f, i.resetting);
    }
    free_image(&i);
    return fail(d, r, e);
}

/* ---- the root complex ---- */

uint32_t pci_state_address(const struct vm *vm)
{
    return vm->pci ? __atomic_load_n(&vm->pci->config_address, __ATOMIC_RELAXED) : 0;
}

/* Bridges were loaded before what is below them, windows and bus mastering of which follow. */
void pci_state_loaded(struct vm *vm, uint32_t address)
{
    if (!vm->pci)
        return;
    __atomic_store_n(&vm->pci->config_address, address, __ATOMIC_RELAXED);
    pci_route(vm->pci);
    for (struct pci_bus *b = vm->pci->buses; b; b = b->next)
        if (!b->bridge)
            pci_bus_settle(b);
}
