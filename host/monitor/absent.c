/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of the monitors where the program is built without them: nobody asks, and nobody is
 * told. */
#include "cli/options.h"
#include "cmd_acpi.h"
#include "cmd_machine.h"
#include "core/device.h"
#include "monitor.h"
#include "topology.h"
#include "vm/machine.h"
#include <errno.h>

/* -nographic has one by itself, and does without. */
int monitors_add(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    (void)vm;
    for (size_t i = 0; i < o->mons.n; i++)
        if (o->mons.v[i].where.text)
            return err_set(e, ENOTSUP, "%s: this program is built without monitors",
                           o->mons.v[i].where.text);
    return 0;
}

void monitors_begin(struct vm *vm, int preconfig)
{
    (void)vm, (void)preconfig;
}

int monitors_preconfig(const struct vm *vm)
{
    (void)vm;
    return 0;
}

void monitors_close(struct vm *vm)
{
    (void)vm;
}

void monitors_free(struct vm *vm)
{
    (void)vm;
}

void monitor_kick(struct vm *vm)
{
    (void)vm;
}

int monitor_take_fd(struct vm *vm, const char *name, struct tn_err *e)
{
    (void)vm;
    return err_set(e, ENOENT, "File descriptor named '%s' has not been found", name);
}

/* ---- events ---- */

void monitor_event(struct vm *vm, const char *name, struct kv_node *data)
{
    (void)vm, (void)name;
    kv_free(data);
}

void event_device_ost(struct vm *vm, enum ost_type type, uint32_t i, const char *id,
                      const struct plug_slot *s)
{
    (void)vm, (void)type, (void)i, (void)id, (void)s;
}

void event_unplug_error(struct vm *vm, const struct device *d)
{
    (void)vm, (void)d;
}

void event_rtc_change(struct vm *vm, int64_t seconds, const char *path)
{
    (void)vm, (void)seconds, (void)path;
}

void device_said(struct tn_dev *d, uint32_t what, uint64_t value)
{
    (void)d, (void)what, (void)value;
}

/* ---- what only commands begin ---- */

void dump_job_free(struct dump_job *j)
{
    (void)j;
}

int topology_write(struct vm *vm, const char *path, struct tn_err *e)
{
    (void)vm;
    return err_set(e, ENOTSUP, "-dump-topology %s: this program is built without monitors", path);
}
