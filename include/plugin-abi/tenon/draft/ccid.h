/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. ccid-bus: one smart card below a CCID reader (USB CCID 1.1). Reader and card are one lock domain.
 */
#ifndef TENON_DRAFT_CCID_H
#define TENON_DRAFT_CCID_H
#include <tenon/bus.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_CCID_BUS "ccid-bus"
#define TN_CCID_CARD_1 "tenon.ccid-card/1" /**< child_ops */
#define TN_CCID_SLOT_1 "tenon.ccid-slot/1" /**< port_ops */

/** FWD: TN_CCID_SLOT_1; p is the handle of core->port. */
struct tn_ccid_slot {
    uint32_t struct_size, flags;
    /** [ctx][dev] the reader is attached to USB (1) or not (0) */
    void (*reader)(void *p, uint32_t attached);
    /** [ctx][dev] a card came, with its answer to reset of len <= 33 bytes (ISO 7816-3 8), or went */
    void (*card)(void *p, uint32_t inserted, const void *atr, uint32_t len);
    /** [ctx][dev] answer to apdu(); error: slot error (CCID 1.1 table 6.2-2), 0 = none */
    void (*response)(void *p, const void *apdu, uint32_t len, uint32_t error);
};
/** FWD: TN_CCID_CARD_1, in class->bus_ops. */
struct tn_ccid_card {
    uint32_t struct_size, flags;
    /** [ctx][dev] one command, copied; response() follows, never inside. -EBUSY: one is under way; -ENXIO: no card */
    int (*apdu)(void *s, const void *apdu, uint32_t len);
    /** [ctx][dev] the answer to reset: bytes, or -ENXIO */
    int (*atr)(void *s, void *atr, uint32_t max);
};

#ifdef __cplusplus
}
#endif
#endif
