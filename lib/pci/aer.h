/* SPDX-License-Identifier: BSD-2-Clause */
/* Advanced error reporting: PCIe Base 6.0 6.2 and 7.8.4. A function logs an error and says which
 * message goes up; a bridge says whether it passes one on; a root port collects them and says
 * whether its interrupt is due. */
#ifndef TN_PCI_AER_H
#define TN_PCI_AER_H
#include "pci/config.h"

/* Error messages; values as the plugin ABI's TN_AER_*. */
enum { AER_NONE, AER_COR, AER_NONFATAL, AER_FATAL };

/* Adds the capability, with the root error registers if root. Returns its offset, or as
 * pci_ext_cap_add(). */
int aer_add(struct pci_config *c, uint32_t at, bool root);

/* The function detected an error. severity: AER_COR, or either of the others for an uncorrectable
 * error, whose severity the guest's Severity register decides (severity itself counts without the
 * capability). bits: one or more of PCI_ERR_COR_* or PCI_ERR_UNC_*. header: the four dwords of the
 * offending TLP, or NULL. Returns the message to send up, or AER_NONE where masked or not enabled
 * (6.2.5). */
int aer_report(struct pci_config *c, int severity, uint32_t bits, const uint32_t *header);

/* A bridge received message from below: notes it in Secondary Status. Returns whether it sends it
 * on; for a root port: whether it is delivered to aer_root_receive() (6.2.6). */
bool aer_bridge_forwards(struct pci_config *c, int message);

/* A root port collects a message from the function with requester ID source (6.2.4.1). */
void aer_root_receive(struct pci_config *c, int message, uint16_t source);

/* The level of the root port's error interrupt: evaluated anew after each write and each message;
 * MSI at its rise. */
bool aer_root_irq(const struct pci_config *c);

#endif
