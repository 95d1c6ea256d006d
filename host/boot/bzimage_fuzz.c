/* SPDX-License-Identifier: BSD-2-Clause */
/* The input overwrites bytes of a valid bzImage, a record each: offset (2, in the setup part) and
 * value (1). */
#include "boot_guest.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guest g = guest_new(16 << 20, 1 << 20);
    AUTO_FREE char *error = NULL;
    struct boot_layout l = {.dtb = "d", .dtb_len = 1};
    struct boot_entry e;
    BUF_AUTO b = {0};
    char path[32];

    image_bzimage(&b, 0x800);
    for (; size >= 3; data += 3, size -= 3)
        b.data[0x1f1 + get_le16(data) % 0xa0] = data[2];
    int fd = file_new(b.data, size ? b.len - data[0] * 16u : b.len, path);
    int err = boot_load(&(struct boot_files){path, path, "x"}, &g.mem, &l, &e, &error);
    if ((err < 0) != (error != NULL))
        abort();
    close(fd);
    guest_free(&g);
    return 0;
}
