/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a plugin as the dynamic linker will see it (System V ABI, chapter 5), read without
 * opening it as a library: nothing of a stranger runs, and no offset in it is believed. */
#include "inspect.h"
#include "util/alloc.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const uint8_t *data;
    uint64_t size; /* bytes */
    const Elf64_Ehdr *eh;
};

/* n bytes at off, aligned as the structs of elf.h want, or NULL. */
static const void *at(const struct image *f, uint64_t off, uint64_t n)
{
    return off <= f->size && n <= f->size - off && off % 8 == 0 ? f->data + off : NULL;
}

static const Elf64_Phdr *segment(const struct image *f, uint32_t i)
{
    if (i >= f->eh->e_phnum || f->eh->e_phentsize != sizeof(Elf64_Phdr) || f->eh->e_phoff > f->size)
        return NULL;
    return at(f, f->eh->e_phoff + (uint64_t)i * sizeof(Elf64_Phdr), sizeof(Elf64_Phdr));
}

/* Where the bytes for a virtual address are in the file; the size of it if nowhere. */
static uint64_t offset_of(const struct image *f, uint64_t va)
{
    const Elf64_Phdr *p;
    for (uint32_t i = 0; (p = segment(f, i)); i++)
        if (p->p_type == PT_LOAD && va >= p->p_vaddr && va - p->p_vaddr < p->p_filesz)
            return va - p->p_vaddr + p->p_offset;
    return f->size;
}

static const Elf64_Dyn *dynamic(const struct image *f, uint64_t *n)
{
    const Elf64_Phdr *p;
    for (uint32_t i = 0; (p = segment(f, i)); i++)
        if (p->p_type == PT_DYNAMIC) {
            *n = p->p_filesz / sizeof(Elf64_Dyn);
            return at(f, p->p_offset, p->p_filesz);
        }
    return NULL;
}

static uint64_t value_of(const Elf64_Dyn *d, uint64_t n, int64_t tag)
{
    for (uint64_t i = 0; i < n && d[i].d_tag != DT_NULL; i++)
        if (d[i].d_tag == tag)
            return d[i].d_un.d_val;
    return 0;
}

static void put_libraries(struct kv_node *to, const struct image *f, const Elf64_Dyn *d, uint64_t n)
{
    uint64_t table = offset_of(f, value_of(d, n, DT_STRTAB));
    struct kv_node *list = kv_add(to, "libraries", kv_new(KV_LIST));
    for (uint64_t i = 0; i < n && d[i].d_tag != DT_NULL; i++) {
        uint64_t name = table + d[i].d_un.d_val;
        if (d[i].d_tag == DT_NEEDED && name < f->size && name >= table &&
            memchr(f->data + name, 0, f->size - name))
            inspect_put(list, NULL, (const char *)f->data + name);
    }
}

static int runs_code(const Elf64_Dyn *d, uint64_t n)
{
    return value_of(d, n, DT_INIT) || value_of(d, n, DT_INIT_ARRAYSZ) || value_of(d, n, DT_FINI) ||
           value_of(d, n, DT_FINI_ARRAYSZ) || value_of(d, n, DT_PREINIT_ARRAYSZ);
}

static void put_sizes(struct kv_node *to, const struct image *f)
{
    uint64_t constant = 0, writable = 0;
    const Elf64_Phdr *p;
    for (uint32_t i = 0; (p = segment(f, i)); i++)
        if (p->p_type == PT_LOAD)
            *(p->p_flags & PF_W ? &writable : &constant) += p->p_memsz;
    inspect_put_number(to, "file-size", f->size);
    inspect_put_number(to, "read-only-size", constant);
    inspect_put_number(to, "writable-size", writable); /* before relocation: RELRO closes it */
}

static int describe(struct kv_node *to, struct image *f, uint32_t flags, struct tn_err *e)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB};
    uint64_t n = 0;
    f->eh = at(f, 0, sizeof *f->eh);
    if (!f->eh || memcmp(f->eh->e_ident, ident, sizeof ident) != 0 || f->eh->e_type != ET_DYN ||
        f->eh->e_machine != EM_X86_64)
        return err_set(e, ENOEXEC, "no shared object for this processor");
    const Elf64_Dyn *d = dynamic(f, &n);
    if (!d)
        return err_set(e, ENOEXEC, "no shared object: it has no dynamic section");
    if (!(flags & INSPECT_INTERFACE))
        put_sizes(to, f);
    put_libraries(to, f, d, n);
    return runs_code(d, n);
}

int inspect_file(struct kv_node *to, const char *path, uint32_t flags, struct tn_err *e)
{
    struct stat st;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, errno, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return err_set(e, ENOEXEC, "no shared object");
    struct image f = {.size = (uint64_t)st.st_size};
    void *p = mmap(NULL, f.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return err_set(e, errno, "%s", strerror(errno));
    f.data = p;
    int r = describe(to, &f, flags, e);
    munmap(p, f.size);
    return r;
}
