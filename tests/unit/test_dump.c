/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's page tables walked, and the head of an ELF core file. The test's own RAM stands for the
 * guest's. */
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vm/dump_elf.h"
#include "vm/guest_map.h"
#include "vm/memory.h"
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

enum { RAM = 1 << 20, PAGE = 4096 };
static uint8_t ram[RAM];

int memory_read(struct vm *vm, uint64_t gpa, void *buf, uint64_t len)
{
    (void)vm;
    if (gpa > RAM || len > RAM - gpa)
        return -EFAULT;
    memcpy(buf, ram + gpa, len);
    return 0;
}

#define PG      (1ull << 31)
#define PAE     (1ull << 5)
#define LMA     (1ull << 10)
#define PRESENT 1ull
#define LARGE   (1ull << 7)

static struct kvm_sregs long_mode(uint64_t cr3)
{
    memset(ram, 0, sizeof ram);
    return (struct kvm_sregs){.cr0 = PG, .cr4 = PAE, .efer = LMA, .cr3 = cr3};
}

static void entry(uint64_t table, uint32_t i, uint64_t v)
{
    put_le64(ram + table + 8 * i, v);
}

static int walk(struct guest_map *g, const struct kvm_sregs *s)
{
    ERR_AUTO e = {0};
    return guest_map_add(g, NULL, s, &e);
}

#define CHECK_MAPPING(m, v, p, l) \
    do {                          \
        CHECK_EQ((m).virt, v);    \
        CHECK_EQ((m).phys, p);    \
        CHECK_EQ((m).len, l);     \
    } while (0)

TEST(no_paging_maps_nothing)
{
    struct guest_map g = {0};
    struct kvm_sregs s = {0};
    CHECK_EQ(walk(&g, &s), 0);
    CHECK_EQ(g.n, 0);
}

TEST(pages_of_each_size_in_long_mode)
{
    struct guest_map g = {0};
    struct kvm_sregs s = long_mode(0x1000);
    entry(0x1000, 0, 0x2000 | PRESENT);
    entry(0x1000, 511, 0x2000 | PRESENT);
    entry(0x2000, 1, 0x40000000 | PRESENT | LARGE);
    entry(0x2000, 0, 0x3000 | PRESENT);
    entry(0x3000, 2, 0x600000 | PRESENT | LARGE);
    entry(0x3000, 0, 0x4000 | PRESENT);
    entry(0x4000, 5, 0x9000 | PRESENT);
    CHECK_EQ(walk(&g, &s), 0);
    CHECK_EQ(g.n, 6);
    CHECK_MAPPING(g.at[0], 5 * PAGE, 0x9000, PAGE);
    CHECK_MAPPING(g.at[1], 0x400000, 0x600000, 0x200000);
    CHECK_MAPPING(g.at[2], 0x40000000, 0x40000000, 0x40000000);
    CHECK_MAPPING(g.at[3], 0xffffff8000000000 + 5 * PAGE, 0x9000, PAGE);
    guest_map_free(&g);
}

TEST(neighbours_are_joined)
{
    struct guest_map g = {0};
    struct kvm_sregs s = long_mode(0x1000);
    entry(0x1000, 0, 0x2000 | PRESENT);
    entry(0x2000, 0, 0x3000 | PRESENT);
    for (uint32_t i = 0; i < 512; i++)
        entry(0x3000, i, (uint64_t)i << 21 | PRESENT | LARGE);
    entry(0x2000, 1, 0x40000000 | PRESENT | LARGE);
    CHECK_EQ(walk(&g, &s), 0);
    CHECK_EQ(g.n, 1);
    CHECK_MAPPING(g.at[0], 0, 0, 0x80000000);
    guest_map_free(&g);
}

TEST(pae_has_four_tables)
{
    struct guest_map g = {0};
    struct kvm_sregs s = long_mode(0x1020);
    s.efer = 0;
    entry(0x1020, 3, 0x2000 | PRESENT);
    entry(0x2000, 0, 0x200000 | PRESENT | LARGE);
    CHECK_EQ(walk(&g, &s), 0);
    CHECK_EQ(g.n, 1);
    CHECK_MAPPING(g.at[0], 0xc0000000, 0x200000, 0x200000);
    guest_map_free(&g);
}

TEST(two_levels_of_32_bits)
{
    struct guest_map g = {0};
    struct kvm_sregs s = long_mode(0x1000);
    s.efer = 0;
    s.cr4 = 1 << 4;
    put_le32(ram + 0x1000, 0x2000 | PRESENT);
    put_le32(ram + 0x1004, 0x00c00000 | 5 << 13 | PRESENT | LARGE);
    put_le32(ram + 0x2004, 0x7000 | PRESENT);
    CHECK_EQ(walk(&g, &s), 0);
    CHECK_EQ(g.n, 2);
    CHECK_MAPPING(g.at[0], PAGE, 0x7000, PAGE);
    CHECK_MAPPING(g.at[1], 0x400000, 0x500c00000, 0x400000);
    guest_map_free(&g);
}

/* 512 to the fourth pages: the walk gives up instead. */
TEST(tables_that_point_to_themselves_end)
{
    struct guest_map g = {0};
    struct kvm_sregs s = long_mode(0x1000);
    for (uint32_t i = 0; i < 512; i++)
        entry(0x1000, i, 0x1000 | PRESENT);
    CHECK_EQ(walk(&g, &s), -EFBIG);
    CHECK(g.n <= 1 << 20);
    guest_map_free(&g);
}

TEST(a_table_outside_of_ram_maps_nothing)
{
    struct guest_map g = {0};
    struct kvm_sregs s = long_mode(0xfffffffff000);
    CHECK_EQ(walk(&g, &s), 0);
    s.cr3 = 0x1000;
    entry(0x1000, 0, (RAM - 8) | PRESENT);
    CHECK_EQ(walk(&g, &s), 0);
    CHECK_EQ(g.n, 0);
}

TEST(head_of_a_core_file)
{
    BUF_AUTO notes = {0}, head = {0};
    struct dump_cpu c = {.regs.rip = 0x1234, .regs.rsp = 0x5678, .sregs.cr3 = 0x9000};
    const struct dump_load load[] = {{0x100, 0x100, 0x2000, 0x2000, 0}, {0x5000, 0x9000, 16, 0, 0}};
    dump_elf_prstatus(&notes, 0, &c);
    CHECK_EQ(notes.len, dump_elf_note_len(5, 336));
    dump_elf_qemu(&notes, &c);
    CHECK_EQ(notes.len, dump_elf_note_len(5, 336) + dump_elf_note_len(5, 440));
    dump_elf_head(&head, load, 2, &notes);
    Elf64_Ehdr h;
    Elf64_Phdr p[3];
    memcpy(&h, head.data, sizeof h);
    memcpy(p, head.data + h.e_phoff, sizeof p);
    CHECK_EQ(h.e_phnum, 3);
    CHECK_EQ(p[0].p_type, PT_NOTE);
    CHECK_EQ(p[0].p_offset + p[0].p_filesz, head.len);
    CHECK_EQ(p[1].p_offset, head.len);
    CHECK_EQ(p[1].p_filesz, 0x2000);
    CHECK_EQ(p[2].p_filesz, 0);
    CHECK_EQ(p[2].p_memsz, 16);
    CHECK_EQ(p[2].p_paddr, 0x9000);
}

/* More than 16 bits count: the first section header has the number. */
TEST(many_program_headers)
{
    enum { MANY = 70000 };
    BUF_AUTO notes = {0}, head = {0};
    AUTO_FREE struct dump_load *load = xcalloc(MANY, sizeof *load);
    dump_elf_head(&head, load, MANY, &notes);
    Elf64_Ehdr h;
    Elf64_Shdr s;
    memcpy(&h, head.data, sizeof h);
    memcpy(&s, head.data + h.e_shoff, sizeof s);
    CHECK_EQ(h.e_phnum, PN_XNUM);
    CHECK_EQ(h.e_shnum, 1);
    CHECK_EQ(s.sh_info, MANY + 1);
    CHECK_EQ(head.len, sizeof h + sizeof s + (MANY + 1) * sizeof(Elf64_Phdr));
}

int main(void)
{
    RUN(no_paging_maps_nothing);
    RUN(pages_of_each_size_in_long_mode);
    RUN(neighbours_are_joined);
    RUN(pae_has_four_tables);
    RUN(two_levels_of_32_bits);
    RUN(tables_that_point_to_themselves_end);
    RUN(a_table_outside_of_ram_maps_nothing);
    RUN(head_of_a_core_file);
    RUN(many_program_headers);
    return tap_done();
}
