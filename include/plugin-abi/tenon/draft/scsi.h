/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. scsi-bus: disks below virtio-scsi, usb-uas and usb-bot (SAM-5, SPC-4). Bus and children are one lock domain.
 */
#ifndef TENON_DRAFT_SCSI_H
#define TENON_DRAFT_SCSI_H
#include <tenon/bus.h>
#include <tenon/state.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_SCSI_BUS "scsi-bus"
#define TN_SCSI_DEVICE_1 "tenon.scsi-device/1" /**< child_ops */
#define TN_SCSI_HBA_1 "tenon.scsi-hba/1"       /**< port_ops */

/** Child data of the bus begins with this. Frozen. */
struct tn_scsi_child {
    uint32_t channel, id, lun; /**< id, lun: 0xffffffff = the first free one; the bus writes what it chose */
    uint32_t reserved;
};
/** Rows of tn_bus_type.props, the same in every provider. T: child data whose first member a is a struct tn_scsi_child. */
#define TN_SCSI_BUS_PROPS(T)                                                                                           \
    TN_PROP(T, a.channel, "channel", U32, 0, "channel"),                                                               \
        TN_PROP(T, a.id, "scsi-id", U32, 0xffffffffu, "target, 4294967295 = first free"),                              \
        TN_PROP(T, a.lun, "lun", U32, 0xffffffffu, "logical unit, 4294967295 = first free")

struct tn_scsi_req; /**< a command in the disk; lives until done() or cancelled() has returned */
/** what of tn_scsi_hba.changed */
enum { TN_SCSI_ADDED = 1, TN_SCSI_REMOVED, TN_SCSI_CAPACITY, TN_SCSI_MEDIUM };
/** what of tn_scsi_disk.reset: logical unit, target, whole bus */
enum { TN_SCSI_RESET_LUN = 1, TN_SCSI_RESET_TARGET, TN_SCSI_RESET_BUS };

/** FWD: TN_SCSI_HBA_1; p is the handle of core->port. */
struct tn_scsi_hba {
    uint32_t struct_size, flags;
    uint32_t max_target, max_lun, max_channel;
    uint32_t contiguous; /**< 1: LUNs have no holes (usb-bot) */
    /** [ctx][dev] len bytes are wanted (to the disk) or there (from it): answered by tn_scsi_disk.data */
    void (*data)(void *p, void *tag, uint64_t len);
    /** [ctx][dev] never inside submit(): SAM status, bytes that did not move, sense data (copied) */
    void (*done)(void *p, void *tag, uint32_t status, uint64_t residual, const void *sense, uint32_t sense_len);
    /** [ctx][dev] end of a cancel() that was TN_PENDING */
    void (*cancelled)(void *p, void *tag);
    /** [ctx][dev] TN_SCSI_*: unit attention, event */
    void (*changed)(void *p, uint32_t what);
};
/** FWD: TN_SCSI_DEVICE_1, in class->bus_ops. */
struct tn_scsi_disk {
    uint32_t struct_size, flags;
    /** [ctx][dev] tag is the HBA's. n iov: the data, direct; v NULL: by hba->data. NULL: done() has no memory to come from,
     * answer BUSY */
    struct tn_scsi_req *(*submit)(void *s, void *tag, const uint8_t *cdb, uint32_t cdb_len, const struct tn_iov *v, uint32_t n);
    /** [ctx][dev] answer to hba->data: buf is filled or consumed when it returns; 0 or -errno: the command fails by
     * done() */
    int (*data)(struct tn_scsi_req *r, void *buf, uint64_t len);
    /** [ctx][dev] 0: r is gone, no done(). TN_PENDING: hba->cancelled follows */
    int (*cancel)(struct tn_scsi_req *r);
    /** [ctx][dev] TN_SCSI_RESET_*; requests were cancelled before */
    void (*reset)(void *s, uint32_t what);
    /** [main][dev] a request that the VM stopped on (rerror, werror) is state of the HBA that holds it */
    int (*save)(struct tn_scsi_req *r, struct tn_save *o);
    /** [main][dev] its counterpart; it goes on in resume. NULL: the file makes no sense */
    struct tn_scsi_req *(*load)(void *s, void *tag, struct tn_load *i);
};

#ifdef __cplusplus
}
#endif
#endif
