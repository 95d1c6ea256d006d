/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Interrupt lines: typed, shareable wires that the host ORs.
 */
#ifndef TENON_IRQ_H
#define TENON_IRQ_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** What a line's number means */
enum {
    TN_LINE_ISA = 1, /**< 0..15; the machine's overrides (0 -> GSI 2) are applied */
    TN_LINE_GSI,     /**< global system interrupt */
    TN_LINE_SPI,     /**< Arm shared peripheral interrupt */
    TN_LINE_ANY      /**< the machine chooses; the number is ignored */
};
/** Flags of a request */
enum {
    TN_LINE_LEVEL = 1,
    TN_LINE_LOW = 2,   /**< the guest's tables call it active low; level 1 is "asserted" all the same */
    TN_LINE_SHARED = 4 /**< others may take it too; otherwise -EBUSY */
};

#define TN_IRQ_1 "tenon.irq/1"
/** TN_IRQ_1 */
struct tn_irq {
    uint32_t struct_size, rev;
    /** [main] request line n of domain TN_LINE_ISA..ANY, flags TN_LINE_LEVEL..; it is low. 0 and *out, -EBUSY (another
     * owner, named in e), -EINVAL with e. Managed */
    int (*line)(struct tn_dev *d, uint32_t domain, uint32_t n, uint32_t flags, struct tn_line **out, struct tn_err *e);
    /** [any] level 0 or 1 of this sharer; the wire is the OR */
    void (*set)(struct tn_line *l, uint32_t level);
    /** [main] a signal of fd asserts the line until its EOI, which signals resample_fd (level lines). -1, -1 = none.
     * Borrowed until unrealize. -ENOTSUP is normal: trap instead */
    int (*irqfd)(struct tn_line *l, int fd, int resample_fd);
    /** [any] the number that the guest's tables use */
    uint32_t (*gsi)(struct tn_line *l);
};

#ifdef __cplusplus
}
#endif
#endif
