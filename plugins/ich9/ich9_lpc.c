/* SPDX-License-Identifier: BSD-2-Clause */
/* The LPC bridge's function: configuration registers, the reset control register, the root complex
 * register block, and where they put the PM block. */
#include "acpi/pm/pm_block.h"
#include "acpi/pm/reset_port.h"
#include "ich9.h"
#include "ich9_regs.h"
#include "ich9_tco.h"
#include "pci/config_regs.h"
#include "util/bytes.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

struct ich9_lpc {
    struct pm_block pm; /* first: its functions get the instance */
    struct tn_dev *dev;
    struct config_regs config;
    struct reset_port reset_control;
    struct tn_region *rcrb;
    struct ich9_tco tco;
    uint8_t has_pm, hotplug_with_bridges;
    uint8_t rcrb_bytes[ICH9_RCRB_SIZE];
};
_Static_assert(offsetof(struct ich9_lpc, pm) == 0, "its functions get the instance");

/* Reset values and masks of the datasheet, but for the first two: no firmware runs before a kernel
 * that is booted directly, so the PM block is where QEMU's firmware would put it, and enabled. */
static const struct config_reg registers[] = {
    {ICH9_PMBASE, 4, ICH9_PMBASE_RESET | 1, ICH9_PMBASE_ADDRESS},
    {ICH9_ACPI_CNTL, 1, ICH9_ACPI_CNTL_ACPI_EN, ICH9_ACPI_CNTL_ACPI_EN},
    {ICH9_GPIOBASE, 4, 1, 0xff80},
    {ICH9_GC, 1, 0, 0x10},
    {ICH9_PIRQA_ROUT, 4, 0x80808080, 0x8f8f8f8f},
    {ICH9_SIRQ_CNTL, 1, 0x10, 0xc3},
    {ICH9_PIRQE_ROUT, 4, 0x80808080, 0x8f8f8f8f},
    {ICH9_LPC_IBDF, 2, 0x00f8, 0xffff},
    {ICH9_LPC_IO_DEC, 2, 0, 0x1377},
    {ICH9_LPC_EN, 2, 0, 0x3f0f},
    {ICH9_GEN1_DEC, 4, 0, 0x00fcfffd},
    {ICH9_GEN1_DEC + 4, 4, 0, 0x00fcfffd},
    {ICH9_GEN1_DEC + 8, 4, 0, 0x00fcfffd},
    {ICH9_GEN1_DEC + 12, 4, 0, 0x00fcfffd},
    {ICH9_GEN_PMCON_1, 2, 0, 0x1cf3},
    {ICH9_GEN_PMCON_3, 1, 0, 0xf9},
    {ICH9_GPI_ROUT, 4, 0, 0xffffffff},
    {ICH9_FWH_SEL1, 4, 0x00112233, 0xffffffff},
    {ICH9_FWH_SEL2, 2, 0x4567, 0xffff},
    {ICH9_FWH_DEC_EN1, 2, 0xffcf, 0xff0f},
    {ICH9_BIOS_CNTL, 1, 0, 0x0f},
    {ICH9_RCBA, 4, ICH9_RCBA_RESET, ICH9_RCBA_ADDRESS | ICH9_RCBA_EN},
};

static const struct pm_spec pm_spec = {.name = "ich9-pm",
                                       .base = ICH9_PMBASE_RESET,
                                       .len = ICH9_PM_LEN,
                                       .gpe0 = ACPI_PM_GPE0_ICH9,
                                       .smi_en = ICH9_SMI_EN,
                                       .gpe_bytes = ICH9_GPE0_BYTES,
                                       .acpi_enable = ICH9_ACPI_ENABLE,
                                       .acpi_disable = ICH9_ACPI_DISABLE,
                                       .slp_typ_s3 = ICH9_SLP_TYP_S3,
                                       .slp_typ_s5 = ICH9_SLP_TYP_S5};
static const struct tn_acpi_pm_ops pm_ops = PM_BLOCK_OPS(8 * ICH9_GPE0_BYTES);

/* ---- what the registers place ---- */

static void place_pm(struct ich9_lpc *s)
{
    uint32_t base = config_regs_get(&s->config, ICH9_PMBASE, 4) & ICH9_PMBASE_ADDRESS;
    uint32_t on = config_regs_get(&s->config, ICH9_ACPI_CNTL, 1) & ICH9_ACPI_CNTL_ACPI_EN;
    pm_block_place(&s->pm, (uint16_t)base, on != 0);
    if (s->has_pm)
        ich9_tco_place(&s->tco, base + ICH9_TCO, on && base);
}

static void place_rcrb(struct ich9_lpc *s)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    uint32_t rcba = config_regs_get(&s->config, ICH9_RCBA, 4);
    uint32_t on = rcba & ICH9_RCBA_EN;
    if (on)
        regions->move(s->rcrb, rcba & ICH9_RCBA_ADDRESS);
    regions->enable(s->rcrb, on);
}

static uint32_t config_write(void *self, uint32_t off, uint32_t size, uint32_t value)
{
    struct ich9_lpc *s = self;
    config_regs_write(&s->config, off, size, value);
    if (config_regs_hit(off, size, ICH9_PMBASE, ICH9_ACPI_CNTL + 1 - ICH9_PMBASE))
        place_pm(s);
    if (config_regs_hit(off, size, ICH9_RCBA, 4))
        place_rcrb(s);
    return value;
}

/* ---- root complex register block: stored, without consequences ---- */

static uint64_t rcrb_read(void *self, uint64_t off, uint32_t size)
{
    struct ich9_lpc *s = self;
    uint8_t bytes[8] = {0};
    memcpy(bytes, s->rcrb_bytes + off, size);
    return get_le64(bytes);
}

static void rcrb_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct ich9_lpc *s = self;
    uint8_t bytes[8];
    put_le64(bytes, value);
    memcpy(s->rcrb_bytes + off, bytes, size);
}

static const struct tn_region_ops rcrb_ops = {
    .struct_size = sizeof rcrb_ops, .read = rcrb_read, .write = rcrb_write};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct ich9_lpc *s = self;
    s->dev = d;
    return 0;
}

static int claim_regions(struct ich9_lpc *s, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req rcrb = {.struct_size = sizeof rcrb,
                                       .space = TN_SPACE_MMIO,
                                       .base = ICH9_RCRB_DEFAULT,
                                       .size = ICH9_RCRB_SIZE,
                                       .name = "ich9-rcrb"};
    int r = reset_port_realize(&s->reset_control, s->dev, "ich9-reset", e);
    if (r == 0)
        r = regions->add(s->dev, &rcrb, &rcrb_ops, s, &s->rcrb, e);
    if (r == 0)
        regions->enable(s->rcrb, 0);
    return r;
}

static int realize(void *self, struct tn_err *e)
{
    struct ich9_lpc *s = self;
    if (s->hotplug_with_bridges)
        return tn_fail(s->dev, e, ENOTSUP,
                       "acpi-pci-hotplug-with-bridge-support=on: ports have native hot-plug");
    int r = config_regs_realize(&s->config, s->dev, registers,
                                sizeof registers / sizeof registers[0], e);
    if (r == 0)
        r = claim_regions(s, e);
    if (r == 0 && s->has_pm)
        r = pm_block_realize(&s->pm, &pm_spec, s->dev, e);
    if (r == 0 && s->has_pm)
        r = ich9_tco_realize(&s->tco, s->dev, s->rcrb_bytes + ICH9_GCS, e);
    if (r == 0)
        config_regs_reset(&s->config);
    return r;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct ich9_lpc *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    config_regs_reset(&s->config);
    memset(s->rcrb_bytes, 0, sizeof s->rcrb_bytes);
    s->rcrb_bytes[ICH9_GCS] = s->tco.noreboot ? ICH9_GCS_NO_REBOOT : 0;
    reset_port_reset(&s->reset_control);
    place_pm(s);
    place_rcrb(s);
    pm_block_reset(&s->pm);
    if (s->has_pm)
        tco_reset(&s->tco.chip);
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct ich9_lpc *s = self;
    (void)version;
    (void)e;
    place_pm(s);
    place_rcrb(s);
    pm_block_loaded(&s->pm);
    if (s->has_pm)
        tco_loaded(&s->tco.chip);
    return 0;
}

static const void *get_iface(void *self, const char *id)
{
    struct ich9_lpc *s = self;
    if (s->has_pm && strcmp(id, TN_ACPI_FIXED_1) == 0)
        return &pm_block_fixed;
    return s->has_pm && strcmp(id, TN_ACPI_PM_1) == 0 ? &pm_ops : NULL;
}

static const struct tn_prop props[] = {
    TN_PROP(struct ich9_lpc, has_pm, "pm", BOOL, 1, "ACPI power management"),
    PM_BLOCK_PROPS(struct ich9_lpc, pm),
    ICH9_TCO_PROPS(struct ich9_lpc, tco),
    TN_PROP(struct ich9_lpc, hotplug_with_bridges, "acpi-pci-hotplug-with-bridge-support", BOOL, 0,
            "slots of bridges are ACPI's: cannot be had, they are native"),
};

static const struct tn_field fields[] = {
    PM_BLOCK_FIELDS(struct ich9_lpc, pm),
    RESET_PORT_FIELD(struct ich9_lpc, reset_control),
    TN_FIELD_ROW(struct ich9_lpc, rcrb_bytes, "rcrb", BYTES, ICH9_RCRB_SIZE),
};

/* A guest that leaves the watchdog alone can go where there is none yet. */
static int tco_in_use(void *self)
{
    const struct ich9_lpc *s = self;
    return s->has_pm && !tco_is_reset(&s->tco.chip);
}

static const struct tn_field tco_fields[] = {ICH9_TCO_FIELDS(struct ich9_lpc, tco)};

static const struct tn_state tco_state = {
    .struct_size = sizeof tco_state,
    .version = 1,
    .min_version = 1,
    .name = "ICH9-LPC/tco",
    .fields = tco_fields,
    .nfields = sizeof tco_fields / sizeof tco_fields[0],
    .field_stride = sizeof tco_fields[0],
    .needed = tco_in_use,
};

static const struct tn_state *const subsections[] = {&tco_state, NULL};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "ICH9-LPC",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .subsections = subsections,
    .pre_save = pm_block_pre_save,
    .post_load = post_load,
};

static const struct tn_pci_ops pci_ops = {
    .struct_size = sizeof pci_ops,
    .flags = TN_PCIF_CONVENTIONAL,
    .vendor = ICH9_LPC_VENDOR,
    .device = ICH9_LPC_DEVICE,
    .class_rev = ICH9_LPC_CLASS << 16 | ICH9_LPC_REVISION,
    .config_write = config_write,
};

static const char *const provides[] = {TN_ACPI_PM_1, TN_ACPI_FIXED_1, NULL};

const struct tn_class ich9_lpc_class = {
    .struct_size = sizeof ich9_lpc_class,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_BRIDGE,
    .name = "ICH9-LPC",
    .desc = "ICH9 LPC bridge",
    .bus = TN_PCI_BUS,
    .provides = provides,
    .instance_size = sizeof(struct ich9_lpc),
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
