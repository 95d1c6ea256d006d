/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver asks a chip about itself (JESD68.01). The times are QEMU's; nothing takes any. */
#include "cfi01_query.h"

#include "util/bytes.h"

enum { VCC_MIN = 0x45, VCC_MAX = 0x55, WORD_TIME = 7, ERASE_TIME = 10, MAX_TIME = 4 };

uint32_t cfi01_chip_buffer(const struct cfi01_shape *s)
{
    return s->device_width == 1 ? 256 : 2048;
}

/* The least n with 2^n >= v. */
static uint8_t log2_up(uint64_t v)
{
    return v > 1 ? (uint8_t)(64 - __builtin_clzll(v - 1)) : 0;
}

static void geometry(const struct cfi01_shape *s, uint8_t *q)
{
    uint32_t chips = s->width / s->device_width;
    uint64_t block = s->sector_length / chips;
    q[CFI01_Q_SIZE] = log2_up(block * s->sectors);
    put_le16(q + CFI01_Q_INTERFACE, 2);
    put_le16(q + CFI01_Q_BUFFER_SIZE, log2_up(cfi01_chip_buffer(s)));
    q[CFI01_Q_REGIONS] = 1;
    put_le16(q + CFI01_Q_BLOCKS, (uint16_t)(s->sectors - 1));
    put_le16(q + CFI01_Q_BLOCK_SIZE, (uint16_t)(block >> 8));
}

static void timing(uint8_t *q)
{
    q[CFI01_Q_VCC_MIN] = VCC_MIN;
    q[CFI01_Q_VCC_MAX] = VCC_MAX;
    q[CFI01_Q_WORD_TIME] = q[CFI01_Q_BUFFER_TIME] = WORD_TIME;
    q[CFI01_Q_ERASE_TIME] = ERASE_TIME;
    q[CFI01_Q_WORD_MAX] = q[CFI01_Q_BUFFER_MAX] = q[CFI01_Q_ERASE_MAX] = MAX_TIME;
}

void cfi01_query_fill(const struct cfi01_shape *s, uint8_t *q)
{
    memset(q, 0, CFI01_Q_LEN);
    memcpy(q + CFI01_Q_QRY, "QRY", 3);
    put_le16(q + CFI01_Q_COMMAND_SET, 1);
    put_le16(q + CFI01_Q_TABLE, CFI01_Q_PRI);
    timing(q);
    geometry(s, q);
    memcpy(q + CFI01_Q_PRI, "PRI10", 5);
    put_le32(q + CFI01_Q_FEATURES, CFI01_Q_FEATURE_LOCK);
    q[CFI01_Q_PROTECTIONS] = 1;
}
