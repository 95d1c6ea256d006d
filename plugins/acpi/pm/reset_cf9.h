/* SPDX-License-Identifier: BSD-2-Clause */
/* The Reset Control Register at I/O port 0xcf9. Called with the device's lock held. */
#ifndef RESET_CF9_H
#define RESET_CF9_H
#include "acpi_pm_regs.h"
#include <stdint.h>

enum {
    RESET_CF9_INIT = 1,  /* INIT to the processors; devices keep their state */
    RESET_CF9_HARD = 2,  /* every device and processor */
    RESET_CF9_POWER = 3, /* the same, by way of power off and on */
};

struct reset_cf9_env {
    /* The guest asks for a RESET_CF9_* reset. Only asks: runs inside the guest's access. */
    void (*reset)(void *opaque, uint32_t kind);
};

struct reset_cf9 {
    uint8_t rcr; /* state */
    const struct reset_cf9_env *env;
    void *opaque;
};

/* Makes c the register after power-on. c, env and opaque stay the caller's and outlive the use of
 * c. */
void reset_cf9_init(struct reset_cf9 *c, const struct reset_cf9_env *env, void *opaque);

/* Hardware reset. */
void reset_cf9_reset(struct reset_cf9 *c);

/* The register's byte. */
uint32_t reset_cf9_read(const struct reset_cf9 *c);

/* A write of a byte; RST_CPU going from 0 to 1 asks for the reset that the other bits name. */
void reset_cf9_write(struct reset_cf9 *c, uint32_t value);

#endif
