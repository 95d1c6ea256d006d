/* SPDX-License-Identifier: BSD-2-Clause */
#include "run_event.h"

#include "monitor/monitor.h"

static const char *cause_name(enum run_cause c)
{
    static const char *const names[] = {
        [RUN_BY_NOBODY] = "none",
        [RUN_BY_HOST_ERROR] = "host-error",
        [RUN_BY_QUIT] = "host-qmp-quit",
        [RUN_BY_SYSTEM_RESET] = "host-qmp-system-reset",
        [RUN_BY_SIGNAL] = "host-signal",
        [RUN_BY_UI] = "host-ui",
        [RUN_BY_GUEST_SHUTDOWN] = "guest-shutdown",
        [RUN_BY_GUEST_RESET] = "guest-reset",
        [RUN_BY_GUEST_PANIC] = "guest-panic",
    };
    return names[c];
}

void run_tell(struct vm *vm, const char *event)
{
    monitor_event(vm, event, NULL);
}

void run_tell_cause(struct vm *vm, const char *event, enum run_cause cause)
{
    struct kv_node *data = kv_new(KV_DICT);
    ret_bool(data, "guest", cause >= RUN_BY_GUEST_SHUTDOWN);
    ret_str(data, "reason", cause_name(cause));
    monitor_event(vm, event, data);
}

void run_tell_action(struct vm *vm, const char *event, const char *action)
{
    struct kv_node *data = kv_new(KV_DICT);
    ret_str(data, "action", action);
    monitor_event(vm, event, data);
}
