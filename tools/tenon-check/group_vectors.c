/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and their masks: PCI Local Bus 3.0 (LB) 6.8. Who is masked is the host's affair; a class
 * raises its vectors all the same. Two machines do the same, one of them masked: what left the one
 * is pending in the other, and leaves it when the mask goes. */
#include "drive.h"
#include "host_pci.h"
#include "virtio_drive.h"
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>

enum {
    ROUNDS = 6,
    STEPS = 200,
    BATCHES = 12,
    COMMAND_DECODE = PCI_COMMAND_IO | PCI_COMMAND_MEMORY
};

static uint32_t rd(struct dev *d, uint32_t off, uint32_t size)
{
    return pci_cfg_read(d, off, size);
}

static void wr(struct dev *d, uint32_t off, uint32_t v, uint32_t size)
{
    pci_cfg_write(d, off, v, size);
}

/* ---- ways to mask ---- */

struct mask {
    uint32_t mode; /* TN_IRQ_* */
    const char *what;
    void (*set)(struct dev *d, uint32_t on); /* of all vectors */
};

static void mask_vectors(struct dev *d, uint32_t on)
{
    for (uint32_t vec = 0; vec < d->pci->msix_n; vec++)
        pci_vector(d, vec, on);
}

static void mask_function(struct dev *d, uint32_t on)
{
    uint32_t at = d->pci->msix + PCI_MSIX_FLAGS, ctrl = rd(d, at, 2);
    ctrl &= (uint32_t)~PCI_MSIX_FLAGS_MASKALL;
    wr(d, at, ctrl | (on ? PCI_MSIX_FLAGS_MASKALL : 0), 2);
}

static void mask_msi(struct dev *d, uint32_t on)
{
    uint32_t wide = rd(d, d->pci->msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_64BIT;
    wr(d, d->pci->msi + (wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32), on ? ~0u : 0, 4);
}

/* ---- the comparison ---- */

static uint32_t vectors(const struct dev *d)
{
    return d->pci->mode == TN_IRQ_MSIX ? d->pci->msix_n : d->pci->msi_n;
}

/* What the unmasked one has sent is pending here, and nothing has left. 1 if there is something. */
static uint32_t compare(struct check *c, const struct dev *d, const struct dev *twin,
                        const struct mask *m)
{
    uint32_t some = 0;
    for (uint32_t vec = 0; vec < vectors(d); vec++) {
        int sent = twin->pci->sent[vec] != 0;
        CHECK(c, pci_pending(d->pci, vec) == sent,
              "vector %u was raised %llu times, and masked by %s it is %s", vec,
              (unsigned long long)twin->pci->sent[vec], m->what,
              sent ? "not pending: an interrupt is lost" : "pending");
        some |= (uint32_t)sent;
    }
    return some;
}

static void unmask(struct check *c, struct dev *d, const struct mask *m)
{
    uint8_t was[MSIX_MAX];
    uint32_t n = vectors(d);
    for (uint32_t vec = 0; vec < n; vec++)
        was[vec] = (uint8_t)pci_pending(d->pci, vec);
    m->set(d, 0);
    for (uint32_t vec = 0; vec < n; vec++) {
        CHECK(c, d->pci->sent[vec] == was[vec],
              "unmasking vector %u, which was %spending, sends %llu messages", vec,
              was[vec] ? "" : "not ", (unsigned long long)d->pci->sent[vec]);
        CHECK(c, !pci_pending(d->pci, vec), "vector %u is pending after it was unmasked", vec);
    }
}

/* Registers at random; before, requests of a driver if it is a virtio device behind a transport. */
static void work(struct check *c, struct host *h, struct dev *d)
{
    if (d->inner && vport_of(d)) {
        struct vdrive *x = vdrive_new();
        vdrive_open(x, c, d, ~((uint64_t)1 << VIRTIO_F_RING_PACKED));
        vdrive_traffic(x, BATCHES);
        vdrive_expect_done(x);
        vdrive_free(x);
    }
    drive_regs(h, &c->rng, STEPS);
}

static uint32_t one_round(struct check *c, const struct mask *m)
{
    struct host *h[2] = {NULL, NULL};
    struct dev *d[2] = {check_start(c, &h[0]), check_start(c, &h[1])};
    for (uint32_t i = 0; i < 2; i++) {
        pci_enable_irq(d[i], m->mode);
        m->set(d[i], i);
        memset(d[i]->pci->sent, 0, sizeof d[i]->pci->sent);
    }
    struct rng same = c->rng;
    for (uint32_t i = 0; i < 2; i++) {
        c->rng = same;
        work(c, h[i], d[i]);
    }
    uint32_t some = compare(c, d[1], d[0], m);
    unmask(c, d[1], m);
    drive_regs(h[1], &c->rng, STEPS);
    check_end(c, h[0], d[0]);
    check_end(c, h[1], d[1]);
    return some;
}

static void compare_all(struct check *c, const struct mask *m)
{
    uint32_t some = 0;
    for (uint32_t i = 0; i < ROUNDS; i++)
        some |= one_round(c, m);
    if (!some)
        check_skip(c, "no vector was raised by anything that the suite knows to do");
}

static void needs_cap(struct check *c, uint8_t id, const char *what)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    if (!pci_find_cap(d->pci, id))
        check_skip(c, "it has no %s", what);
    check_end(c, h, d);
}

static void masked_vectors(struct check *c)
{
    static const struct mask m = {TN_IRQ_MSIX, "Vector Control", mask_vectors};
    needs_cap(c, PCI_CAP_ID_MSIX, "MSI-X");
    compare_all(c, &m);
}

static void masked_function(struct check *c)
{
    static const struct mask m = {TN_IRQ_MSIX, "Function Mask", mask_function};
    needs_cap(c, PCI_CAP_ID_MSIX, "MSI-X");
    compare_all(c, &m);
}

static void masked_msi(struct check *c)
{
    static const struct mask m = {TN_IRQ_MSI, "its Mask Bit", mask_msi};
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    uint32_t at = pci_find_cap(d->pci, PCI_CAP_ID_MSI);
    if (!at || !(rd(d, at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_MASKBIT))
        check_skip(c, "it has no MSI with masks");
    check_end(c, h, d);
    compare_all(c, &m);
}

/* ---- messages are writes: LB 6.2.2 ---- */

static void no_master(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t mode = TN_IRQ_NONE; mode <= TN_IRQ_MSIX; mode++) {
        pci_enable_irq(d, mode);
        drive_regs(h, &c->rng, STEPS);
        wr(d, PCI_COMMAND, COMMAND_DECODE, 2);
        host_run(h, 1000000);
        uint64_t before = h->log.messages;
        drive_regs(h, &c->rng, STEPS);
        CHECK(c, h->log.messages == before || pci_master(d),
              "%llu messages were written to memory while Bus Master Enable was off",
              (unsigned long long)(h->log.messages - before));
        pci_firmware(d);
    }
    check_end(c, h, d);
}

#define MASKS "PCI 3.0 6.8.3.5"
static const struct check_test tests[] = {
    {"masked-vectors", "a masked MSI-X vector is pending, and leaves once when it is unmasked",
     MASKS, CT_CLASS, needs_pci, masked_vectors},
    {"masked-function", "likewise all vectors by Function Mask", MASKS, CT_CLASS, needs_pci,
     masked_function},
    {"masked-msi", "likewise MSI vectors by their Mask Bits", "PCI 3.0 6.8.1.7, 6.8.1.8", CT_CLASS,
     needs_pci, masked_msi},
    {"no-master", "without Bus Master Enable no message leaves the function", "PCI 3.0 6.2.2",
     CT_CLASS, needs_pci, no_master},
    {0},
};

const struct check_group group_vectors = {"vectors", tests};
