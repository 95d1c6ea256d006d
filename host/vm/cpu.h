/* SPDX-License-Identifier: BSD-2-Clause */
/* Processors as devices. A machine has a slot for each CPU that it may have, by CPU index; who is
 * in it is a device of class MODEL-x86_64-cpu, with or without a vCPU of KVM behind it. Main
 * thread.
 */
#ifndef TN_HOST_CPU_H
#define TN_HOST_CPU_H
#include "core/device.h"

struct cpu_slot {
    struct device *dev; /* NULL: empty */
    uint32_t apic_id;
    uint32_t socket, core, thread; /* its place in the topology of -smp; no machine has dies */
};

/* Makes m's slots, its vCPUs under KVM, and the processors that it starts with. 0 or -errno with e.
 */
struct machine;
int cpus_create(struct machine *m, struct tn_err *e);
void cpus_free(struct machine *m); /* the devices are gone */
/* What -cpu says before the first comma; "host" by default under KVM, else "max". The caller frees
 * it. */
char *cpus_model(const struct machine *m);
/* The class that fits into m's slots: "host-x86_64-cpu". The caller frees it. */
char *cpus_class(const struct machine *m);
/* How many slots are filled. */
uint32_t cpus_present(const struct machine *m);
/* The slot that d is in, or -ENOENT. */
int cpu_index(const struct device *d);
/* NUMA node of slot i; 0 without -numa. */
uint32_t cpu_node(const struct machine *m, uint32_t i);

extern const struct tn_plugin cpu_plugin; /* a class for each name of a model: "max-x86_64-cpu" */

#endif
