/* SPDX-License-Identifier: BSD-2-Clause */
/* The host bridge of q35: tells where the enhanced configuration window and the end of low memory
 * are, and shows RAM as its registers say: PAM, and what belongs to SMM. */
#include "ich9.h"
#include "mch_regs.h"
#include "mch_smm.h"
#include "pci/config_regs.h"
#include "pci/pam.h"
#include <stddef.h>
#include <tenon/machine.h>

#define ECAM_BASE 0xb0000000u /* QEMU's */

struct mch {
    struct tn_dev *dev;
    struct config_regs config;
    uint64_t ecam; /* properties */
    uint16_t extended_tseg;
    uint8_t smbase_smram, shadow;
    struct mch_smm smm;
};

static const struct config_reg registers[] = {
    {MCH_EXT_TSEG, 2, 0, 0xffff}, {MCH_PCIEXBAR, 4, 0, 0},    {MCH_PCIEXBAR + 4, 4, 0, 0},
    {MCH_PAM0, 1, 0, 0x30},       {MCH_PAM0 + 1, 1, 0, 0x33}, {MCH_PAM0 + 2, 1, 0, 0x33},
    {MCH_PAM0 + 3, 1, 0, 0x33},   {MCH_PAM0 + 4, 1, 0, 0x33}, {MCH_PAM0 + 5, 1, 0, 0x33},
    {MCH_PAM0 + 6, 1, 0, 0x33},   {MCH_F_SMBASE, 1, 0, 0xff}, {MCH_SMRAM, 1, 0x02, 0x78},
    {MCH_ESMRAMC, 1, 0x38, 0x87}, {MCH_TOLUD, 2, 0, 0},
};

static void show_memory(void *self)
{
    struct mch *s = self;
    pam_apply(&s->config, MCH_PAM0);
    mch_smm_apply(
        &s->smm, s->dev,
        &(struct mch_smm_regs){.smbase = (uint8_t)config_regs_get(&s->config, MCH_F_SMBASE, 1),
                               .smram = (uint8_t)config_regs_get(&s->config, MCH_SMRAM, 1),
                               .esmramc = (uint8_t)config_regs_get(&s->config, MCH_ESMRAMC, 1)});
}

/* What firmware asks about with all ones it reads back as the answer. */
static void answer_questions(struct mch *s, uint32_t off, uint32_t size, uint32_t smbase)
{
    if (s->smbase_smram && config_regs_hit(off, size, MCH_F_SMBASE, 1))
        config_regs_set(&s->config, MCH_F_SMBASE, 1,
                        mch_smbase_next(smbase, config_regs_get(&s->config, MCH_F_SMBASE, 1)));
    if (off == MCH_EXT_TSEG && size == 2)
        config_regs_set(&s->config, MCH_EXT_TSEG, 2, s->extended_tseg);
}

/* D_LCK keeps both SMRAM and ESMRAMC. */
static uint32_t config_write(void *self, uint32_t off, uint32_t size, uint32_t value)
{
    struct mch *s = self;
    uint32_t smm = config_regs_get(&s->config, MCH_SMRAM, 2),
             smbase = config_regs_get(&s->config, MCH_F_SMBASE, 1);
    config_regs_write(&s->config, off, size, value);
    uint32_t written = config_regs_get(&s->config, MCH_SMRAM, 2);
    config_regs_set(&s->config, MCH_SMRAM, 2, smram_next(smm, written));
    answer_questions(s, off, size, smbase);
    if (config_regs_hit(off, size, MCH_PAM0, MCH_ESMRAMC + 1 - MCH_PAM0))
        show_memory(s);
    return value;
}

/* What the machine is, the registers say. */
static void show_machine(struct mch *s)
{
    const struct tn_machine *machine = TN_GET(s->dev, struct tn_machine, TN_MACHINE_1);
    struct tn_machine_info info = {.struct_size = sizeof info};
    machine->info(s->dev, &info);
    uint32_t enable = s->ecam ? MCH_PCIEXBAR_ENABLE : 0;
    config_regs_set(&s->config, MCH_PCIEXBAR, 4, (uint32_t)s->ecam | enable);
    config_regs_set(&s->config, MCH_PCIEXBAR + 4, 4, (uint32_t)(s->ecam >> 32));
    config_regs_set(&s->config, MCH_TOLUD, 2, (uint32_t)(info.ram_below_4g >> 16) & 0xfff0);
    s->smm.top = info.ram_below_4g;
    s->smm.extended_mib = s->extended_tseg;
    s->smm.smbase_smram = s->smbase_smram;
}

static int init(void *self, struct tn_dev *d)
{
    struct mch *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct mch *s = self;
    return config_regs_realize(&s->config, s->dev, registers,
                               sizeof registers / sizeof registers[0], e);
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct mch *s = self;
    (void)kind;
    if (phase != TN_RESET_ENTER)
        return;
    config_regs_reset(&s->config);
    if (s->shadow)
        pam_all_ram(&s->config, MCH_PAM0);
    show_machine(s);
    show_memory(s);
}

static const struct tn_prop props[] = {
    TN_PROP(struct mch, ecam, "ecam", U64, ECAM_BASE,
            "enhanced configuration window, 0 if there is none"),
    TN_PROP(struct mch, extended_tseg, "extended-tseg-mbytes", U16, 16,
            "size of the largest TSEG; 0: there is none"),
    TN_PROP(struct mch, smbase_smram, "smbase-smram", BOOL, 1,
            "memory at SMBASE can be given to SMM"),
    TN_PROP(struct mch, shadow, "shadow", BOOL, 0,
            "RAM below 1 MiB as firmware leaves it: there is none"),
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = MCH_VENDOR,
    .device = MCH_DEVICE,
    .class_rev = MCH_CLASS << 16 | MCH_REVISION,
    .config_write = config_write,
};

const struct tn_class mch_class = {
    .struct_size = sizeof mch_class,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "mch",
    .desc = "host bridge of q35",
    .bus = TN_PCI_BUS,
    .instance_size = sizeof(struct mch),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
    .resume = show_memory,
};
