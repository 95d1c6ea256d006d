/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of lib/aml only: the length field and the kinds of blocks. */
#ifndef TN_AML_PKG_H
#define TN_AML_PKG_H
#include "aml/aml.h"

enum { AML_BLOCK_PLAIN, AML_BLOCK_BUFFER, AML_BLOCK_RESOURCES };

/* Small resource tag of an end tag with one byte of checksum (6.4.2.9) */
#define AML_END_TAG 0x79

struct aml_block aml_open(struct buf *a, enum aml_op op, uint32_t kind);

/* Encodes v <= AML_PKG_LENGTH_MAX into out; returns the number of bytes, 1 to 4 (20.2.4). */
static inline uint32_t aml_pkg_encode(uint8_t out[4], uint32_t v)
{
    if (v <= 0x3f) {
        out[0] = (uint8_t)v;
        return 1;
    }
    uint32_t follow = v <= 0xfff ? 1 : v <= 0xfffff ? 2 : 3;
    out[0] = (uint8_t)(follow << 6 | (v & 0xf));
    for (uint32_t i = 0; i < follow; i++)
        out[1 + i] = (uint8_t)(v >> (4 + 8 * i));
    return 1 + follow;
}

#endif
