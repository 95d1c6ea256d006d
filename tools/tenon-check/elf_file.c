/* SPDX-License-Identifier: BSD-2-Clause */
#include "elf_file.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HERE EM_X86_64
#elif defined(__aarch64__)
#define HERE EM_AARCH64
#else
#error "which machine is this?"
#endif

/* n objects of size bytes at off, or NULL if they are not all in the file. */
static const void *at(const struct elf *f, uint64_t off, uint64_t n, uint64_t size)
{
    if (off > f->size || (n && size > (f->size - off) / n))
        return NULL;
    return f->p + off;
}

static const char *slurp(struct elf *f, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return "it cannot be opened as a file";
    }
    f->size = (size_t)st.st_size;
    f->p = malloc(f->size + 1);
    ssize_t n = f->p ? read(fd, f->p, f->size) : -1;
    close(fd);
    return n == (ssize_t)f->size ? NULL : "it cannot be read";
}

static const char *head(struct elf *f)
{
    f->h = at(f, 0, 1, sizeof *f->h);
    if (!f->h || memcmp(f->h->e_ident, ELFMAG, SELFMAG) != 0)
        return "it is no ELF file";
    if (f->h->e_ident[EI_CLASS] != ELFCLASS64 || f->h->e_machine != HERE || f->h->e_type != ET_DYN)
        return "it is no shared object for this machine";
    f->ph = at(f, f->h->e_phoff, f->h->e_phnum, sizeof *f->ph);
    return f->ph && f->h->e_phentsize == sizeof *f->ph ? NULL
                                                       : "its program headers are not in the file";
}

static void sections(struct elf *f)
{
    f->sh = f->h->e_shnum && f->h->e_shentsize == sizeof *f->sh
                ? at(f, f->h->e_shoff, f->h->e_shnum, sizeof *f->sh)
                : NULL;
    if (!f->sh || f->h->e_shstrndx >= f->h->e_shnum)
        return;
    const Elf64_Shdr *s = &f->sh[f->h->e_shstrndx];
    f->shstr = at(f, s->sh_offset, s->sh_size, 1);
    f->shstr_len = f->shstr ? s->sh_size : 0;
}

/* Addresses of the dynamic section are those in memory. */
static const void *at_address(const struct elf *f, uint64_t va, uint64_t len)
{
    for (uint32_t i = 0; i < f->h->e_phnum; i++)
        if (f->ph[i].p_type == PT_LOAD && va >= f->ph[i].p_vaddr &&
            va - f->ph[i].p_vaddr < f->ph[i].p_filesz)
            return at(f, f->ph[i].p_offset + (va - f->ph[i].p_vaddr), len, 1);
    return NULL;
}

/* The number of dynamic symbols stands in the section header; without one, .dynsym is followed by
 * .dynstr, as linkers lay them out. */
static void symbols(struct elf *f)
{
    const Elf64_Dyn *sym = elf_tag(f, DT_SYMTAB), *str = elf_tag(f, DT_STRTAB),
                    *len = elf_tag(f, DT_STRSZ);
    if (!sym || !str || !len)
        return;
    f->str_len = len->d_un.d_val;
    f->str = at_address(f, str->d_un.d_ptr, f->str_len);
    f->nsym = str->d_un.d_ptr > sym->d_un.d_ptr
                  ? (str->d_un.d_ptr - sym->d_un.d_ptr) / sizeof *f->sym
                  : 0;
    for (uint32_t i = 0; f->sh && i < f->h->e_shnum; i++)
        if (f->sh[i].sh_type == SHT_DYNSYM)
            f->nsym = f->sh[i].sh_size / sizeof *f->sym;
    f->sym = f->nsym <= f->size ? at_address(f, sym->d_un.d_ptr, f->nsym * sizeof *f->sym) : NULL;
    const Elf64_Dyn *ver = elf_tag(f, DT_VERSYM);
    f->versym = ver ? at_address(f, ver->d_un.d_ptr, f->nsym * sizeof *f->versym) : NULL;
    if (!f->sym || !f->str || f->str[f->str_len - 1])
        f->nsym = 0;
}

const char *elf_open(struct elf *f, const char *path)
{
    *f = (struct elf){0};
    const char *why = slurp(f, path);
    why = why ? why : head(f);
    if (why)
        return why;
    sections(f);
    const Elf64_Phdr *d = elf_segment(f, PT_DYNAMIC);
    if (d) {
        f->ndyn = d->p_filesz / sizeof *f->dyn;
        f->dyn = at(f, d->p_offset, f->ndyn, sizeof *f->dyn);
    }
    if (!f->dyn)
        return "it has no dynamic section";
    symbols(f);
    return f->nsym ? NULL : "its dynamic symbols are not in the file";
}

void elf_close(struct elf *f)
{
    free(f->p);
    *f = (struct elf){0};
}

const char *elf_str(const struct elf *f, uint64_t i)
{
    return f->str && i < f->str_len ? f->str + i : "";
}

const char *elf_section_name(const struct elf *f, uint32_t i)
{
    uint64_t n = f->sh[i].sh_name;
    return f->shstr && n < f->shstr_len && !f->shstr[f->shstr_len - 1] ? f->shstr + n : "";
}

const Elf64_Phdr *elf_segment(const struct elf *f, uint32_t type)
{
    for (uint32_t i = 0; i < f->h->e_phnum; i++)
        if (f->ph[i].p_type == type)
            return &f->ph[i];
    return NULL;
}

const Elf64_Dyn *elf_tag(const struct elf *f, int64_t tag)
{
    for (size_t i = 0; i < f->ndyn && f->dyn[i].d_tag != DT_NULL; i++)
        if (f->dyn[i].d_tag == tag)
            return &f->dyn[i];
    return NULL;
}

static const char *version_in(const struct elf *f, const Elf64_Verneed *need, uint64_t va,
                              uint32_t ver)
{
    uint64_t at_va = va + need->vn_aux;
    for (uint32_t i = 0; i < need->vn_cnt; i++) {
        const Elf64_Vernaux *x = at_address(f, at_va, sizeof *x);
        if (!x)
            return NULL;
        if (x->vna_other == ver)
            return elf_str(f, need->vn_file);
        at_va += x->vna_next;
    }
    return NULL;
}

const char *elf_version_file(const struct elf *f, uint32_t ver)
{
    const Elf64_Dyn *first = elf_tag(f, DT_VERNEED), *count = elf_tag(f, DT_VERNEEDNUM);
    uint64_t va = first ? first->d_un.d_ptr : 0;
    for (uint64_t i = 0; first && count && i < count->d_un.d_val; i++) {
        const Elf64_Verneed *need = at_address(f, va, sizeof *need);
        if (!need)
            return NULL;
        const char *lib = version_in(f, need, va, ver);
        if (lib || !need->vn_next)
            return lib;
        va += need->vn_next;
    }
    return NULL;
}
