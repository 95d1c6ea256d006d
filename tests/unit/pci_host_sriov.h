/* SPDX-License-Identifier: BSD-2-Clause */
/* A function with virtual ones, for tests of the host's PCI. */
#ifndef TN_TEST_PCI_HOST_SRIOV_H
#define TN_TEST_PCI_HOST_SRIOV_H
#include "pci/pci_host.h"
#include "pci/regs.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>

/* The PCI Express capability of a port or function of this type. */
static inline int add_exp(struct tn_dev *d, const struct tn_pci *pci, uint32_t type,
                          struct tn_err *e)
{
    uint8_t cap[PCI_EXP_SIZEOF_V2] = {0}, wmask[PCI_EXP_SIZEOF_V2] = {0};
    put_le16(cap + PCI_EXP_FLAGS, (uint16_t)(2 | type << 4));
    put_le32(cap + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
    put_le16(wmask + PCI_EXP_DEVCTL, 0xffff);
    int r = pci->cap(d, PCI_CAP_ID_EXP, 0, cap, wmask, NULL, sizeof cap, e);
    return r < 0 ? r : 0;
}

struct pf {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    uint32_t enabled, set_up;
};

struct vf {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    uint32_t index;
    struct tn_dev *pf;
};

static inline int vf_init(void *s, struct tn_dev *d)
{
    ((struct vf *)s)->dev = d;
    return 0;
}

static inline uint64_t vf_read(void *s, uint64_t off, uint32_t size)
{
    const struct vf *v = s;
    (void)off;
    (void)size;
    return 0xf0 + v->index;
}

static const struct tn_region_ops vf_bar = {.struct_size = sizeof vf_bar, .read = vf_read};

static inline int vf_realize(void *s, struct tn_err *e)
{
    struct vf *v = s;
    v->pci = TN_GET(v->dev, struct tn_pci, TN_PCI_1);
    int r = v->pci->vf_info(v->dev, &v->pf, &v->index);
    return r < 0 ? r : v->pci->bar(v->dev, 0, TN_BAR_MEM64, 0x1000, &vf_bar, v, e);
}

static const struct tn_pci_ops vf_ops = {.struct_size = sizeof vf_ops,
                                         .flags = TN_PCIF_EXPRESS | TN_PCIF_VF,
                                         .vendor = 0x1234,
                                         .device = 0x1111,
                                         .class_rev = 0xff000000};

static const struct tn_class vf_class = {.struct_size = sizeof vf_class,
                                         .flags = TN_C_HOTPLUG | TN_C_INTERNAL,
                                         .name = "virtual",
                                         .bus = TN_PCIE_BUS,
                                         .instance_size = sizeof(struct vf),
                                         .bus_ops = &vf_ops,
                                         .init = vf_init,
                                         .realize = vf_realize};

static inline int pf_setup(void *pf, void *vf, uint32_t index, struct tn_err *e)
{
    (void)vf;
    (void)index;
    (void)e;
    ((struct pf *)pf)->set_up++;
    return 0;
}

static inline void pf_enabled(void *pf, uint32_t n)
{
    ((struct pf *)pf)->enabled = n;
}

static inline int pf_init(void *s, struct tn_dev *d)
{
    ((struct pf *)s)->dev = d;
    return 0;
}

static inline int pf_realize(void *s, struct tn_err *e)
{
    struct pf *p = s;
    p->pci = TN_GET(p->dev, struct tn_pci, TN_PCI_1);
    const struct tn_sriov v = {.struct_size = sizeof v,
                               .vf = &vf_class,
                               .total = 4,
                               .first = 1,
                               .stride = 1,
                               .vf_device = 0x1111,
                               .bar_size = {0x1000},
                               .bar_kind = {TN_BAR_MEM64},
                               .setup = pf_setup,
                               .enabled = pf_enabled};
    int r = add_exp(p->dev, p->pci, PCI_EXP_TYPE_ENDPOINT, e);
    if (r == 0)
        r = p->pci->sriov(p->dev, &v, e);
    return r < 0 ? r : 0;
}

static const struct tn_pci_ops pf_ops = {.struct_size = sizeof pf_ops,
                                         .flags = TN_PCIF_EXPRESS,
                                         .vendor = 0x1234,
                                         .device = 0x1110,
                                         .class_rev = 0xff000000};

static const struct tn_class pf_class = {.struct_size = sizeof pf_class,
                                         .name = "physical",
                                         .bus = TN_PCIE_BUS,
                                         .instance_size = sizeof(struct pf),
                                         .bus_ops = &pf_ops,
                                         .init = pf_init,
                                         .realize = pf_realize};

#endif
