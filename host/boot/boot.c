/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"
#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/loader.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

void *loader_ptr(struct loader *ld, uint64_t gpa, uint64_t len, const char *what)
{
    void *p = ld->mem->ptr(ld->mem->opaque, gpa, len);

    if (!p)
        boot_fail(ld->error, EFAULT,
                  "%s: 0x%" PRIx64 " bytes for the %s at 0x%" PRIx64 " are not guest RAM",
                  ld->files->kernel, len, what, gpa);
    return p;
}

int loader_cmdline(struct loader *ld, const char *kernel, uint64_t max)
{
    const char *text = ld->files->cmdline ? ld->files->cmdline : "";
    uint64_t len = strlen(text), gpa = ld->work + WORK_CMDLINE;

    if (max > WORK_CMDLINE_LEN - 1)
        max = WORK_CMDLINE_LEN - 1;
    if (len > max)
        return boot_fail(ld->error, E2BIG,
                         "%s: command line is too long: %" PRIu64 " bytes, at most %" PRIu64
                         " can be passed",
                         kernel, len, max);
    void *p = loader_ptr(ld, gpa, len + 1, "command line");
    if (!p)
        return -EFAULT;
    memcpy(p, text, len + 1);
    ld->out->cmdline_gpa = gpa;
    return 0;
}

static int place_initrd(struct loader *ld, const struct source *s, uint64_t limit, uint64_t beyond)
{
    uint64_t *gpa = &ld->out->initrd_gpa;
    int err = memmap_find_top(&ld->map, s->size, BOOT_PAGE, limit, gpa);

    if (err && beyond > limit)
        err = memmap_find_top(&ld->map, s->size, BOOT_PAGE, beyond, gpa);
    if (err || memmap_claim(&ld->map, *gpa, s->size))
        return boot_fail(ld->error, ENOSPC,
                         "%s: no room for %" PRIu64 " bytes in guest memory below 0x%" PRIx64,
                         s->name, s->size, limit);
    ld->out->initrd_len = s->size;
    return 0;
}

int loader_initrd(struct loader *ld, uint64_t limit, uint64_t beyond)
{
    SOURCE_AUTO s = {.fd = -1};

    if (!ld->files->initrd)
        return 0;
    int err = source_open(&s, ld->files->initrd, ld->files->initrd_fd, ld->error);
    if (err)
        return err;
    if (!s.size)
        return boot_fail(ld->error, EINVAL, "%s: empty file", s.name);
    err = place_initrd(ld, &s, limit, beyond);
    if (err)
        return err;
    void *p = loader_ptr(ld, ld->out->initrd_gpa, s.size, "initrd");
    return p ? source_read(&s, 0, p, s.size, ld->error) : -EFAULT;
}

static int load_kernel(struct loader *ld)
{
    SOURCE_AUTO s = {.fd = -1};
    uint8_t magic[4] = {0};
    int err = source_open(&s, ld->files->kernel, ld->files->kernel_fd, ld->error);

    if (!err && s.size >= sizeof magic)
        err = source_read(&s, 0, magic, sizeof magic, ld->error);
    if (err)
        return err;
    return memcmp(magic, "\177ELF", 4) == 0 ? elf_load(ld, &s) : bzimage_load(ld, &s);
}

static int prepare(struct loader *ld)
{
    const struct boot_layout *l = ld->layout;
    int err = memmap_build(&ld->map, ld->mem, l->reserved, l->n_reserved);

    if (err)
        return boot_fail(ld->error, -err, "%s: the machine's reserved memory ranges overlap",
                         ld->files->kernel);
    ld->work = l->work_gpa ? l->work_gpa : BOOT_WORK_GPA;
    if (ld->work % BOOT_PAGE || ld->work > BOOT_4G - BOOT_WORK_LEN ||
        memmap_claim(&ld->map, ld->work, BOOT_WORK_LEN))
        return boot_fail(ld->error, EFAULT,
                         "%s: no guest RAM at 0x%" PRIx64 " for the boot structures",
                         ld->files->kernel, ld->work);
    return 0;
}

int boot_load(const struct boot_files *f, const struct boot_mem *m, const struct boot_layout *l,
              struct boot_entry *out, char **error)
{
    struct loader ld = {.files = f, .mem = m, .layout = l, .out = out, .error = error};
    int err;

    *error = NULL;
    memset(out, 0, sizeof *out);
    err = prepare(&ld);
    return err ? err : load_kernel(&ld);
}
