/* SPDX-License-Identifier: BSD-2-Clause */
/* One virtual machine. Each module of the host keeps its own state behind one pointer here; nothing
 * is global. */
#ifndef TN_HOST_VM_H
#define TN_HOST_VM_H
#include "clock.h"
#include "err.h"
#include <sys/queue.h>
#include <tenon/core.h>

struct device;
struct kv_node;

/* A -global: driver.prop=value, applied to every instance of the class before its own properties.
 */
struct global {
    const char *cls, *prop, *value;
    uint32_t used;
};

struct vm_service {
    const char *id;
    const void *table;
};

struct vm {
    struct tn_host host; /* first: what plugins get */
    struct clock clock;
    struct tn_ctx *main;         /* event context of the main thread */
    struct registry *registry;   /* core/registry.h: plugins and classes */
    struct memory *memory;       /* vm/memory.h: guest RAM */
    struct space *pio, *mmio;    /* vm/space.h: what traps */
    struct irqs *irqs;           /* vm/irq.h: lines and messages */
    struct kvm *kvm;             /* vm/kvm.h; NULL under qtest */
    struct vcpus *vcpus;         /* vm/vcpu.h; NULL under qtest */
    struct run *run;             /* vm/run.h: run state and requests */
    struct machine *machine;     /* vm/machine.h */
    struct pci *pci;             /* pci/pci.h; NULL without PCI */
    struct acpi *acpi;           /* acpi/acpi.h; NULL with acpi=off */
    struct fdt *fdt;             /* boot/fdt_host.h; NULL where the machine has no tree */
    struct fwcfg *fwcfg;         /* core/fwcfg.h; NULL where the machine has none */
    struct inputs *inputs;       /* backend/input.h */
    struct block_state *block;   /* backend/block_open.h; NULL before the first disk */
    struct nets *nets;           /* backend/net.h: hubs, MAC addresses; NULL before the first */
    struct fds *fds;             /* backend/fdset.h: descriptors from outside; NULL before the first */
    struct tracer *tracer;       /* core/trace.h */
    struct qtest *qtest;         /* monitor/qtest.h; NULL without -qtest */
    struct monitors *monitors;   /* monitor/monitor.h; NULL without a monitor */
    struct spawner *spawner;     /* sandbox/spawner.h; NULL: no programs are started */
    struct migration *migration; /* migration/migration.h; NULL: never asked */
    struct tn_watch *signals;    /* start.c: SIGINT, SIGTERM, SIGHUP; NULL before */
    int signal_fd;               /* -1 before */
    int ready_fd;                /* daemon.h: who waits for the machine; -1: nobody */

    /* Events of the host itself: core/trace_point.h. NULL: none can be on. */
    struct tn_trace_event *trace;

    TAILQ_HEAD(device_list, device)
    devices;                               /* every instance of every kind, in order of creation */
    TAILQ_HEAD(tn_bus_list, tn_bus) buses; /* roots first */
    LIST_HEAD(, shared) shared;            /* core->shared objects */
    struct vm_service services[64];
    uint32_t nservices;
    struct global *globals;
    uint32_t nglobals;
    uint32_t anon, unattached; /* numbers for paths */
    uint32_t cold;             /* 1 until the machine has run for the first time */
    uint32_t no_programs;      /* -sandbox on,spawn=deny: none once it has */
    uint32_t threads;          /* 1 once the sandbox's filters are made: iothreads run */
    uint32_t sealed;           /* 1 from the first resume on, but with a monitor: no new files or sockets by name */
    char *pidfile;             /* made by this process, and removed with the VM */
    uint32_t disks_away; /* backend/block_active.c: another process has them */
    uint32_t quiesce_ms;       /* how long a device may take to come to rest; 0 = the usual time */
};

/* A VM without machine, memory or devices. manual_clock: qtest. Main thread. */
struct vm *vm_new(int manual_clock);
/* Everything that is left, newest first. */
void vm_free(struct vm *vm);
/* Makes table the answer to host->get(id). The table outlives the VM. */
void vm_serve(struct vm *vm, const char *id, const void *table);
/* Takes it back: what a machine without the role does. */
void vm_unserve(struct vm *vm, const char *id);

static inline struct vm *vm_of_host(const struct tn_host *h)
{
    return (struct vm *)(uintptr_t)h;
}

#endif
