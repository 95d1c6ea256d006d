/* SPDX-License-Identifier: BSD-2-Clause */
/* Migration of a machine to another process, or to a file and back. See docs/migration.md for what
 * it does, format.h for the stream. Everything here is the main thread's unless it says otherwise.
 */
#ifndef TN_HOST_MIGRATION_H
#define TN_HOST_MIGRATION_H
#include "channel.h"
#include "core/vm.h"

/* QMP's MigrationStatus. */
enum mig_status {
    MIG_NONE,
    MIG_SETUP,
    MIG_CANCELLING,
    MIG_CANCELLED,
    MIG_ACTIVE,
    MIG_PRE_SWITCHOVER,
    MIG_DEVICE_STATE,
    MIG_COMPLETED,
    MIG_FAILED
};
const char *mig_status_name(enum mig_status s);

/* QMP's MigrationCapability, in its order. */
enum mig_cap {
    CAP_XBZRLE,
    CAP_RDMA_PIN_ALL,
    CAP_AUTO_CONVERGE,
    CAP_ZERO_BLOCKS,
    CAP_EVENTS,
    CAP_POSTCOPY_RAM,
    CAP_X_COLO,
    CAP_RELEASE_RAM,
    CAP_RETURN_PATH,
    CAP_PAUSE_BEFORE_SWITCHOVER,
    CAP_MULTIFD,
    CAP_DIRTY_BITMAPS,
    CAP_POSTCOPY_BLOCKTIME,
    CAP_LATE_BLOCK_ACTIVATE,
    CAP_X_IGNORE_SHARED,
    CAP_VALIDATE_UUID,
    CAP_BACKGROUND_SNAPSHOT,
    CAP_ZERO_COPY_SEND,
    CAP_POSTCOPY_PREEMPT,
    CAP_SWITCHOVER_ACK,
    CAP_DIRTY_LIMIT,
    CAP_MAPPED_RAM,
    CAPS
};
extern const char *const mig_cap_names[CAPS + 1];

struct mig_params {
    uint64_t max_bandwidth;        /* bytes a second; 0: no limit. Atomic */
    uint64_t downtime_limit;       /* ms. Atomic */
    uint64_t switchover_bandwidth; /* bytes a second; 0: as measured. Atomic */
    uint64_t throttle_threshold, throttle_initial, throttle_increment, throttle_max; /* per cent */
    uint64_t announce_initial, announce_max, announce_rounds, announce_step; /* ms, ms, -, ms */
};

/* What query-migrate tells. */
struct mig_info {
    enum mig_status status;
    const char *error; /* NULL: none */
    int incoming;
    uint64_t total_ms, downtime_ms, expected_ms, setup_ms;
    uint64_t transferred, remaining, total; /* bytes */
    uint64_t duplicate, normal;             /* pages */
    uint64_t dirty_rate, page_rate;         /* pages a second */
    uint64_t passes, precopy_bytes, downtime_bytes;
    uint32_t throttle; /* per cent; 0: not now */
    double mbps;
    struct chr_addr listens; /* of an incoming one at a socket; len 0: it does not */
};

void migration_info(struct vm *vm, struct mig_info *i);
uint32_t migration_caps(struct vm *vm); /* bit n: mig_cap n is on */
/* set and clear: bits. 0, or -errno with e, which names a capability that this host has not. */
int migration_set_caps(struct vm *vm, uint32_t set, uint32_t clear, struct tn_err *e);
struct mig_params *migration_params(struct vm *vm);
/* A dict of parameters that are kept for who asks, and mean nothing here. */
struct kv_node *migration_kept(struct vm *vm);
/* 1: one is under way, so that devices must not come or go. NULL-safe. */
int migration_running(const struct vm *vm);
/* -EBUSY with e if one is under way: "TEXT not allowed while migrating". */
int migration_idle(struct vm *vm, const char *what, struct tn_err *e);

enum { MIG_SHOW = 1 }; /* how far it is, on the terminal of this process */
/* Begins to send the machine to a, which is taken over. 0 or -errno with e. */
int migration_start(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e);
void migration_cancel(struct vm *vm);
/* pause-before-switchover: goes on. */
int migration_continue(struct vm *vm, const char *state, struct tn_err *e);

/* -incoming was given: the machine that is being made gets its state from elsewhere. */
void migration_expect(struct vm *vm);
/* What it says: "defer", or where to wait; before the sandbox closes. 0 or -errno with e. */
int migration_await(struct vm *vm, const char *uri, struct tn_err *e);
enum { MIG_EXIT = 8 }; /* a failure ends the process with status 1 */
/* Waits at a, which is taken over. flags: MIG_SHOW, MIG_EXIT. 0 or -errno with e. */
int migration_incoming(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e);
/* 1: the machine waits for its state; it starts when that has come, if on. */
int migration_autostart(struct vm *vm, int on);

/* Begins to write the state to a file, or to load it over what runs: the machine stands still until
 * that is done. a is taken over. 0 or -errno with e. */
int migration_save(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e);
int migration_load(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e);
/* Runs the main loop until what has begun is over: 0, or -errno with e, which says why it failed.
 */
int migration_wait(struct vm *vm, struct tn_err *e);
/* Calls fn once what has begun is over, with e as above; o is the caller's. NULL fn: nobody waits.
 */
void migration_then(struct vm *vm, void (*fn)(void *o, const struct tn_err *e), void *o);

/* Ends what is under way; NULL is fine. */
void migration_free(struct vm *vm);

#endif
