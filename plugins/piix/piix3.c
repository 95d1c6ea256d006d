/* SPDX-License-Identifier: BSD-2-Clause */
/* The ISA bridge of pc: its configuration registers, and the reset control register. */
#include "acpi/pm/reset_port.h"
#include "pci/config_regs.h"
#include "piix.h"
#include "piix3_regs.h"

struct piix3 {
    struct tn_dev *dev;
    struct config_regs config;
    struct reset_port reset_control;
};

static const struct config_reg registers[] = {
    {PIIX3_IORT, 1, 0x4d, 0x7f},
    {PIIX3_XBCS, 2, 0x0003, 0x01ff},
    {PIIX3_PIRQRCA, 4, 0x80808080, 0x8f8f8f8f},
    {PIIX3_TOM, 1, 0x02, 0xfe},
    {PIIX3_MSTAT, 2, 0, 0x8080},
    {PIIX3_MBIRQ0, 1, 0x80, 0xef},
    {PIIX3_MBDMA0, 2, 0x0404, 0x8787},
    {PIIX3_PCSC, 2, 0x0002, 0xffff},
    {PIIX3_APICBASE, 1, 0, 0x7f},
    {PIIX3_DLC, 1, 0, 0x0f},
    {PIIX3_SMICNTL, 1, 0x08, 0x1f},
    {PIIX3_SMIEN, 2, 0, 0x00ff},
    {PIIX3_SEE, 4, 0, 0xffffffff},
    {PIIX3_FTMR, 1, 0x0f, 0xff},
    {PIIX3_CTLTMR, 1, 0, 0xff},
    {PIIX3_CTHTMR, 1, 0, 0xff},
};

static uint32_t config_write(void *self, uint32_t off, uint32_t size, uint32_t value)
{
    struct piix3 *s = self;
    config_regs_write(&s->config, off, size, value);
    return value;
}

static int init(void *self, struct tn_dev *d)
{
    struct piix3 *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct piix3 *s = self;
    int r = config_regs_realize(&s->config, s->dev, registers,
                                sizeof registers / sizeof registers[0], e);
    if (r == 0)
        r = reset_port_realize(&s->reset_control, s->dev, "piix-reset-control", e);
    if (r == 0)
        config_regs_reset(&s->config);
    return r;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct piix3 *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    config_regs_reset(&s->config);
    reset_port_reset(&s->reset_control);
}

static const struct tn_field fields[] = {
    RESET_PORT_FIELD(struct piix3, reset_control),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "PIIX3",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = PIIX3_VENDOR,
    .device = PIIX3_DEVICE,
    .class_rev = PIIX3_CLASS << 16 | PIIX3_REVISION,
    .config_write = config_write,
};

const struct tn_class piix3_class = {
    .struct_size = sizeof piix3_class,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "PIIX3",
    .desc = "ISA bridge",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct piix3),
    .state = &state,
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
};
