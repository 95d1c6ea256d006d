/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. CAN: a bus is an object (-object can-bus), a controller a client of it (ISO 11898-1:2015).
 */
#ifndef TENON_DRAFT_CAN_H
#define TENON_DRAFT_CAN_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** tn_can_frame.flags: 29-bit identifier, remote, error, FD format, bit rate switch, error state indicator */
enum { TN_CAN_EFF = 1, TN_CAN_RTR = 2, TN_CAN_ERR = 4, TN_CAN_FD = 8, TN_CAN_BRS = 16, TN_CAN_ESI = 32 };
/** One frame. Element with a stride. */
struct tn_can_frame {
    uint32_t struct_size, flags; /**< TN_CAN_* */
    uint32_t id, len;            /**< id: without flag bits; bytes of data, not the DLC */
    uint8_t data[64];
};
struct tn_can_client {
    uint32_t struct_size, flags;
    /** [leaf] frames that receive() would take; a full client loses frames, as on a wire */
    uint32_t (*room)(void *s);
    /** [ctx][dev] of the client: n frames of others */
    void (*receive)(void *s, const struct tn_can_frame *f, uint32_t n, uint32_t stride);
};
#define TN_CAN_BUS_1 "tenon.can-bus/1"
/** FWD: TN_CAN_BUS_1, of the object that a LINK property names. */
struct tn_can_bus {
    uint32_t struct_size, flags;
    /** [main] d listens with c and cs; detached by detach() only */
    int (*attach)(void *s, struct tn_dev *d, const struct tn_can_client *c, void *cs, struct tn_err *e);
    /** [main] no receive() runs or will run afterwards */
    void (*detach)(void *s, struct tn_dev *d, void *cs);
    /** [any] queued, and delivered to every other client in its own context: two lock domains never nest. Frames taken */
    int (*send)(void *s, struct tn_dev *d, void *cs, const struct tn_can_frame *f, uint32_t n, uint32_t stride);
};

#ifdef __cplusplus
}
#endif
#endif
