/* SPDX-License-Identifier: BSD-2-Clause */
/* An Intel 82093AA-style I/O APIC: registers, pins and messages, without a bus.
 *
 * Threads: pins move, vectors end and registers are written on any thread, at the same time. Every
 * function here but ioapic_chip_init() is called with one leaf lock of the caller held, and every
 * callback runs with that lock held: a callback does its work and returns, and neither calls back
 * into the chip nor takes a lock that may be held around a call to the chip. */
#ifndef IOAPIC_CHIP_H
#define IOAPIC_CHIP_H
#include "ioapic_regs.h"
#include <stdint.h>

/* Destinations of 15 bits: RTE [55:49] go to address [11:5] (KVM's MSI extended destination id). */
#define IOAPIC_FLAG_EXT_DEST 1u

/* What the chip asks of its environment. No member may be NULL. */
struct ioapic_env {
    /* Pin's entry was changed: what a source that bypasses the chip (an irqfd) is to send. masked
     * is 1 while it must not. Even then the end of the vector in data must go on coming to
     * ioapic_chip_eoi(): Linux masks a level pin whose handler is a thread, ends the interrupt, and
     * unmasks it later. An end that is not reported leaves Remote IRR set and the pin dead. */
    void (*route)(void *opaque, uint32_t pin, uint64_t addr, uint32_t data, uint32_t masked);
    /* The route() calls before this one take effect together. */
    void (*commit)(void *opaque);
    /* Sends one message now. */
    void (*inject)(void *opaque, uint64_t addr, uint32_t data);
    /* A level interrupt of pin was ended: sources that bypass the chip sample their wire again. */
    void (*eoi_of)(void *opaque, uint32_t pin);
    /* Calls ioapic_chip_resume() once, ns from now; replaces an earlier call still to come. */
    void (*arm)(void *opaque, uint64_t ns);
};

struct ioapic_chip {
    /* state: the fields that are saved */
    uint64_t rte[IOAPIC_PINS];
    uint32_t wires;               /* bit n: pin n is asserted, as ioapic_chip_pin() last said */
    uint32_t deferred;            /* bit n: pin n is held back until ioapic_chip_resume() */
    uint32_t streak[IOAPIC_PINS]; /* ends in a row that found the wire still asserted */
    uint8_t regsel;
    uint8_t id;
    /* configuration */
    uint8_t version;
    uint32_t flags;
    const struct ioapic_env *env;
    void *opaque;
};

/* Makes c the chip after power-on, without calling env. version is 0x11 (82093AA) or 0x20 (ICH9:
 * with EOIR); flags are IOAPIC_FLAG_*. c, env and opaque stay the caller's and outlive the use of
 * c. Returns 0, or -EINVAL for another version. */
int ioapic_chip_init(struct ioapic_chip *c, uint32_t version, uint32_t flags,
                     const struct ioapic_env *env, void *opaque);

/* Hardware reset: all entries masked, every route reported. Wires stay: they belong to the devices.
 */
void ioapic_chip_reset(struct ioapic_chip *c);

/* After the state fields were loaded: drops bits that no chip has and reports every route. */
void ioapic_chip_loaded(struct ioapic_chip *c);

/* A read of size bytes at off of the register page; offsets repeat every 256 bytes. Registers that
 * are not there, and IOWIN with a size other than 4, read as zero. */
uint64_t ioapic_chip_read(const struct ioapic_chip *c, uint64_t off, uint32_t size);

/* A write of size bytes at off. Other registers, and IOWIN and EOIR with a size other than 4,
 * ignore it. */
void ioapic_chip_write(struct ioapic_chip *c, uint64_t off, uint32_t size, uint64_t value);

/* Pin's wire is now asserted (level 1) or not (0); the caller has ORed its sources and has applied
 * their polarity. Repeating a level is harmless. A pin that is not there is ignored. */
void ioapic_chip_pin(struct ioapic_chip *c, uint32_t pin, uint32_t level);

/* The local APICs ended vector: level pins with that vector become ready for the next interrupt. */
void ioapic_chip_eoi(struct ioapic_chip *c, uint32_t vector);

/* The time that env->arm() asked for has come. */
void ioapic_chip_resume(struct ioapic_chip *c);

#endif
