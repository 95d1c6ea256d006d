/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of migration at any time: status, capabilities, parameters. */
#include "core/loop.h"
#include "core/trace_point.h"
#include "impl.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/machine.h>

static const char *const status_names[] = {"none",      "setup",     "cancelling",
                                           "cancelled", "active",    "pre-switchover",
                                           "device",    "completed", "failed"};
const char *const mig_cap_names[CAPS + 1] = {"xbzrle",
                                             "rdma-pin-all",
                                             "auto-converge",
                                             "zero-blocks",
                                             "events",
                                             "postcopy-ram",
                                             "x-colo",
                                             "release-ram",
                                             "return-path",
                                             "pause-before-switchover",
                                             "multifd",
                                             "dirty-bitmaps",
                                             "postcopy-blocktime",
                                             "late-block-activate",
                                             "x-ignore-shared",
                                             "validate-uuid",
                                             "background-snapshot",
                                             "zero-copy-send",
                                             "postcopy-preempt",
                                             "switchover-ack",
                                             "dirty-limit",
                                             "mapped-ram",
                                             NULL};
/* Those that may be on. A return path is always there where the channel has one; some are about
 * what never happens here (RDMA, postcopy, bitmaps of disks, devices that move part of themselves
 * before), and mean nothing. */
static const uint32_t can = 1u << CAP_AUTO_CONVERGE | 1u << CAP_EVENTS |
                            1u << CAP_PAUSE_BEFORE_SWITCHOVER | 1u << CAP_RETURN_PATH |
                            1u << CAP_X_IGNORE_SHARED | 1u << CAP_ZERO_BLOCKS |
                            1u << CAP_RDMA_PIN_ALL | 1u << CAP_RELEASE_RAM |
                            1u << CAP_DIRTY_BITMAPS | 1u << CAP_SWITCHOVER_ACK;
/* Why the others are not, in the words of a QEMU that cannot either. */
static const char *const why_not[CAPS] = {
    [CAP_POSTCOPY_RAM] = "Postcopy is not supported: the machine moves as a whole",
    [CAP_X_COLO] = "QEMU compiled without replication module can't enable COLO",
    [CAP_BACKGROUND_SNAPSHOT] = "Background-snapshot is not supported by host kernel",
    [CAP_ZERO_COPY_SEND] = "Zero copy only available for non-compressed non-TLS multifd migration",
    [CAP_POSTCOPY_PREEMPT] = "Postcopy preempt requires postcopy-ram",
    [CAP_DIRTY_LIMIT] = "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set",
};

const char *mig_status_name(enum mig_status s)
{
    return status_names[s];
}

/* A guest that is loaded anew was written to behind the log's back. */
static void on_event(void *o, uint32_t req, const char *text)
{
    (void)text;
    if (req == TN_REQ_RESET)
        dirty_all(o);
}

struct migration *mig_of(struct vm *vm)
{
    if (vm->migration)
        return vm->migration;
    struct migration *m = vm->migration = XNEW(struct migration);
    m->vm = vm;
    if (vm->run)
        run_on_event(vm, on_event, vm);
    m->params = (struct mig_params){.max_bandwidth = 128 << 20,
                                    .downtime_limit = 300,
                                    .throttle_threshold = 50,
                                    .throttle_initial = 20,
                                    .throttle_increment = 10,
                                    .throttle_max = 99,
                                    .announce_initial = 50,
                                    .announce_max = 550,
                                    .announce_rounds = 5,
                                    .announce_step = 100};
    return m;
}

void mig_set_status(struct migration *m, enum mig_status s)
{
    if (m->status == s)
        return;
    m->status = s;
    trace_host(m->vm, TRACE_MIGRATION_STATE, mig_status_name(s));
    if (!mig_has(m, CAP_EVENTS) || !m->vm->monitors)
        return;
    struct kv_node *data = kv_new(KV_DICT);
    ret_str(data, "status", mig_status_name(s));
    monitor_event(m->vm, "MIGRATION", data);
}

void mig_set_error(struct migration *m, const char *text)
{
    free(m->error);
    m->error = text ? xstrdup(text) : NULL;
}

int mig_has(const struct migration *m, enum mig_cap c)
{
    return m->caps >> c & 1;
}

uint32_t migration_caps(struct vm *vm)
{
    return mig_of(vm)->caps;
}

int migration_set_caps(struct vm *vm, uint32_t set, uint32_t clear, struct tn_err *e)
{
    struct migration *m = mig_of(vm);
    uint32_t not_here = set & ~can;
    if (migration_running(vm))
        return err_set(e, EBUSY, "There's a migration process in progress");
    int which = not_here >> CAP_POSTCOPY_RAM & 1 ? CAP_POSTCOPY_RAM
                : not_here                       ? __builtin_ctz(not_here)
                                                 : CAPS;
    if (which < CAPS)
        return why_not[which]
                   ? err_set(e, ENOTSUP, "%s", why_not[which])
                   : err_set(e, ENOTSUP, "Capability '%s' is not supported", mig_cap_names[which]);
    uint32_t caps = (m->caps | set) & ~clear;
    if (caps >> CAP_SWITCHOVER_ACK & 1 && !(caps >> CAP_RETURN_PATH & 1))
        return err_set(e, EINVAL, "Capability 'switchover-ack' requires capability 'return-path'");
    m->caps = caps;
    return 0;
}

struct mig_params *migration_params(struct vm *vm)
{
    return &mig_of(vm)->params;
}

struct kv_node *migration_kept(struct vm *vm)
{
    struct migration *m = mig_of(vm);
    if (!m->kept)
        m->kept = kv_new(KV_DICT);
    return m->kept;
}

int migration_running(const struct vm *vm)
{
    const struct migration *m = vm->migration;
    return m && (m->out || (m->in && incoming_busy(m->in)));
}

int migration_idle(struct vm *vm, const char *what, struct tn_err *e)
{
    return migration_running(vm) ? err_set(e, EBUSY, "%s not allowed while migrating", what) : 0;
}

void migration_info(struct vm *vm, struct mig_info *i)
{
    struct migration *m = mig_of(vm);
    *i = m->last;
    if (m->out)
        outgoing_info(m->out, i);
    if (m->in)
        incoming_info(m->in, i);
    i->status = m->status;
    i->error = m->error;
}

/* ---- commands ---- */

int migration_start(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e)
{
    struct migration *m = mig_of(vm);
    int r = 0;
    if (m->out || m->in)
        r = err_set(e, EBUSY, "There's a migration process in progress");
    else if (m->waits)
        r = err_set(e, EBUSY, "Guest is waiting for an incoming migration");
    else if (run_state(vm) == RUN_POSTMIGRATE)
        r = err_set(e, EBUSY, "Can't migrate the vm that was paused due to previous migration");
    if (r == 0)
        r = mig_blocked(vm, e);
    if (r < 0) {
        mig_addr_fini(a);
        return r;
    }
    mig_set_error(m, NULL);
    return outgoing_start(m, a, flags, e);
}

void migration_cancel(struct vm *vm)
{
    if (vm->migration && vm->migration->out)
        outgoing_cancel(vm->migration->out);
    if (vm->migration && vm->migration->in)
        incoming_cancel(vm->migration->in);
}

int migration_continue(struct vm *vm, const char *state, struct tn_err *e)
{
    struct migration *m = mig_of(vm);
    if (strcmp(state, mig_status_name(m->status)) != 0)
        return err_set(e, EINVAL, "Migration not in expected state: %s",
                       mig_status_name(m->status));
    return m->out && m->status == MIG_PRE_SWITCHOVER ? outgoing_continue(m->out) : 0;
}

int migration_incoming(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e)
{
    struct migration *m = mig_of(vm);
    const char *why = !m->waits      ? "'-incoming' was not specified on the command line"
                      : !m->deferred ? "The incoming migration has already been started"
                                     : NULL;
    if (why) {
        mig_addr_fini(a);
        return err_set(e, EINVAL, "%s", why);
    }
    m->exit_on_error = (flags & MIG_EXIT) != 0;
    int r = incoming_start(m, a, flags & MIG_SHOW, e);
    if (r == 0)
        m->deferred = 0;
    return r;
}

int migration_autostart(struct vm *vm, int on)
{
    struct migration *m = vm->migration;
    if (!m || !m->waits)
        return 0;
    m->autostart = on != 0;
    return 1;
}

void migration_free(struct vm *vm)
{
    struct migration *m = vm->migration;
    if (!m)
        return;
    outgoing_free(m->out);
    incoming_free(m->in);
    mig_over(m);
    free(m->error);
    kv_free(m->kept);
    free(m);
    vm->migration = NULL;
}

/* ---- standing still ---- */

int mig_stop(struct vm *vm, int *was_running, struct tn_err *e)
{
    *was_running = run_state(vm) == RUN_RUNNING;
    run_stop(vm, RUN_FINISH_MIGRATE);
    if (run_end_asked(vm)) /* it would be lost, or done at both ends */
        return err_set(e, EAGAIN, "the guest asks for a reset or for its end just now");
    if (!*was_running) /* it may never have run: its devices are not at rest by themselves */
        return devices_quiesce(vm, TN_Q_SAVE, e);
    return 0;
}

void mig_go_on(struct vm *vm, enum run_state was)
{
    run_stop(vm, was == RUN_RUNNING ? RUN_PAUSED : was);
    if (was == RUN_RUNNING)
        run_resume(vm);
}
