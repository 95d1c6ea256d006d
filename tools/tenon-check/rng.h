/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that look random and are the same in every run: splitmix64 (Steele, Lea, Flood 2014). */
#ifndef TENON_CHECK_RNG_H
#define TENON_CHECK_RNG_H
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A number below n, n > 0. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(rng_next(r) % n);
}

/* A value as drivers and attackers write them: small, all-ones, a power of two, one off it, or
 * anything. */
static inline uint64_t rng_value(struct rng *r)
{
    uint64_t v = rng_next(r), bit = (uint64_t)1 << (v >> 8) % 64;
    switch (v % 8) {
    case 0:
        return 0;
    case 1:
        return ~(uint64_t)0;
    case 2:
        return bit;
    case 3:
        return bit - 1;
    case 4:
        return (v >> 8) % 256;
    default:
        return rng_next(r);
    }
}

#endif
