/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. VFIO: the few things that only the owner of the virtual machine can do for a device that lends itself to it.
 */
#ifndef TENON_DRAFT_VFIO_H
#define TENON_DRAFT_VFIO_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_VFIO_HOST_1 "tenon.vfio-host/1"
/** TN_VFIO_HOST_1; absent without KVM. */
struct tn_vfio_host {
    uint32_t struct_size, rev;
    /** [main] make a group or device fd known to KVM, before the device is opened. Managed */
    int (*add)(struct tn_dev *d, int fd, struct tn_err *e);
    /** [main] after the device is closed */
    void (*del)(struct tn_dev *d, int fd);
    /** [main] so many bytes will be pinned: checked against RLIMIT_MEMLOCK, which is raised if that is allowed. -ENOMEM
     * with e */
    int (*pin)(struct tn_dev *d, uint64_t bytes, struct tn_err *e);
};

#ifdef __cplusplus
}
#endif
#endif
