/* SPDX-License-Identifier: BSD-2-Clause */
/* The SR-IOV capability of a physical function (PCIe Base 6.0 9.3.3): how many virtual functions
 * the guest enabled, which IDs they have, and where their BARs are. A virtual function itself is a
 * struct pci_config with PCI_FN_VF whose BARs the owner places. */
#ifndef TN_PCI_SRIOV_H
#define TN_PCI_SRIOV_H
#include "pci/config.h"

struct sriov_spec {
    uint16_t total;         /* virtual functions at most */
    uint16_t first, stride; /* routing ID of VF i is that of the PF + first + i * stride */
    uint16_t device;        /* Device ID of the virtual functions */
    uint64_t bar_size[6];   /* of one virtual function; 0 = none */
    uint32_t bar_kind[6];   /* PCI_BAR_MEM32 or MEM64, and PREFETCH */
};

/* What a write changed. */
enum {
    SRIOV_VFS = 1,  /* sriov_vfs() has another value: create or remove virtual functions */
    SRIOV_BARS = 2, /* sriov_bar_addr() has other values */
};

struct sriov {
    struct pci_config *c;
    uint32_t cap;
    struct sriov_spec spec;
    /* as last reported */
    uint16_t num_vfs; /* Number of VFs as written */
    uint16_t vfs;     /* enabled */
    uint32_t page;    /* System Page Size register */
    uint64_t bar[6];  /* VF 0's address, or PCI_BAR_UNMAPPED */
};

/* Adds the capability. c outlives v. Returns its offset; -EINVAL for no or too many virtual
 * functions, a stride of 0 with more than one, or an impossible BAR; or as pci_ext_cap_add(). */
int sriov_init(struct sriov *v, struct pci_config *c, uint32_t at, const struct sriov_spec *spec);

/* To be called after each guest write to the PF's configuration space, and after a reset or a
 * restore of it (then w is NULL). Returns SRIOV_*. */
uint32_t sriov_written(struct sriov *v, const struct pci_written *w);

/* Virtual functions that exist now: 0 while VF Enable is clear. */
uint32_t sriov_vfs(const struct sriov *v);
/* Where BAR n of virtual function vf is: an address, or PCI_BAR_UNMAPPED without VF Memory Space
 * Enable. */
uint64_t sriov_bar_addr(const struct sriov *v, uint32_t vf, uint32_t n);
/* Bytes from one virtual function's BAR n to the next one's: its size, or the system page size if
 * that is larger. */
uint64_t sriov_bar_step(const struct sriov *v, uint32_t n);
/* Routing ID of virtual function vf of the PF with routing ID pf. */
uint32_t sriov_rid(const struct sriov *v, uint32_t pf, uint32_t vf);

#endif
