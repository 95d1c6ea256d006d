/* SPDX-License-Identifier: BSD-2-Clause */
/* The ISA bridge of pc: its configuration registers, and the reset control register. */
#include "acpi/pm/reset_cf9.h"
#include "pci/config_regs.h"
#include "piix.h"
#include "piix3_regs.h"
#include <tenon/machine.h>

struct piix3 {
    struct tn_dev *dev;
    struct config_regs config;
    struct reset_cf9 reset_control;
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

/* ---- reset control register ---- */

/* An INIT would keep the devices' state; nothing that runs here wants the difference. */
static void ask_reset(void *opaque, uint32_t kind)
{
    struct piix3 *s = opaque;
    const struct tn_machine *machine = TN_GET(s->dev, struct tn_machine, TN_MACHINE_1);
    (void)kind;
    machine->request(s->dev, TN_REQ_RESET, NULL);
}

static const struct reset_cf9_env reset_env = {.reset = ask_reset};

static uint64_t reset_read(void *self, uint64_t off, uint32_t size)
{
    struct piix3 *s = self;
    (void)off;
    (void)size;
    return reset_cf9_read(&s->reset_control);
}

static void reset_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct piix3 *s = self;
    (void)off;
    (void)size;
    reset_cf9_write(&s->reset_control, (uint32_t)value);
}

static const struct tn_region_ops reset_ops = {.struct_size = sizeof reset_ops,
                                               .valid_min = 1,
                                               .valid_max = 1,
                                               .read = reset_read,
                                               .write = reset_write};

static int claim_port(struct piix3 *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    struct tn_region *port;
    const struct tn_region_req cf9 = {.struct_size = sizeof cf9,
                                      .space = TN_SPACE_PIO,
                                      .base = RESET_CF9_PORT,
                                      .size = 1,
                                      .name = "piix-reset-control"};
    return regions->add(s->dev, &cf9, &reset_ops, s, &port, e);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct piix3 *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct piix3 *s = self;
    s->config = (struct config_regs){.dev = s->dev,
                                     .pci = TN_GET(s->dev, struct tn_pci, TN_PCI_1),
                                     .reg = registers,
                                     .n = sizeof registers / sizeof registers[0]};
    reset_cf9_init(&s->reset_control, &reset_env, s);
    int r = config_regs_trap(&s->config, e);
    if (r == 0)
        r = claim_port(s, e);
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
    reset_cf9_reset(&s->reset_control);
}

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct piix3, reset_control.rcr, "rcr", U8, 1),
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
