/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a notification is worth to be held back.
 *
 * A device that answers at once interrupts the driver for each request, although the driver is
 * about to add the next one: it pays for a kick and an interrupt each time. If the device looks at
 * the ring a moment longer instead, with kicks off, many requests share one of each. That costs
 * time where the driver waits for that very answer. Nobody can tell which it is from one request,
 * so it is measured: requests are counted in windows, some with and some without holding, and what
 * gives more of them is what is done, with a short look at the other way from time to time.
 *
 * The same is true the other way round, where packets come in one after the other.
 *
 * Pure arithmetic on times that the caller passes, in ns of a steady clock; a queue's context owns
 * it. */
#ifndef TN_HOLD_H
#define TN_HOLD_H
#include <stdbool.h>
#include <stdint.h>

struct hold {
    /* of the hold that is on */
    uint8_t on, wants;    /* wants: the driver is to be notified at its end */
    uint8_t holding;      /* what this window tries */
    uint32_t answers;     /* given since it began */
    uint64_t began, last; /* last: when a request was found */
    /* what was learned */
    uint64_t each[2]; /* ns for a request without and with; 0: not known */
    uint32_t expect;  /* answers after which the driver waits for them; 0: not known */
    uint32_t once;    /* as many as at the last rest: if it repeats, they are expected */
    uint32_t beyond;  /* holds since expect was put to the test */
    /* the window */
    uint64_t from, told;      /* when it began; when the driver was told last */
    uint32_t n, found, empty; /* answers; holds that found something, and that did not */
    uint32_t rest, patience;  /* windows until the other way is tried; after the next failure */
};

/* n answers are shown to the driver, which wants to be told, and nothing is in flight. True: keep
 * it waiting, and call hold_look() soon. */
bool hold_begin(struct hold *h, uint64_t now, uint32_t n);
/* The ring was looked at again; found: a request, which has been taken. True: look once more. */
bool hold_look(struct hold *h, uint64_t now, bool found);
/* ns that the next request is waited for. */
uint64_t hold_patience(const struct hold *h);
/* n answers were told to the driver at once, held or not. Ends a hold. */
void hold_told(struct hold *h, uint64_t now, uint32_t n);

#endif
