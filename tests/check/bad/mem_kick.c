/* SPDX-License-Identifier: BSD-2-Clause */
/* A notification that allocates, and does not look whether it could.
 * breaks: memory/requests
 * says: Segmentation fault */
#include <stdint.h>
static void kick(void *s, uint32_t q, uint32_t data);
#define VOPS .kick = kick
#include "virtio_dev.h"
static void kick(void *s, uint32_t q, uint32_t data)
{
    volatile uint8_t *piece = malloc(8 + (data & 7));
    (void)s, (void)q;
    piece[0] = 1;
    free((void *)(uintptr_t)piece);
}
