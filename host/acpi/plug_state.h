/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of a slot, for both hotplug devices. What is in it is said by the command line of the
 * machine that the state is loaded into. */
#ifndef TN_ACPI_PLUG_STATE_H
#define TN_ACPI_PLUG_STATE_H
#include "plug_slot.h"
#include <stddef.h>
#include <tenon/state.h>

static const struct tn_field plug_slot_fields[] = {
    TN_FIELD(struct plug_slot, inserting, U8),
    TN_FIELD(struct plug_slot, removing, U8),
    TN_FIELD(struct plug_slot, ost_event, U32),
    TN_FIELD(struct plug_slot, ost_status, U32),
};
static const struct tn_state plug_slot_state = {
    .struct_size = sizeof plug_slot_state,
    .version = 1,
    .min_version = 1,
    .name = "slot",
    .fields = plug_slot_fields,
    .nfields = sizeof plug_slot_fields / sizeof plug_slot_fields[0],
    .field_stride = sizeof plug_slot_fields[0],
};

/* A field "slots" of T: array slot, of which n at most max are in use. */
#define PLUG_SLOTS(T, slot_, n_, max_)                                                             \
    {                                                                                              \
        .name = "slots", .type = TN_S_SUB, .offset = offsetof(T, slot_), .count = offsetof(T, n_), \
        .sub = &plug_slot_state, .stride = sizeof(struct plug_slot), .max = (max_),                \
        .flags = TN_SF_COUNT_AT                                                                    \
    }

#endif
