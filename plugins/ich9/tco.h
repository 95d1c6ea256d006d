/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCO block of the ICH9: a watchdog of two stages, and mailboxes of firmware. The chip alone:
 * its clock and its machine are the caller's. Sections: ICH9 datasheet (316972-004), 13.9. */
#ifndef TCO_H
#define TCO_H
#include <stdint.h>

/* I/O registers, offsets from TCOBASE = PMBASE + 60h */
#define TCO_LEN        0x20u
#define TCO_RLD        0x00 /* 13.9.1, 16 bits: what is left; a write loads it */
#define TCO_DAT_IN     0x02 /* 13.9.2 */
#define TCO_DAT_OUT    0x03 /* 13.9.3 */
#define TCO1_STS       0x04 /* 13.9.4, 16 bits */
#define TCO2_STS       0x06 /* 13.9.5, 16 bits */
#define TCO1_CNT       0x08 /* 13.9.6, 16 bits */
#define TCO2_CNT       0x0a /* 13.9.7, 16 bits */
#define TCO_MESSAGE1   0x0c /* 13.9.8 */
#define TCO_MESSAGE2   0x0d
#define TCO_WDCNT      0x0e /* 13.9.9 */
#define TCO_SW_IRQ_GEN 0x10 /* 13.9.10 */
#define TCO_TMR        0x12 /* 13.9.11, 16 bits */

#define TCO1_STS_SW_SMI    0x0002u /* DAT_IN was written */
#define TCO1_STS_INT       0x0004u /* DAT_OUT was written */
#define TCO1_STS_TIMEOUT   0x0008u
#define TCO1_STS_CLEARS    0x137bu /* these a one clears; and INT */
#define TCO2_STS_SECOND_TO 0x0002u
#define TCO2_STS_BOOT      0x0004u
#define TCO2_STS_CLEARS    0x001fu
#define TCO1_CNT_LOCK      0x1000u
#define TCO1_CNT_TMR_HLT   0x0800u
#define TCO1_CNT_WRITABLE  0x1b00u
#define TCO2_CNT_WRITABLE  0x003eu
#define TCO2_CNT_RESET     0x0008u
#define TCO_SW_IRQ_RESET   0x03u
#define TCO_TMR_MASK       0x03ffu
#define TCO_TMR_RESET      0x0004u
#define TCO_TMR_LEAST      4u

#define TCO_TICK_NS 600000000ull

struct tco_env {
    uint64_t (*now)(void *o);          /* ns of the guest's clock */
    void (*arm)(void *o, uint64_t ns); /* tco_expired() is called then; 0: not any more */
    int (*no_reboot)(void *o);         /* the second stage changes bits only */
    void (*bite)(void *o);             /* the second stage: the guest hangs */
};

struct tco {
    const struct tco_env *env;
    void *owner;
    uint16_t sts[2], cnt[2], tmr;
    uint16_t left;    /* ticks, while it does not run */
    uint64_t expires; /* when the count ends; 0: it does not run */
    uint8_t dat_in, dat_out, message[2], wdcnt, sw_irq, stage; /* stage 1: one timeout was */
};

void tco_init(struct tco *t, const struct tco_env *env, void *owner);
void tco_reset(struct tco *t);
/* size is 1 or 2; a word is at an even offset. */
uint32_t tco_read(const struct tco *t, uint32_t off, uint32_t size);
void tco_write(struct tco *t, uint32_t off, uint32_t size, uint32_t value);
void tco_expired(struct tco *t); /* the time of the last arm() has come */
void tco_loaded(struct tco *t);  /* state has been put into t */
int tco_is_reset(const struct tco *t);

#endif
