/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory modules in the DSDT (ACPI 6.3, 9.11) that come and go by the registers of mem_regs.h. */
#include "aml/resource.h"
#include "build.h"
#include "mem_regs.h"
#include "plug_aml.h"
#include <stdio.h>

#define REGION "MHPR"
#define LOCK   "MLCK"
/* QWord Address Space Descriptor (6.4.3.5.1): bytes of its fields */
enum { QWORD_MIN = 14, QWORD_MAX = 22, QWORD_LEN = 38 };

static void slot_name(char name[8], uint32_t i)
{
    snprintf(name, 8, "M%03X", i & 0xfff);
}

/* The registers, as fields: what is read and what is written at an offset are different things. */
static void add_fields(struct buf *a, uint16_t port)
{
    aml_op_region(a, REGION, AML_SYSTEM_IO, port, MEM_REGS_LEN);
    struct aml_block read = aml_field(a, REGION, AML_DWORD_ACC | AML_PRESERVE);
    aml_field_unit(a, "MADL", 32);
    aml_field_unit(a, "MADH", 32);
    aml_field_unit(a, "MLEL", 32);
    aml_field_unit(a, "MLEH", 32);
    aml_field_unit(a, "MPRX", 32);
    aml_end(a, read);
    struct aml_block flags = aml_field(a, REGION, AML_BYTE_ACC | AML_WRITE_AS_ZEROS);
    aml_field_reserved(a, 8 * MEM_REG_FLAGS);
    aml_field_unit(a, "MENB", 1);
    aml_field_unit(a, "MINS", 1);
    aml_field_unit(a, "MRMV", 1);
    aml_field_unit(a, "MEJC", 1);
    aml_end(a, flags);
    struct aml_block written = aml_field(a, REGION, AML_DWORD_ACC | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "MSEL", 32);
    aml_field_unit(a, "MOEV", 32);
    aml_field_unit(a, "MOSC", 32);
    aml_end(a, written);
    aml_mutex(a, LOCK, 0);
}

/* Or(ShiftLeft(high, 32), low, to) */
static void store_pair(struct buf *a, const char *high, const char *low, const char *to)
{
    aml_op(a, AML_OR);
    aml_op(a, AML_SHIFT_LEFT);
    aml_path(a, high);
    aml_int(a, 32);
    aml_null(a);
    aml_path(a, low);
    aml_path(a, to);
}

/* RMAX = RMIN + RLEN - 1 */
static void store_end(struct buf *a)
{
    aml_op(a, AML_SUBTRACT);
    aml_op(a, AML_ADD);
    aml_path(a, "RMIN");
    aml_path(a, "RLEN");
    aml_null(a);
    aml_int(a, 1);
    aml_path(a, "RMAX");
}

/* The resources of a slot, to be filled in. */
static void add_template(struct buf *a)
{
    aml_name(a, "MRNG");
    struct aml_block range = aml_resources(a);
    aml_res_qword_memory(a, AML_CONSUMER, AML_MEM_CACHEABLE, 0, 1);
    aml_end(a, range);
    aml_create_field_of(a, 8, "MRNG", QWORD_MIN, "RMIN");
    aml_create_field_of(a, 8, "MRNG", QWORD_MAX, "RMAX");
    aml_create_field_of(a, 8, "MRNG", QWORD_LEN, "RLEN");
}

/* MCRS(slot): its _CRS, one range of memory; a copy, for the lock is given back before the end. */
static void add_crs(struct buf *a)
{
    struct aml_block m = aml_method(a, "MCRS", 1, AML_SERIALIZED);
    plug_select(a, LOCK, "MSEL");
    store_pair(a, "MADH", "MADL", "RMIN");
    store_pair(a, "MLEH", "MLEL", "RLEN");
    store_end(a);
    aml_op(a, AML_STORE);
    aml_path(a, "MRNG");
    aml_local(a, 0);
    aml_release(a, LOCK);
    aml_op(a, AML_RETURN);
    aml_local(a, 0);
    aml_end(a, m);
}

/* MPXM(slot): its _PXM */
static void add_proximity(struct buf *a)
{
    struct aml_block m = aml_method(a, "MPXM", 1, AML_SERIALIZED);
    plug_select(a, LOCK, "MSEL");
    aml_op(a, AML_STORE);
    aml_path(a, "MPRX");
    aml_local(a, 0);
    aml_release(a, LOCK);
    aml_op(a, AML_RETURN);
    aml_local(a, 0);
    aml_end(a, m);
}

/* MREP(slot, event, status): its _OST */
static void add_ost(struct buf *a)
{
    struct aml_block m = aml_method(a, "MREP", 3, AML_SERIALIZED);
    plug_select(a, LOCK, "MSEL");
    plug_store_arg(a, 1, "MOEV");
    plug_store_arg(a, 2, "MOSC");
    aml_release(a, LOCK);
    aml_end(a, m);
}

/* If (flag) { Notify(slot, value), clear it } */
static void add_case(struct buf *a, const char *flag, const char *slot, uint32_t value)
{
    struct aml_block is = aml_if(a);
    aml_path(a, flag);
    aml_notify(a, slot, value);
    plug_store_int(a, 1, flag);
    aml_end(a, is);
}

/* MSCN(): tells of every slot that has an event */
static void add_scan(struct buf *a, uint32_t n)
{
    struct aml_block m = aml_method(a, "MSCN", 0, AML_SERIALIZED);
    aml_acquire(a, LOCK, WAIT_FOR_EVER);
    for (uint32_t i = 0; i < n; i++) {
        char name[8];
        slot_name(name, i);
        plug_store_int(a, i, "MSEL");
        add_case(a, "MINS", name, NOTIFY_DEVICE_CHECK);
        add_case(a, "MRMV", name, NOTIFY_EJECT_REQUEST);
    }
    aml_release(a, LOCK);
    aml_end(a, m);
}

static void add_slot(struct buf *a, uint32_t i)
{
    char name[8];
    slot_name(name, i);
    struct aml_block dev = aml_device(a, name);
    aml_name_eisaid(a, "_HID", "PNP0C80");
    aml_name_int(a, "_UID", i);
    plug_forward_method(a, "_STA", 0, "MSTA", i, 0, 1);
    plug_forward_method(a, "_CRS", 0, "MCRS", i, 0, 1);
    plug_forward_method(a, "_PXM", 0, "MPXM", i, 0, 1);
    plug_forward_method(a, "_EJ0", 1, "MEJT", i, 0, 0);
    plug_forward_method(a, "_OST", 3, "MREP", i, 2, 0);
    aml_end(a, dev);
}

void acpi_write_modules(struct buf *a, const struct acpi_machine *m)
{
    struct aml_block dev = aml_device(a, "MHPC");
    aml_name_eisaid(a, "_HID", "PNP0A06");
    aml_name_string(a, "_UID", "DIMM");
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    aml_res_io(a, m->mem_hotplug, m->mem_hotplug, 1, MEM_REGS_LEN);
    aml_end(a, crs);
    add_fields(a, m->mem_hotplug);
    plug_status_method(a, "MSTA", LOCK, "MSEL", "MENB");
    add_template(a);
    add_crs(a);
    add_proximity(a);
    plug_eject_method(a, "MEJT", LOCK, "MSEL", "MEJC");
    add_ost(a);
    for (uint32_t i = 0; i < m->n_slots; i++)
        add_slot(a, i);
    add_scan(a, m->n_slots);
    aml_end(a, dev);
}
