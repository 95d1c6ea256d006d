/* SPDX-License-Identifier: BSD-2-Clause */
/* Power management of pc: the function's configuration registers, and where they put the PM block.
 */
#include "acpi/pm/pm_block.h"
#include "pci/config_regs.h"
#include "piix.h"
#include "piix4_pm_regs.h"
#include <stddef.h>
#include <string.h>
#include <tenon/prop.h>

struct piix4_pm {
    struct pm_block pm; /* first: its functions get the instance */
    struct tn_dev *dev;
    struct config_regs config;
};
_Static_assert(offsetof(struct piix4_pm, pm) == 0, "its functions get the instance");

/* Reset values of the datasheet, but for PMBA and PMIOSE: no firmware runs before a kernel that is
 * booted directly, so the PM block is where QEMU's firmware would put it, and enabled. */
static const struct config_reg registers[] = {
    {PIIX4_PMBA, 4, PIIX4_PMBA_RESET | 1, PIIX4_PMBA_ADDRESS},
    {PIIX4_CNTA, 4, 0, 0xffffffff},
    {PIIX4_CNTA + 4, 4, 0, 0xffffffff},
    {PIIX4_CNTA + 8, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD, 4, 0, 0x00ffffff},
    {PIIX4_DEVRESD + 0x04, 4, 0, 0xffffffff},
    {PIIX4_DEVACTB, 4, PIIX4_DEVACTB_APMC_EN, 0xffffffff},
    {PIIX4_DEVRESD + 0x0c, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x10, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x14, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x18, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x1c, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x20, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x24, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x28, 4, 0, 0xffffffff},
    {PIIX4_DEVRESD + 0x2c, 4, 0, 0xffffffff},
    {PIIX4_PMREGMISC, 1, PIIX4_PMREGMISC_PMIOSE, PIIX4_PMREGMISC_PMIOSE},
    {PIIX4_SMBBA, 4, 1, 0xfff0},
    {PIIX4_SMBHSTCFG, 2, 0, 0xff0f},
    {PIIX4_SMBHSTCFG + 2, 2, 0, 0xffff},
    {PIIX4_SMBREV, 1, 0, 0},
};

static const struct pm_spec pm_spec = {.name = "piix4-pm",
                                       .base = PIIX4_PMBA_RESET,
                                       .len = PIIX4_PM_LEN,
                                       .gpe0_port = PIIX4_GPE0,
                                       .gpe_bytes = PIIX4_GPE0_BYTES,
                                       .acpi_enable = PIIX4_ACPI_ENABLE,
                                       .acpi_disable = PIIX4_ACPI_DISABLE,
                                       .slp_typ_s3 = PIIX4_SLP_TYP_S3,
                                       .slp_typ_s5 = PIIX4_SLP_TYP_S5};
static const struct tn_acpi_pm_ops pm_ops = PM_BLOCK_OPS(8 * PIIX4_GPE0_BYTES);

static void place_pm(struct piix4_pm *s)
{
    uint32_t base = config_regs_get(&s->config, PIIX4_PMBA, 4) & PIIX4_PMBA_ADDRESS,
             misc = config_regs_get(&s->config, PIIX4_PMREGMISC, 1);
    pm_block_place(&s->pm, (uint16_t)base, misc & PIIX4_PMREGMISC_PMIOSE);
}

static uint32_t config_write(void *self, uint32_t off, uint32_t size, uint32_t value)
{
    struct piix4_pm *s = self;
    config_regs_write(&s->config, off, size, value);
    if (config_regs_hit(off, size, PIIX4_PMBA, 4) || config_regs_hit(off, size, PIIX4_PMREGMISC, 1))
        place_pm(s);
    return value;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct piix4_pm *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct piix4_pm *s = self;
    int r = config_regs_realize(&s->config, s->dev, registers,
                                sizeof registers / sizeof registers[0], e);
    if (r == 0)
        r = pm_block_realize(&s->pm, &pm_spec, s->dev, e);
    if (r == 0)
        config_regs_reset(&s->config);
    return r;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct piix4_pm *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    config_regs_reset(&s->config);
    place_pm(s);
    pm_block_reset(&s->pm);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct piix4_pm *s = self;
    (void)version;
    (void)e;
    place_pm(s);
    pm_block_loaded(&s->pm);
    return 0;
}

static const void *get_iface(void *self, const char *id)
{
    (void)self;
    if (strcmp(id, TN_ACPI_FIXED_1) == 0)
        return &pm_block_fixed;
    return strcmp(id, TN_ACPI_PM_1) == 0 ? &pm_ops : NULL;
}

static const struct tn_field fields[] = {
    PM_BLOCK_FIELDS(struct piix4_pm, pm),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "PIIX4_PM",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .pre_save = pm_block_pre_save,
    .post_load = post_load,
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = PIIX4_PM_VENDOR,
    .device = PIIX4_PM_DEVICE,
    .class_rev = PIIX4_PM_CLASS << 16 | PIIX4_PM_REVISION,
    .config_write = config_write,
};

static const char *const provides[] = {TN_ACPI_PM_1, TN_ACPI_FIXED_1, NULL};

static const struct tn_prop props[] = {
    PM_BLOCK_PROPS(struct piix4_pm, pm),
};

const struct tn_class piix4_pm_class = {
    .struct_size = sizeof piix4_pm_class,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "PIIX4_PM",
    .desc = "PM",
    .bus = TN_PCI_BUS,
    .provides = provides,
    .instance_size = sizeof(struct piix4_pm),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &pci_ops,
    .init = init,
    .realize = realize,
    .reset = reset,
    .fini = pm_block_fini,
    .get_iface = get_iface,
};
