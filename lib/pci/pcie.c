/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/pcie.h"
#include "pci/caps.h"
#include "util/bytes.h"
#include <errno.h>

#define DEVCTL_ERRORS \
    (PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE)
#define DEVSTA_ERRORS \
    (PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)
#define LNKCTL_WMASK  (PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES)
#define SYSTEM_ERRORS (PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE)

#define BANDWIDTH_CTL (PCI_EXP_LNKCTL_LBMIE | PCI_EXP_LNKCTL_LABIE)
#define BANDWIDTH_STA (PCI_EXP_LNKSTA_LBMS | PCI_EXP_LNKSTA_LABS)

static bool type_is_downstream(uint32_t type)
{
    return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;
}

static bool type_has_link(uint32_t type)
{
    return type != PCI_EXP_TYPE_RC_END && type != PCI_EXP_TYPE_RC_EC;
}

static bool type_has_root(uint32_t type)
{
    return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_RC_EC;
}

static bool port_ok(const struct pcie_port *p)
{
    if (p->type > PCI_EXP_TYPE_RC_EC || p->number > 255 || p->vector > 31)
        return false;
    if ((p->flags & (PCIE_ARI_FORWARD | PCIE_SLOT)) && !type_is_downstream(p->type))
        return false;
    if (!type_has_link(p->type))
        return true;
    return p->speed >= 1 && p->speed <= 6 && p->width >= 1 && p->width <= 32 &&
           !(p->width & (p->width - 1));
}

static void add_device(struct pci_config *c, uint32_t off, const struct pcie_port *p)
{
    bool flr = p->flags & PCIE_FLR;
    uint32_t ari = p->flags & PCIE_ARI_FORWARD;

    pci_config_reg(c, off + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER | (flr ? PCI_EXP_DEVCAP_FLR : 0),
                   0, 0);
    pci_config_reg(c, off + PCI_EXP_DEVCTL, 2, 0,
                   DEVCTL_ERRORS | (flr ? PCI_EXP_DEVCTL_BCR_FLR : 0), 0);
    pci_config_reg(c, off + PCI_EXP_DEVSTA, 2, 0, 0, DEVSTA_ERRORS);
    pci_config_reg(c, off + PCI_EXP_DEVCAP2, 4, ari ? PCI_EXP_DEVCAP2_ARI : 0, 0, 0);
    pci_config_reg(c, off + PCI_EXP_DEVCTL2, 2, 0, ari ? PCI_EXP_DEVCTL2_ARI : 0, 0);
    pci_config_vary(c, off + PCI_EXP_DEVSTA, 2);
}

static void add_link(struct pci_config *c, uint32_t off, const struct pcie_port *p)
{
    bool down = type_is_downstream(p->type);

    pci_config_reg(c, off + PCI_EXP_LNKCAP, 4,
                   p->number << 24 | p->width << 4 | p->speed | PCI_EXP_LNKCAP_ASPM_L0S |
                       (down ? PCI_EXP_LNKCAP_DLLLARC | PCI_EXP_LNKCAP_LBNC : 0),
                   0, 0);
    pci_config_reg(c, off + PCI_EXP_LNKCTL, 2, 0,
                   LNKCTL_WMASK | (down ? PCI_EXP_LNKCTL_LD | BANDWIDTH_CTL : 0), 0);
    pci_config_reg(c, off + PCI_EXP_LNKSTA, 2, p->width << 4 | p->speed, 0,
                   down ? BANDWIDTH_STA : 0);
    pci_config_reg(c, off + PCI_EXP_LNKCAP2, 4, PCI_EXP_LNKCAP2_SPEEDS(p->speed), 0, 0);
    pci_config_reg(c, off + PCI_EXP_LNKCTL2, 2, p->speed, PCI_EXP_LNKCTL2_TLS, 0);
    put_le16(c->sticky + off + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS);
    pci_config_vary(c, off + PCI_EXP_LNKSTA, 2);
}

static void add_root(struct pci_config *c, uint32_t off)
{
    pci_config_reg(c, off + PCI_EXP_RTCTL, 2, 0, SYSTEM_ERRORS | PCI_EXP_RTCTL_PMEIE, 0);
    pci_config_reg(c, off + PCI_EXP_RTSTA, 4, 0, 0, PCI_EXP_RTSTA_PME);
    pci_config_vary(c, off + PCI_EXP_RTSTA, 4);
}

int pcie_cap_add(struct pci_config *c, uint32_t at, const struct pcie_port *p)
{
    int off;

    if (!port_ok(p))
        return -EINVAL;
    off = pci_cap_add(c, PCI_CAP_ID_EXP, at, PCI_EXP_SIZEOF_V2);
    if (off < 0)
        return off;
    pci_config_reg(
        c, (uint32_t)off + PCI_EXP_FLAGS, 2,
        2 | p->type << 4 | (p->flags & PCIE_SLOT ? PCI_EXP_FLAGS_SLOT : 0) | p->vector << 9, 0, 0);
    add_device(c, (uint32_t)off, p);
    if (type_has_link(p->type))
        add_link(c, (uint32_t)off, p);
    if (type_has_root(p->type))
        add_root(c, (uint32_t)off);
    return off;
}

static uint16_t reg16(const struct pci_config *c, uint32_t reg)
{
    return c->exp && c->exp + reg < PCI_CONFIG_SIZE ? get_le16(c->bytes + c->exp + reg) : 0;
}

int pcie_type(const struct pci_config *c)
{
    return c->exp ? (reg16(c, PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4 : -1;
}

bool pcie_is_downstream(const struct pci_config *c)
{
    int type = pcie_type(c);

    return type >= 0 && type_is_downstream((uint32_t)type);
}

bool pcie_ari_enabled(const struct pci_config *c)
{
    return pcie_is_downstream(c) && (reg16(c, PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI);
}

bool pcie_link_disabled(const struct pci_config *c)
{
    return pcie_is_downstream(c) && (reg16(c, PCI_EXP_LNKCTL) & PCI_EXP_LNKCTL_LD);
}

void pcie_set_link(struct pci_config *c, bool up)
{
    uint8_t *status = c->bytes + c->exp + PCI_EXP_LNKSTA;
    uint16_t v = reg16(c, PCI_EXP_LNKSTA);

    if (!c->exp)
        return;
    v &= (uint16_t)~PCI_EXP_LNKSTA_DLLLA;
    if (up && (get_le32(c->bytes + c->exp + PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_DLLLARC))
        v |= PCI_EXP_LNKSTA_DLLLA;
    put_le16(status, v);
}
