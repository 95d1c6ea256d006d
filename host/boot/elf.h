/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF32 and ELF64 kernels with a PVH entry point (XEN_ELFNOTE_PHYS32_ENTRY). */
#ifndef TN_BOOT_ELF_H
#define TN_BOOT_ELF_H
#include "boot/loader.h"

#define ELF_MAX_PHDRS 64 /* a Linux vmlinux has five */

struct elf_segment {
    uint64_t offset, filesz; /* in the file: wholly inside it */
    uint64_t paddr, memsz;   /* in guest memory: does not wrap; memsz >= filesz */
};

/* What the loader acts on, after validation. */
struct elf {
    struct elf_segment load[ELF_MAX_PHDRS]; /* PT_LOAD with memsz > 0 */
    uint32_t n_load;
    uint32_t entry; /* PVH entry, inside one of the segments */
};

/* Reads and checks the headers and notes of s. Returns 0, or -errno with a line in *error. */
int elf_parse(const struct source *s, struct elf *e, char **error);

/* Loads s and everything that goes with it, and fills ld->out. Returns 0, or -errno with a line in
 * *ld->error. */
int elf_load(struct loader *ld, const struct source *s);

/* Looks for XEN_ELFNOTE_PHYS32_ENTRY among the len bytes of notes at p, padded to align (4 or 8).
 * Returns 1 and sets *entry, 0 if there is none, -1 if a note is out of bounds or malformed. */
int elf_find_pvh_note(const uint8_t *p, uint64_t len, uint64_t align, uint32_t *entry);

#endif
