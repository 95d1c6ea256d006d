/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI Generic Event Device: how a machine without fixed hardware tells of events, sleeps and
 * resets.
 *
 * Threads: events come from any thread, accesses from processors. Every function but ged_init() is
 * called with one lock of the caller's held, a leaf lock if events are raised from under other
 * locks; callbacks run with it and do not call back into the chip. */
#ifndef GED_H
#define GED_H
#include "ged_regs.h"
#include <stdint.h>

/* What the chip asks of its environment. No member may be NULL. */
struct ged_env {
    /* The interrupt wire is now asserted (1) or not (0). */
    void (*line)(void *opaque, uint32_t level);
    /* The guest set SLP_EN with this SLP_TYP. Only asks. */
    void (*sleep)(void *opaque, uint32_t slp_typ);
    /* The guest wrote the reset value. Only asks. */
    void (*reset)(void *opaque);
};

struct ged {
    /* state: the fields that are saved */
    uint32_t pending;
    uint8_t sleep_ctl, sleep_sts;
    /* configuration */
    uint32_t events; /* GED_EVT_* that the machine's tables handle */
    const struct ged_env *env;
    void *opaque;
};

/* Makes c the device after power-on, without calling env. events are the bits that can become
 * pending. c, env and opaque stay the caller's and outlive the use of c. */
void ged_init(struct ged *c, uint32_t events, const struct ged_env *env, void *opaque);

/* Hardware reset: nothing pending, the wire low. */
void ged_reset(struct ged *c);

/* After the state fields were loaded: reports the wire, even if low. */
void ged_loaded(struct ged *c);

/* Latches events and interrupts. Returns 0, or -EINVAL, having done nothing, if one is not handled.
 */
int ged_event(struct ged *c, uint32_t events);

/* The machine leaves a sleeping state. */
void ged_wake(struct ged *c);

/* The event selector block: a read of its dword returns the pending events and clears them. Other
 * accesses read as zero and clear nothing; writes do nothing. */
uint64_t ged_selector_read(struct ged *c, uint64_t off, uint32_t size);

/* The register block, byte by byte; other sizes and offsets read as zero and ignore a write. */
uint64_t ged_regs_read(const struct ged *c, uint64_t off, uint32_t size);
void ged_regs_write(struct ged *c, uint64_t off, uint32_t size, uint64_t value);

#endif
