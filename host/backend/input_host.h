/* SPDX-License-Identifier: BSD-2-Clause */
/* Which device gets keys and pointer events. A device takes the kinds of its mask; of several that
 * take a kind, the one that its guest activated last gets it. There is one console. */
#ifndef TN_HOST_INPUT_H
#define TN_HOST_INPUT_H
#include "core/vm.h"
#include <tenon/input.h>

struct inputs *inputs_new(struct vm *vm);
void inputs_free(struct inputs *i); /* NULL is fine */
/* Hands n events, stride bytes apart, to the devices that take them: copied, and delivered a frame
 * (up to a sync) at a time by each device's home context, with its lock. A device that does not
 * keep up loses whole frames. Any thread. */
void inputs_inject(struct vm *vm, const struct tn_input_event *v, uint32_t n, uint32_t stride);
/* Presses n keys (EV_KEY codes, at most INPUT_CHORD) one after the other, and releases them in
 * reverse after hold_ns of guest time; what was asked before comes first. 0, or -EBUSY: too much
 * waits. Main thread. */
enum { INPUT_CHORD = 16 };
int inputs_type(struct vm *vm, const uint16_t *code, uint32_t n, uint64_t hold_ns);
/* fn(o, bits) at each change of the keyboard's LEDs (bit 0 scroll, 1 num, 2 caps), from any thread,
 * as a leaf. NULL ends it. Main thread. */
void inputs_on_leds(struct vm *vm, void (*fn)(void *o, uint32_t bits), void *o);
uint32_t inputs_leds(struct vm *vm);      /* as they are now; any thread */
extern const struct tn_input input_table; /* TN_INPUT_1 */

#endif
