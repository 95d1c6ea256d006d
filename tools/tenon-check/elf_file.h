/* SPDX-License-Identifier: BSD-2-Clause */
/* An ELF file of this machine's kind, read without loading it; every offset in it is hostile. */
#ifndef TENON_CHECK_ELF_FILE_H
#define TENON_CHECK_ELF_FILE_H
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct elf {
    uint8_t *p; /* the file */
    size_t size;
    const Elf64_Ehdr *h;
    const Elf64_Phdr *ph;
    const Elf64_Shdr *sh; /* NULL: it has no section headers */
    const char *shstr;
    size_t shstr_len;
    const Elf64_Dyn *dyn;
    size_t ndyn;
    const Elf64_Sym *sym; /* .dynsym */
    size_t nsym;
    const Elf64_Half *versym; /* one for each symbol, or NULL */
    const char *str;          /* .dynstr */
    size_t str_len;
};

/* NULL, or why it cannot be read. */
const char *elf_open(struct elf *f, const char *path);
void elf_close(struct elf *f);
const char *elf_str(const struct elf *f, uint64_t at); /* of .dynstr; "" if outside */
const char *elf_section_name(const struct elf *f, uint32_t i);
const Elf64_Phdr *elf_segment(const struct elf *f, uint32_t type); /* the first; NULL */
const Elf64_Dyn *elf_tag(const struct elf *f, int64_t tag);        /* the first; NULL */
/* The library that version ver of the file's needs comes from; NULL: from none. */
const char *elf_version_file(const struct elf *f, uint32_t ver);

#endif
