/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_probe.h"

#include "util/alloc.h"
#include <errno.h>
#include <string.h>

enum { PROBE_LEN = 512 };

static const struct {
    const char *format;
    uint32_t at, len;
    const char *magic;
} magics[] = {
    {"qcow2", 0, 8, "QFI\xfb\0\0\0\2"},
    {"qcow2", 0, 8, "QFI\xfb\0\0\0\3"},
    {"qcow", 0, 4, "QFI\xfb"},
    {"qed", 0, 4, "QED\0"},
    {"vmdk", 0, 4, "KDMV"},
    {"vmdk", 0, 4, "COWD"},
    {"vmdk", 0, 21, "# Disk DescriptorFile"},
    {"vdi", 64, 4, "\x7f\x10\xda\xbe"},
    {"vhdx", 0, 8, "vhdxfile"},
    {"vpc", 0, 8, "conectix"},
    {"luks", 0, 6, "LUKS\xba\xbe"},
    {"parallels", 0, 16, "WithoutFreeSpace"},
    {"parallels", 0, 16, "WithouFreSpacExt"},
    {"bochs", 0, 22, "Bochs Virtual HD Image"},
};

const char *block_probe(const uint8_t *p, uint64_t n)
{
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
        if (magics[i].at + magics[i].len <= n &&
            memcmp(p + magics[i].at, magics[i].magic, magics[i].len) == 0)
            return magics[i].format;
    return NULL;
}

int block_is_foreign(const char *format)
{
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
        if (strcmp(magics[i].format, format) == 0)
            return 1;
    return 0;
}

int block_refuse_formats(struct tn_blk *b, const char *name, struct tn_err *e)
{
    uint8_t head[PROBE_LEN] = {0};
    uint64_t n = b->info.size < PROBE_LEN ? b->info.size : PROBE_LEN;
    name = name ? name : device_id(b->dev);
    int r = n ? block_read_now(b, 0, head, (n + BLK_BLOCK - 1) & ~(uint64_t)(BLK_BLOCK - 1)) : 0;
    if (r < 0)
        return err_set(e, -r, "Could not read image for determining its format: %s", strerror(-r));
    const char *format = block_probe(head, n);
    if (!format)
        return 0;
    err_set(e, ENOTSUP,
            "'%s' is a %s image, which this version does not read: use qemu-nbd, or format=raw to "
            "give its bytes to the guest as they are",
            name, format);
    err_hint(e,
             "qemu-nbd --format=%s --socket=/tmp/disk.sock '%s' and file=nbd:unix:/tmp/disk.sock",
             format, name);
    return -ENOTSUP;
}
