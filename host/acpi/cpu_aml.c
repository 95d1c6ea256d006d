/* SPDX-License-Identifier: BSD-2-Clause */
/* Processors in the DSDT (ACPI 6.3, 8.4): fixed ones, and those that come and go by the registers
 * of cpu_regs.h. */
#include "build.h"
#include "cpu_regs.h"
#include "plug_aml.h"
#include <stdio.h>

#define REGION "CPHR"
#define LOCK   "CLCK"

static void cpu_name(char name[8], uint32_t uid)
{
    snprintf(name, 8, "C%03X", uid & 0xfff);
}

/* The registers, as fields. */
static void add_fields(struct buf *a, uint16_t port)
{
    aml_op_region(a, REGION, AML_SYSTEM_IO, port, CPU_REGS_LEN);
    struct aml_block wide = aml_field(a, REGION, AML_DWORD_ACC | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "CSEL", 32);
    aml_field_reserved(a, 32);
    aml_field_unit(a, "CDAT", 32);
    aml_end(a, wide);
    struct aml_block bytes = aml_field(a, REGION, AML_BYTE_ACC | AML_WRITE_AS_ZEROS);
    aml_field_reserved(a, 8 * CPU_REG_FLAGS);
    aml_field_unit(a, "CENB", 1);
    aml_field_unit(a, "CINS", 1);
    aml_field_unit(a, "CRMV", 1);
    aml_field_unit(a, "CEJC", 1);
    aml_field_reserved(a, 4);
    aml_field_unit(a, "CCMD", 8);
    aml_end(a, bytes);
    aml_mutex(a, LOCK, 0);
}

/* COST(uid, event, status) */
static void add_ost(struct buf *a)
{
    struct aml_block m = aml_method(a, "COST", 3, AML_SERIALIZED);
    plug_select(a, LOCK, "CSEL");
    plug_store_int(a, CPU_CMD_OST_EVENT, "CCMD");
    plug_store_arg(a, 1, "CDAT");
    plug_store_int(a, CPU_CMD_OST_STATUS, "CCMD");
    plug_store_arg(a, 2, "CDAT");
    aml_release(a, LOCK);
    aml_end(a, m);
}

/* CNTF(uid, value): Notify() of that device */
static void add_notify(struct buf *a, uint32_t n)
{
    struct aml_block m = aml_method(a, "CNTF", 2, AML_SERIALIZED);
    for (uint32_t i = 0; i < n; i++) {
        char name[8];
        cpu_name(name, i);
        struct aml_block is = aml_if(a);
        aml_op(a, AML_LEQUAL);
        aml_arg(a, 0);
        aml_int(a, i);
        aml_op(a, AML_NOTIFY);
        aml_path(a, name);
        aml_arg(a, 1);
        aml_end(a, is);
    }
    aml_end(a, m);
}

/* If (flag) { CNTF(Local0, value), clear it } */
static void add_case(struct buf *a, const char *flag, uint32_t value)
{
    struct aml_block is = aml_if(a);
    aml_path(a, flag);
    aml_path(a, "CNTF");
    aml_local(a, 0);
    aml_int(a, value);
    plug_store_int(a, 1, flag);
    aml_end(a, is);
}

static void break_without_event(struct buf *a)
{
    struct aml_block none = aml_if(a);
    aml_op(a, AML_LNOT);
    aml_op(a, AML_LOR);
    aml_path(a, "CINS");
    aml_path(a, "CRMV");
    aml_op(a, AML_BREAK);
    aml_end(a, none);
}

/* CSCN(): tells of every slot that has an event; a slot that has none ends it. */
static void add_scan(struct buf *a)
{
    struct aml_block m = aml_method(a, "CSCN", 0, AML_SERIALIZED);
    aml_acquire(a, LOCK, WAIT_FOR_EVER);
    plug_store_int(a, 0, "CSEL");
    struct aml_block each = aml_while(a);
    aml_int(a, 1);
    plug_store_int(a, CPU_CMD_NEXT_EVENT, "CCMD");
    aml_op(a, AML_STORE);
    aml_path(a, "CDAT");
    aml_local(a, 0);
    break_without_event(a);
    add_case(a, "CINS", NOTIFY_DEVICE_CHECK);
    add_case(a, "CRMV", NOTIFY_EJECT_REQUEST);
    aml_end(a, each);
    aml_release(a, LOCK);
    aml_end(a, m);
}

/* _MAT (6.2.10): the processor's entry of the MADT, as if it were there */
static void add_mat(struct buf *a, uint32_t uid, const struct acpi_cpu *cpu)
{
    struct acpi_cpu there = *cpu;
    there.enabled = 1;
    aml_name(a, "_MAT");
    struct aml_block mat = aml_buffer_begin(a);
    acpi_add_madt_cpu(a, &there, uid);
    aml_end(a, mat);
}

static void add_slot_methods(struct buf *a, uint32_t uid, const struct acpi_cpu *cpu)
{
    plug_forward_method(a, "_STA", 0, "CSTA", uid, 0, 1);
    add_mat(a, uid, cpu);
    if (uid > 0) /* the boot processor stays */
        plug_forward_method(a, "_EJ0", 1, "CEJT", uid, 0, 0);
    plug_forward_method(a, "_OST", 3, "COST", uid, 2, 0);
}

static void add_cpu(struct buf *a, uint32_t uid, const struct acpi_machine *m)
{
    char name[8];
    cpu_name(name, uid);
    struct aml_block dev = aml_device(a, name);
    aml_name_string(a, "_HID", "ACPI0007");
    aml_name_int(a, "_UID", uid);
    if (m->n_nodes)
        aml_name_int(a, "_PXM", m->cpus[uid].node);
    if (m->cpu_hotplug)
        add_slot_methods(a, uid, &m->cpus[uid]);
    aml_end(a, dev);
}

static void add_methods(struct buf *a, uint32_t n)
{
    plug_status_method(a, "CSTA", LOCK, "CSEL", "CENB");
    plug_eject_method(a, "CEJT", LOCK, "CSEL", "CEJC");
    add_ost(a);
    add_notify(a, n);
    add_scan(a);
}

void acpi_write_cpus(struct buf *a, const struct acpi_machine *m)
{
    struct aml_block cpus = aml_device(a, "CPUS");
    aml_name_string(a, "_HID", "ACPI0010"); /* processor container */
    aml_name_int(a, "_UID", 0);
    if (m->cpu_hotplug)
        add_fields(a, m->cpu_hotplug);
    for (uint32_t i = 0; i < m->n_cpus; i++)
        if (m->cpus[i].enabled || m->cpu_hotplug)
            add_cpu(a, i, m);
    if (m->cpu_hotplug)
        add_methods(a, m->n_cpus);
    aml_end(a, cpus);
}
