/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a saved state, and their parsed form. All numbers are little-endian.
 *
 *     file   = "TnSt" format:u32 length:u32 part crc:u32     length: of everything; crc: of all
 * before it part   = name version:u32 length:u32 item...           length: of the items item   =
 * kind:u8 name count:u32 data                   kind: TN_S_* or STATE_* name   = length:u8
 * character... NUL                    characters: 0x20 to 0x7e
 *
 * data of TN_S_U8 to TN_S_BYTES is count elements; of TN_S_TIMER count times armed:u8 ns:u64; of
 * TN_S_SUB count parts; of STATE_SUBSECTION one part; of STATE_DEV count characters with a NUL. So
 * a file can be read without its class. */
#ifndef TN_HOST_STATE_FORMAT_H
#define TN_HOST_STATE_FORMAT_H
#include "err.h"
#include "util/buf.h"
#include <tenon/state.h>

enum { STATE_SUBSECTION = 64, STATE_DEV = 65 };
enum { STATE_FORMAT = 1, STATE_HEADER_LEN = 12, STATE_CRC_LEN = 4, STATE_MAX_DEPTH = 16 };
#define STATE_MAGIC "TnSt"

struct state_part;
struct state_item {
    const char *name;         /* in the file's bytes */
    const uint8_t *data;      /* in the file's bytes; count elements of state_size(kind) */
    struct state_part *parts; /* of TN_S_SUB and STATE_SUBSECTION: count of them */
    uint32_t kind, count;
    uint32_t used; /* a load has taken it */
};
struct state_part {
    const char *name;
    uint32_t version, nitems;
    struct state_item *items;  /* as in the file */
    struct state_item **order; /* by name; subsections last */
};

/* Bytes of one element in the file; 0: not a kind with elements of a fixed size. */
uint32_t state_size(uint32_t kind);
/* 1 if s can be a name in a file. */
int state_name_ok(const char *s);
/* CRC-32 (IEEE 802.3) of n bytes. */
uint32_t state_crc(const uint8_t *p, size_t n);

/* Reads a file: p[0..len) stays the caller's and outlives root, which state_parse_free() takes. 0,
 * or -EINVAL with e, and root is empty. Whatever the bytes are, memory and time are proportional to
 * len (times log len). */
int state_parse(const void *p, size_t len, struct state_part *root, struct tn_err *e);
void state_parse_free(struct state_part *root);
/* The item of that name among the fields, or the subsections. NULL. */
struct state_item *state_find(const struct state_part *part, const char *name, int subsection);

#endif
