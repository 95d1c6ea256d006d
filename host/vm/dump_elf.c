/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_elf.h"

#include <elf.h>
#include <string.h>
#include <sys/procfs.h>

/* ---- notes ---- */

static void add_note(struct buf *b, const char *name, uint32_t type, const void *desc, size_t len)
{
    size_t named = strlen(name) + 1;
    buf_add_le32(b, (uint32_t)named);
    buf_add_le32(b, (uint32_t)len);
    buf_add_le32(b, type);
    buf_add(b, name, named);
    buf_add(b, NULL, -named & 3);
    buf_add(b, desc, len);
    buf_add(b, NULL, -len & 3);
}

uint64_t dump_elf_note_len(uint32_t name, uint32_t desc)
{
    return sizeof(Elf64_Nhdr) + (((uint64_t)name + 3) & ~(uint64_t)3) +
           (((uint64_t)desc + 3) & ~(uint64_t)3);
}

void dump_elf_prstatus(struct buf *notes, uint32_t i, const struct dump_cpu *c)
{
    struct elf_prstatus p = {.pr_pid = (pid_t)(i + 1)};
    const struct kvm_regs *r = &c->regs;
    const struct kvm_sregs *s = &c->sregs;
    /* In the order of struct user_regs_struct. */
    const uint64_t regs[] = {
        r->r15,     r->r14,         r->r13,         r->r12,         r->rbp,         r->rbx,
        r->r11,     r->r10,         r->r9,          r->r8,          r->rax,         r->rcx,
        r->rdx,     r->rsi,         r->rdi,         r->rax, /* orig_rax */
        r->rip,     s->cs.selector, r->rflags,      r->rsp,         s->ss.selector, s->fs.base,
        s->gs.base, s->ds.selector, s->es.selector, s->fs.selector, s->gs.selector};
    _Static_assert(sizeof regs == sizeof p.pr_reg, "every register, and no other");
    memcpy(p.pr_reg, regs, sizeof regs);
    add_note(notes, "CORE", NT_PRSTATUS, &p, sizeof p);
}

/* The note's layout is an interface of QEMU's that crash(8) reads: version 1, 440 bytes. */
enum { QEMU_NOTE_VERSION = 1, QEMU_NOTE_LEN = 440 };

/* flags: the second dword of a descriptor, without its base and limit (SDM volume 3, 3.4.5). */
static void add_segment(struct buf *b, const struct kvm_segment *s)
{
    buf_add_le32(b, s->selector);
    buf_add_le32(b, s->limit);
    buf_add_le32(b, (uint32_t)s->type << 8 | (uint32_t)s->s << 12 | (uint32_t)s->dpl << 13 |
                        (uint32_t)s->present << 15 | (uint32_t)s->avl << 20 | (uint32_t)s->l << 21 |
                        (uint32_t)s->db << 22 | (uint32_t)s->g << 23);
    buf_add_le32(b, 0);
    buf_add_le64(b, s->base);
}

static void add_table(struct buf *b, const struct kvm_dtable *t)
{
    const struct kvm_segment s = {.limit = t->limit, .base = t->base};
    add_segment(b, &s);
}

void dump_elf_qemu(struct buf *notes, const struct dump_cpu *c)
{
    BUF_AUTO b = {0};
    const struct kvm_regs *r = &c->regs;
    const struct kvm_sregs *s = &c->sregs;
    const uint64_t general[] = {r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi,
                                r->rsp, r->rbp, r->r8,  r->r9,  r->r10, r->r11,
                                r->r12, r->r13, r->r14, r->r15, r->rip, r->rflags};
    const struct kvm_segment *segments[] = {&s->cs, &s->ds, &s->es,  &s->fs,
                                            &s->gs, &s->ss, &s->ldt, &s->tr};
    const uint64_t control[] = {s->cr0, 0, s->cr2, s->cr3, s->cr4};
    buf_add_le32(&b, QEMU_NOTE_VERSION);
    buf_add_le32(&b, QEMU_NOTE_LEN);
    for (size_t i = 0; i < sizeof general / sizeof general[0]; i++)
        buf_add_le64(&b, general[i]);
    for (size_t i = 0; i < sizeof segments / sizeof segments[0]; i++)
        add_segment(&b, segments[i]);
    add_table(&b, &s->gdt);
    add_table(&b, &s->idt);
    for (size_t i = 0; i < sizeof control / sizeof control[0]; i++)
        buf_add_le64(&b, control[i]);
    buf_add_le64(&b, c->kernel_gs_base);
    add_note(notes, "QEMU", 0, b.data, b.len);
}

/* ---- headers ---- */

static void add_program_header(struct buf *out, const Elf64_Phdr *p)
{
    buf_add(out, p, sizeof *p);
}

/* More program headers than 16 bits count are counted in the first section header. */
static void add_count_section(struct buf *out, uint32_t n)
{
    const Elf64_Shdr s = {.sh_info = n};
    buf_add(out, &s, sizeof s);
}

static void add_elf_header(struct buf *out, uint32_t n)
{
    int many = n >= PN_XNUM;
    Elf64_Ehdr h = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof h + (many ? sizeof(Elf64_Shdr) : 0),
        .e_shoff = many ? sizeof h : 0,
        .e_ehsize = sizeof h,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = many ? PN_XNUM : (uint16_t)n,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = many ? 1 : 0};
    buf_add(out, &h, sizeof h);
    if (many)
        add_count_section(out, n);
}

void dump_elf_head(struct buf *out, const struct dump_load *load, uint32_t n,
                   const struct buf *notes)
{
    add_elf_header(out, n + 1);
    uint64_t at = out->len + (n + 1) * sizeof(Elf64_Phdr), memory = at + notes->len;
    const Elf64_Phdr note = {
        .p_type = PT_NOTE, .p_offset = at, .p_filesz = notes->len, .p_memsz = notes->len};
    add_program_header(out, &note);
    for (uint32_t i = 0; i < n; i++) {
        const Elf64_Phdr p = {.p_type = PT_LOAD,
                              .p_offset = load[i].filled ? memory + load[i].off : 0,
                              .p_vaddr = load[i].virt,
                              .p_paddr = load[i].phys,
                              .p_filesz = load[i].filled,
                              .p_memsz = load[i].len};
        add_program_header(out, &p);
    }
    buf_add(out, notes->data, notes->len);
}
