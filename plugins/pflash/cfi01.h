/* SPDX-License-Identifier: BSD-2-Clause */
/* A bank of flash memory chips with Intel's command set, which knows no bus and no file: what its
 * bytes become, and what a read finds. One caller at a time. */
#ifndef CFI01_H
#define CFI01_H
#include "cfi01_regs.h"
#include <stdint.h>

enum { CFI01_BUFFER_MAX = 8192 }; /* bytes of the write buffers of a bank */

/* Widths in bytes, powers of two up to 8: of the bank; of a chip as it is wired, of which
 * width / device_width stand side by side; of a chip at most. */
struct cfi01_shape {
    uint64_t sector_length; /* bytes of a block in the bank */
    uint32_t sectors;
    uint32_t width, device_width, max_device_width;
    uint32_t id[2]; /* manufacturer, device */
};

/* What the bank tells its owner. */
struct cfi01_env {
    /* 1: a read finds the array, from here on; 0: something else, and cfi01_read() says what. */
    void (*show)(void *o, uint32_t array);
    void (*changed)(void *o, uint64_t off, uint64_t len); /* bytes of the array */
    void (*guest_error)(void *o, const char *what);
};

/* What a read finds. */
enum { CFI01_ARRAY, CFI01_STATUS, CFI01_ID, CFI01_QUERY, CFI01_MODES };
/* What the next write is. */
enum {
    CFI01_COMMAND,
    CFI01_WORD,  /* of PROGRAM */
    CFI01_BLOCK, /* confirms ERASE */
    CFI01_LOCK,  /* of LOCK_SETUP */
    CFI01_COUNT, /* of WRITE_BUFFER; and the next two */
    CFI01_DATA,
    CFI01_DATA_END,
    CFI01_CYCLES
};

struct cfi01 {
    struct cfi01_shape shape;
    const struct cfi01_env *env;
    void *owner;
    uint8_t *array, *locked; /* the owner's: bytes; 1 for each block that is locked */
    uint64_t size;           /* bytes of the array */
    uint32_t writable;       /* else every block is as if it was locked for ever */
    uint32_t buffer_size;
    uint8_t query[CFI01_Q_LEN];
    /* state */
    uint8_t mode, cycle, status;
    uint32_t words;       /* of the write buffer, still to come */
    uint64_t buffer_base; /* where its first byte goes */
    uint32_t buffer_used; /* bytes that go there: 0 before the first word */
    uint8_t buffer[CFI01_BUFFER_MAX];
};

/* Is it a bank that there can be? NULL, or what is wrong with it. */
const char *cfi01_bad_shape(const struct cfi01_shape *s);
/* array has sector_length * sectors bytes, locked sectors; both stay the caller's. Reads find the
 * array; nothing is locked. */
void cfi01_init(struct cfi01 *f, const struct cfi01_shape *shape, uint8_t *array, uint8_t *locked,
                uint32_t writable, const struct cfi01_env *env, void *owner);
/* Power has come: reads find the array, locks are open. */
void cfi01_reset(struct cfi01 *f);
/* One bus cycle: size is 1, 2, 4 or 8, at most the width of the bank. */
uint64_t cfi01_read(const struct cfi01 *f, uint64_t off, uint32_t size);
void cfi01_write(struct cfi01 *f, uint64_t off, uint32_t size, uint64_t value);
/* What was programmed cannot be kept: the status says so. */
void cfi01_failed(struct cfi01 *f);
/* State has been put into f: 0, or -EINVAL if no bank can be so. */
int cfi01_loaded(struct cfi01 *f);

#endif
