/* SPDX-License-Identifier: BSD-2-Clause */
/* The input's first byte chooses the class; the rest overwrites bytes of a valid ELF file's headers
 * and notes, a record each: offset (2) and value (1). */
#include "boot_guest.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <unistd.h>

#define HEADERS 0xf0 /* file header and program headers */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void overwrite(struct buf *b, uint32_t at, uint8_t v)
{
    uint32_t notes = (uint32_t)b->len - 64;

    at %= HEADERS + 64;
    b->data[at < HEADERS ? at : notes + at - HEADERS] = v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guest g = guest_new(16 << 20, 1 << 20);
    AUTO_FREE char *error = NULL;
    struct boot_layout l = {0};
    struct boot_entry e;
    BUF_AUTO b = {0};
    char path[32];

    size &&data[0] & 1 ? image_elf32(&b) : image_elf64(&b);
    for (size_t i = 1; i + 3 <= size; i += 3)
        overwrite(&b, get_le16(data + i), data[i + 2]);
    int fd = file_new(b.data, b.len, path);
    int err = boot_load(&(struct boot_files){path, path, "x"}, &g.mem, &l, &e, &error);
    if ((err < 0) != (error != NULL))
        abort();
    close(fd);
    guest_free(&g);
    return 0;
}
