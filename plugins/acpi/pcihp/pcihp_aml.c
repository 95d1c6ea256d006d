/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcihp_aml.h"
#include "aml/aml.h"
#include "pcihp_regs.h"

enum { DEVICE_CHECK = 1, EJECT_REQUEST = 3 };     /* Notify values: ACPI 6.5 5.6.6 */
enum { OST_SUCCESS = 0, OST_IN_PROGRESS = 0x84 }; /* ACPI 6.5 6.3.5, status of an ejection */
enum { SLOTS = 32 };
#define FOREVER 0xffff

static void region(struct buf *a, const char *name, uint32_t port, const char *const *fields,
                   uint32_t n)
{
    aml_op_region(a, name, AML_SYSTEM_IO, port, 4 * n);
    struct aml_block f = aml_field(a, name, AML_DWORD_ACC | AML_NO_LOCK | AML_WRITE_AS_ZEROS);
    for (uint32_t i = 0; i < n; i++)
        aml_field_unit(a, fields[i], 32);
    aml_end(a, f);
}

static void registers(struct buf *a, uint32_t base)
{
    static const char *const status[] = {"PCIU", "PCID"}, *const eject[] = {"B0EJ"},
                             *const select[] = {"BNUM", "B0RF"};
    region(a, "PCST", base + PCIHP_UP, status, 2);
    region(a, "SEJ", base + PCIHP_EJECT, eject, 1);
    region(a, "BNMR", base + PCIHP_SELECT, select, 2);
    aml_mutex(a, "BLCK", 0);
}

static void store_int(struct buf *a, uint64_t v, const char *to)
{
    aml_op(a, AML_STORE);
    aml_int(a, v);
    aml_path(a, to);
}

/* Method(name, 1): the register at `to`, of bus 0, gets the bit of slot Arg0. */
static void poke(struct buf *a, const char *name, const char *to)
{
    struct aml_block m = aml_method(a, name, 1, AML_NOT_SERIALIZED);
    aml_acquire(a, "BLCK", FOREVER);
    store_int(a, 0, "BNUM");
    aml_op(a, AML_SHIFT_LEFT);
    aml_op(a, AML_ONE);
    aml_arg(a, 0);
    aml_path(a, to);
    aml_release(a, "BLCK");
    aml_end(a, m);
}

/* If (Local0 & bit) Notify(name, value), for each slot. */
static void notify_all(struct buf *a, const char *const names[SLOTS], uint64_t value)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (!names[i])
            continue;
        struct aml_block b = aml_if(a);
        aml_op(a, AML_AND);
        aml_local(a, 0);
        aml_int(a, (uint64_t)1 << i);
        aml_null(a);
        aml_notify(a, names[i], value);
        aml_end(a, b);
    }
}

static void load(struct buf *a, const char *from)
{
    aml_op(a, AML_STORE);
    aml_path(a, from);
    aml_local(a, 0);
}

void pcihp_aml_bus(struct buf *a, uint32_t base, const char *const names[SLOTS])
{
    struct aml_block scope = aml_scope(a, "\\_SB.PCI0");
    registers(a, base);
    poke(a, "PCEJ", "B0EJ");
    poke(a, "PCRF", "B0RF");
    struct aml_block m = aml_method(a, "PCNT", 0, AML_NOT_SERIALIZED);
    aml_acquire(a, "BLCK", FOREVER);
    store_int(a, 0, "BNUM");
    load(a, "PCIU");
    notify_all(a, names, DEVICE_CHECK);
    load(a, "PCID");
    notify_all(a, names, EJECT_REQUEST);
    aml_release(a, "BLCK");
    aml_end(a, m);
    aml_end(a, scope);
}

/* _OST (ACPI 6.5 6.3.5): Arg0 is the event, Arg1 what became of it. */
static void add_ost(struct buf *a)
{
    struct aml_block ost = aml_method(a, "_OST", 3, AML_NOT_SERIALIZED);
    struct aml_block b = aml_if(a);
    aml_op(a, AML_LAND);
    aml_op(a, AML_LEQUAL);
    aml_arg(a, 0);
    aml_int(a, EJECT_REQUEST);
    aml_op(a, AML_LAND);
    aml_op(a, AML_LNOT_EQUAL);
    aml_arg(a, 1);
    aml_int(a, OST_SUCCESS);
    aml_op(a, AML_LNOT_EQUAL);
    aml_arg(a, 1);
    aml_int(a, OST_IN_PROGRESS);
    aml_path(a, "PCRF");
    aml_path(a, "_SUN");
    aml_end(a, b);
    aml_end(a, ost);
}

void pcihp_aml_slot(struct buf *a, uint32_t slot)
{
    aml_name_int(a, "_SUN", slot);
    struct aml_block ej0 = aml_method(a, "_EJ0", 1, AML_NOT_SERIALIZED);
    aml_path(a, "PCEJ");
    aml_path(a, "_SUN");
    aml_end(a, ej0);
    add_ost(a);
}

void pcihp_aml_event(struct buf *a)
{
    aml_path(a, "\\_SB.PCI0.PCNT");
}
