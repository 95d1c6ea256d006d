/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitors can be asked: one line for each cmd_*.c, here and below. */
#include "monitor.h"

#include <stddef.h>

extern const struct qmp_module qmp_acpi; /* cmd_acpi.c */
extern const struct qmp_module qmp_cpu; /* cmd_cpu.c */
extern const struct qmp_module qmp_cpu_model; /* cmd_cpu_model.c */
extern const struct qmp_module qmp_dump; /* cmd_dump.c */
extern const struct qmp_module qmp_machine; /* cmd_machine.c */
extern const struct qmp_module qmp_memory; /* cmd_memory.c */
extern const struct qmp_module qmp_memory_save; /* cmd_memory_save.c */
extern const struct qmp_module qmp_hmp;        /* cmd_hmp.c */
extern const struct qmp_module qmp_hmp_cpu;    /* cmd_hmp_cpu.c */
extern const struct qmp_module qmp_hmp_info;   /* cmd_hmp_info.c */
extern const struct qmp_module qmp_hmp_lapic;  /* cmd_hmp_lapic.c */
extern const struct qmp_module qmp_hmp_log;    /* cmd_hmp_log.c */
extern const struct qmp_module qmp_hmp_memory; /* cmd_hmp_memory.c */
extern const struct qmp_module qmp_hmp_mmu;    /* cmd_hmp_mmu.c */
extern const struct qmp_module qmp_hmp_pic;    /* cmd_hmp_pic.c */
extern const struct qmp_module qmp_absent; /* cmd_absent.c */
extern const struct qmp_module qmp_x_query; /* cmd_x_query.c */
extern const struct qmp_module qmp_numa; /* cmd_numa.c */
extern const struct qmp_module qmp_cmdline; /* cmd_cmdline.c */
extern const struct qmp_module qmp_events; /* cmd_events.c */
extern const struct qmp_module qmp_input;      /* cmd_input.c */
extern const struct qmp_module qmp_info; /* cmd_info.c */
extern const struct qmp_module qmp_vm;   /* cmd_vm.c */
extern const struct qmp_module qmp_chardev; /* cmd_chardev.c */
extern const struct qmp_module qmp_chardev_types; /* chardev_opts.c */
extern const struct qmp_module qmp_fd; /* cmd_fd.c */
extern const struct qmp_module qmp_block; /* cmd_block.c */
extern const struct qmp_module qmp_block_hmp; /* cmd_block_hmp.c */
extern const struct qmp_module qmp_block_stats; /* cmd_block_stats.c */
extern const struct qmp_module qmp_block_types; /* block_types.c */
extern const struct qmp_module qmp_vserport; /* cmd_vserport.c */
extern const struct qmp_module qmp_net; /* cmd_net.c */
extern const struct qmp_module qmp_netdev_types; /* netdev_types.c */
extern const struct qmp_module qmp_device; /* cmd_device.c */
extern const struct qmp_module qmp_object; /* cmd_object.c */
extern const struct qmp_module qmp_pci; /* cmd_pci.c */
extern const struct qmp_module qmp_qom; /* cmd_qom.c */
extern const struct qmp_module qmp_qom_types; /* cmd_qom_types.c */
extern const struct qmp_module qmp_hmp_absent; /* cmd_hmp_absent.c */
extern const struct qmp_module qmp_virtio; /* cmd_virtio.c */
extern const struct qmp_module qmp_virtio_queue; /* cmd_virtio_queue.c */
extern const struct qmp_module qmp_qtree; /* cmd_qtree.c */
extern const struct qmp_module qmp_mtree;    /* cmd_mtree.c */
extern const struct qmp_module qmp_stats;    /* cmd_stats.c */
extern const struct qmp_module qmp_topology; /* cmd_topology.c */
extern const struct qmp_module qmp_trace;    /* cmd_trace.c */
extern const struct qmp_module qmp_jobs;     /* cmd_jobs.c */
extern const struct qmp_module qmp_migrate;  /* cmd_migrate.c */

const struct qmp_module *const qmp_modules[] = {
    &qmp_jobs,
    &qmp_migrate,
    &qmp_mtree,
    &qmp_stats,
    &qmp_topology,
    &qmp_trace,
    &qmp_acpi,
    &qmp_cpu,
    &qmp_cpu_model,
    &qmp_dump,
    &qmp_machine,
    &qmp_memory,
    &qmp_memory_save,
    &qmp_hmp,
    &qmp_hmp_absent,
    &qmp_hmp_cpu,
    &qmp_hmp_info,
    &qmp_hmp_lapic,
    &qmp_hmp_log,
    &qmp_hmp_memory,
    &qmp_hmp_mmu,
    &qmp_hmp_pic,
    &qmp_absent,
    &qmp_x_query,
    &qmp_numa,
    &qmp_cmdline,
    &qmp_events,
    &qmp_input,
    &qmp_info,
    &qmp_vm,
    &qmp_chardev,
    &qmp_chardev_types,
    &qmp_fd,
    &qmp_block,
    &qmp_block_hmp,
    &qmp_block_stats,
    &qmp_block_types,
    &qmp_vserport,
    &qmp_net,
    &qmp_netdev_types,
    &qmp_device,
    &qmp_object,
    &qmp_pci,
    &qmp_qom,
    &qmp_qom_types,
    &qmp_qtree,
    &qmp_virtio,
    &qmp_virtio_queue,
    NULL,
};
