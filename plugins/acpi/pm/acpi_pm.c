/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi_pm.h"
#include <errno.h>
#include <string.h>

#define NS_PER_S 1000000000u

/* ---- the timer (4.8.2.1) -------------------------------------------------------------------- */

static uint64_t ticks_now(const struct acpi_pm *c)
{
    unsigned __int128 t = c->env->now_ns(c->opaque);
    return (uint64_t)(t * ACPI_PM_TMR_HZ / NS_PER_S);
}

/* The first ns at which ticks_now() is at least tick. */
static uint64_t ns_of_tick(uint64_t tick)
{
    unsigned __int128 t = (unsigned __int128)tick * NS_PER_S;
    t = (t + ACPI_PM_TMR_HZ - 1) / ACPI_PM_TMR_HZ;
    return t > UINT64_MAX ? UINT64_MAX : (uint64_t)t;
}

/* TMR_STS is set when the highest bit changes, in either direction. */
static uint64_t next_overflow(const struct acpi_pm *c)
{
    uint64_t half = 1ull << (c->config.timer_32bit ? 31 : 23);
    return (ticks_now(c) | (half - 1)) + 1;
}

static uint32_t timer_value(const struct acpi_pm *c)
{
    uint64_t ticks = ticks_now(c);
    return c->config.timer_32bit ? (uint32_t)ticks : ticks & 0xffffff;
}

static void latch_overflow(struct acpi_pm *c)
{
    if (ticks_now(c) >= c->overflow)
        c->pm1_sts |= ACPI_PM1_TMR;
}

/* ---- SCI (4.8.3.2.1) ------------------------------------------------------------------------ */

static uint32_t gpe_active(const struct acpi_pm *c)
{
    uint32_t active = 0;
    for (uint32_t i = 0; i < c->config.gpe_bytes; i++)
        active |= c->gpe_sts[i] & c->gpe_en[i];
    return active;
}

static uint32_t sci_level(const struct acpi_pm *c)
{
    if (!(c->pm1_cnt & ACPI_PM1_SCI_EN))
        return 0;
    return (c->pm1_sts & c->pm1_en & ACPI_PM1_EN_BITS) || gpe_active(c);
}

/* Nobody needs the overflow to the tick unless it interrupts: else it is found when STS is read. */
static void schedule(const struct acpi_pm *c)
{
    if ((c->pm1_en & ACPI_PM1_TMR) && !(c->pm1_sts & ACPI_PM1_TMR))
        c->env->arm(c->opaque, ns_of_tick(c->overflow));
    else
        c->env->disarm(c->opaque);
}

static void report_sci(struct acpi_pm *c)
{
    uint8_t level = (uint8_t)sci_level(c);
    if (level == c->sci)
        return;
    c->sci = level;
    c->env->sci(c->opaque, level);
}

static void update(struct acpi_pm *c)
{
    latch_overflow(c);
    report_sci(c);
    schedule(c);
}

/* ---- PM1a ----------------------------------------------------------------------------------- */

static void write_sts(struct acpi_pm *c, uint16_t value)
{
    latch_overflow(c);
    if (c->pm1_sts & value & ACPI_PM1_TMR)
        c->overflow = next_overflow(c);
    c->pm1_sts &= ~value;
}

/* lanes: which bits the access touches. SLP_TYP and SLP_EN share a byte, so a byte will do. */
static void write_cnt(struct acpi_pm *c, uint16_t value, uint16_t lanes)
{
    uint16_t kept = ACPI_PM1_SCI_EN | ACPI_PM1_BM_RLD | ACPI_PM1_SLP_TYP;
    c->pm1_cnt = (c->pm1_cnt & ~lanes) | (value & lanes & kept);
    if (c->config.always_acpi)
        c->pm1_cnt |= ACPI_PM1_SCI_EN;
    if (value & lanes & ACPI_PM1_SLP_EN)
        c->env->sleep(c->opaque, (value & ACPI_PM1_SLP_TYP) >> ACPI_PM1_SLP_TYP_SHIFT);
}

/* The fixed block as dwords: an access of any size and alignment becomes one or more of them. */
static uint32_t fixed_dword(struct acpi_pm *c, uint64_t off)
{
    switch (off) {
    case ACPI_PM1_STS:
        latch_overflow(c);
        return c->pm1_sts | (uint32_t)c->pm1_en << 16;
    case ACPI_PM1_CNT:
        return c->pm1_cnt;
    case ACPI_PM_TMR:
        return timer_value(c);
    default:
        return 0;
    }
}

static void set_fixed_dword(struct acpi_pm *c, uint64_t off, uint32_t value, uint32_t lanes)
{
    switch (off) {
    case ACPI_PM1_STS:
        write_sts(c, (uint16_t)(value & lanes));
        c->pm1_en = (c->pm1_en & ~(lanes >> 16)) | (value & lanes & ACPI_PM1_EN_BITS << 16) >> 16;
        break;
    case ACPI_PM1_CNT:
        write_cnt(c, (uint16_t)value, (uint16_t)lanes);
        break;
    }
}

static uint64_t lanes_of(uint32_t size)
{
    return size >= 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
}

uint64_t acpi_pm_fixed_read(struct acpi_pm *c, uint64_t off, uint32_t size)
{
    unsigned __int128 value = 0;
    if (off >= ACPI_PM_FIXED_LEN)
        return 0;
    uint64_t base = off & ~3ull;
    for (uint32_t i = 0; i < 3; i++) /* 8 bytes, unaligned, touch three dwords */
        if (base + 4 * i < off + size)
            value |= (unsigned __int128)fixed_dword(c, base + 4 * i) << (32 * i);
    return (uint64_t)(value >> (8 * (off & 3))) & lanes_of(size);
}

void acpi_pm_fixed_write(struct acpi_pm *c, uint64_t off, uint32_t size, uint64_t value)
{
    if (off >= ACPI_PM_FIXED_LEN)
        return;
    uint64_t base = off & ~3ull;
    unsigned __int128 lanes = (unsigned __int128)lanes_of(size) << (8 * (off & 3));
    unsigned __int128 wide = (unsigned __int128)value << (8 * (off & 3));
    for (uint32_t i = 0; i < 3; i++)
        if ((uint32_t)(lanes >> (32 * i)))
            set_fixed_dword(c, base + 4 * i, (uint32_t)(wide >> (32 * i)),
                            (uint32_t)(lanes >> (32 * i)));
    update(c);
}

/* ---- GPE0 (4.8.4.1) ------------------------------------------------------------------------- */

uint64_t acpi_pm_gpe_read(const struct acpi_pm *c, uint64_t off, uint32_t size)
{
    uint64_t value = 0;
    uint32_t n = c->config.gpe_bytes;
    for (uint32_t i = 0; i < size && i < 8 && off < 2 * n; i++, off++) {
        uint64_t byte = off < n ? c->gpe_sts[off] : c->gpe_en[off - n];
        value |= byte << (8 * i);
    }
    return value;
}

void acpi_pm_gpe_write(struct acpi_pm *c, uint64_t off, uint32_t size, uint64_t value)
{
    uint32_t n = c->config.gpe_bytes;
    for (uint32_t i = 0; i < size && i < 8 && off < 2 * n; i++, off++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        if (off < n)
            c->gpe_sts[off] &= ~byte;
        else
            c->gpe_en[off - n] = byte;
    }
    update(c);
}

int acpi_pm_gpe(struct acpi_pm *c, uint32_t n)
{
    if (n / 8 >= c->config.gpe_bytes)
        return -EINVAL;
    c->gpe_sts[n / 8] |= 1u << (n % 8);
    update(c);
    return 0;
}

/* ---- SMI command port ----------------------------------------------------------------------- */

uint32_t acpi_pm_apm_read(const struct acpi_pm *c, uint64_t off)
{
    return off == ACPI_APM_CNT ? c->apm_cnt : off == ACPI_APM_STS ? c->apm_sts : 0xff;
}

/* The chip answers where firmware in SMM would: no SMI is involved. */
static void smi_command(struct acpi_pm *c, uint8_t command)
{
    c->apm_cnt = command;
    if (c->config.always_acpi)
        return;
    if (command == c->config.acpi_enable)
        c->pm1_cnt |= ACPI_PM1_SCI_EN;
    else if (command == c->config.acpi_disable)
        c->pm1_cnt &= ~ACPI_PM1_SCI_EN;
    update(c);
}

void acpi_pm_apm_write(struct acpi_pm *c, uint64_t off, uint32_t value)
{
    if (off == ACPI_APM_CNT)
        smi_command(c, (uint8_t)value);
    else if (off == ACPI_APM_STS)
        c->apm_sts = (uint8_t)value;
}

/* ---- events --------------------------------------------------------------------------------- */

void acpi_pm_event(struct acpi_pm *c, uint32_t bits)
{
    c->pm1_sts |= bits & ACPI_PM1_STS_BITS;
    update(c);
}

void acpi_pm_wake(struct acpi_pm *c, uint32_t bits)
{
    acpi_pm_event(c, bits | ACPI_PM1_WAK);
}

void acpi_pm_timer(struct acpi_pm *c)
{
    update(c);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void power_on(struct acpi_pm *c)
{
    c->pm1_sts = c->pm1_en = 0;
    c->pm1_cnt = c->config.always_acpi ? ACPI_PM1_SCI_EN : 0;
    memset(c->gpe_sts, 0, sizeof c->gpe_sts);
    memset(c->gpe_en, 0, sizeof c->gpe_en);
    c->apm_cnt = c->apm_sts = 0;
    c->overflow = next_overflow(c);
}

int acpi_pm_init(struct acpi_pm *c, const struct acpi_pm_config *config,
                 const struct acpi_pm_env *env, void *opaque)
{
    if (config->gpe_bytes > ACPI_PM_GPE_MAX)
        return -EINVAL;
    if (!config->always_acpi && config->acpi_enable == config->acpi_disable)
        return -EINVAL;
    *c = (struct acpi_pm){.config = *config, .env = env, .opaque = opaque};
    power_on(c);
    return 0;
}

void acpi_pm_reset(struct acpi_pm *c)
{
    power_on(c);
    update(c);
}

void acpi_pm_loaded(struct acpi_pm *c)
{
    c->pm1_sts &= ACPI_PM1_STS_BITS;
    c->pm1_en &= ACPI_PM1_EN_BITS;
    c->pm1_cnt &= ACPI_PM1_SCI_EN | ACPI_PM1_BM_RLD | ACPI_PM1_SLP_TYP;
    latch_overflow(c);
    c->sci = (uint8_t)sci_level(c);
    c->env->sci(c->opaque, c->sci);
    schedule(c);
}
