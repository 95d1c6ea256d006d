/* SPDX-License-Identifier: BSD-2-Clause */
/* How a guest learns of the transport: ACPI (LNRO0005, as Linux and QEMU call it), or a node of the
 * device tree (4.2.1, "virtio,mmio"). */
#include "aml/aml.h"
#include "aml/resource.h"
#include "util/buf.h"
#include "vmmio.h"
#include <stdio.h>

static int build_acpi(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o,
                      struct tn_err *e)
{
    struct vmmio *m = self;
    BUF_AUTO a = {0};
    char name[5];
    int r = b->prefix(o, "VR", name);
    if (r < 0)
        return tn_fail(m->dev, e, -r, "virtio-mmio: no name in ACPI");
    struct aml_block dev = aml_device(&a, name);
    aml_name_string(&a, "_HID", "LNRO0005");
    aml_name_int(&a, "_UID", m->place.index);
    aml_name_int(&a, "_CCA", 1); /* ACPI 6.5 6.2.17: caches are coherent with it */
    aml_name(&a, "_CRS");
    struct aml_block crs = aml_resources(&a);
    aml_res_memory32_fixed(&a, AML_READ_WRITE, (uint32_t)m->place.base, (uint32_t)m->place.size);
    aml_res_interrupt(&a, AML_INT_LEVEL | AML_INT_ACTIVE_HIGH | AML_INT_EXCLUSIVE, &m->place.gsi,
                      1);
    aml_end(&a, crs);
    aml_end(&a, dev);
    r = b->aml(o, TN_SCOPE_SB, a.data, (uint32_t)a.len);
    return r < 0 ? tn_fail(m->dev, e, -r, "virtio-mmio: no place in ACPI") : 0;
}

static int build_node(struct vmmio *m, const struct tn_fdt_build *b, struct tn_fdt_out *o)
{
    uint32_t at;
    char name[32];
    snprintf(name, sizeof name, "virtio_mmio@%llx", (unsigned long long)m->place.base);
    int r = b->begin(o, NULL, name, &at);
    if (r == 0)
        r = b->str(o, at, "compatible", "virtio,mmio");
    if (r == 0)
        r = b->reg(o, at, &m->registers, 1);
    if (r == 0)
        r = b->irqs(o, at, &m->line, 1);
    if (r == 0)
        r = b->bytes(o, at, "dma-coherent", NULL, 0);
    return r;
}

static int build_fdt(void *self, const struct tn_fdt_build *b, struct tn_fdt_out *o,
                     struct tn_err *e)
{
    struct vmmio *m = self;
    int r = build_node(m, b, o);
    return r < 0 ? tn_fail(m->dev, e, -r, "virtio-mmio: no place in the device tree") : 0;
}

int vmmio_describe(struct vmmio *m, struct tn_err *e)
{
    const struct tn_acpi *acpi = TN_GET(m->dev, struct tn_acpi, TN_ACPI_1);
    const struct tn_fdt *fdt = TN_GET(m->dev, struct tn_fdt, TN_FDT_1);
    int r = acpi ? acpi->builder(m->dev, build_acpi, m) : 0;
    if (r == 0 && fdt)
        r = fdt->builder(m->dev, build_fdt, m);
    return r < 0 ? tn_fail(m->dev, e, -r, "virtio-mmio: the guest cannot be told of it") : 0;
}
