/* SPDX-License-Identifier: BSD-2-Clause */
#include "pm_block.h"
#include "acpi/fadt.h"
#include "aml/aml.h"
#include <errno.h>
#include <stdio.h>

/* ---- what the chip asks for ---- */

static uint64_t now_ns(void *opaque)
{
    struct pm_block *p = opaque;
    return p->loop->now(p->dev, TN_CLK_VM);
}

static void arm(void *opaque, uint64_t ns)
{
    struct pm_block *p = opaque;
    p->loop->arm(p->timer, ns);
}

static void disarm(void *opaque)
{
    struct pm_block *p = opaque;
    p->loop->disarm(p->timer);
}

static void set_sci(void *opaque, uint32_t level)
{
    struct pm_block *p = opaque;
    p->irq->set(p->sci, level);
}

static void enter_sleep(void *opaque, uint32_t slp_typ)
{
    struct pm_block *p = opaque;
    p->woke = 0;
    if (slp_typ == p->spec->slp_typ_s5)
        p->machine->request(p->dev, TN_REQ_SHUTDOWN, NULL);
    else if (slp_typ == p->spec->slp_typ_s3 && !p->no_s3)
        p->machine->request(p->dev, TN_REQ_SUSPEND, NULL);
    else if (slp_typ == p->s4_val && !p->no_s4)
        p->machine->request(p->dev, TN_REQ_SUSPEND_DISK, NULL);
    else
        p->dev->core->guest_error(p->dev, "no sleeping state has SLP_TYP %u", slp_typ);
}

static const struct acpi_pm_env env = {
    .now_ns = now_ns, .arm = arm, .disarm = disarm, .sci = set_sci, .sleep = enter_sleep};

/* ---- I/O space ---- */

/* Where off of the block is in GPE0, or -1: it is not. */
static int64_t in_gpe0(const struct pm_block *p, uint64_t off)
{
    uint64_t first = p->spec->gpe0;
    return first && off >= first && off < first + 2u * p->spec->gpe_bytes ? (int64_t)(off - first)
                                                                          : -1;
}

/* There is no SMM. Firmware takes APMC_EN as the sign that somebody else has set it up. */
static uint64_t smi_read(const struct pm_block *p, uint64_t off)
{
    return p->spec->smi_en && off == p->spec->smi_en ? PM_SMI_APMC_EN : 0;
}

static uint64_t block_read(void *self, uint64_t off, uint32_t size)
{
    struct pm_block *p = self;
    int64_t gpe = in_gpe0(p, off);
    if (gpe >= 0)
        return acpi_pm_gpe_read(&p->chip, (uint64_t)gpe, size);
    if (off >= ACPI_PM_FIXED_LEN)
        return smi_read(p, off);
    return acpi_pm_fixed_read(&p->chip, off, size);
}

static void block_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct pm_block *p = self;
    int64_t gpe = in_gpe0(p, off);
    if (gpe >= 0)
        acpi_pm_gpe_write(&p->chip, (uint64_t)gpe, size, value);
    else
        acpi_pm_fixed_write(&p->chip, off, size, value);
}

static const struct tn_region_ops block_ops = {.struct_size = sizeof block_ops,
                                               .flags = TN_RO_UNALIGNED,
                                               .valid_min = 1,
                                               .valid_max = 4,
                                               .read = block_read,
                                               .write = block_write};

static uint64_t gpe_read(void *self, uint64_t off, uint32_t size)
{
    struct pm_block *p = self;
    return acpi_pm_gpe_read(&p->chip, off, size);
}

static void gpe_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct pm_block *p = self;
    acpi_pm_gpe_write(&p->chip, off, size, value);
}

static const struct tn_region_ops gpe_ops = {.struct_size = sizeof gpe_ops,
                                             .flags = TN_RO_UNALIGNED,
                                             .valid_min = 1,
                                             .valid_max = 4,
                                             .read = gpe_read,
                                             .write = gpe_write};

static uint64_t apm_read(void *self, uint64_t off, uint32_t size)
{
    struct pm_block *p = self;
    (void)size;
    return acpi_pm_apm_read(&p->chip, off);
}

static void apm_write(void *self, uint64_t off, uint64_t value, uint32_t size)
{
    struct pm_block *p = self;
    (void)size;
    acpi_pm_apm_write(&p->chip, off, (uint32_t)value);
}

static const struct tn_region_ops apm_ops = {.struct_size = sizeof apm_ops,
                                             .valid_min = 1,
                                             .valid_max = 4,
                                             .impl_min = 1,
                                             .impl_max = 1,
                                             .read = apm_read,
                                             .write = apm_write};

void pm_block_place(struct pm_block *p, uint16_t base, uint32_t on)
{
    if (!p->spec)
        return;
    p->base = base;
    if (on && base)
        p->regions->move(p->block, base);
    p->regions->enable(p->block, on && base);
}

/* ---- events ---- */

static void timer_fires(void *self)
{
    struct pm_block *p = self;
    acpi_pm_timer(&p->chip);
}

/* A guest that sleeps with its memory on is woken by what it has enabled (4.8.3.1.2). */
static void latch_fixed(struct pm_block *p, uint32_t bits)
{
    acpi_pm_event(&p->chip, bits);
    p->woke |= bits & p->chip.pm1_en;
    if (bits & p->chip.pm1_en)
        p->machine->request(p->dev, TN_REQ_WAKEUP, "fixed event");
}

static void latch_raised(void *self)
{
    struct pm_block *p = self;
    uint32_t fixed = __atomic_exchange_n(&p->fixed, 0, __ATOMIC_ACQUIRE);
    if (fixed)
        latch_fixed(p, fixed);
    uint64_t events = __atomic_exchange_n(&p->raised, 0, __ATOMIC_ACQUIRE);
    for (uint32_t n = 0; n < PM_EVENTS; n++)
        if (events >> n & 1)
            acpi_pm_gpe(&p->chip, n);
}

static int power_button(void *self, uint64_t arg, struct tn_err *e)
{
    struct pm_block *p = self;
    (void)arg;
    (void)e;
    acpi_pm_event(&p->chip, ACPI_PM1_PWRBTN);
    return 0;
}

/* What else may wake it is no fixed event: as if by its power button. */
static int woken(void *self, uint64_t arg, struct tn_err *e)
{
    struct pm_block *p = self;
    (void)arg;
    (void)e;
    acpi_pm_wake(&p->chip, p->woke ? p->woke : ACPI_PM1_PWRBTN);
    p->woke = 0;
    return 0;
}

static void fixed_event(void *self, uint32_t bits)
{
    struct pm_block *p = self;
    __atomic_fetch_or(&p->fixed, bits & ACPI_PM1_EN_BITS, __ATOMIC_RELEASE);
    p->loop->kick(p->latch);
}

const struct tn_acpi_fixed_ops pm_block_fixed = {.struct_size = sizeof pm_block_fixed,
                                                 .event = fixed_event};

void pm_block_raise(void *self, uint32_t n)
{
    struct pm_block *p = self;
    if (n >= PM_EVENTS)
        return;
    __atomic_fetch_or(&p->raised, 1ull << n, __ATOMIC_RELEASE);
    p->loop->kick(p->latch);
}

/* ---- what ACPI is told ---- */

/* A block of I/O ports: 32-bit address, length and extended address (5.2.9). */
static void put_block(uint8_t *fadt, uint32_t at, uint32_t len_at, uint32_t x_at, uint32_t port,
                      uint32_t len, uint32_t access)
{
    put_le32(fadt + at, port);
    fadt[len_at] = (uint8_t)len;
    put_gas(fadt + x_at, GAS_IO, 8 * len, access, port);
}

static uint32_t gpe0_port(const struct pm_block *p)
{
    return p->spec->gpe0 ? (uint32_t)p->base + p->spec->gpe0 : p->spec->gpe0_port;
}

int pm_block_fadt(void *self, void *fadt, uint32_t len)
{
    struct pm_block *p = self;
    uint8_t *t = fadt;
    if (len < FADT_SLEEP_CONTROL)
        return -EINVAL;
    put_le16(t + FADT_SCI_INT, (uint16_t)p->irq->gsi(p->sci));
    put_le32(t + FADT_SMI_CMD, PM_APM_PORT + ACPI_APM_CNT);
    t[FADT_ACPI_ENABLE] = p->spec->acpi_enable;
    t[FADT_ACPI_DISABLE] = p->spec->acpi_disable;
    put_block(t, FADT_PM1A_EVT_BLK, FADT_PM1_EVT_LEN, FADT_X_PM1A_EVT, p->base + ACPI_PM1_STS, 4,
              2);
    put_block(t, FADT_PM1A_CNT_BLK, FADT_PM1_CNT_LEN, FADT_X_PM1A_CNT, p->base + ACPI_PM1_CNT, 2,
              2);
    put_block(t, FADT_PM_TMR_BLK, FADT_PM_TMR_LEN, FADT_X_PM_TMR, p->base + ACPI_PM_TMR, 4, 4);
    put_block(t, FADT_GPE0_BLK, FADT_GPE0_BLK_LEN, FADT_X_GPE0, gpe0_port(p),
              2u * p->spec->gpe_bytes, 1);
    put_gas(t + FADT_RESET_REG, GAS_IO, 8, 1, RESET_CF9_PORT);
    t[FADT_RESET_VALUE] = RESET_CF9_SYS_RST | RESET_CF9_RST_CPU | RESET_CF9_FULL_RST;
    fadt_set_flags(t, FADT_RESET_REG_SUP | FADT_SLP_BUTTON, FADT_PWR_BUTTON | FADT_TMR_VAL_EXT);
    return 0;
}

int pm_block_method(void *self, uint32_t n, const void *body, uint32_t len)
{
    struct pm_block *p = self;
    if (n >= PM_EVENTS)
        return -EINVAL;
    buf_free(&p->method[n]);
    buf_add(&p->method[n], body, len);
    p->known |= 1ull << n;
    return 0;
}

/* \_Sx (7.4.2): SLP_TYP for PM1a, for PM1b, reserved */
static void add_sleep(struct buf *a, const char *name, uint32_t slp_typ)
{
    aml_name(a, name);
    struct aml_block s = aml_package(a, 4);
    aml_int(a, slp_typ);
    aml_int(a, slp_typ);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a, s);
}

/* _Exx (5.6.4.1): an event is latched once, so it is cleared before its method runs. */
static void add_gpe(struct buf *a, const struct pm_block *p)
{
    char name[8];
    struct aml_block gpe = aml_scope(a, "\\_GPE");
    for (uint32_t n = 0; n < PM_EVENTS; n++) {
        if (!(p->known >> n & 1))
            continue;
        snprintf(name, sizeof name, "_E%02X", n);
        struct aml_block m = aml_method(a, name, 0, AML_SERIALIZED);
        buf_add(a, p->method[n].data, p->method[n].len);
        aml_end(a, m);
    }
    aml_end(a, gpe);
}

static int build(void *self, const struct tn_acpi_build *b, struct tn_acpi_out *o, struct tn_err *e)
{
    struct pm_block *p = self;
    BUF_AUTO root = {0};
    if (!p->no_s3)
        add_sleep(&root, "\\_S3", p->spec->slp_typ_s3);
    if (!p->no_s4)
        add_sleep(&root, "\\_S4", p->s4_val);
    add_sleep(&root, "\\_S5", p->spec->slp_typ_s5);
    add_gpe(&root, p);
    int r = b->aml(o, TN_SCOPE_ROOT, root.data, (uint32_t)root.len);
    return r < 0 ? tn_fail(p->dev, e, -r, "no place in the ACPI tables") : 0;
}

/* ---- life ---- */

static int claim(struct pm_block *p, const char *name, uint32_t base, uint32_t len,
                 const struct tn_region_ops *ops, struct tn_region **out, struct tn_err *e)
{
    const struct tn_region_req q = {
        .struct_size = sizeof q, .space = TN_SPACE_PIO, .base = base, .size = len, .name = name};
    return p->regions->add(p->dev, &q, ops, p, out, e);
}

static int claim_ports(struct pm_block *p, struct tn_err *e)
{
    const struct pm_spec *s = p->spec;
    struct tn_region *fixed;
    int r = claim(p, s->name, s->base, s->len, &block_ops, &p->block, e);
    if (r == 0)
        r = claim(p, "acpi-apm", PM_APM_PORT, 2, &apm_ops, &fixed, e);
    if (r == 0 && !s->gpe0)
        r = claim(p, "acpi-gpe0", s->gpe0_port, 2u * s->gpe_bytes, &gpe_ops, &fixed, e);
    return r;
}

static int make_callbacks(struct pm_block *p, struct tn_err *e)
{
    const struct tn_acpi *acpi = TN_GET(p->dev, struct tn_acpi, TN_ACPI_1);
    p->timer = p->loop->timer(p->dev, NULL, 0, TN_CLK_VM, timer_fires, p);
    p->latch = p->loop->bh(p->dev, NULL, 0, latch_raised, p);
    if (!p->timer || !p->latch)
        return tn_fail(p->dev, e, ENOMEM, "no memory for a timer");
    int r = p->machine->on(p->dev, TN_ON_POWERDOWN, power_button, p);
    if (r >= 0 && !p->no_s3)
        r = p->machine->on(p->dev, TN_ON_WAKEUP, woken, p);
    if (r >= 0 && acpi)
        r = acpi->builder(p->dev, build, p);
    return r < 0 ? tn_fail(p->dev, e, -r, "no memory for a hook or for ACPI tables") : 0;
}

/* Firmware learns which sleeping states there are: QEMU's file of a byte for each, bit 7: it
 * exists, and SLP_TYP below. It looks at those of S3 and S4. */
static int tell_firmware(struct pm_block *p, struct tn_err *e)
{
    enum { EXISTS = 0x80 };
    const struct tn_fwcfg *fwcfg = TN_GET(p->dev, struct tn_fwcfg, TN_FWCFG_1);
    uint8_t states[6] = {EXISTS, 0, 0, p->spec->slp_typ_s3, p->s4_val, EXISTS};
    if (!fwcfg)
        return 0;
    states[3] |= p->no_s3 ? 0 : EXISTS;
    states[4] = (uint8_t)((states[4] & 7) | (p->no_s4 ? 0 : EXISTS));
    return fwcfg->file(p->dev, "etc/system-states", states, sizeof states, e);
}

int pm_block_realize(struct pm_block *p, const struct pm_spec *spec, struct tn_dev *d,
                     struct tn_err *e)
{
    const struct acpi_pm_config config = {.gpe_bytes = spec->gpe_bytes,
                                          .acpi_enable = spec->acpi_enable,
                                          .acpi_disable = spec->acpi_disable};
    p->dev = d;
    p->spec = spec;
    p->base = spec->base;
    p->regions = TN_GET(d, struct tn_regions, TN_REGION_1);
    p->machine = TN_GET(d, struct tn_machine, TN_MACHINE_1);
    p->irq = TN_GET(d, struct tn_irq, TN_IRQ_1);
    p->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    acpi_pm_init(&p->chip, &config, &env, p);
    int r = p->irq->line(d, TN_LINE_GSI, PM_SCI_GSI, TN_LINE_LEVEL | TN_LINE_SHARED, &p->sci, e);
    if (r == 0)
        r = claim_ports(p, e);
    if (r == 0)
        r = tell_firmware(p, e);
    return r < 0 ? r : make_callbacks(p, e);
}

void pm_block_reset(struct pm_block *p)
{
    if (!p->spec)
        return;
    __atomic_store_n(&p->raised, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&p->fixed, 0, __ATOMIC_RELAXED);
    acpi_pm_reset(&p->chip);
}

void pm_block_loaded(struct pm_block *p)
{
    if (p->spec)
        acpi_pm_loaded(&p->chip);
}

int pm_block_pre_save(void *self, struct tn_err *e)
{
    (void)e;
    latch_raised(self);
    return 0;
}

void pm_block_fini(void *self)
{
    struct pm_block *p = self;
    for (uint32_t n = 0; n < PM_EVENTS; n++)
        buf_free(&p->method[n]);
}
