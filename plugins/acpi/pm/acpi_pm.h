/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI fixed hardware: PM1a event and control block, PM timer, GPE0 block and the SMI command port.
 *
 * Threads: events come from any thread, accesses from processors. Every function but acpi_pm_init()
 * is called with one lock of the caller's held, a leaf lock if events are raised from under other
 * locks; callbacks run with it and do not call back into the chip. */
#ifndef ACPI_PM_H
#define ACPI_PM_H
#include "acpi_pm_regs.h"
#include <stdint.h>

#define ACPI_PM_GPE_MAX 8 /* bytes of GPE0 status, and again of enable, at most */

/* What the chip asks of its environment. No member may be NULL. */
struct acpi_pm_env {
    /* The clock of the VM, ns; never goes back but by a load. */
    uint64_t (*now_ns)(void *opaque);
    /* Calls acpi_pm_timer() once when now_ns() reaches ns; replaces an earlier call still to come.
     */
    void (*arm)(void *opaque, uint64_t ns);
    /* Takes arm() back. */
    void (*disarm)(void *opaque);
    /* The SCI wire is now asserted (1) or not (0). */
    void (*sci)(void *opaque, uint32_t level);
    /* The guest set SLP_EN with this SLP_TYP; which state that is says \_Sx of the machine's
     * tables. Only asks for it: the guest runs on until the machine stops it. */
    void (*sleep)(void *opaque, uint32_t slp_typ);
};

struct acpi_pm_config {
    uint8_t gpe_bytes;    /* of status and of enable each, at most ACPI_PM_GPE_MAX */
    uint8_t timer_32bit;  /* the PM timer has 32 bits (FADT TMR_VAL_EXT), not 24 */
    uint8_t always_acpi;  /* no SMI_CMD: SCI_EN is always 1 (4.8.3.2.1) */
    uint8_t acpi_enable;  /* value of SMI_CMD that sets SCI_EN (FADT ACPI_ENABLE) */
    uint8_t acpi_disable; /* and that clears it (FADT ACPI_DISABLE) */
};

struct acpi_pm {
    /* state: the fields that are saved */
    uint16_t pm1_sts, pm1_en, pm1_cnt;
    uint8_t gpe_sts[ACPI_PM_GPE_MAX], gpe_en[ACPI_PM_GPE_MAX];
    uint8_t apm_cnt, apm_sts;
    uint64_t overflow; /* tick at which TMR_STS is set next */
    uint8_t sci;       /* level of the wire, as last reported */
    /* configuration */
    struct acpi_pm_config config;
    const struct acpi_pm_env *env;
    void *opaque;
};

/* Makes c the block after power-on, without calling env but for the time. config is copied; c, env
 * and opaque stay the caller's and outlive the use of c. Returns 0, or -EINVAL for too many GPE
 * bytes or equal enable and disable values. */
int acpi_pm_init(struct acpi_pm *c, const struct acpi_pm_config *config,
                 const struct acpi_pm_env *env, void *opaque);

/* Hardware reset: registers to zero, the SCI wire low. */
void acpi_pm_reset(struct acpi_pm *c);

/* After the state fields were loaded: reports the wire, even if low, and arms the timer. */
void acpi_pm_loaded(struct acpi_pm *c);

/* Access to size (1, 2, 4 or 8) bytes at off of the fixed block: PM1a_EVT, PM1a_CNT, PM_TMR. Bytes
 * of no register read as zero and ignore a write. */
uint64_t acpi_pm_fixed_read(struct acpi_pm *c, uint64_t off, uint32_t size);
void acpi_pm_fixed_write(struct acpi_pm *c, uint64_t off, uint32_t size, uint64_t value);

/* The same for the GPE0 block, gpe_bytes of status before gpe_bytes of enable. */
uint64_t acpi_pm_gpe_read(const struct acpi_pm *c, uint64_t off, uint32_t size);
void acpi_pm_gpe_write(struct acpi_pm *c, uint64_t off, uint32_t size, uint64_t value);

/* One byte at ACPI_APM_CNT or ACPI_APM_STS (ports 0xb2 and 0xb3). */
uint32_t acpi_pm_apm_read(const struct acpi_pm *c, uint64_t off);
void acpi_pm_apm_write(struct acpi_pm *c, uint64_t off, uint32_t value);

/* Latches fixed events, ACPI_PM1_* bits: a button was pressed, the RTC's alarm came. The status is
 * latched whether or not it is enabled. */
void acpi_pm_event(struct acpi_pm *c, uint32_t bits);

/* The machine leaves a sleeping state because of these events (0: nothing that the block knows). */
void acpi_pm_wake(struct acpi_pm *c, uint32_t bits);

/* Latches general purpose event n. Returns 0, or -EINVAL if there is no such bit. */
int acpi_pm_gpe(struct acpi_pm *c, uint32_t n);

/* The time that env->arm() asked for has come. */
void acpi_pm_timer(struct acpi_pm *c);

#endif
