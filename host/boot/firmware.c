/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"
#include "boot/memmap.h"
#include "boot/source.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#define FIRMWARE_UNIT 0x10000ull   /* an image is a whole number of these */
#define FIRMWARE_MAX  0x1000000ull /* above 0xff000000 there is nothing else on a PC */
#define ISA_WINDOW    0x20000ull   /* 0xe0000 to 1 MiB */

static int check_size(const struct source *s, char **error)
{
    if (!s->size || s->size % FIRMWARE_UNIT)
        return boot_fail(error, EINVAL,
                         "%s: firmware of %" PRIu64 " bytes is not a multiple of 64 KiB", s->name,
                         s->size);
    if (s->size > FIRMWARE_MAX)
        return boot_fail(error, EFBIG, "%s: firmware of %" PRIu64 " bytes is larger than 16 MiB",
                         s->name, s->size);
    return 0;
}

int boot_firmware_map(const char *path, struct boot_firmware *out, struct boot_entry *entry,
                      char **error)
{
    SOURCE_AUTO s = {.fd = -1};
    int err = source_open(&s, path, 0, error);

    memset(out, 0, sizeof *out);
    if (!err)
        err = check_size(&s, error);
    if (err)
        return err;
    void *rom = mmap(NULL, s.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, s.fd, 0);
    if (rom == MAP_FAILED)
        return boot_fail(error, errno, "%s: mmap: %s", path, strerror(errno));
    out->rom = rom;
    out->len = s.size;
    out->gpa = BOOT_4G - s.size;
    out->isa_len = s.size < ISA_WINDOW ? s.size : ISA_WINDOW;
    out->isa_gpa = BOOT_1M - out->isa_len;
    *entry = (struct boot_entry){.mode = BOOT_RESET};
    return 0;
}

void boot_firmware_unmap(struct boot_firmware *fw)
{
    if (fw->rom)
        munmap(fw->rom, fw->len);
    fw->rom = NULL;
}
