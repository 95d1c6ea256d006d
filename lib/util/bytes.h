/* SPDX-License-Identifier: BSD-2-Clause */
/* Little- and big-endian loads and stores on unaligned bytes. */
#ifndef TN_UTIL_BYTES_H
#define TN_UTIL_BYTES_H
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define TN_BYTES_DEFINE(order, bits)                                \
    static inline uint##bits##_t get_##order##bits(const void *p)   \
    {                                                               \
        uint##bits##_t v;                                           \
        memcpy(&v, p, sizeof v);                                    \
        return order##bits##toh(v);                                 \
    }                                                               \
    static inline void put_##order##bits(void *p, uint##bits##_t v) \
    {                                                               \
        v = hto##order##bits(v);                                    \
        memcpy(p, &v, sizeof v);                                    \
    }
TN_BYTES_DEFINE(le, 16)
TN_BYTES_DEFINE(le, 32)
TN_BYTES_DEFINE(le, 64)
TN_BYTES_DEFINE(be, 16)
TN_BYTES_DEFINE(be, 32)
TN_BYTES_DEFINE(be, 64)
#undef TN_BYTES_DEFINE

/* All-ones of size bytes (1, 2, 4 or 8): what an access that nothing claims reads. */
static inline uint64_t ones(uint32_t size)
{
    return size >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << (8 * size)) - 1;
}

#endif
