/* SPDX-License-Identifier: BSD-2-Clause */
/* detect-zeroes=: is there nothing but zeroes in what is written? */
#include "block_impl.h"

#include <string.h>

/* Most data shows it in the first bytes; the rest is compared with itself, one byte on. */
static int is_zero(const uint8_t *p, uint64_t n)
{
    uint64_t head = n < 16 ? n : 16;
    for (uint64_t i = 0; i < head; i++)
        if (p[i])
            return 0;
    return n <= 16 || memcmp(p, p + 16, n - 16) == 0;
}

int iov_is_zero(const struct tn_iov *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!is_zero(v[i].base, v[i].len))
            return 0;
    return 1;
}
