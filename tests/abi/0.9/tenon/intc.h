/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Interrupt controllers as plugins: an IOAPIC beside local APICs that live in the kernel (KVM's split irqchip).
 */
#ifndef TENON_INTC_H
#define TENON_INTC_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** What the controller gives the host. Both [any], without [dev], concurrent: the class is TN_C_THREADSAFE and guards
 * itself with a leaf lock. */
struct tn_intc_ops {
    uint32_t struct_size, flags;
    /** [leaf] level of the whole wire at pin; repeated for every wire after a load */
    void (*pin)(void *s, uint32_t pin, uint32_t level);
    /** [leaf] a local APIC has ended vector; never for edge-triggered ones */
    void (*eoi)(void *s, uint32_t vector);
    /** [leaf] ExtINT controller: the vector, -1 = spurious; NULL = this is not one */
    int (*ack)(void *s);
};

#define TN_INTC_1 "tenon.intc/1"
/** TN_INTC_1 */
struct tn_intc {
    uint32_t struct_size, rev;
    /** [main] in realize: pins 0..n-1 are GSIs gsi_base.. ; -EBUSY if they have a controller */
    int (*attach)(struct tn_dev *d, uint32_t gsi_base, uint32_t n, const struct tn_intc_ops *o, void *s, struct tn_err *e);
    /** [any] leaf: the message that gsi stands for now (irqfds of the line use it; level ones make the kernel report the
     * EOI of its vector). masked: it raises nothing, but its EOI is still reported */
    int (*route_msi)(struct tn_dev *d, uint32_t gsi, uint64_t addr, uint32_t data, uint32_t masked);
    /** [any] leaf: make the routes since the last commit effective */
    int (*commit)(struct tn_dev *d);
    /** [any] leaf: send one message; calls no device. 1 delivered, 0 coalesced or blocked, -errno */
    int (*inject)(struct tn_dev *d, uint64_t addr, uint32_t data);
    /** [any] leaf, from eoi(): the host kicks the resample fds of gsi */
    void (*eoi_of)(struct tn_dev *d, uint32_t gsi);
    /** [any] leaf: INTR wire of an ExtINT controller */
    void (*extint)(struct tn_dev *d, uint32_t level);
};

#ifdef __cplusplus
}
#endif
#endif
