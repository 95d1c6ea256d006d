/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's memory and hand-made images for the tests of the boot loaders. */
#ifndef TN_TEST_BOOT_GUEST_H
#define TN_TEST_BOOT_GUEST_H
#include "boot/boot.h"
#include "util/buf.h"
#include <stddef.h>
#include <stdint.h>

struct guest {
    uint8_t *low, *high; /* RAM below and above 4 GiB */
    struct boot_mem mem;
};

/* RAM that reads as zeros; ends the test program if there is none. */
struct guest guest_new(uint64_t below_4g, uint64_t above_4g);
void guest_free(struct guest *g);
/* Fills RAM with 0xa5, to see what a loader leaves alone. */
void guest_dirty(struct guest *g);
void *guest_at(const struct guest *g, uint64_t gpa, uint64_t len); /* NULL if not wholly RAM */

/* A file without a name on disk. Returns a path that is valid until file_close(fd). */
int file_new(const void *data, size_t len, char path[32]);

/* A valid bzImage of 4 setup sectors and a payload of len bytes, byte i of it being (uint8_t)(i *
 * 7). pref_address 2 MiB, init_size len rounded up to 64 KiB, relocatable, cmdline_size 255. */
void image_bzimage(struct buf *b, uint32_t len);
#define BZ_SETUP_LEN 2560

/* A valid ELF64 with 2 PT_LOADs (0x200000: 0x1000 bytes in the file, 0x3000 in memory; 0x300000:
 * 0x10 bytes) and a PT_NOTE with a foreign note before the PVH one; entry 0x200040. */
void image_elf64(struct buf *b);
/* The same as ELF32 with one PT_LOAD at 0x200000 and a note with a 32-bit descriptor. */
void image_elf32(struct buf *b);

#endif
