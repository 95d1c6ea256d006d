/* SPDX-License-Identifier: BSD-2-Clause */
/* The host bridge of pc. It shows RAM below 1 MiB as PAM says, and stores what firmware writes of
 * memory timing and SMM. */
#include "i440fx_regs.h"
#include "pci/config_regs.h"
#include "pci/pam.h"
#include "piix.h"
#include <stddef.h>

struct i440fx {
    struct tn_dev *dev;
    struct config_regs config;
    uint8_t shadow; /* property */
};

/* Reset values are the datasheet's: eight rows that end at 8 MiB each say that firmware has not
 * sized memory yet. */
static const struct config_reg registers[] = {
    {I440FX_PMCCFG, 2, 0, 0xffbf},
    {I440FX_DETURBO, 1, 0, 0xff},
    {I440FX_DBC, 1, 0x80, 0xff},
    {I440FX_AXC, 1, 0, 0x82},
    {I440FX_DRT, 1, 0, 0xff},
    {I440FX_DRT + 1, 1, 0, 0xff},
    {I440FX_DRAMC, 1, 0x01, 0x77},
    {I440FX_DRAMT, 1, 0x10, 0x7f},
    {I440FX_PAM0, 1, 0, 0x30},
    {I440FX_PAM0 + 1, 2, 0, 0x3333},
    {I440FX_PAM0 + 3, 4, 0, 0x33333333},
    {I440FX_DRB0, 4, 0x01010101, 0xffffffff},
    {I440FX_DRB0 + 4, 4, 0x01010101, 0xffffffff},
    {I440FX_FDHC, 1, 0, 0xc0},
    {I440FX_MTT, 1, 0, 0xf8},
    {I440FX_CLT, 1, 0x10, 0xf8},
    {I440FX_SMRAM, 1, 0x02, 0x78},
    {I440FX_ERRCMD, 1, 0, 0xff},
    {I440FX_TRC, 1, 0, 0x06},
};

static void show_memory(void *self)
{
    struct i440fx *s = self;
    pam_apply(&s->config, I440FX_PAM0);
}

static uint32_t config_write(void *self, uint32_t off, uint32_t size, uint32_t value)
{
    struct i440fx *s = self;
    uint32_t smram = config_regs_get(&s->config, I440FX_SMRAM, 1);
    config_regs_write(&s->config, off, size, value);
    uint32_t written = config_regs_get(&s->config, I440FX_SMRAM, 1);
    config_regs_set(&s->config, I440FX_SMRAM, 1, smram_next(smram, written));
    if (config_regs_hit(off, size, I440FX_PAM0, PAM_REGS))
        show_memory(s);
    return value;
}

static int init(void *self, struct tn_dev *d)
{
    struct i440fx *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct i440fx *s = self;
    return config_regs_realize(&s->config, s->dev, registers,
                               sizeof registers / sizeof registers[0], e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct i440fx *s = self;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    config_regs_reset(&s->config);
    if (s->shadow)
        pam_all_ram(&s->config, I440FX_PAM0);
    show_memory(s);
}

static const struct tn_prop props[] = {
    TN_PROP(struct i440fx, shadow, "shadow", BOOL, 0,
            "RAM below 1 MiB as firmware leaves it: there is none"),
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = I440FX_VENDOR,
    .device = I440FX_DEVICE,
    .class_rev = I440FX_CLASS << 16 | I440FX_REVISION,
    .config_write = config_write,
};

const struct tn_class i440fx_class = {
    .struct_size = sizeof i440fx_class,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "i440FX",
    .desc = "Host bridge",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct i440fx),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
    .resume = show_memory,
};
