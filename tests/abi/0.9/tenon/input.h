/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Keyboards and pointers: devices that receive events, and sources that put them in.
 */
#ifndef TENON_INPUT_H
#define TENON_INPUT_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** type and code are Linux EV_* codes; absolute axes run from 0 to 0x7fff. */
struct tn_input_event {
    uint32_t struct_size, type;
    uint32_t code;
    int32_t value;
};
enum { TN_IN_KEY = 1, TN_IN_BTN = 2, TN_IN_REL = 4, TN_IN_ABS = 8, TN_IN_MTT = 16 };
struct tn_input_ops {
    uint32_t struct_size, flags;
    /** [ctx][dev] n events, up to a sync */
    void (*event)(void *s, const struct tn_input_event *v, uint32_t n, uint32_t stride);
    void (*active)(void *s, uint32_t on); /**< [ctx][dev] events come to this device now, or no more */
};
#define TN_INPUT_1 "tenon.input/1"
/** TN_INPUT_1 */
struct tn_input {
    uint32_t struct_size, rev;
    /** [main] realize: mask TN_IN_* of what it takes. Managed */
    int (*handler)(struct tn_dev *d, const char *name, uint32_t mask, const struct tn_input_ops *o, void *s,
                   struct tn_err *e);
    /** [any] the guest configured d: take the pointer or keyboard from the others */
    void (*activate)(struct tn_dev *d, uint32_t on);
    /** [any] keyboard LEDs as the guest set them: bit 0 scroll, 1 num, 2 caps */
    void (*leds)(struct tn_dev *d, uint32_t bits);
    /** [any] a source puts events in; console NULL = the one with the focus */
    void (*inject)(struct tn_dev *d, const char *console, const struct tn_input_event *v, uint32_t n, uint32_t stride);
};

#ifdef __cplusplus
}
#endif
#endif
