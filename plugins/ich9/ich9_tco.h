/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCO block in the bridge: its ports, its clock, and what happens when the guest hangs. */
#ifndef ICH9_TCO_H
#define ICH9_TCO_H
#include "tco.h"
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/region.h>

struct ich9_tco {
    struct tco chip;
    struct tn_dev *dev;
    const struct tn_loop *loop;
    const struct tn_regions *regions;
    struct tn_region *ports;
    struct tn_timer *timer;
    const uint8_t *gcs; /* the owner's: bits 7:0 of General Control and Status */
    uint8_t noreboot;   /* property: the strap says so, whatever gcs does */
};

/* Takes ports and a timer; gcs stays. 0 or -errno with e. [main], in realize */
int ich9_tco_realize(struct ich9_tco *t, struct tn_dev *d, const uint8_t *gcs, struct tn_err *e);
/* The ports are at base now, or nowhere. [main][vcpu][dev] */
void ich9_tco_place(struct ich9_tco *t, uint32_t base, uint32_t on);

#define ICH9_TCO_PROPS(T, t) \
    TN_PROP(T, t.noreboot, "noreboot", BOOL, 0, "a second timeout of the TCO timer does nothing")

/* The rows of a struct tn_field table that hold it; t is the member. */
#define ICH9_TCO_FIELDS(T, t)                                     \
    TN_FIELD_ROW(T, t.chip.sts, "tco_sts", U16, 2),               \
        TN_FIELD_ROW(T, t.chip.cnt, "tco_cnt", U16, 2),           \
        TN_FIELD_ROW(T, t.chip.tmr, "tco_tmr", U16, 1),           \
        TN_FIELD_ROW(T, t.chip.left, "tco_left", U16, 1),         \
        TN_FIELD_ROW(T, t.chip.expires, "tco_expires", U64, 1),   \
        TN_FIELD_ROW(T, t.chip.dat_in, "tco_dat_in", U8, 1),      \
        TN_FIELD_ROW(T, t.chip.dat_out, "tco_dat_out", U8, 1),    \
        TN_FIELD_ROW(T, t.chip.message, "tco_message", BYTES, 2), \
        TN_FIELD_ROW(T, t.chip.wdcnt, "tco_wdcnt", U8, 1),        \
        TN_FIELD_ROW(T, t.chip.sw_irq, "tco_sw_irq", U8, 1),      \
        TN_FIELD_ROW(T, t.chip.stage, "tco_stage", U8, 1)

#endif
