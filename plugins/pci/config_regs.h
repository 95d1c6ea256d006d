/* SPDX-License-Identifier: BSD-2-Clause */
/* Device-specific configuration registers that are no capability, declared as a table. The host
 * keeps their bytes (and saves them); the plugin traps writes and applies the table's masks. */
#ifndef PCI_CONFIG_REGS_H
#define PCI_CONFIG_REGS_H
#include <tenon/core.h>
#include <tenon/pci.h>

struct config_reg {
    uint8_t off, size; /* size in bytes: 1, 2, 4 */
    uint32_t reset, wmask;
};

/* The registers of a function: n at reg, which outlives the use. */
struct config_regs {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct config_reg *reg;
    uint32_t n;
};

/* In realize: c becomes d's n registers at reg, and writes to everything from 0x40 to 0xff are
 * trapped. 0 or -errno with e. Needs TN_PCI_1. [main] */
int config_regs_realize(struct config_regs *c, struct tn_dev *d, const struct config_reg *reg,
                        uint32_t n, struct tn_err *e);

/* All registers take their reset value. [main] */
void config_regs_reset(const struct config_regs *c);

/* The register's bytes, size as config_reg. [any] */
uint32_t config_regs_get(const struct config_regs *c, uint32_t off, uint32_t size);
void config_regs_set(const struct config_regs *c, uint32_t off, uint32_t size, uint32_t value);

/* Body of tn_pci_ops.config_write: stores what the masks let through. [vcpu][dev] */
void config_regs_write(const struct config_regs *c, uint32_t off, uint32_t size, uint32_t value);

/* Whether a write of size bytes at off touches the len bytes at reg. */
static inline int config_regs_hit(uint32_t off, uint32_t size, uint32_t reg, uint32_t len)
{
    return off < reg + len && reg < off + size;
}

#endif
