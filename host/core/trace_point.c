/* SPDX-License-Identifier: BSD-2-Clause */
#include "trace_point.h"

/* %s, at most one, is the last. */
static const struct tn_trace_event points[TRACE_POINTS] = {
    [TRACE_RUN_STATE] = {.name = "run_state", .fmt = "%s"},
    [TRACE_MIGRATION_STATE] = {.name = "migration_state", .fmt = "%s"},
    [TRACE_QMP_COMMAND] = {.name = "qmp_command", .fmt = "%s"},
    [TRACE_QMP_ANSWER] = {.name = "qmp_answer", .fmt = "error %d to %s"},
    [TRACE_QMP_EVENT] = {.name = "qmp_event", .fmt = "%s"},
    [TRACE_REGION_ADD] = {.name = "region_add", .fmt = "at 0x%lx size 0x%lx %s"},
    [TRACE_REGION_PLACE] = {.name = "region_place", .fmt = "at 0x%lx on %u %s"},
    [TRACE_REGION_DEL] = {.name = "region_del", .fmt = "%s"},
    [TRACE_MEMORY_MAP] = {.name = "memory_map", .fmt = "at 0x%lx size 0x%lx %s"},
    [TRACE_MEMORY_UNMAP] = {.name = "memory_unmap", .fmt = "at 0x%lx %s"},
    [TRACE_VCPU_EXIT] = {.name = "vcpu_exit", .fmt = "cpu %u reason %u"},
    [TRACE_IRQ_LINE] = {.name = "irq_line", .fmt = "gsi %u level %u"},
    [TRACE_IRQ_ROUTE] = {.name = "irq_route", .fmt = "gsi %u address 0x%lx data 0x%x"},
    [TRACE_IRQ_MESSAGE] = {.name = "irq_message", .fmt = "address 0x%lx data 0x%x"},
    [TRACE_LOOP_EVENT] = {.name = "loop_event", .fmt = "fd %d events 0x%x"},
    [TRACE_LOOP_TIMER] = {.name = "loop_timer", .fmt = "clock %u due %lu"},
};

const struct tn_trace_event *trace_points(void)
{
    return points;
}
