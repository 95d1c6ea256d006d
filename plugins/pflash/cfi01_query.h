/* SPDX-License-Identifier: BSD-2-Clause */
/* The query structure of a chip. */
#ifndef CFI01_QUERY_H
#define CFI01_QUERY_H
#include "cfi01.h"

/* Bytes of a chip's write buffer: as many words as the count of its width can say, 2 KiB at most.
 */
uint32_t cfi01_chip_buffer(const struct cfi01_shape *s);
/* CFI01_Q_LEN bytes, one for each word of a chip. */
void cfi01_query_fill(const struct cfi01_shape *s, uint8_t *q);

#endif
