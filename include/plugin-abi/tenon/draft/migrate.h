/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. Migration of a device that changes its own state while it runs (VFIO, vhost-user): beside tn_state, a stream.
 */
#ifndef TENON_DRAFT_MIGRATE_H
#define TENON_DRAFT_MIGRATE_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** States, as VFIO's migration protocol version 2 has them */
enum {
    TN_M_RUNNING = 1,
    TN_M_PRECOPY,     /**< runs, and its changes are read */
    TN_M_STOP,
    TN_M_STOPCOPY,    /**< stands still, the rest is read */
    TN_M_RESUMING,    /**< stands still, is written */
    TN_M_RUNNING_P2P, /**< answers other devices, starts nothing: every device passes it before one stops */
    TN_M_PRECOPY_P2P,
    TN_M_ERROR        /**< left by a reset only */
};

#define TN_MIGRATE_1 "tenon.migrate/1"
/** FWD: TN_MIGRATE_1, from tn_class.get_iface. */
struct tn_migrate {
    uint32_t struct_size, flags;
    /** [any] bit 1 << TN_M_* per state that it has */
    uint64_t (*caps)(void *s);
    /** [main][dev] go to TN_M_*; 0, or -errno with e: it is in the old state, or in TN_M_ERROR */
    int (*enter)(void *s, uint32_t state, struct tn_err *e);
    /** [main][dev] estimates, in bytes: what must be sent while running, and what will be left to send when stopped */
    int (*pending)(void *s, uint64_t *must_precopy, uint64_t *stop_copy);
    /** [worker] bytes, may block. 0: none now (PRECOPY), the end (STOPCOPY) */
    int64_t (*read)(void *s, void *p, uint64_t n);
    /** [worker] bytes taken, may block */
    int64_t (*write)(void *s, const void *p, uint64_t n);
};

#ifdef __cplusplus
}
#endif
#endif
