/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices tell monitors by tn_core.tell. */
#include "core/device.h"
#include "monitor.h"

/* Of a port without an id QEMU says nothing either: nobody could tell which it is. */
void device_said(struct tn_dev *pub, uint32_t what, uint64_t value)
{
    struct device *d = device_of(pub);
    const char *id = device_top(d)->id;
    if (what != TN_TELL_PORT_OPEN || !id || !d->vm->monitors)
        return;
    struct kv_node *data = kv_new(KV_DICT);
    ret_str(data, "id", id);
    ret_bool(data, "open", value != 0);
    monitor_event(d->vm, "VSERPORT_CHANGE", data);
}

static const struct qmp_member changed[] = {{"id", "str", 0}, {"open", "bool", 0}, {0}};

static const struct qmp_type types[] = {
    {.name = "q_obj_VSERPORT_CHANGE-arg", .members = changed},
    {0},
};

static const struct qmp_event events[] = {
    {.name = "VSERPORT_CHANGE",
     .data = "q_obj_VSERPORT_CHANGE-arg",
     .interval_ms = 1000,
     .key = "id"},
    {0},
};

const struct qmp_module qmp_vserport = {.types = types, .events = events};
