/* SPDX-License-Identifier: BSD-2-Clause */
/* boot_load on good and hostile ELF images: what lands where, and which line refuses the rest. */
#include "boot/pvh.h"
#include "boot_run.h"
#include <elf.h>

TEST(elf64_is_loaded_and_its_bss_cleared)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_elf64(&b);
    guest_dirty(&r.g);
    r.files.cmdline = "a=b";
    r.layout.rsdp_gpa = 0xe1230;
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.mode, BOOT_PVH);
    CHECK_EQ(r.e.rip, 0x200040);
    CHECK_EQ(r.e.cr0, 0x11);
    CHECK(memcmp(r.g.low + 0x200000, b.data + 0x1000, 0x1000) == 0);
    CHECK(memcmp(r.g.low + 0x300000, b.data + 0x2000, 0x10) == 0);
    CHECK_EQ(r.g.low[0x201000], 0);
    CHECK_EQ(r.g.low[0x202fff], 0);
    CHECK_EQ(r.g.low[0x203000], 0xa5);
    const uint8_t *si = r.g.low + r.e.rbx;
    CHECK_EQ(get_le32(si + SI_MAGIC), 0x336ec578);
    CHECK_EQ(get_le32(si + SI_VERSION), 1);
    CHECK_EQ(get_le32(si + SI_NR_MODULES), 0);
    CHECK_EQ(get_le64(si + SI_RSDP_PADDR), 0xe1230);
    CHECK_STR((char *)r.g.low + get_le64(si + SI_CMDLINE_PADDR), "a=b");
    const uint8_t *mm = r.g.low + get_le64(si + SI_MEMMAP_PADDR);
    CHECK_EQ(get_le32(si + SI_MEMMAP_ENTRIES), 3);
    CHECK_EQ(get_le64(mm + 2 * MM_ENTRY_LEN + MM_SIZE), 31 * MIB);
    run_free(&r);
}

TEST(fresh_memory_is_not_cleared_again)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_elf64(&b);
    guest_dirty(&r.g);
    r.layout.fresh = true;
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.g.low[0x201000], 0xa5);
    run_free(&r);
}

TEST(elf32_is_loaded_with_a_module)
{
    char path[32];
    int fd;
    struct run r = with_initrd(32 * MIB, 0, 5000, &fd, path);
    BUF_AUTO b = {0};
    image_elf32(&b);
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.rip, 0x200010);
    CHECK_EQ(get_le32(r.g.low + r.e.gdt_gpa + r.e.cs.selector + 4), 0x00cf9b00);
    const uint8_t *si = r.g.low + r.e.rbx;
    CHECK_EQ(get_le32(si + SI_NR_MODULES), 1);
    const uint8_t *mod = r.g.low + get_le64(si + SI_MODLIST_PADDR);
    CHECK_EQ(get_le64(mod + MOD_PADDR), 32 * MIB - 0x2000);
    CHECK_EQ(get_le64(mod + MOD_SIZE), 5000);
    run_free(&r);
    close(fd);
}

TEST(truncated_elf_is_refused_at_every_length)
{
    struct run r = run_new(8 * MIB, 0);
    BUF_AUTO b = {0};
    image_elf64(&b);
    size_t full = b.len;
    for (b.len = 0; b.len < full; b.len += b.len < 0x120 || b.len > 0x1ff0 ? 1 : 61) {
        CHECK(run_load(&r, &b) < 0);
        CHECK(reason(&r)[0] == ':');
    }
    run_free(&r);
}

#define PHDR(i)       (sizeof(Elf64_Ehdr) + (i) * sizeof(Elf64_Phdr))
#define PHDR_AT(i, f) (uint32_t)(PHDR(i) + offsetof(Elf64_Phdr, f))

static void poke_elf(uint32_t at, uint64_t v, uint32_t len, const char *why)
{
    BUF_AUTO b = {0};
    image_elf64(&b);
    memcpy(b.data + at, &v, len);
    expect_refusal(&b, why);
}

TEST(hostile_elf_headers_are_refused)
{
    poke_elf(EI_CLASS, 3, 1, ": ELF class 3, data 1: neither ELF32 nor ELF64, little-endian");
    poke_elf(EI_DATA, 2, 1, ": ELF class 2, data 2: neither ELF32 nor ELF64, little-endian");
    poke_elf(offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 2, ": ELF machine 183 is not x86");
    poke_elf(offsetof(Elf64_Ehdr, e_type), ET_REL, 2, ": ELF type 1 is not an executable");
    poke_elf(offsetof(Elf64_Ehdr, e_phentsize), 55, 2, ": ELF program headers of 55 bytes, not 56");
    poke_elf(offsetof(Elf64_Ehdr, e_phnum), 0, 2, ": 0 ELF program headers, not 1 to 64");
    poke_elf(offsetof(Elf64_Ehdr, e_phnum), 0xffff, 2, ": 65535 ELF program headers, not 1 to 64");
    poke_elf(offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 8, 8,
             ": truncated: ELF header says program headers up to 18446744073709551607+168 but the "
             "file has 8256 bytes");
}

TEST(hostile_elf_segments_are_refused)
{
    poke_elf(PHDR_AT(0, p_offset), UINT64_MAX - 0xfff, 8,
             ": truncated: ELF segment 0 is 0x1000 bytes at 0xfffffffffffff000 but the file has "
             "0x2040");
    poke_elf(PHDR_AT(0, p_filesz), 0x200000, 8,
             ": truncated: ELF segment 0 is 0x200000 bytes at 0x1000 but the file has 0x2040");
    poke_elf(PHDR_AT(0, p_memsz), 0xfff, 8,
             ": ELF segment 0 has 0x1000 bytes in the file but 0xfff in memory");
    poke_elf(PHDR_AT(0, p_paddr), UINT64_MAX - 0x100, 8,
             ": ELF segment 0 wraps around: 0x3000 bytes at 0xfffffffffffffeff");
    poke_elf(PHDR_AT(0, p_memsz), UINT64_MAX, 8,
             ": ELF segment 0 wraps around: 0xffffffffffffffff bytes at 0x200000");
    poke_elf(PHDR_AT(0, p_memsz), 0x40000000, 8,
             ": ELF segment at 0x200000, 0x40000000 bytes, is not inside guest RAM");
    poke_elf(PHDR_AT(1, p_paddr), 0x202ff8, 8,
             ": ELF segment at 0x202ff8, 0x10 bytes, overlaps another one or the boot structures");
    poke_elf(PHDR_AT(1, p_paddr), BOOT_WORK_GPA, 8,
             ": ELF segment at 0x10000, 0x10 bytes, overlaps another one or the boot structures");
    poke_elf(PHDR_AT(1, p_paddr), 0xa0000, 8,
             ": ELF segment at 0xa0000, 0x10 bytes, is not inside guest RAM");
}

TEST(hostile_elf_notes_are_refused)
{
    poke_elf(PHDR_AT(2, p_type), PT_NULL, 4,
             ": ELF file without a PVH entry note (Linux needs CONFIG_PVH=y)");
    poke_elf(PHDR_AT(2, p_filesz), 24, 8,
             ": ELF file without a PVH entry note (Linux needs CONFIG_PVH=y)");
    poke_elf(PHDR_AT(2, p_filesz), 25, 8, ": ELF note segment 2: a note is out of bounds");
    poke_elf(PHDR_AT(2, p_filesz), 0x2f, 8, ": ELF note segment 2: a note is out of bounds");
    poke_elf(0x2010, 0xffffffff, 4, ": ELF note segment 2: a note is out of bounds");
    poke_elf(0x2014, 0xfffffff0, 4, ": ELF note segment 2: a note is out of bounds");
    poke_elf(0x2028 + 20, 1, 4, ": ELF note segment 2: a note is out of bounds");
    poke_elf(0x2028 + 16, 0x200fff + 1, 4, ": PVH entry 0x201000 is in no loaded segment");
    poke_elf(0x2028 + 16, 0xffffffff, 4, ": PVH entry 0xffffffff is in no loaded segment");
}

int main(void)
{
    RUN(elf64_is_loaded_and_its_bss_cleared);
    RUN(fresh_memory_is_not_cleared_again);
    RUN(elf32_is_loaded_with_a_module);
    RUN(truncated_elf_is_refused_at_every_length);
    RUN(hostile_elf_headers_are_refused);
    RUN(hostile_elf_segments_are_refused);
    RUN(hostile_elf_notes_are_refused);
    return tap_done();
}
