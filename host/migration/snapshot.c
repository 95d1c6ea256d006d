/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine's state to a file and back into the same process, at once: disks are not part of it. */
#include "core/loop.h"
#include "impl.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void go_on(struct vm *vm, enum run_state was)
{
    run_stop(vm, was == RUN_RUNNING ? RUN_PAUSED : was);
    if (was == RUN_RUNNING)
        run_resume(vm);
}

/* ---- saving ---- */

static int write_all(struct mig_output *out, struct mig_channel *ch, enum run_state was,
                     struct tn_err *e)
{
    BUF_AUTO config = {0};
    struct mig_parts parts = {0};
    out->w.io = mig_channel_io(ch);
    int r = mig_config_save(out->vm, &out->blocks, &config, e);
    if (r == 0)
        r = mig_machine_save(out->vm, was, &parts, e);
    if (r == 0)
        r = mig_output_begin(out, 0, &config, e);
    mig_output_late(out);
    if (r == 0)
        r = mig_output_ram(out, e);
    if (r == 0)
        r = mig_output_end(out, &parts, e);
    mig_parts_fini(&parts);
    return r < 0 ? r : mig_channel_finish(ch, e);
}

int migration_save(struct vm *vm, struct mig_addr *a, struct tn_err *e)
{
    struct mig_channel ch = {.in = -1, .out = -1, .wake = -1, .listener = -1};
    struct mig_output out = {0};
    enum run_state was = run_state(vm);
    int r = check_idle(vm, a, e), was_running;
    if (r == 0)
        r = mig_blocked(vm, e);
    if (r == 0)
        r = mig_channel_open(&ch, vm, a, 0, e);
    mig_addr_fini(a);
    if (r < 0)
        return r;
    r = mig_stop(vm, &was_running, e);
    run_stop(vm, RUN_SAVE_VM);
    if (r == 0)
        r = mig_output_init(&out, vm, e);
    if (r == 0)
        r = write_all(&out, &ch, was, e);
    mig_output_fini(&out);
    mig_channel_close(&ch);
    go_on(vm, was);
    return r;
}

/* ---- loading ---- */

static int check_here(struct mig_input *in, const struct mig_section *s, struct tn_err *e)
{
    return mig_config_check(in->vm, s->data, s->len, &in->blocks, e);
}

static int judge_here(struct mig_input *in, struct tn_err *e)
{
    return mig_machine_fits(in->vm, &in->parts, e);
}

/* The file has been found sound, and the machine stands still: from here on it is another one, or
 * none. */
static int load_into(struct mig_input *in, enum run_state *was, struct tn_err *e)
{
    in->changed = 1;
    devices_reset(in->vm, TN_RESET_COLD);
    return mig_machine_load(in->vm, &in->parts, was, e);
}

int migration_load(struct vm *vm, struct mig_addr *a, struct tn_err *e)
{
    struct mig_channel ch = {.in = -1, .out = -1, .wake = -1, .listener = -1};
    struct mig_input in = {.vm = vm, .ch = &ch, .check = check_here, .judge = judge_here};
    enum run_state was = run_state(vm);
    int r = check_idle(vm, a, e), was_running;
    if (r == 0)
        r = mig_channel_open(&ch, vm, a, 1, e);
    mig_addr_fini(a);
    if (r < 0)
        return r;
    r = mig_stop(vm, &was_running, e);
    run_stop(vm, RUN_RESTORE_VM);
    if (r == 0)
        r = mig_input_read(&in, e);
    if (r == 0)
        r = load_into(&in, &was, e);
    if (r < 0 && in.changed) {
        run_stop(vm, RUN_INTERNAL_ERROR);
        err_prefix(e, "the machine is lost: ");
    } else {
        go_on(vm, was);
    }
    mig_input_fini(&in);
    mig_channel_close(&ch);
    return r;
}
