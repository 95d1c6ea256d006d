/* SPDX-License-Identifier: BSD-2-Clause */
/* -kernel for firmware to start: its parts are items of fw_cfg (QEMU docs/specs/fw_cfg), the bytes
 * of the files as they are. Where they go in memory, firmware knows. */
#include "boot/bootparam.h"
#include "boot/source.h"
#include "core/fwcfg_host.h"
#include "machine_impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_KERNEL_SIZE = 0x08,
    KEY_INITRD_SIZE = 0x0b,
    KEY_KERNEL_DATA = 0x11,
    KEY_INITRD_DATA = 0x12,
    KEY_CMDLINE_SIZE = 0x14,
    KEY_CMDLINE_DATA = 0x15,
    KEY_SETUP_SIZE = 0x17,
    KEY_SETUP_DATA = 0x18
};
enum { SECTOR = 512, SECTS_LEGACY = 4 };
#define MAX_FILE (1ull << 30)

static int add_blob(struct machine *m, uint32_t size_key, uint32_t data_key, const void *p,
                    uint64_t len, struct tn_err *e)
{
    uint8_t size[4];
    put_le32(size, (uint32_t)len);
    int err = fwcfg_host_add(m->vm, size_key, NULL, size, sizeof size, e);
    return err < 0 ? err : fwcfg_host_add(m->vm, data_key, NULL, p, len, e);
}

/* The whole of a file; the caller frees it. NULL with e. */
static uint8_t *read_whole(const char *path, int fd, uint64_t *len, struct tn_err *e)
{
    SOURCE_AUTO s = {.fd = -1};
    AUTO_FREE char *why = NULL;
    AUTO_FREE uint8_t *p = NULL;
    int err = source_open(&s, path, fd, &why);
    if (err == 0 && s.size > MAX_FILE)
        err = boot_fail(&why, EFBIG, "%s: firmware takes no file of more than 1 GiB", path);
    if (err == 0) {
        p = xcalloc(1, s.size + 1);
        err = source_read(&s, 0, p, s.size, &why);
    }
    if (err < 0) {
        err_set(e, -err, "%s", why ? why : "bad file");
        return NULL;
    }
    uint8_t *out = p;
    *len = s.size;
    p = NULL;
    return out;
}

/* The boot protocol's setup part is an item of its own. Together they are the file, which may as
 * well be an application for UEFI. */
static int add_kernel(struct machine *m, struct tn_err *e)
{
    uint64_t len = 0;
    AUTO_FREE uint8_t *p = read_whole(m->cli->kernel, m->kernel_fd, &len, e);
    if (!p)
        return -EINVAL;
    uint64_t sects =
                 len > HDR_SETUP_SECTS && p[HDR_SETUP_SECTS] ? p[HDR_SETUP_SECTS] : SECTS_LEGACY,
             setup = (sects + 1) * SECTOR;
    if (setup >= len)
        return err_set(e, ENOEXEC, "%s: %llu bytes are too few for a kernel", m->cli->kernel,
                       (unsigned long long)len);
    int err = add_blob(m, KEY_SETUP_SIZE, KEY_SETUP_DATA, p, setup, e);
    return err < 0 ? err : add_blob(m, KEY_KERNEL_SIZE, KEY_KERNEL_DATA, p + setup, len - setup, e);
}

static int add_initrd(struct machine *m, struct tn_err *e)
{
    uint64_t len = 0;
    AUTO_FREE uint8_t *p = read_whole(m->cli->initrd, m->initrd_fd, &len, e);
    return p ? add_blob(m, KEY_INITRD_SIZE, KEY_INITRD_DATA, p, len, e) : -EINVAL;
}

int machine_fwcfg_kernel(struct machine *m, struct tn_err *e)
{
    AUTO_FREE char *cmdline = machine_cmdline(m);
    int err = add_kernel(m, e);
    if (err == 0 && m->cli->initrd)
        err = add_initrd(m, e);
    return err < 0
               ? err
               : add_blob(m, KEY_CMDLINE_SIZE, KEY_CMDLINE_DATA, cmdline, strlen(cmdline) + 1, e);
}
