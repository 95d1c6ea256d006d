/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitors can be asked: one line for each cmd_*.c, here and below. */
#include "monitor.h"

#include <stddef.h>

extern const struct qmp_module qmp_events; /* cmd_events.c */
extern const struct qmp_module qmp_info; /* cmd_info.c */
extern const struct qmp_module qmp_vm;   /* cmd_vm.c */

const struct qmp_module *const qmp_modules[] = {
    &qmp_events,
    &qmp_info,
    &qmp_vm,
extern const struct qmp_module qmp_chardev; /* cmd_chardev.c */
extern const struct qmp_module qmp_chardev_types; /* chardev_opts.c */
extern const struct qmp_module qmp_fd; /* cmd_fd.c */
extern const struct qmp_module qmp_device; /* cmd_device.c */
extern const struct qmp_module qmp_object; /* cmd_object.c */
extern const struct qmp_module qmp_pci; /* cmd_pci.c */
extern const struct qmp_module qmp_qom; /* cmd_qom.c */
extern const struct qmp_module qmp_qom_types; /* cmd_qom_types.c */
extern const struct qmp_module qmp_qtree; /* cmd_qtree.c */
extern const struct qmp_module qmp_mtree;    /* cmd_mtree.c */
extern const struct qmp_module qmp_topology; /* cmd_topology.c */
extern const struct qmp_module qmp_trace;    /* cmd_trace.c */
    NULL,
};
    &qmp_chardev,
    &qmp_chardev_types,
    &qmp_fd,
    &qmp_device,
    &qmp_object,
    &qmp_pci,
    &qmp_qom,
    &qmp_qom_types,
    &qmp_qtree,
