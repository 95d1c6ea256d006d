/* SPDX-License-Identifier: BSD-2-Clause */
/* query-acpi-ospm-status, ACPI_DEVICE_OST: what _OST said last (ACPI 6.3, 6.3.5). */
#include "cmd_acpi.h"

#include "acpi/cpu_hotplug.h"
#include "acpi/mem_hotplug.h"
#include "core/device.h"
#include "monitor.h"
#include "vm/cpu.h"
#include "vm/dimm.h"
#include "vm/machine.h"
#include <errno.h>
#include <stdio.h>

static const char *const slot_types[] = {"DIMM", "CPU", NULL};

static void fill_info(struct kv_node *info, enum ost_type type, uint32_t i, const char *id,
                      const struct plug_slot *s)
{
    char slot[16];
    snprintf(slot, sizeof slot, "%u", i);
    if (id)
        ret_str(info, "device", id);
    ret_str(info, "slot", slot);
    ret_str(info, "slot-type", slot_types[type]);
    ret_int(info, "source", s->ost_event);
    ret_int(info, "status", s->ost_status);
}

void event_device_ost(struct vm *vm, enum ost_type type, uint32_t i, const char *id,
                      const struct plug_slot *s)
{
    struct kv_node *data = kv_new(KV_DICT);
    fill_info(ret_dict(data, "info"), type, i, id, s);
    monitor_event(vm, "ACPI_DEVICE_OST", data);
}

void event_unplug_error(struct vm *vm, const struct device *d)
{
    struct kv_node *data = kv_new(KV_DICT);
    if (d->id)
        ret_str(data, "device", d->id);
    ret_str(data, "path", d->path);
    monitor_event(vm, "DEVICE_UNPLUG_GUEST_ERROR", data);
}

static int run_status(struct qmp_call *c, struct tn_err *e)
{
    const struct machine *m = c->vm->machine;
    struct plug_slot s;
    if (!c->vm->acpi)
        return err_set(e, ENOTSUP, "command is not supported, missing ACPI device");
    c->ret = kv_new(KV_LIST);
    for (uint32_t i = 0; m && acpi_mem_slot(c->vm, i, &s) == 0; i++)
        fill_info(ret_dict(c->ret, NULL), OST_DIMM, i, m->dimm[i] ? m->dimm[i]->id : NULL, &s);
    for (uint32_t i = 0; m && acpi_cpu_slot(c->vm, i, &s) == 0; i++)
        fill_info(ret_dict(c->ret, NULL), OST_CPU, i, m->cpu[i].dev ? m->cpu[i].dev->id : NULL, &s);
    return 0;
}

/* ---- tables ---- */

static const struct qmp_member ost_info[] = {
    {"device", "str", 1}, {"slot", "str", 0},   {"slot-type", "ACPISlotType", 0},
    {"source", "int", 0}, {"status", "int", 0}, {NULL, NULL, 0}};
static const struct qmp_member ost_event[] = {{"info", "ACPIOSTInfo", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "ACPISlotType", .meta = QMP_ENUM, .values = slot_types},
    {.name = "ACPIOSTInfo", .meta = QMP_OBJECT, .members = ost_info},
    {.name = "ACPI_DEVICE_OST-arg", .meta = QMP_OBJECT, .members = ost_event},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "query-acpi-ospm-status", .ret = "[ACPIOSTInfo]", .run = run_status},
    {0},
};
static const struct qmp_event events[] = {
    {.name = "ACPI_DEVICE_OST", .data = "ACPI_DEVICE_OST-arg"},
    {0},
};

const struct qmp_module qmp_acpi = {.types = types, .commands = commands, .events = events};
