/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine's state to a file and back into the same process: disks are not part of it, and the
 * machine stands still meanwhile. And waiting for that, or for a migration, to end. */
#include "core/loop.h"
#include "impl.h"
#include <errno.h>

static int check_idle(struct vm *vm, const struct mig_addr *a, struct tn_err *e)
{
    struct migration *m = mig_of(vm);
    if (a->kind != MIG_FILE)
        return err_set(e, EINVAL, "a snapshot goes to a file: give file:PATH");
    if (m->out || m->in || m->waits)
        return err_set(e, EBUSY, "There's a migration process in progress");
    return run_state(vm) == RUN_POSTMIGRATE
               ? err_set(e, EBUSY, "the machine has gone: its disks are another process's")
               : 0;
}

int migration_save(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e)
{
    int r = check_idle(vm, a, e);
    if (r == 0)
        r = mig_blocked(vm, e);
    if (r == 0)
        return outgoing_start(mig_of(vm), a, flags | MIG_STILL, e);
    mig_addr_fini(a);
    return r;
}

int migration_load(struct vm *vm, struct mig_addr *a, uint32_t flags, struct tn_err *e)
{
    int r = check_idle(vm, a, e);
    if (r == 0)
        return incoming_start(mig_of(vm), a, flags | MIG_OVER, e);
    mig_addr_fini(a);
    return r;
}

/* ---- until it is over ---- */

int mig_verdict(const struct migration *m, struct tn_err *e)
{
    return m->status == MIG_COMPLETED   ? 0
           : m->status == MIG_CANCELLED ? err_set(e, ECANCELED, "migration was cancelled")
                                        : err_set(e, EIO, "%s", m->error ? m->error : "it ended");
}

void mig_over(struct migration *m)
{
    ERR_AUTO e = {0};
    void (*then)(void *o, const struct tn_err *e) = m->then;
    m->then = NULL;
    mig_verdict(m, &e);
    if (then)
        then(m->then_o, &e);
}

void migration_then(struct vm *vm, void (*fn)(void *o, const struct tn_err *e), void *o)
{
    struct migration *m = mig_of(vm);
    m->then = fn;
    m->then_o = o;
}

int migration_wait(struct vm *vm, struct tn_err *e)
{
    const struct migration *m = mig_of(vm);
    while ((m->out || m->in) && !run_ended(vm))
        loop_once(vm->main, ~(uint64_t)0);
    return run_ended(vm) ? err_set(e, ECANCELED, "the machine ends") : mig_verdict(m, e);
}
