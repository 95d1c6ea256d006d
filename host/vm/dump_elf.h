/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of an ELF core file: headers, program headers and notes. */
#ifndef TN_HOST_DUMP_ELF_H
#define TN_HOST_DUMP_ELF_H
#include "util/buf.h"
#include <linux/kvm.h>

/* A piece of memory in the file, off bytes behind the head; filled bytes of len are there. */
struct dump_load {
    uint64_t virt, phys, len, filled, off;
};
/* What the notes say of a processor. */
struct dump_cpu {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    uint64_t kernel_gs_base;
};

/* Bytes of a note whose name and description have these lengths. */
uint64_t dump_elf_note_len(uint32_t name, uint32_t desc);
/* Appends the whole head, notes included. */
void dump_elf_head(struct buf *out, const struct dump_load *load, uint32_t n,
                   const struct buf *notes);
/* Appends NT_PRSTATUS of processor i. */
void dump_elf_prstatus(struct buf *notes, uint32_t i, const struct dump_cpu *c);
/* Appends the note "QEMU", which has the control registers, too. */
void dump_elf_qemu(struct buf *notes, const struct dump_cpu *c);

#endif
