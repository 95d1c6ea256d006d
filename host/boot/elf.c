/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/elf.h"
#include "boot/entry.h"
#include "boot/pvh.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#define XEN_ELFNOTE_PHYS32_ENTRY 18 /* Xen public/elfnote.h */
#define NOTES_MAX                0x100000ull

/* A program header of either class. */
struct phdr {
    uint32_t type;
    uint64_t offset, paddr, filesz, memsz, align;
};

/* The fields of the file header that matter here, of either class. */
struct ehdr {
    bool is64;
    uint64_t phoff;
    uint32_t phentsize, phnum;
};

static int check_ident(const struct source *s, const uint8_t *h, char **error)
{
    uint8_t class = h[EI_CLASS];
    uint16_t machine = get_le16(h + offsetof(Elf64_Ehdr, e_machine));
    uint16_t type = get_le16(h + offsetof(Elf64_Ehdr, e_type));

    if ((class != ELFCLASS32 && class != ELFCLASS64) || h[EI_DATA] != ELFDATA2LSB)
        return boot_fail(error, ENOEXEC,
                         "%s: ELF class %u, data %u: neither ELF32 nor ELF64, "
                         "little-endian",
                         s->name, class, h[EI_DATA]);
    if (machine != EM_X86_64 && machine != EM_386)
        return boot_fail(error, ENOEXEC, "%s: ELF machine %u is not x86", s->name, machine);
    if (type != ET_EXEC && type != ET_DYN)
        return boot_fail(error, ENOEXEC, "%s: ELF type %u is not an executable", s->name, type);
    return 0;
}

static int check_phdrs(const struct source *s, const struct ehdr *eh, char **error)
{
    uint64_t want = eh->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

    if (eh->phentsize != want)
        return boot_fail(error, ENOEXEC, "%s: ELF program headers of %u bytes, not %" PRIu64,
                         s->name, eh->phentsize, want);
    if (!eh->phnum || eh->phnum > ELF_MAX_PHDRS)
        return boot_fail(error, ENOEXEC, "%s: %u ELF program headers, not 1 to %u", s->name,
                         eh->phnum, ELF_MAX_PHDRS);
    if (!source_has(s, eh->phoff, want * eh->phnum))
        return boot_fail(error, ENOEXEC,
                         "%s: truncated: ELF header says program headers up to %" PRIu64 "+%" PRIu64
                         " but the file has %" PRIu64 " bytes",
                         s->name, eh->phoff, want * eh->phnum, s->size);
    return 0;
}

static int read_ehdr(const struct source *s, struct ehdr *eh, char **error)
{
    uint8_t h[sizeof(Elf64_Ehdr)] = {0};
    int err = 0;

    /* The smaller ELF32 header is read with zeros behind it, should the file end there. */
    if (s->size < sizeof(Elf32_Ehdr))
        err = boot_fail(error, ENOEXEC,
                        "%s: truncated: an ELF header needs %zu bytes but the file has %" PRIu64,
                        s->name, sizeof(Elf32_Ehdr), s->size);
    if (!err)
        err = source_read(s, 0, h, s->size < sizeof h ? s->size : sizeof h, error);
    if (!err)
        err = check_ident(s, h, error);
    if (err)
        return err;
    eh->is64 = h[EI_CLASS] == ELFCLASS64;
    eh->phoff = eh->is64 ? get_le64(h + offsetof(Elf64_Ehdr, e_phoff))
                         : get_le32(h + offsetof(Elf32_Ehdr, e_phoff));
    eh->phentsize = get_le16(
        h + (eh->is64 ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize)));
    eh->phnum =
        get_le16(h + (eh->is64 ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum)));
    return check_phdrs(s, eh, error);
}

static struct phdr decode64(const uint8_t *p)
{
    return (struct phdr){.type = get_le32(p + offsetof(Elf64_Phdr, p_type)),
                         .offset = get_le64(p + offsetof(Elf64_Phdr, p_offset)),
                         .paddr = get_le64(p + offsetof(Elf64_Phdr, p_paddr)),
                         .filesz = get_le64(p + offsetof(Elf64_Phdr, p_filesz)),
                         .memsz = get_le64(p + offsetof(Elf64_Phdr, p_memsz)),
                         .align = get_le64(p + offsetof(Elf64_Phdr, p_align))};
}

static struct phdr decode32(const uint8_t *p)
{
    return (struct phdr){.type = get_le32(p + offsetof(Elf32_Phdr, p_type)),
                         .offset = get_le32(p + offsetof(Elf32_Phdr, p_offset)),
                         .paddr = get_le32(p + offsetof(Elf32_Phdr, p_paddr)),
                         .filesz = get_le32(p + offsetof(Elf32_Phdr, p_filesz)),
                         .memsz = get_le32(p + offsetof(Elf32_Phdr, p_memsz)),
                         .align = get_le32(p + offsetof(Elf32_Phdr, p_align))};
}

static int check_in_file(const struct source *s, const struct phdr *ph, uint32_t i, char **error)
{
    if (source_has(s, ph->offset, ph->filesz))
        return 0;
    return boot_fail(error, ENOEXEC,
                     "%s: truncated: ELF segment %u is 0x%" PRIx64 " bytes at 0x%" PRIx64
                     " but the file has 0x%" PRIx64,
                     s->name, i, ph->filesz, ph->offset, s->size);
}

static int add_load(const struct source *s, struct elf *e, const struct phdr *ph, uint32_t i,
                    char **error)
{
    uint64_t end;
    int err = check_in_file(s, ph, i, error);

    if (err || !ph->memsz)
        return err;
    if (ph->filesz > ph->memsz)
        return boot_fail(error, ENOEXEC,
                         "%s: ELF segment %u has 0x%" PRIx64 " bytes in the file but 0x%" PRIx64
                         " in memory",
                         s->name, i, ph->filesz, ph->memsz);
    if (__builtin_add_overflow(ph->paddr, ph->memsz, &end))
        return boot_fail(error, ENOEXEC,
                         "%s: ELF segment %u wraps around: 0x%" PRIx64 " bytes at 0x%" PRIx64,
                         s->name, i, ph->memsz, ph->paddr);
    e->load[e->n_load++] = (struct elf_segment){ph->offset, ph->filesz, ph->paddr, ph->memsz};
    return 0;
}

/* One note: namesz, descsz, type, then both padded. Returns its padded length, 0 if out of bounds.
 */
static uint64_t note_len(const uint8_t *p, uint64_t left, uint64_t align, uint64_t *desc)
{
    if (left < sizeof(Elf64_Nhdr))
        return 0;
    uint64_t name_end = sizeof(Elf64_Nhdr) + get_le32(p);
    *desc = (name_end + align - 1) & ~(align - 1);
    uint64_t end = *desc + get_le32(p + 4);
    if (end > left)
        return 0;
    end = (end + align - 1) & ~(align - 1);
    return end < left ? end : left; /* the last one may come without its padding */
}

static bool is_pvh_note(const uint8_t *p)
{
    return get_le32(p) == 4 && get_le32(p + 8) == XEN_ELFNOTE_PHYS32_ENTRY &&
           memcmp(p + sizeof(Elf64_Nhdr), "Xen", 4) == 0;
}

int elf_find_pvh_note(const uint8_t *p, uint64_t len, uint64_t align, uint32_t *entry)
{
    uint64_t desc, n;

    for (; len; p += n, len -= n) {
        n = note_len(p, len, align, &desc);
        if (!n)
            return -1;
        if (!is_pvh_note(p))
            continue;
        uint32_t size = get_le32(p + 4);
        if ((size != 4 && size != 8) || (size == 8 && get_le32(p + desc + 4)))
            return -1;
        *entry = get_le32(p + desc);
        return 1;
    }
    return 0;
}

/* Looks into PT_NOTE segment i. Returns 1 if the note was found there, 0 if not, or -errno. */
static int search_notes(const struct source *s, struct elf *e, const struct phdr *ph, uint32_t i,
                        char **error)
{
    AUTO_FREE uint8_t *notes = NULL;
    int err = check_in_file(s, ph, i, error);

    if (err)
        return err;
    if (ph->filesz > NOTES_MAX)
        return boot_fail(error, ENOEXEC, "%s: ELF note segment %u is larger than 1 MiB", s->name,
                         i);
    notes = xcalloc(1, ph->filesz + 1);
    err = source_read(s, ph->offset, notes, ph->filesz, error);
    if (err)
        return err;
    int found = elf_find_pvh_note(notes, ph->filesz, ph->align == 8 ? 8 : 4, &e->entry);
    if (found < 0)
        return boot_fail(error, ENOEXEC, "%s: ELF note segment %u: a note is out of bounds",
                         s->name, i);
    return found;
}

static int check_entry(const struct source *s, const struct elf *e, char **error)
{
    for (uint32_t i = 0; i < e->n_load; i++)
        if (e->entry >= e->load[i].paddr && e->entry - e->load[i].paddr < e->load[i].filesz)
            return 0;
    return boot_fail(error, ENOEXEC, "%s: PVH entry 0x%x is in no loaded segment", s->name,
                     e->entry);
}

/* Goes through the program header table. Returns 1 if a PVH note was among it, 0 if not, or -errno.
 */
static int parse_phdrs(const struct source *s, const struct ehdr *eh, const uint8_t *table,
                       struct elf *e, char **error)
{
    int found = 0, r = 0;

    for (uint32_t i = 0; i < eh->phnum && r >= 0; i++) {
        const uint8_t *p = table + (size_t)i * eh->phentsize;
        struct phdr ph = eh->is64 ? decode64(p) : decode32(p);
        if (ph.type == PT_LOAD) {
            r = add_load(s, e, &ph, i, error);
        } else if (ph.type == PT_NOTE && !found) {
            r = search_notes(s, e, &ph, i, error);
            found = r > 0;
        }
    }
    return r < 0 ? r : found;
}

int elf_parse(const struct source *s, struct elf *e, char **error)
{
    uint8_t table[ELF_MAX_PHDRS * sizeof(Elf64_Phdr)];
    struct ehdr eh = {0};

    memset(e, 0, sizeof *e);
    int r = read_ehdr(s, &eh, error);
    if (!r)
        r = source_read(s, eh.phoff, table, (uint64_t)eh.phnum * eh.phentsize, error);
    if (r)
        return r;
    r = parse_phdrs(s, &eh, table, e, error);
    if (r < 0)
        return r;
    if (!r)
        return boot_fail(error, ENOEXEC,
                         "%s: ELF file without a PVH entry note (Linux needs CONFIG_PVH=y)",
                         s->name);
    return check_entry(s, e, error);
}

/* Claims the memory of every segment before the first byte is written. */
static int claim_segments(struct loader *ld, const struct source *s, const struct elf *e)
{
    for (uint32_t i = 0; i < e->n_load; i++) {
        const struct elf_segment *g = &e->load[i];
        int err = memmap_claim(&ld->map, g->paddr, g->memsz);
        if (err)
            return boot_fail(ld->error, -err,
                             "%s: ELF segment at 0x%" PRIx64 ", 0x%" PRIx64 " bytes, %s", s->name,
                             g->paddr, g->memsz,
                             err == -EEXIST ? "overlaps another one or the boot structures"
                                            : "is not inside guest RAM");
    }
    return 0;
}

static int read_segment(struct loader *ld, const struct source *s, const struct elf_segment *g)
{
    uint8_t *p = loader_ptr(ld, g->paddr, g->memsz, "ELF segment");

    if (!p)
        return -EFAULT;
    if (!ld->layout->fresh)
        memset(p + g->filesz, 0, g->memsz - g->filesz);
    return source_read(s, g->offset, p, g->filesz, ld->error);
}

static int read_segments(struct loader *ld, const struct source *s, const struct elf *e)
{
    uint64_t low = UINT64_MAX, high = 0;
    int err = 0;

    for (uint32_t i = 0; i < e->n_load && !err; i++) {
        const struct elf_segment *g = &e->load[i];
        err = read_segment(ld, s, g);
        low = g->paddr < low ? g->paddr : low;
        high = g->paddr + g->memsz > high ? g->paddr + g->memsz : high;
    }
    ld->out->kernel_gpa = low;
    ld->out->kernel_len = high - low;
    return err;
}

int elf_load(struct loader *ld, const struct source *s)
{
    struct elf e;
    int err = elf_parse(s, &e, ld->error);

    if (!err)
        err = claim_segments(ld, s, &e);
    if (!err)
        err = loader_cmdline(ld, s->name, UINT64_MAX);
    if (!err)
        err = read_segments(ld, s, &e);
    if (!err)
        err = loader_initrd(ld, BOOT_4G, 0);
    if (!err)
        err = pvh_start_info(ld);
    if (!err)
        err = entry_pvh(ld, e.entry, ld->work + WORK_INFO);
    return err;
}
