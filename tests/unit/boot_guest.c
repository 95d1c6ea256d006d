/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot_guest.h"
#include "boot/bootparam.h"
#include "boot/memmap.h"
#include "util/bytes.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t *ram(uint64_t len)
{
    void *p = len ? mmap(NULL, len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                  : NULL;
    if (p == MAP_FAILED)
        abort();
    return p;
}

void *guest_at(const struct guest *g, uint64_t gpa, uint64_t len)
{
    const struct boot_mem *m = &g->mem;

    if (gpa < m->below_4g && len <= m->below_4g - gpa)
        return g->low + gpa;
    if (gpa >= BOOT_4G && gpa - BOOT_4G < m->above_4g && len <= m->above_4g - (gpa - BOOT_4G))
        return g->high + (gpa - BOOT_4G);
    return NULL;
}

/* Reaches the memory through copies of the pointers, as struct guest itself moves. */
static void *ptr(void *opaque, uint64_t gpa, uint64_t len)
{
    return guest_at(opaque, gpa, len);
}

struct guest guest_new(uint64_t below_4g, uint64_t above_4g)
{
    struct guest *self = calloc(1, sizeof *self);

    if (!self)
        abort();
    self->low = ram(below_4g);
    self->high = ram(above_4g);
    self->mem = (struct boot_mem){self, ptr, below_4g, above_4g};
    return *self;
}

void guest_free(struct guest *g)
{
    if (g->low)
        munmap(g->low, g->mem.below_4g);
    if (g->high)
        munmap(g->high, g->mem.above_4g);
    free(g->mem.opaque);
}

void guest_dirty(struct guest *g)
{
    if (g->low)
        memset(g->low, 0xa5, g->mem.below_4g);
    if (g->high)
        memset(g->high, 0xa5, g->mem.above_4g);
}

int file_new(const void *data, size_t len, char path[32])
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

void image_bzimage(struct buf *b, uint32_t len)
{
    buf_add(b, NULL, BZ_SETUP_LEN);
    uint8_t *h = b->data;
    h[HDR_SETUP_SECTS] = BZ_SETUP_LEN / 512 - 1;
    put_le32(h + HDR_SYSSIZE, (len + 15) / 16);
    put_le16(h + HDR_BOOT_FLAG, BOOT_FLAG);
    h[HDR_JUMP_LEN] = 0x6a; /* to 0x26c, as Linux 6 has it */
    memcpy(h + HDR_HEADER, HEADER_MAGIC, 4);
    put_le16(h + HDR_VERSION, 0x020f);
    h[HDR_LOADFLAGS] = LOADED_HIGH;
    put_le32(h + HDR_INITRD_ADDR_MAX, 0x7fffffff);
    put_le32(h + HDR_KERNEL_ALIGNMENT, 0x200000);
    h[HDR_RELOCATABLE] = 1;
    put_le16(h + HDR_XLOADFLAGS, XLF_KERNEL_64 | XLF_ABOVE_4G);
    put_le32(h + HDR_CMDLINE_SIZE, 255);
    put_le64(h + HDR_PREF_ADDRESS, 0x200000);
    put_le32(h + HDR_INIT_SIZE, (len + 0xffff) & ~0xffffu);
    for (uint32_t i = 0; i < len; i++)
        buf_add8(b, (uint8_t)(i * 7));
}

static void note(struct buf *b, const char *name, uint32_t type, uint64_t desc, uint32_t desc_len)
{
    buf_add_le32(b, (uint32_t)strlen(name) + 1);
    buf_add_le32(b, desc_len);
    buf_add_le32(b, type);
    buf_add(b, name, strlen(name) + 1);
    buf_add(b, NULL, -b->len & 3);
    buf_add(b, &desc, desc_len);
    buf_add(b, NULL, -b->len & 3);
}

static void ident(struct buf *b, uint8_t class, uint16_t machine)
{
    buf_add(b, "\177ELF", 4);
    buf_add8(b, class);
    buf_add8(b, ELFDATA2LSB);
    buf_add8(b, EV_CURRENT);
    buf_add(b, NULL, 9);
    buf_add_le16(b, ET_EXEC);
    buf_add_le16(b, machine);
    buf_add_le32(b, EV_CURRENT);
}

static void phdr64(struct buf *b, uint32_t type, uint64_t off, uint64_t paddr, uint64_t filesz,
                   uint64_t memsz)
{
    Elf64_Phdr p = {.p_type = type,
                    .p_offset = off,
                    .p_paddr = paddr,
                    .p_filesz = filesz,
                    .p_memsz = memsz,
                    .p_align = 4};
    buf_add(b, &p, sizeof p);
}

void image_elf64(struct buf *b)
{
    BUF_AUTO notes = {0};

    note(&notes, "GNU", 3, 0x1122334455667788, 8);
    note(&notes, "Xen", 18, 0x200040, 8);
    ident(b, ELFCLASS64, EM_X86_64);
    Elf64_Ehdr rest = {.e_phoff = sizeof rest,
                       .e_ehsize = sizeof rest,
                       .e_phentsize = sizeof(Elf64_Phdr),
                       .e_phnum = 3};
    buf_add(b, (uint8_t *)&rest + b->len, sizeof rest - b->len);
    phdr64(b, PT_LOAD, 0x1000, 0x200000, 0x1000, 0x3000);
    phdr64(b, PT_LOAD, 0x2000, 0x300000, 0x10, 0x10);
    phdr64(b, PT_NOTE, 0x2010, 0, notes.len, notes.len);
    buf_add(b, NULL, 0x1000 - b->len);
    for (uint32_t i = 0; i < 0x1010; i++)
        buf_add8(b, (uint8_t)(i * 3));
    buf_add(b, notes.data, notes.len);
}

void image_elf32(struct buf *b)
{
    BUF_AUTO notes = {0};

    note(&notes, "Xen", 18, 0x200010, 4);
    ident(b, ELFCLASS32, EM_386);
    Elf32_Ehdr rest = {.e_phoff = sizeof rest,
                       .e_ehsize = sizeof rest,
                       .e_phentsize = sizeof(Elf32_Phdr),
                       .e_phnum = 2};
    buf_add(b, (uint8_t *)&rest + b->len, sizeof rest - b->len);
    Elf32_Phdr load = {PT_LOAD, 0x100, 0xc0200000, 0x200000, 0x20, 0x40, 5, 4};
    Elf32_Phdr n = {PT_NOTE, 0x120, 0, 0, (Elf32_Word)notes.len, (Elf32_Word)notes.len, 4, 4};
    buf_add(b, &load, sizeof load);
    buf_add(b, &n, sizeof n);
    buf_add(b, NULL, 0x100 - b->len);
    for (uint32_t i = 0; i < 0x20; i++)
        buf_add8(b, (uint8_t)(i + 1));
    buf_add(b, notes.data, notes.len);
}
