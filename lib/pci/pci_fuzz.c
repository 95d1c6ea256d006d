/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that reads and writes anything: an endpoint with BARs, MSI and MSI-X, and a root port
 * with a slot. After each step: bits that neither the guest nor the state machines own are as they
 * were, lists are walked to their end, a mapped BAR is aligned and inside its space, and the
 * owner's idea of each vector and link is what the registers say. */
#include "pci/aer.h"
#include "pci/bridge.h"
#include "pci/caps.h"
#include "pci/msi.h"
#include "pci/pcie.h"
#include "pci/slot.h"
#include "pci/sriov.h"
#include "util/bytes.h"
#include <stdlib.h>

#define NVEC 40

struct wire {
    bool live;
    struct pci_msg msg;
};

struct machine {
    struct pci_config end, port;
    struct msi msi;
    struct msix msix;
    struct sriov sriov;
    struct bridge bridge;
    struct pcie_slot slot;
    struct wire msi_wire[MSI_MAX_VECTORS], msix_wire[NVEC];
    bool link, irq;
    uint8_t end_fixed[PCIE_CONFIG_SIZE], port_fixed[PCIE_CONFIG_SIZE];
};

static void must(bool x)
{
    if (!x)
        abort();
}

/* ---- the owner ------------------------------------------------------------------------ */

static void note_wire(struct wire *w, const struct pci_msg *msg)
{
    w->live = msg != NULL;
    if (msg)
        w->msg = *msg;
}

static void msi_rewire(void *s, uint32_t vec, const struct pci_msg *msg)
{
    must(vec < MSI_MAX_VECTORS);
    note_wire(&((struct machine *)s)->msi_wire[vec], msg);
}

static void msix_rewire(void *s, uint32_t vec, const struct pci_msg *msg)
{
    must(vec < NVEC);
    note_wire(&((struct machine *)s)->msix_wire[vec], msg);
}

static void msix_fire(void *s, uint32_t vec, const struct pci_msg *msg)
{
    struct machine *m = s;

    must(m->msix_wire[vec].live && m->msix_wire[vec].msg.addr == msg->addr);
}

static void slot_link(void *s, bool up)
{
    struct machine *m = s;

    m->link = up;
    pci_config_absent(&m->end, !up);
    if (m->sriov.c)
        sriov_written(&m->sriov, NULL);
}

static void slot_irq(void *s, bool level)
{
    struct machine *m = s;

    must(m->irq != level);
    m->irq = level;
}

static const struct pci_vec_ops msi_ops = {.rewire = msi_rewire};
static const struct pci_vec_ops msix_ops = {.rewire = msix_rewire, .fire = msix_fire};
static const struct pcie_slot_ops slot_ops = {.irq = slot_irq, .link = slot_link};

static void add_sriov(struct machine *m)
{
    static const struct sriov_spec vfs = {.total = 8,
                                          .first = 1,
                                          .stride = 1,
                                          .bar_size = {0x1000, 0, 0x20000},
                                          .bar_kind = {PCI_BAR_MEM32, 0, PCI_BAR_MEM64}};

    must(sriov_init(&m->sriov, &m->end, 0, &vfs) > 0);
}

static void make_endpoint(struct machine *m)
{
    static const struct pci_ids ids = {.vendor = 0x1af4, .device = 0x1041, .int_pin = 1};
    struct pcie_port p = {.type = PCI_EXP_TYPE_ENDPOINT, .speed = 3, .width = 8, .flags = PCIE_FLR};
    struct pci_config *c = &m->end;

    pci_config_init(c, PCI_FN_EXPRESS, &ids);
    must(!pci_bar_add(c, 0, PCI_BAR_IO, 0x20) && !pci_bar_add(c, 1, PCI_BAR_MEM32, 0x2000));
    must(!pci_bar_add(c, 2, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, 1ull << 33));
    must(!pci_rom_add(c, 0x10000));
    must(pci_pm_add(c, 0, false, PCI_PM_CAP_PME_D0) > 0 && pcie_cap_add(c, 0, &p) > 0);
    must(msi_init(&m->msi, c, 0, 8, MSI_64BIT | MSI_MASKABLE, &msi_ops, m) > 0);
    must(msix_init(&m->msix, c, 0, NVEC, 1, 0, 1, 0x1000, &msix_ops, m) > 0);
    must(aer_add(c, 0, false) > 0 && pci_dsn_add(c, 0x300, 7) > 0 && pci_ari_add(c, 0, 0) > 0);
    add_sriov(m);
}

static void make_port(struct machine *m)
{
    static const struct pci_ids ids = {.vendor = 0x1b36, .device = 0x000c, .int_pin = 1};
    struct pcie_port p = {.type = PCI_EXP_TYPE_ROOT_PORT,
                          .speed = 4,
                          .width = 16,
                          .flags = PCIE_ARI_FORWARD | PCIE_SLOT};
    struct pci_config *c = &m->port;

    pci_config_init(c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, &ids);
    bridge_init(&m->bridge, c, BRIDGE_PREF64 | BRIDGE_IO32);
    must(!pci_bar_add(c, 0, PCI_BAR_MEM64, 0x1000) && pcie_cap_add(c, 0, &p) > 0);
    must(pci_ssvid_add(c, 0, 1, 2) > 0 && pci_acs_add(c, 0x180, 0x5f) > 0 &&
         aer_add(c, 0, true) > 0);
    must(!pcie_slot_init(&m->slot, c, 1, PCIE_SLOT_HOTPLUG | PCIE_SLOT_POWER, &slot_ops, m));
    pcie_slot_plug(&m->slot, false);
}

/* ---- what must hold ------------------------------------------------------------------- */

static void fixed_bits(const struct pci_config *c, const uint8_t *before)
{
    for (uint32_t i = 0; i < c->size; i++)
        must(!((c->bytes[i] ^ before[i]) & c->check[i] & ~c->wmask[i] & ~c->w1c[i]));
}

static void lists(const struct pci_config *c, uint32_t caps, uint32_t ext_caps)
{
    uint32_t off = c->bytes[PCI_CAPABILITY_LIST], n = 0;

    for (; off; off = c->bytes[off + 1], n++)
        must(off % 4 == 0 && off >= 0x40 && n < caps);
    must(n == caps);
    for (off = 0x100, n = 0; off; off = PCI_EXT_CAP_NEXT(get_le32(c->bytes + off)), n++)
        must(off % 4 == 0 && off >= 0x100 && n < ext_caps);
    must(n == ext_caps);
}

static void bars(const struct pci_config *c)
{
    for (uint32_t n = 0; n < PCI_BARS; n++) {
        uint64_t addr = pci_bar_addr(c, n), size = c->bar[n].size;

        if (addr == PCI_BAR_UNMAPPED)
            continue;
        must(size && addr && addr % size == 0 && addr + size > addr && !c->absent);
        must((c->bar[n].kind & PCI_BAR_MEM64) || addr + size <= UINT32_MAX);
    }
}

static void vectors(const struct machine *m)
{
    struct pci_msg msg;

    for (uint32_t v = 0; v < NVEC; v++) {
        const struct wire *w = &m->msix_wire[v];

        must(msix_message(&m->msix, v, &msg) == w->live);
        must(!w->live || (msg.addr == w->msg.addr && msg.data == w->msg.data));
        must(!w->live || !msix_pending(&m->msix, v));
    }
    for (uint32_t v = 0; v < m->msi.nvec; v++)
        must(m->msi_wire[v].live == (m->msi.live >> v & 1));
    must(!(m->msi.live && !m->msi.enabled));
}

static void windows(const struct bridge *b)
{
    must(b->d.io.base > b->d.io.limit || b->d.io.base % 0x1000 == 0);
    must(b->d.mem.base > b->d.mem.limit || b->d.mem.base % 0x100000 == 0);
    must(b->d.pref.base > b->d.pref.limit || (b->d.pref.limit + 1) % 0x100000 == 0);
}

static void virtual_functions(const struct sriov *v)
{
    must(sriov_vfs(v) <= v->spec.total);
    for (uint32_t n = 0; n < 6; n++) {
        uint64_t addr = sriov_bar_addr(v, sriov_vfs(v) - 1, n);

        must(addr == PCI_BAR_UNMAPPED || (v->spec.bar_size[n] && addr % sriov_bar_step(v, n) == 0));
        must(addr == PCI_BAR_UNMAPPED || n != 0 || addr + sriov_bar_step(v, n) <= UINT32_MAX);
    }
}

static void check(const struct machine *m)
{
    fixed_bits(&m->end, m->end_fixed);
    fixed_bits(&m->port, m->port_fixed);
    lists(&m->end, 4, 4);
    lists(&m->port, 2, 2);
    bars(&m->end);
    bars(&m->port);
    vectors(m);
    windows(&m->bridge);
    virtual_functions(&m->sriov);
    must(m->link == m->slot.up && m->end.absent == !m->link);
}

/* ---- the guest ------------------------------------------------------------------------ */

struct step {
    uint8_t what, size;
    uint16_t off;
    uint32_t value;
};

static void config_write(struct machine *m, bool port, const struct step *s)
{
    struct pci_written w =
        pci_config_write(port ? &m->port : &m->end, s->off & 0x1fff, s->size & 7, s->value);

    if (port) {
        bridge_written(&m->bridge, &w);
        pcie_slot_written(&m->slot, &w);
        return;
    }
    msi_written(&m->msi, &w);
    msix_written(&m->msix, &w);
    sriov_written(&m->sriov, &w);
    if (w.changes & (PCI_CHANGED_FLR | PCI_CHANGED_SOFT_RESET)) {
        pci_config_reset(&m->end, false);
        msi_reset(&m->msi);
        msix_reset(&m->msix);
        sriov_written(&m->sriov, NULL);
    }
}

static void hotplug(struct machine *m, uint32_t how)
{
    switch (how % 4) {
    case 0:
        pcie_slot_unplug_request(&m->slot);
        break;
    case 1:
        pcie_slot_removed(&m->slot);
        break;
    case 2:
        pcie_slot_plug(&m->slot, true);
        break;
    default:
        pci_config_reset(&m->port, how & 4);
        bridge_written(&m->bridge, NULL);
        pcie_slot_reset(&m->slot);
    }
}

static void run(struct machine *m, const struct step *s)
{
    struct pci_msg msg;

    switch (s->what % 8) {
    case 0:
    case 1:
    case 2:
        config_write(m, s->what % 8 == 0, s);
        break;
    case 3:
        pci_config_read(s->value & 1 ? &m->port : &m->end, s->off, s->size & 7);
        break;
    case 4:
        msix_table_write(&m->msix, s->off & 0x3ff, s->size & 15, (uint64_t)s->value << 32 | s->off);
        break;
    case 5:
        msix_table_read(&m->msix, s->off, s->size & 15);
        msix_pba_read(&m->msix, s->off & 0x1f, s->size & 15);
        break;
    case 6:
        msix_notify(&m->msix, s->value & 63, &msg);
        msi_notify(&m->msi, s->value & 15, &msg);
        aer_root_receive(&m->port, aer_report(&m->end, s->value % 3 + 1, s->value | 1, NULL),
                         0x100);
        break;
    default:
        hotplug(m, s->value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine m;

    memset(&m, 0, sizeof m);
    make_endpoint(&m);
    make_port(&m);
    memcpy(m.end_fixed, m.end.bytes, sizeof m.end_fixed);
    memcpy(m.port_fixed, m.port.bytes, sizeof m.port_fixed);
    for (; size >= 8; data += 8, size -= 8) {
        struct step s = {data[0], data[1], get_le16(data + 2), get_le32(data + 4)};

        run(&m, &s);
        check(&m);
    }
    msix_fini(&m.msix);
    pci_config_fini(&m.end);
    pci_config_fini(&m.port);
    return 0;
}
