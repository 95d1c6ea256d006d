/* SPDX-License-Identifier: BSD-2-Clause */
#include "port_config.h"

int port_config_init(struct port_config *p, struct tn_dev *d, const struct pci_ids *ids)
{
    p->dev = d;
    p->pci = TN_GET(d, struct tn_pci, TN_PCI_1);
    return pci_config_init(&p->c, PCI_FN_EXPRESS | PCI_FN_BRIDGE, ids);
}

void port_config_fini(struct port_config *p)
{
    if (p->c.bytes)
        pci_config_fini(&p->c);
}

int port_config_cap(struct port_config *p, uint8_t id, uint32_t off, uint32_t len, struct tn_err *e)
{
    const struct pci_config *c = &p->c;
    return p->pci->cap(p->dev, id, off, c->bytes + off, c->wmask + off, c->w1c + off, len, e);
}

int port_config_ext_cap(struct port_config *p, uint16_t id, uint8_t version, uint32_t off,
                        uint32_t len, struct tn_err *e)
{
    const struct pci_config *c = &p->c;
    return p->pci->ext_cap(p->dev, id, version, off, c->bytes + off, c->wmask + off, c->w1c + off,
                           len, e);
}

void port_config_pull(struct port_config *p, uint32_t off, uint32_t size)
{
    uint32_t v;
    if (p->pci->config_read(p->dev, off, size, &v) == 0)
        pci_config_set(&p->c, off, size, v);
}

static void pull_range(struct port_config *p, uint32_t off, uint32_t len)
{
    for (uint32_t i = 0; i < len; i += 4)
        port_config_pull(p, off + i, 4);
}

/* The headers of capabilities belong to each list: they are not copied. */
void port_config_pull_all(struct port_config *p)
{
    port_config_pull(p, PCI_COMMAND, 4);
    port_config_pull(p, PCI_IO_BASE, 4);        /* and Secondary Status */
    port_config_pull(p, PCI_INTERRUPT_LINE, 4); /* and Bridge Control */
    pull_range(p, p->exp + PCI_EXP_DEVCAP, PCI_EXP_SIZEOF_V2 - PCI_EXP_DEVCAP);
    pull_range(p, p->aer + PCI_ERR_UNCOR_STATUS, PCI_ERR_SIZEOF_ROOT - PCI_ERR_UNCOR_STATUS);
}

static void push(struct port_config *p, uint32_t off, uint32_t size)
{
    uint32_t v, mine = pci_config_get(&p->c, off, size);
    if (p->pci->config_read(p->dev, off, size, &v) == 0 && v != mine)
        p->pci->config_set(p->dev, off, size, mine);
}

static void push_range(struct port_config *p, uint32_t off, uint32_t len)
{
    for (uint32_t i = 0; i < len; i += 4)
        push(p, off + i, 4);
}

void port_config_push(struct port_config *p)
{
    push(p, PCI_SEC_STATUS, 2);
    push_range(p, p->exp + PCI_EXP_DEVCAP, PCI_EXP_SIZEOF_V2 - PCI_EXP_DEVCAP);
    push_range(p, p->aer + PCI_ERR_UNCOR_STATUS, PCI_ERR_SIZEOF_ROOT - PCI_ERR_UNCOR_STATUS);
}
