/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hotplug registers of processors and of memory know of one slot. */
#ifndef TN_ACPI_PLUG_SLOT_H
#define TN_ACPI_PLUG_SLOT_H
#include <stdint.h>

struct plug_slot {
    uint8_t present;   /* there is something in it */
    uint8_t inserting; /* it came, and the guest has not seen to it yet */
    uint8_t removing;  /* the guest was asked to let go, and has not seen to it yet */
    uint8_t reserved;
    uint32_t ost_event, ost_status; /* what its _OST last said (ACPI 6.3, 6.3.5) */
};

/* What the registers ask of the machine; called with the registers' lock held. */
struct plug_env {
    /* The guest has let go of slot i, which is present: _EJ0. Only asks for it: 1 it goes, and
     * reads as gone from here on (6.3.3: OSPM looks at _STA behind _EJ0); 0 it stays. */
    int (*eject)(void *opaque, uint32_t i);
    /* The guest reported on slot i: _OST. */
    void (*ost)(void *opaque, uint32_t i);
};

/* Status and control bits, the same in both blocks. */
enum {
    PLUG_ENABLED = 1 << 0,
    PLUG_INSERTING = 1 << 1, /* written: clear it */
    PLUG_REMOVING = 1 << 2,  /* written: clear it */
    PLUG_EJECT = 1 << 3,     /* written: eject */
};

/* The bits of s as they are read. */
static inline uint32_t plug_status(const struct plug_slot *s)
{
    return (s->present ? PLUG_ENABLED : 0u) | (s->inserting ? PLUG_INSERTING : 0u) |
           (s->removing ? PLUG_REMOVING : 0u);
}

/* The control bits v were written to slot i. */
static inline void plug_control(struct plug_slot *s, uint32_t i, uint32_t v,
                                const struct plug_env *env, void *opaque)
{
    if (v & PLUG_INSERTING)
        s->inserting = 0;
    if (v & PLUG_REMOVING)
        s->removing = 0;
    if ((v & PLUG_EJECT) && s->present && env->eject(opaque, i))
        s->present = s->inserting = s->removing = 0;
}

#endif
