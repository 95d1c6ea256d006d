/* SPDX-License-Identifier: BSD-2-Clause */
/* A register that allocates, and does not look whether it could.
 * breaks: memory/running
 * says: Segmentation fault */
#define IN_WRITE(s, off, v)                        \
    volatile uint8_t *piece = malloc(8 + (v & 7)); \
    piece[0] = 1;                                  \
    free((void *)(uintptr_t)piece)
#include "device.h"
