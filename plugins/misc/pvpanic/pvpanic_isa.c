/* SPDX-License-Identifier: BSD-2-Clause */
/* pvpanic on an I/O port: the guest says that it crashed. */
#include <errno.h>
#include <tenon/core.h>
#include <tenon/fwcfg.h>

#include "aml/resource.h"
#include "isa.h"
#include "pvpanic.h"
#include "util/bytes.h"

struct pvpanic {
    struct tn_dev *dev;
    struct tn_region *ports;
    uint16_t ioport;
    uint8_t events;
};

/* ---- the register ---- */

static uint64_t read_port(void *self, uint64_t off, uint32_t size)
{
    const struct pvpanic *s = self;
    (void)off;
    (void)size;
    return s->events;
}

static void write_port(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    const struct pvpanic *s = self;
    (void)off;
    (void)size;
    pvpanic_report(s->dev, s->events, value);
}

static const struct tn_region_ops ops = {
    .struct_size = sizeof ops, ISA_BYTE_WIDE, .read = read_port, .write = write_port};

/* ---- how the guest finds it ---- */

/* Method RDPT: the register; WRPT: writes it. */
static void add_methods(struct buf *a, uint16_t port)
{
    aml_op_region(a, "PEOR", AML_SYSTEM_IO, port, 1);
    struct aml_block field = aml_field(a, "PEOR", AML_BYTE_ACC | AML_NO_LOCK | AML_PRESERVE);
    aml_field_unit(a, "PEPT", 8);
    aml_end(a, field);
    struct aml_block read = aml_method(a, "RDPT", 0, AML_NOT_SERIALIZED);
    aml_op(a, AML_RETURN);
    aml_path(a, "PEPT");
    aml_end(a, read);
    struct aml_block write = aml_method(a, "WRPT", 1, AML_NOT_SERIALIZED);
    aml_op(a, AML_STORE);
    aml_arg(a, 0);
    aml_path(a, "PEPT");
    aml_end(a, write);
}

static int build_acpi(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                      struct tn_err *e)
{
    const struct pvpanic *s = self;
    BUF_AUTO a = {0};
    struct aml_block dev = aml_device(&a, "PEVT");
    aml_name_string(&a, "_HID", "QEMU0001");
    aml_name(&a, "_CRS");
    struct aml_block crs = aml_resources(&a);
    aml_res_io(&a, s->ioport, s->ioport, 1, 1);
    aml_end(&a, crs);
    add_methods(&a, s->ioport);
    aml_name_int(&a, "_STA", 0xb); /* present and working, not shown to users */
    aml_end(&a, dev);
    return isa_aml_give(s->dev, &a, 0, b, o, e);
}

/* SeaBIOS and other firmware look here. */
static int add_port_file(struct pvpanic *s, struct tn_err *e)
{
    const struct tn_fwcfg *fwcfg = TN_GET(s->dev, struct tn_fwcfg, TN_FWCFG_1);
    uint8_t port[2];
    put_le16(port, s->ioport);
    return fwcfg ? fwcfg->file(s->dev, "etc/pvpanic-port", port, sizeof port, e) : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct pvpanic *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct pvpanic *s = self;
    const struct tn_acpi *acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    int r = isa_claim(s->dev, s->ioport, 1, "pvpanic", &ops, s, &s->ports, e);
    if (r == 0)
        r = add_port_file(s, e);
    if (r == 0 && acpi)
        r = acpi->builder(s->dev, build_acpi, s) < 0
                ? tn_fail(s->dev, e, ENOMEM, "no memory for its ACPI tables")
                : 0;
    return r;
}

static const struct tn_prop props[] = {
    TN_PROP(struct pvpanic, ioport, "ioport", U16, PVPANIC_PORT, "the port"),
    TN_PROP(struct pvpanic, events, "events", U8, PVPANIC_EVENTS, "bits that are offered"),
};

const struct tn_class pvpanic_isa_class = {
    .struct_size = sizeof pvpanic_isa_class,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "pvpanic",
    .bus = "ISA",
    .instance_size = sizeof(struct pvpanic),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .init = init,
    .realize = realize,
};
