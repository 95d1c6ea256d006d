/* SPDX-License-Identifier: BSD-2-Clause */
/* Between acpi_host.c and host_*.c only. */
#ifndef TN_ACPI_HOST_IMPL_H
#define TN_ACPI_HOST_IMPL_H
#include "acpi/machine.h"
#include "acpi/tables.h"
#include "acpi_host.h"

struct vm;

/* A name that prefix() gave in this build, and where the device put what it names. */
struct acpi_named {
    struct device *dev;
    char name[5];
    char scope[ACPI_PATH_MAX];
};

/* One build in progress; what builders get as tn_acpi_out. */
struct tn_acpi_out {
    struct vm *vm;
    struct acpi_tables *tables;
    struct device *dev;  /* whose builder runs */
    uint32_t isa_bridge; /* _ADR of \_SB.PCI0.ISA, 0 = none */
    struct acpi_named *named;
    size_t n_named;
};

/* The event hardware: the device that provides TN_ACPI_PM_1. */
struct acpi_pm_ref {
    struct device *dev; /* NULL: none */
    const struct tn_acpi_pm_ops *ops;
    void *self;
};

/* What acpi_describe() wants, from the machine as it is now, with the arrays that it points to. */
struct acpi_description {
    struct acpi_machine m;
    struct acpi_ioapic ioapic;
    struct acpi_range ports[2], mem32, mem64;
    uint32_t intx[ACPI_SLOTS][ACPI_PINS];
    struct acpi_cpu *cpus;      /* owned */
    struct acpi_memory *memory; /* owned */
};
void acpi_describe_vm(struct vm *vm, const struct acpi_pm_ref *pm, struct acpi_description *d);
void acpi_description_free(struct acpi_description *d);

/* Tables with everything in them, for acpi_place() or acpi_loader(); the caller frees them. NULL
 * with e. */
struct acpi_tables *acpi_host_tables(struct vm *vm, struct tn_err *e);

#endif
