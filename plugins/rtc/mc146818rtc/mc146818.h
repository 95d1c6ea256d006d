/* SPDX-License-Identifier: BSD-2-Clause */
/* MC146818A real-time clock and CMOS RAM: the chip alone.
 *
 * Time is a function of the environment's clock: the bytes of the time are brought up to date when
 * somebody looks, and a timer runs only while an interrupt is enabled whose flag is not up yet.
 *
 * Threads: none of its own, no lock. The owner serialises all calls on one instance. Callbacks run
 * inside these calls and don't call back. */
#ifndef TN_MC146818_H
#define TN_MC146818_H
#include <stdint.h>

#include "mc146818_regs.h"

/* Flag of mc146818_init(): periodic interrupts that the guest was too late for are made up for, at
 * double rate. */
#define MC146818_SLEW 1u

/* What the chip needs from outside. Every pointer is set; o is the opaque of mc146818_init(). */
struct mc146818_env {
    /* The interrupt line changed to level (0 or 1). */
    void (*irq)(void *o, uint32_t level);
    /* The guest set its clock: it is now `seconds` since 1970 and ns nanoseconds. Year 0 to 9999.
     */
    void (*time_set)(void *o, int64_t seconds, uint32_t ns);
    /* The clock of the time and of the timer, in ns. The time follows its jumps, also backwards. */
    uint64_t (*now_ns)(void *o);
    /* Calls mc146818_timer() at deadline; replaces an earlier deadline. */
    void (*arm_timer)(void *o, uint64_t deadline_ns);
    void (*disarm_timer)(void *o);
    /* The alarm has come, and its interrupt is enabled. */
    void (*alarm)(void *o);
};

/* All of the chip's state, as fixed-width fields that a state table can name; call
 * mc146818_refresh() before saving. env, opaque and flags are configuration. */
struct mc146818 {
    const struct mc146818_env *env;
    void *opaque;
    uint32_t flags;

    uint8_t cmos[RTC_SIZE];  /* the registers included; the time as of update_ns */
    uint8_t index;           /* 0..127 */
    uint8_t nmi_masked;      /* bit 7 of the index port */
    uint8_t time_written;    /* the guest changed the time and time_set() has not been told */
    uint64_t update_ns;      /* clock of the latest update, or of the one that SET prevented */
    uint64_t periodic_ns;    /* clock of periodic tick 0 */
    uint64_t periodic_ticks; /* latest edge of the periodic interrupt, in 1/32768 s since then */
    uint64_t made_up_ns;     /* clock of the next periodic interrupt that makes up for a lost one */
    uint32_t lost;           /* periodic interrupts to make up for */

    /* derived: computed again by mc146818_post_load() */
    uint8_t irq_level;
    uint64_t deadline; /* of the timer; 0: disarmed */
};

/* Makes a chip as after its battery was put in: time 0 in BCD and 24-hour mode, RAM zero, divider
 * running. Calls now_ns.
 * @env, @opaque: must outlive r. @flags: MC146818_*. */
void mc146818_init(struct mc146818 *r, const struct mc146818_env *env, void *opaque,
                   uint32_t flags);
/* The RESET pin: interrupt enables, flags and the square wave go off; time, RAM and register A
 * stay. */
void mc146818_reset(struct mc146818 *r);

/* The host sets the time, seconds since 1970 and ns (below 10^9), without a call of time_set. */
void mc146818_set_time(struct mc146818 *r, int64_t seconds, uint32_t ns);
/* The time that the guest would read now, in seconds since 1970. */
int64_t mc146818_time(struct mc146818 *r);

/* The index port (0x70 of a PC) is written: register number and, in bit 7, the NMI mask. */
void mc146818_write_index(struct mc146818 *r, uint8_t v);
/* 1 if the guest masked the NMI. */
uint32_t mc146818_nmi_masked(const struct mc146818 *r);
/* Guest access to the data port (0x71). Reads may have side effects. */
uint8_t mc146818_read(struct mc146818 *r);
void mc146818_write(struct mc146818 *r, uint8_t v);

/* A byte of RAM, for firmware settings: reg RTC_RAM..127 without the century.
 * Returns 0, or -EINVAL if reg is none. */
int mc146818_ram_set(struct mc146818 *r, uint32_t reg, uint8_t v);
/* Returns the byte or -EINVAL. */
int mc146818_ram_get(const struct mc146818 *r, uint32_t reg);

/* The timer expired. */
void mc146818_timer(struct mc146818 *r);
/* Brings time, flags, interrupt line and timer up to date. */
void mc146818_refresh(struct mc146818 *r);
/* After the state fields were loaded: makes them legal and gives line and timer to the environment.
 */
void mc146818_post_load(struct mc146818 *r);

#endif
