/* SPDX-License-Identifier: BSD-2-Clause */
/* romfile=: an expansion ROM from a file, in place of the device's own. */
#include "backend/fdset.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct pci_rom {
    struct managed m; /* of its device. First */
    uint8_t *va;
    uint64_t size, len; /* of the BAR, a power of two; of the file */
};

static void release_rom(struct managed *m)
{
    struct pci_rom *r = (struct pci_rom *)m;
    managed_del(m);
    munmap(r->va, r->len);
    free(r);
}

/* What the file does not fill reads as ones, as an erased ROM does. */
static uint64_t rom_read(void *s, uint64_t off, uint32_t size)
{
    const struct pci_rom *r = s;
    uint8_t bytes[8];
    memset(bytes, 0xff, sizeof bytes);
    if (off < r->len)
        memcpy(bytes, r->va + off, size < r->len - off ? size : r->len - off);
    return get_le64(bytes);
}

static const struct tn_region_ops rom_ops = {
    .struct_size = sizeof rom_ops, .flags = TN_RO_NO_LOCK | TN_RO_UNALIGNED, .read = rom_read};

static uint64_t bar_size(const struct pci_child *c, uint64_t len)
{
    uint64_t size = PCI_ROM_MIN;
    while (size < len)
        size *= 2;
    return c->romsize != UINT32_MAX ? c->romsize : size;
}

static int map_file(struct pci_rom *r, const char *path, struct vm *vm, struct tn_err *e)
{
    if (vm->sealed && !file_is_fdset(path))
        return err_set(e, EPERM, "romfile \"%s\" cannot be opened any more: the machine runs",
                       path);
    AUTO_CLOSE int fd = path_open(vm, path, O_RDONLY, 0);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, errno, "failed to find romfile \"%s\"", path);
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > PCI_ROM_MAX)
        return err_set(e, EINVAL, "romfile \"%s\" is empty, or has more than 16 MiB", path);
    r->len = (uint64_t)st.st_size;
    void *va = mmap(NULL, r->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (va == MAP_FAILED)
        return err_set(e, ENOMEM, "no memory for romfile \"%s\"", path);
    r->va = va;
    if (pread(fd, va, r->len, 0) == st.st_size)
        return 0;
    munmap(va, r->len);
    return err_set(e, EIO, "failed to load romfile \"%s\"", path);
}

int pci_rom_from_file(struct pci_func *f, struct tn_err *e)
{
    const struct pci_child *c = f->child;
    if (!c->romfile || !*c->romfile || !c->rombar)
        return 0;
    struct pci_rom *r = XNEW(struct pci_rom);
    int err = map_file(r, c->romfile, f->pci->vm, e);
    if (err < 0) {
        free(r);
        return err;
    }
    r->m.release = release_rom;
    r->size = bar_size(c, r->len);
    managed_add(f->dev, &r->m);
    if (r->size < r->len)
        return err_set(e, EINVAL, "romfile \"%s\" (%" PRIu64 " bytes) is too large for ROM size %u",
                       c->romfile, r->len, c->romsize);
    return pci_func_bar(f, PCI_ROM_BAR, TN_BAR_MEM32, r->size, &rom_ops, r, e);
}
