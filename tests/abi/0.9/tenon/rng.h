/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Sources of entropy: objects (rng-random, rng-builtin, rng-egd) that a device names by a LINK property.
 */
#ifndef TENON_RNG_H
#define TENON_RNG_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_RNG_1 "tenon.rng/1"
/** FWD: TN_RNG_1; s is the object, h a reader of it. The source guards itself: no lock of the object is needed. */
struct tn_rng {
    uint32_t struct_size, flags;
    /** [main] in d's realize. entropy(arg, p, n) will run [main][dev] of d: n bytes, borrowed, for the oldest want() that
     * is open; n 0: the source failed, and it is not asked again. NULL with e */
    void *(*open)(void *s, struct tn_dev *d, void (*entropy)(void *arg, const uint8_t *p, uint32_t n), void *arg,
                  struct tn_err *e);
    /** [any] len bytes, at least 1, are wanted: one entropy() with 1..len bytes follows, never inside */
    void (*want)(void *h, uint32_t len);
    /** [main][dev] of d: every open want() is forgotten */
    void (*cancel)(void *h);
    /** [main] in d's unrealize: no entropy() follows */
    void (*close)(void *h);
};

#ifdef __cplusplus
}
#endif
#endif
