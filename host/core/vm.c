/* SPDX-License-Identifier: BSD-2-Clause */
#include "vm.h"

#include "acpi/acpi_host.h"
#include "backend/block_host.h"
#include "backend/chardev.h"
#include "backend/fdset.h"
#include "backend/input_host.h"
#include "backend/net.h"
#include "boot/fdt_host.h"
#include "bus.h"
#include "fwcfg_host.h"
#include "loop.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "monitor/qtest.h"
#include "pci/pci_host.h"
#include "sandbox/spawner.h"
#include "services.h"
#include "state.h"
#include "trace_host.h"
#include "util/alloc.h"
#include "vm/irq.h"
#include "vm/kvm.h"
#include "vm/machine.h"
#include "vm/memory.h"
#include "vm/run.h"
#include "vm/shadow.h"
#include "vm/space.h"
#include "vm/vcpu.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vm_serve(struct vm *vm, const char *id, const void *table)
{
    if (vm->nservices < ARRAY_SIZE(vm->services))
        vm->services[vm->nservices++] = (struct vm_service){id, table};
}

void vm_unserve(struct vm *vm, const char *id)
{
    for (uint32_t i = 0; i < vm->nservices; i++)
        if (strcmp(vm->services[i].id, id) == 0)
            vm->services[i] = vm->services[--vm->nservices];
}

static const void *get(const struct tn_host *h, const char *id)
{
    const struct vm *vm = vm_of_host(h);
    for (uint32_t i = 0; i < vm->nservices; i++)
        if (strcmp(vm->services[i].id, id) == 0)
            return vm->services[i].table;
    return NULL;
}

/* What every machine has. PCI, ACPI, device tree and fw_cfg come with the machine that has them. */
static void serve_common(struct vm *vm)
{
    vm_serve(vm, TN_CORE_1, &host_core_table);
    vm_serve(vm, TN_LOOP_1, &loop_table);
    vm_serve(vm, TN_OS_1, &os_table);
    vm_serve(vm, TN_REGION_1, &region_table);
    vm_serve(vm, TN_IRQ_1, &irq_table);
    vm_serve(vm, TN_INTC_1, &intc_table);
    vm_serve(vm, TN_DMA_1, &dma_table);
    vm_serve(vm, TN_MEMORY_1, &memory_table);
    vm_serve(vm, TN_SHADOW_1, &shadow_table);
    vm_serve(vm, TN_MACHINE_1, &machine_table);
    vm_serve(vm, TN_CHARDEV_1, &chardev_table);
    vm_serve(vm, TN_CHR_FEED_1, &chr_feed_table);
    vm_serve(vm, TN_BLOCK_1, &block_table);
    vm_serve(vm, TN_BLOCK_FEED_1, &block_feed_table);
    vm_serve(vm, TN_NETDEV_1, &netdev_table);
    vm_serve(vm, TN_NET_FEED_1, &net_feed_table);
    vm_serve(vm, TN_NET_FILTER_CHAIN_1, &net_chain_table);
    vm_serve(vm, TN_INPUT_1, &input_table);
    vm_serve(vm, TN_TRACE_1, &trace_table);
    vm_serve(vm, TN_STREAM_1, &stream_table);
}

struct vm *vm_new(int manual_clock)
{
    struct vm *vm = XNEW(struct vm);
    vm->host =
        (struct tn_host){sizeof vm->host, TN_ABI_MAJOR, TN_ABI_MINOR, "tenon", TENON_VERSION, get};
    TAILQ_INIT(&vm->devices);
    TAILQ_INIT(&vm->buses);
    LIST_INIT(&vm->shared);
    vm->cold = 1;
    vm->signal_fd = vm->ready_fd = -1;
    clock_init(&vm->clock, manual_clock);
    vm->main = loop_new(&vm->clock, "main");
    if (!vm->main) {
        free(vm);
        return NULL;
    }
    loop_adopt(vm->main);
    vm->registry = registry_new(&vm->host);
    serve_common(vm);
    return vm;
}

/* The youngest that nobody needs any more; if all are needed, the youngest. */
static struct device *next_to_free(struct vm *vm)
{
    struct device *d;
    TAILQ_FOREACH_REVERSE(d, &vm->devices, device_list, all)
    if (!d->parent && !d->holds)
        return d;
    return TAILQ_LAST(&vm->devices, device_list);
}

static void free_devices(struct vm *vm)
{
    while (!TAILQ_EMPTY(&vm->devices))
        device_free(next_to_free(vm));
    net_free(vm);
    block_forget_all(vm);
    fds_free(vm);
}

/* What devices stood on. */
static void free_machine(struct vm *vm)
{
    machine_free(vm->machine);
    acpi_host_free(vm->acpi);
    fdt_host_free(vm->fdt);
    fwcfg_host_free(vm->fwcfg);
    pci_host_free(vm->pci);
    inputs_free(vm->inputs);
    vm->trace = NULL;
    tracer_free(vm->tracer);
    irqs_free(vm->irqs);
    memory_free(vm->memory);
    vcpus_free(vm->vcpus);
    kvm_free(vm->kvm);
    if (vm->pio)
        space_free(vm->pio);
    if (vm->mmio)
        space_free(vm->mmio);
}

static void free_globals(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->nglobals; i++) {
        free((char *)(uintptr_t)vm->globals[i].cls);
        free((char *)(uintptr_t)vm->globals[i].prop);
        free((char *)(uintptr_t)vm->globals[i].value);
    }
    free(vm->globals);
}

void vm_free(struct vm *vm)
{
    if (vm->signals)
        watch_del(vm->signals);
    close_fd(&vm->signal_fd);
    close_fd(&vm->ready_fd);
    monitors_close(vm);
    if (vm->qtest)
        qtest_free(vm->qtest);
    migration_free(vm);
    free_devices(vm);
    free_machine(vm);
    monitors_free(vm);
    spawner_free(vm->spawner);
    loop_once(vm->main, 0); /* what was kicked on the way */
    run_free(vm->run);
    registry_free(vm->registry);
    loop_free(vm->main);
    free_globals(vm);
    if (vm->pidfile)
        unlink(vm->pidfile);
    free(vm->pidfile);
    free(vm);
}
