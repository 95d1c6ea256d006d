/* SPDX-License-Identifier: BSD-2-Clause */
/* Events about the machine as a whole; they are sent from host/vm/run.c. */
#include "monitor.h"

#include <stddef.h>

static const char *const causes[] = {
    "none",        "host-error",      "host-qmp-quit",  "host-qmp-system-reset",
    "host-signal", "host-ui",         "guest-shutdown", "guest-reset",
    "guest-panic", "subsystem-reset", "snapshot-load",  NULL};
static const char *const panic_actions[] = {"pause", "poweroff", "run", NULL};
static const struct qmp_member cause[] = {
    {"guest", "bool", 0}, {"reason", "ShutdownCause", 0}, {0}};
static const struct qmp_member panicked[] = {{"action", "GuestPanicAction", 0}, {0}};
static const struct qmp_member watchdog[] = {{"action", "WatchdogAction", 0}, {0}};

static const struct qmp_type types[] = {
    {"ShutdownCause", QMP_ENUM, NULL, causes, NULL, NULL},
    {"SHUTDOWN-arg", QMP_OBJECT, cause, NULL, NULL, NULL},
    {"RESET-arg", QMP_OBJECT, cause, NULL, NULL, NULL},
    {"GuestPanicAction", QMP_ENUM, NULL, panic_actions, NULL, NULL},
    {"GUEST_PANICKED-arg", QMP_OBJECT, panicked, NULL, NULL, NULL},
    {"GUEST_CRASHLOADED-arg", QMP_OBJECT, panicked, NULL, NULL, NULL},
    {"WATCHDOG-arg", QMP_OBJECT, watchdog, NULL, NULL, NULL},
    {0}};

static const struct qmp_event events[] = {{"SHUTDOWN", "SHUTDOWN-arg", 0, NULL},
                                          {"POWERDOWN", NULL, 0, NULL},
                                          {"RESET", "RESET-arg", 0, NULL},
                                          {"STOP", NULL, 0, NULL},
                                          {"RESUME", NULL, 0, NULL},
                                          {"SUSPEND", NULL, 0, NULL},
                                          {"SUSPEND_DISK", NULL, 0, NULL},
                                          {"WAKEUP", NULL, 0, NULL},
                                          {"WATCHDOG", "WATCHDOG-arg", 1000, NULL},
                                          {"GUEST_PANICKED", "GUEST_PANICKED-arg", 0, NULL},
                                          {"GUEST_CRASHLOADED", "GUEST_CRASHLOADED-arg", 0, NULL},
                                          {"GUEST_PVSHUTDOWN", NULL, 0, NULL},
                                          {0}};

const struct qmp_module qmp_events = {.types = types, .events = events};
