/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Places of a machine for transports in memory: each slot is a bus of type "virtio-mmio-slot" with room for one device,
 * which is given an address and an interrupt. microvm has eight.
 */
#ifndef TENON_MMIO_SLOT_H
#define TENON_MMIO_SLOT_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_MMIO_SLOT_BUS "virtio-mmio-slot"
#define TN_MMIO_SLOT_1 "tenon.mmio-slot/1" /**< port_ops of the bus */

/** What belongs to a slot. */
struct tn_mmio_place {
    uint32_t struct_size, index; /**< index: of the slot, from 0 */
    uint64_t base, size;         /**< bytes */
    uint32_t gsi, line_flags;    /**< TN_LINE_GSI and flags for tn_irq.line */
    uint64_t min, max;           /**< where further ranges of the device may lie: nothing of the machine is there */
};

/** TN_MMIO_SLOT_1 */
struct tn_mmio_slot {
    uint32_t struct_size, flags;
    /** [main] 0; p is the port of core->port, struct_size is set by the caller */
    int (*place)(void *p, struct tn_mmio_place *out);
};

#ifdef __cplusplus
}
#endif
#endif
