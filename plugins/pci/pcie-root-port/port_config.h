/* SPDX-License-Identifier: BSD-2-Clause */
/* A port's registers in two places: the host's configuration space, which the guest accesses, and a
 * copy on which the state machines of lib/pci work. The host's is the master: what the guest wrote
 * is pulled, what the state machines did is pushed. Called with the device's lock held. */
#ifndef PORT_CONFIG_H
#define PORT_CONFIG_H
#include "pci/config.h"
#include <tenon/core.h>
#include <tenon/pci.h>

struct port_config {
    struct pci_config c; /* the copy */
    struct tn_dev *dev;
    const struct tn_pci *pci;
    uint32_t exp, aer; /* offsets of the capabilities that are kept the same */
};

/* An empty copy, freed with port_config_fini(). 0 or -ENOMEM. [main] */
int port_config_init(struct port_config *p, struct tn_dev *d, const struct pci_ids *ids);
void port_config_fini(struct port_config *p); /* also of a zeroed one */

/* Gives the host the capability id of len bytes that the copy has at off. Its offset, or -errno
 * with e. [main] realize */
int port_config_cap(struct port_config *p, uint8_t id, uint32_t off, uint32_t len,
                    struct tn_err *e);
int port_config_ext_cap(struct port_config *p, uint16_t id, uint8_t version, uint32_t off,
                        uint32_t len, struct tn_err *e);

/* The copy takes over size bytes at off; everything that the state machines look at. */
void port_config_pull(struct port_config *p, uint32_t off, uint32_t size);
void port_config_pull_all(struct port_config *p);
/* The host takes over what differs. */
void port_config_push(struct port_config *p);

#endif
