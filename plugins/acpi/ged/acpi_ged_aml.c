/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi_ged_aml.h"
#include "aml/aml.h"
#include "aml/resource.h"
#include "ged_regs.h"
#include <stdio.h>

#define NOTIFY_BUTTON 0x80 /* the button was pressed (ACPI 6.5 4.8.2.2.2.2) */

void ged_aml_method(struct ged_aml *g, uint32_t n, const void *body, uint32_t len)
{
    buf_free(&g->body[n]);
    buf_add(&g->body[n], body, len);
    g->known |= 1u << n;
}

void ged_aml_free(struct ged_aml *g)
{
    for (uint32_t n = 0; n < GED_HOST_EVENTS; n++)
        buf_free(&g->body[n]);
}

static void name_of(uint32_t n, char name[8])
{
    snprintf(name, 8, "EV%02X", n & 0xff);
}

/* A method for each event: a body has its own locals, and its Return ends nobody else's work. */
static void add_methods(struct buf *a, const struct ged_aml *g)
{
    char name[8];
    for (uint32_t n = 0; n < GED_HOST_EVENTS; n++) {
        if (!(g->known & 1u << n))
            continue;
        name_of(n, name);
        struct aml_block m = aml_method(a, name, 0, AML_SERIALIZED);
        buf_add(a, g->body[n].data, g->body[n].len);
        aml_end(a, m);
    }
}

/* If (Local0 & bit): the action follows */
static struct aml_block if_event(struct buf *a, uint32_t bit)
{
    struct aml_block b = aml_if(a);
    aml_op(a, AML_AND);
    aml_local(a, 0);
    aml_int(a, bit);
    aml_null(a);
    return b;
}

/* _EVT (5.6.9.3): reading the selector clears it, so all events of one interrupt are looked at. */
static void add_evt(struct buf *a, const struct ged_aml *g)
{
    char name[8];
    struct aml_block evt = aml_method(a, "_EVT", 1, AML_SERIALIZED);
    aml_op(a, AML_STORE);
    aml_path(a, "ESEL");
    aml_local(a, 0);
    struct aml_block power = if_event(a, GED_EVT_POWER_DOWN);
    aml_notify(a, "\\_SB.PWRB", NOTIFY_BUTTON);
    aml_end(a, power);
    for (uint32_t n = 0; n < GED_HOST_EVENTS; n++) {
        if (!(g->known & 1u << n))
            continue;
        struct aml_block b = if_event(a, GED_HOST_EVENT(n));
        name_of(n, name);
        aml_path(a, name);
        aml_end(a, b);
    }
    aml_end(a, evt);
}

static void add_ged(struct buf *a, const struct ged_aml *g, uint64_t address, const void *irq,
                    uint32_t n_irq)
{
    struct aml_block dev = aml_device(a, "GED");
    aml_name_string(a, "_HID", "ACPI0013");
    aml_name_string(a, "_UID", "GED");
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    buf_add(a, irq, n_irq);
    aml_end(a, crs);
    aml_op_region(a, "EREG", AML_SYSTEM_MEMORY, address, GED_SELECTOR_LEN);
    struct aml_block field = aml_field(a, "EREG", AML_DWORD_ACC | AML_NO_LOCK | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "ESEL", 32);
    aml_end(a, field);
    add_methods(a, g);
    add_evt(a, g);
    aml_end(a, dev);
}

static void add_power_button(struct buf *a)
{
    struct aml_block dev = aml_device(a, "PWRB");
    aml_name_eisaid(a, "_HID", "PNP0C0C");
    aml_name_int(a, "_UID", 0);
    aml_end(a, dev);
}

void ged_aml_device(struct buf *a, const struct ged_aml *g, uint64_t address, const void *irq,
                    uint32_t n_irq)
{
    add_power_button(a);
    add_ged(a, g, address, irq, n_irq);
}

void ged_aml_s5(struct buf *a, uint32_t slp_typ)
{
    aml_name(a, "\\_S5");
    struct aml_block s5 = aml_package(a, 4);
    aml_int(a, slp_typ);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a, s5);
}
