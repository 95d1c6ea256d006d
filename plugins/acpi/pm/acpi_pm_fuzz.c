/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the ACPI fixed hardware with accesses, events and time, 8 bytes a step; the SCI wire is
 * checked against the registers after each. */
#include "acpi_pm.h"
#include "util/bytes.h"
#include <stdlib.h>

struct world {
    struct acpi_pm chip;
    uint64_t now, alarm; /* alarm 0: none */
    uint32_t sci;
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static uint64_t on_now(void *opaque)
{
    return ((struct world *)opaque)->now;
}

static void on_arm(void *opaque, uint64_t ns)
{
    struct world *w = opaque;
    require(ns > w->now);
    w->alarm = ns;
}

static void on_disarm(void *opaque)
{
    ((struct world *)opaque)->alarm = 0;
}

static void on_sci(void *opaque, uint32_t level)
{
    struct world *w = opaque;
    require(level <= 1);
    w->sci = level;
}

static void on_sleep(void *opaque, uint32_t slp_typ)
{
    (void)opaque;
    require(slp_typ <= 7);
}

static const struct acpi_pm_env env = {on_now, on_arm, on_disarm, on_sci, on_sleep};

static void advance(struct world *w, uint64_t ns)
{
    w->now += ns & 0xffffffffff;
    if (w->alarm && w->now >= w->alarm) {
        w->alarm = 0;
        acpi_pm_timer(&w->chip);
    }
}

static void step(struct world *w, const uint8_t *p)
{
    struct acpi_pm *c = &w->chip;
    uint32_t off = p[1] & 0x1f, size = 1u << (p[2] & 3);
    uint64_t v = get_le32(p + 4);
    switch (p[0] & 15) {
    case 0:
        acpi_pm_event(c, (uint32_t)v);
        break;
    case 1:
        acpi_pm_wake(c, (uint32_t)v);
        break;
    case 2:
        require((acpi_pm_gpe(c, p[1]) == 0) == (p[1] / 8 < c->config.gpe_bytes));
        break;
    case 3:
        advance(w, v << p[3] % 8);
        break;
    case 4:
        require((acpi_pm_fixed_read(c, off, size) & ~ones(size)) == 0);
        break;
    case 5:
        require((acpi_pm_gpe_read(c, off, size) & ~ones(size)) == 0);
        break;
    case 6:
        acpi_pm_apm_write(c, p[1] & 3, p[4]);
        require(acpi_pm_apm_read(c, p[1] & 3) <= 0xff);
        break;
    case 7:
        p[2] ? acpi_pm_loaded(c) : acpi_pm_reset(c);
        break;
    case 8:
    case 9:
        acpi_pm_gpe_write(c, off, size, v);
        break;
    default:
        acpi_pm_fixed_write(c, off, size, v);
    }
}

static void check(const struct world *w)
{
    const struct acpi_pm *c = &w->chip;
    uint32_t active = c->pm1_sts & c->pm1_en;
    for (uint32_t i = 0; i < c->config.gpe_bytes; i++)
        active |= c->gpe_sts[i] & c->gpe_en[i];
    require(w->sci == (active && (c->pm1_cnt & ACPI_PM1_SCI_EN)));
    require(!(c->pm1_cnt & ACPI_PM1_SLP_EN));
    if ((c->pm1_en & ACPI_PM1_TMR) && !(c->pm1_sts & ACPI_PM1_TMR))
        require(w->alarm != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {0};
    struct acpi_pm_config config = {.acpi_enable = 2, .acpi_disable = 3};
    config.gpe_bytes = size % (ACPI_PM_GPE_MAX + 1);
    config.timer_32bit = size >> 4 & 1;
    config.always_acpi = size >> 5 & 1;
    require(acpi_pm_init(&w.chip, &config, &env, &w) == 0);
    for (; size >= 8; size -= 8, data += 8) {
        step(&w, data);
        check(&w);
    }
    return 0;
}
