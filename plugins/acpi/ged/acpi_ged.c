/* SPDX-License-Identifier: BSD-2-Clause */
/* The Generic Event Device on a machine: its two register blocks, its interrupt, and what ACPI is
 * told of it.
 *
 * The chip is only touched with the device's lock held. Events may be raised in any thread and
 * under any leaf lock: they are collected in an atomic mask and latched by a bottom half. */
#include "acpi/fadt.h"
#include "acpi_ged_aml.h"
#include "aml/aml.h"
#include "ged.h"
#include <errno.h>
#include <tenon/acpi.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

/* QEMU's microvm has it there */
#define GED_ADDRESS     0xfea00000u
#define GED_REGS_OFFSET 0x200u
#define GED_GSI         9u
#define GED_SLP_TYP_S5  5u

struct acpi_ged {
    struct ged chip;
    struct tn_dev *dev;
    const struct tn_machine *machine;
    const struct tn_irq *irq;
    const struct tn_loop *loop;
    struct tn_line *line;
    struct tn_bh *latch;
    uint32_t raised; /* atomic: events that latch is to deliver */
    uint32_t gsi;
    uint64_t address;
    struct ged_aml aml;
};

/* ---- what the chip asks for ---- */

static void set_line(void *opaque, uint32_t level)
{
    struct acpi_ged *s = opaque;
    s->irq->set(s->line, level);
}

static void enter_sleep(void *opaque, uint32_t slp_typ)
{
    struct acpi_ged *s = opaque;
    if (slp_typ == GED_SLP_TYP_S5)
        s->machine->request(s->dev, TN_REQ_SHUTDOWN, NULL);
    else
        s->dev->core->guest_error(s->dev, "no sleeping state has SLP_TYP %u", slp_typ);
}

static void ask_reset(void *opaque)
{
    struct acpi_ged *s = opaque;
    s->machine->request(s->dev, TN_REQ_RESET, NULL);
}

static const struct ged_env env = {.line = set_line, .sleep = enter_sleep, .reset = ask_reset};

/* ---- registers ---- */

static uint64_t selector_read(void *self, uint64_t off, uint32_t size)
{
    struct acpi_ged *s = self;
    return ged_selector_read(&s->chip, off, size);
}

static uint64_t regs_read(void *self, uint64_t off, uint32_t size)
{
    struct acpi_ged *s = self;
    return ged_regs_read(&s->chip, off, size);
}

static void regs_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct acpi_ged *s = self;
    ged_regs_write(&s->chip, off, size, value);
}

static const struct tn_region_ops selector_ops = {.struct_size = sizeof selector_ops,
                                                  .read = selector_read};
static const struct tn_region_ops regs_ops = {
    .struct_size = sizeof regs_ops, .read = regs_read, .write = regs_write};

/* ---- events ---- */

static void latch_raised(void *self)
{
    struct acpi_ged *s = self;
    uint32_t events = __atomic_exchange_n(&s->raised, 0, __ATOMIC_ACQUIRE) & s->chip.events;
    if (events)
        ged_event(&s->chip, events);
}

static int power_button(void *self, uint64_t arg, struct tn_err *e)
{
    struct acpi_ged *s = self;
    (void)arg;
    (void)e;
    return ged_event(&s->chip, GED_EVT_POWER_DOWN);
}

/* ---- TN_ACPI_PM_1 ---- */

static void pm_raise(void *self, uint32_t n)
{
    struct acpi_ged *s = self;
    if (n >= GED_HOST_EVENTS)
        return;
    __atomic_fetch_or(&s->raised, GED_HOST_EVENT(n), __ATOMIC_RELEASE);
    s->loop->kick(s->latch);
}

static int pm_fadt(void *self, void *fadt, uint32_t len)
{
    struct acpi_ged *s = self;
    uint8_t *t = fadt;
    uint64_t regs = s->address + GED_REGS_OFFSET;
    if (len < FADT_LEN_V5)
        return -EINVAL;
    fadt_set_flags(t, FADT_HW_REDUCED | FADT_RESET_REG_SUP | FADT_PWR_BUTTON | FADT_SLP_BUTTON, 0);
    put_gas(t + FADT_RESET_REG, GAS_MEMORY, 8, 1, regs + GED_RESET);
    t[FADT_RESET_VALUE] = GED_RESET_VALUE;
    put_gas(t + FADT_SLEEP_CONTROL, GAS_MEMORY, 8, 1, regs + GED_SLEEP_CTL);
    put_gas(t + FADT_SLEEP_STATUS, GAS_MEMORY, 8, 1, regs + GED_SLEEP_STS);
    return 0;
}

static int pm_method(void *self, uint32_t n, const void *body, uint32_t len)
{
    struct acpi_ged *s = self;
    if (n >= GED_HOST_EVENTS)
        return -EINVAL;
    ged_aml_method(&s->aml, n, body, len);
    s->chip.events |= GED_HOST_EVENT(n);
    return 0;
}

static const struct tn_acpi_pm_ops pm_ops = {.struct_size = sizeof pm_ops,
                                             .events = GED_HOST_EVENTS,
                                             .raise = pm_raise,
                                             .fadt = pm_fadt,
                                             .method = pm_method};

static int build(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e)
{
    struct acpi_ged *s = self;
    BUF_AUTO sb = {0};
    BUF_AUTO root = {0};
    uint8_t irq[32];
    int n = b->irq(o, s->line, irq, sizeof irq);
    if (n < 0)
        return tn_fail(s->dev, e, -n, "the interrupt cannot be described");
    ged_aml_device(&sb, &s->aml, s->address, irq, (uint32_t)n);
    ged_aml_s5(&root, GED_SLP_TYP_S5);
    int r = b->aml(o, TN_SCOPE_SB, sb.data, (uint32_t)sb.len);
    if (r == 0)
        r = b->aml(o, TN_SCOPE_ROOT, root.data, (uint32_t)root.len);
    return r < 0 ? tn_fail(s->dev, e, -r, "no place in the ACPI tables") : 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct acpi_ged *s = self;
    s->dev = d;
    return 0;
}

static int claim(struct acpi_ged *s, const char *name, uint64_t base, uint64_t size,
                 const struct tn_region_ops *ops, struct tn_err *e)
{
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req req = {.struct_size = sizeof req,
                                      .space = TN_SPACE_MMIO,
                                      .base = base,
                                      .size = size,
                                      .name = name};
    struct tn_region *r;
    return regions->add(s->dev, &req, ops, s, &r, e);
}

static int claim_resources(struct acpi_ged *s, struct tn_err *e)
{
    int r = claim(s, "ged-selector", s->address, GED_SELECTOR_LEN, &selector_ops, e);
    if (r == 0)
        r = claim(s, "ged-regs", s->address + GED_REGS_OFFSET, GED_REGS_LEN, &regs_ops, e);
    if (r == 0)
        r = s->irq->line(s->dev, TN_LINE_GSI, s->gsi, 0, &s->line, e);
    if (r < 0)
        return r;
    s->latch = s->loop->bh(s->dev, NULL, 0, latch_raised, s);
    return s->latch ? 0 : tn_fail(s->dev, e, ENOMEM, "no memory for a bottom half");
}

static int realize(void *self, struct tn_err *e)
{
    struct acpi_ged *s = self;
    const struct tn_acpi *acpi = TN_GET(s->dev, struct tn_acpi, TN_ACPI_1);
    s->irq = TN_GET(s->dev, struct tn_irq, TN_IRQ_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->machine = TN_GET(s->dev, struct tn_machine, TN_MACHINE_1);
    ged_init(&s->chip, GED_EVT_POWER_DOWN, &env, s);
    int r = claim_resources(s, e);
    if (r < 0)
        return r;
    r = s->machine->on(s->dev, TN_ON_POWERDOWN, power_button, s);
    if (r == 0 && acpi)
        r = acpi->builder(s->dev, build, s);
    return r < 0 ? tn_fail(s->dev, e, -r, "no memory for a hook or for ACPI tables") : 0;
}

static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct acpi_ged *s = self;
    (void)kind;
    if (phase != TN_RESET_HOLD)
        return;
    __atomic_store_n(&s->raised, 0, __ATOMIC_RELAXED);
    ged_reset(&s->chip);
}

static int pre_save(void *self, struct tn_err *e)
{
    (void)e;
    latch_raised(self);
    return 0;
}

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct acpi_ged *s = self;
    (void)version;
    (void)e;
    ged_loaded(&s->chip);
    return 0;
}

static void fini(void *self)
{
    struct acpi_ged *s = self;
    ged_aml_free(&s->aml);
}

static const void *get_iface(void *self, const char *id)
{
    (void)self;
    return strcmp(id, TN_ACPI_PM_1) == 0 ? &pm_ops : NULL;
}

static const struct tn_prop props[] = {
    TN_PROP(struct acpi_ged, address, "address", U64, GED_ADDRESS,
            "of the event selector; the registers are 0x200 above"),
    TN_PROP(struct acpi_ged, gsi, "gsi", U32, GED_GSI, "interrupt"),
};

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct acpi_ged, chip.pending, "pending", U32, 1),
    TN_FIELD_ROW(struct acpi_ged, chip.sleep_ctl, "sleep_ctl", U8, 1),
    TN_FIELD_ROW(struct acpi_ged, chip.sleep_sts, "sleep_sts", U8, 1),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "acpi-ged",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .pre_save = pre_save,
    .post_load = post_load,
};

static const char *const provides[] = {TN_ACPI_PM_1, NULL};

static const struct tn_class acpi_ged = {
    .struct_size = sizeof acpi_ged,
    .flags = TN_C_INTERNAL,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "acpi-ged",
    .desc = "ACPI Generic Event Device",
    .provides = provides,
    .instance_size = sizeof(struct acpi_ged),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .init = init,
    .realize = realize,
    .reset = reset,
    .fini = fini,
    .get_iface = get_iface,
};

static const struct tn_class *const classes[] = {&acpi_ged, NULL};
static const char *const needs[] = {TN_IRQ_1, TN_LOOP_1, TN_MACHINE_1, TN_REGION_1, NULL};
static const char *const wants[] = {TN_ACPI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "acpi-ged",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "ACPI Generic Event Device",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
