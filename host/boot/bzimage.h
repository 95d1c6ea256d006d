/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux bzImage, boot protocol 2.12 or later, entered at its 64-bit entry point. */
#ifndef TN_BOOT_BZIMAGE_H
#define TN_BOOT_BZIMAGE_H
#include "boot/loader.h"

/* The fields of a setup header that the loader acts on, after validation. */
struct bzimage {
    uint64_t setup_len;   /* bytes of real-mode code before the kernel proper */
    uint64_t payload_len; /* bytes of the kernel proper, all inside the file */
    uint64_t pref_address, init_size, alignment;
    uint64_t cmdline_max;  /* bytes without the NUL */
    uint64_t initrd_limit; /* an initrd ends at or below this */
    bool relocatable, above_4g;
    uint32_t header_end; /* file offset */
    uint8_t head[0x290]; /* the file up to HDR_END_MAX */
};

/* Reads and checks the setup header of s. Returns 0, or -errno with a line in *error. */
int bzimage_parse(const struct source *s, struct bzimage *k, char **error);

/* Loads s and everything that goes with it, and fills ld->out. Returns 0, or -errno with a line in
 * *ld->error. */
int bzimage_load(struct loader *ld, const struct source *s);

#endif
