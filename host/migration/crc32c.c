/* SPDX-License-Identifier: BSD-2-Clause */
#include "crc32c.h"

#include <nmmintrin.h>
#include <string.h>
#include <wmmintrin.h>

/* Four bits at a time, where SSE 4.2 is missing. */
static uint32_t plain(uint32_t crc, const uint8_t *p, size_t n)
{
    static const uint32_t nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                        0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    for (; n; n--) {
        crc ^= *p++;
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

__attribute__((target("sse4.2"))) static uint32_t fast(uint32_t crc, const uint8_t *p, size_t n)
{
    uint64_t c = crc;
    for (uint64_t word; n >= sizeof word; p += sizeof word, n -= sizeof word) {
        memcpy(&word, p, sizeof word);
        c = _mm_crc32_u64(c, word);
    }
    crc = (uint32_t)c;
    for (; n; n--)
        crc = _mm_crc32_u8(crc, *p++);
    return crc;
}

/* The instruction takes three cycles and can begin in each, so three lanes side by side are three
 * times as fast as one. Three of them are a page but for a few bytes. */
enum { LANE = 1360, LANES = 3 };
/* x^(8 * LANE - 33) and x^(16 * LANE - 33) modulo the polynomial, bits reflected: a product with
 * one of them, summed up, is the sum of what it was followed by so many zero bytes. */
#define OVER_ONE_LANE  0x3f70cc6f
#define OVER_TWO_LANES 0x5aa1f3cf

__attribute__((target("sse4.2,pclmul"))) static uint32_t shift(uint64_t crc, uint32_t over)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc), _mm_cvtsi64_si128(over), 0);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t lanes(uint32_t crc, const uint8_t *p)
{
    uint64_t a = crc, b = 0, c = 0, word[LANES];
    for (const uint8_t *end = p + LANE; p < end; p += sizeof *word) {
        memcpy(&word[0], p, sizeof *word);
        memcpy(&word[1], p + LANE, sizeof *word);
        memcpy(&word[2], p + 2 * LANE, sizeof *word);
        a = _mm_crc32_u64(a, word[0]);
        b = _mm_crc32_u64(b, word[1]);
        c = _mm_crc32_u64(c, word[2]);
    }
    return shift(a, OVER_TWO_LANES) ^ shift(b, OVER_ONE_LANE) ^ (uint32_t)c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    const uint8_t *at = p;
    if (!__builtin_cpu_supports("sse4.2"))
        return ~plain(~crc, at, n);
    crc = ~crc;
    if (__builtin_cpu_supports("pclmul"))
        for (; n >= LANES * LANE; at += LANES * LANE, n -= LANES * LANE)
            crc = lanes(crc, at);
    return ~fast(crc, at, n);
}
