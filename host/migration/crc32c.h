/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32C (Castagnoli, as in RFC 3720): fast enough for memory where the processor has it. */
#ifndef TN_HOST_CRC32C_H
#define TN_HOST_CRC32C_H
#include <stddef.h>
#include <stdint.h>

/* Goes on from crc, which is 0 at first. Any thread. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#endif
