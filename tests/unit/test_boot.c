/* SPDX-License-Identifier: BSD-2-Clause */
/* boot_load on good and hostile images: what lands where, and which line refuses the rest. */
#include "boot/bootparam.h"
#include "boot/memmap.h"
#include "boot_run.h"
#include <errno.h>

TEST(bzimage_is_loaded_at_its_preferred_address)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 100000);
    r.files.cmdline = "console=ttyS0 quiet";
    r.layout.rsdp_gpa = 0xe0000;
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.mode, BOOT_LINUX64);
    CHECK_EQ(r.e.rip, 0x200200);
    CHECK(memcmp(r.g.low + 0x200000, b.data + BZ_SETUP_LEN, 100000) == 0);
    const uint8_t *bp = r.g.low + r.e.rsi;
    CHECK_EQ(bp[HDR_TYPE_OF_LOADER], 0xff);
    CHECK_EQ(get_le32(bp + HDR_HEADER), 0x53726448);
    CHECK_EQ(get_le64(bp + BP_ACPI_RSDP_ADDR), 0xe0000);
    CHECK_STR((char *)r.g.low + get_le32(bp + HDR_CMD_LINE_PTR), "console=ttyS0 quiet");
    CHECK_EQ(get_le32(bp + HDR_RAMDISK_SIZE), 0);
    CHECK_EQ(bp[BP_E820_ENTRIES], 3);
    CHECK_EQ(get_le64(bp + BP_E820_TABLE + 2 * 20), MIB);
    CHECK_EQ(get_le64(bp + BP_E820_TABLE + 2 * 20 + 8), 31 * MIB);
    run_free(&r);
}

TEST(bzimage_entry_state_is_long_mode_on_identity_pages)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.cr0, 0x80000011);
    CHECK_EQ(r.e.cr4, 0x20);
    CHECK_EQ(r.e.efer, 0x500);
    CHECK_EQ(r.e.cs.selector, 0x10);
    CHECK_EQ(get_le64(r.g.low + r.e.gdt_gpa + 0x10), 0x00af9b000000ffff);
    CHECK_EQ(get_le64(r.g.low + r.e.gdt_gpa + 0x18), 0x00cf93000000ffff);
    for (uint64_t va = 0; va < BOOT_4G; va += 0x12345000) {
        uint64_t pdpt = get_le64(r.g.low + r.e.cr3) & ~0xfffull;
        uint64_t pd = get_le64(r.g.low + pdpt + 8 * (va >> 30)) & ~0xfffull;
        uint64_t pde = get_le64(r.g.low + pd + 8 * (va >> 21 & 511));
        CHECK_EQ(pde & ~0xfffull, va & ~0x1fffffull);
        CHECK_EQ(pde & 0x83, 0x83);
    }
    run_free(&r);
}

TEST(bzimage_moves_up_when_its_place_is_reserved)
{
    const struct boot_range taken = {0x280000, 0x1000, BOOT_RANGE_RESERVED};
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x90000);
    r.layout.reserved = &taken;
    r.layout.n_reserved = 1;
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.kernel_gpa, 0x400000);
    b.data[HDR_RELOCATABLE] = 0;
    CHECK(run_load(&r, &b) < 0);
    CHECK_STR(reason(&r), ": no room in guest RAM for the 0x90000 bytes (init_size) that it wants "
                          "at 0x200000");
    run_free(&r);
}

TEST(initrd_is_at_the_top_of_low_memory)
{
    char path[32];
    int fd;
    struct run r = with_initrd(32 * MIB, 16 * MIB, 70001, &fd, path);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.initrd_gpa, 32 * MIB - 0x12000);
    CHECK_EQ(get_le32(r.g.low + r.e.rsi + HDR_RAMDISK_IMAGE), r.e.initrd_gpa);
    CHECK_EQ(get_le32(r.g.low + r.e.rsi + HDR_RAMDISK_SIZE), 70001);
    CHECK_EQ(r.g.low[r.e.initrd_gpa + 70000], 0x5a);
    CHECK_EQ(r.g.low[r.e.initrd_gpa + 70001], 0);
    put_le32(b.data + HDR_INITRD_ADDR_MAX, 0xffffff);
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.initrd_gpa, 16 * MIB - 0x12000);
    run_free(&r);
    close(fd);
}

TEST(initrd_goes_above_4g_only_if_the_kernel_allows)
{
    char path[32];
    int fd;
    struct run r = with_initrd(16 * MIB, 64 * MIB, 20 * MIB, &fd, path);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.initrd_gpa, BOOT_4G + 44 * MIB);
    CHECK_EQ(get_le32(r.g.low + r.e.rsi + BP_EXT_RAMDISK_IMAGE), 1);
    CHECK_EQ(r.g.high[44 * MIB], 0x5a);
    put_le16(b.data + HDR_XLOADFLAGS, XLF_KERNEL_64);
    CHECK(run_load(&r, &b) < 0);
    CHECK(strstr(r.error, "no room for 20971520 bytes in guest memory below 0x80000000") != NULL);
    run_free(&r);
    close(fd);
}

TEST(bad_initrd_is_named)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    r.files.initrd = "/dev/null";
    CHECK(run_load(&r, &b) < 0);
    CHECK_STR(r.error, "/dev/null: not a regular file");
    r.files.initrd = "/nonexistent";
    CHECK(run_load(&r, &b) < 0);
    CHECK_STR(r.error, "/nonexistent: No such file or directory");
    run_free(&r);
}

TEST(setup_data_carries_the_device_tree_and_a_seed)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    r.layout.dtb = "tree";
    r.layout.dtb_len = 4;
    r.layout.rng_seed = "12345678";
    r.layout.rng_seed_len = 8;
    CHECK_EQ(run_load(&r, &b), 0);
    const uint8_t *d = r.g.low + get_le64(r.g.low + r.e.rsi + HDR_SETUP_DATA);
    CHECK_EQ(get_le32(d + SETUP_DATA_TYPE), SETUP_RNG_SEED);
    CHECK_EQ(get_le32(d + SETUP_DATA_LEN), 8);
    d = r.g.low + get_le64(d + SETUP_DATA_NEXT);
    CHECK_EQ(get_le32(d + SETUP_DATA_TYPE), SETUP_DTB);
    CHECK(memcmp(d + SETUP_DATA_HDR, "tree", 4) == 0);
    CHECK_EQ(get_le64(d + SETUP_DATA_NEXT), 0);
    run_free(&r);
}

TEST(command_line_is_limited_by_the_kernel)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    char text[300];
    memset(text, 'x', sizeof text);
    text[255] = 0;
    r.files.cmdline = text;
    image_bzimage(&b, 0x1000);
    CHECK_EQ(run_load(&r, &b), 0);
    text[255] = 'x';
    text[256] = 0;
    CHECK(run_load(&r, &b) < 0);
    CHECK_STR(reason(&r), ": command line is too long: 256 bytes, at most 255 can be passed");
    run_free(&r);
}

TEST(truncated_bzimage_is_refused_at_every_length)
{
    struct run r = run_new(8 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    size_t full = b.len;
    for (b.len = 0; b.len < full; b.len += b.len < 1000 ? 1 : 97) {
        CHECK(run_load(&r, &b) < 0);
        CHECK(reason(&r)[0] == ':');
    }
    b.len = full - 16;
    CHECK(run_load(&r, &b) < 0);
    CHECK_STR(reason(&r), ": truncated: setup header says 6656 bytes but the file has 6640");
    run_free(&r);
}

static void poke_bzimage(uint32_t at, uint64_t v, uint32_t len, const char *why)
{
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    memcpy(b.data + at, &v, len);
    expect_refusal(&b, why);
}

TEST(hostile_setup_headers_are_refused)
{
    poke_bzimage(HDR_HEADER, 0, 4, ": neither a Linux bzImage nor an ELF file");
    poke_bzimage(HDR_BOOT_FLAG, 0, 2, ": neither a Linux bzImage nor an ELF file");
    poke_bzimage(HDR_VERSION, 0x0207, 2, ": boot protocol 2.07 is too old, 2.12 is needed");
    poke_bzimage(HDR_LOADFLAGS, 0, 1, ": setup header lacks LOADED_HIGH: a zImage");
    poke_bzimage(HDR_XLOADFLAGS, 2, 2, ": setup header lacks XLF_KERNEL_64: no 64-bit entry point");
    poke_bzimage(HDR_JUMP_LEN, 0xff, 1,
                 ": setup header ends at 0x301, which should be 0x268 to 0x290");
    poke_bzimage(HDR_JUMP_LEN, 0, 1,
                 ": setup header ends at 0x202, which should be 0x268 to 0x290");
    poke_bzimage(HDR_SETUP_SECTS, 0xff, 1,
                 ": truncated: setup header says 135168 bytes but the file has 6656");
    poke_bzimage(HDR_SYSSIZE, 0xffffffff, 4,
                 ": truncated: setup header says 68719479280 bytes but the file has 6656");
    poke_bzimage(HDR_SYSSIZE, 0x20, 4, ": syssize 0x20 leaves no room for the 64-bit entry point");
    poke_bzimage(HDR_INIT_SIZE, 0xfff, 4,
                 ": init_size 0xfff is less than the 0x1000 bytes of code");
    poke_bzimage(HDR_KERNEL_ALIGNMENT, 0, 4, ": kernel_alignment 0x0 is no power of two");
    poke_bzimage(HDR_KERNEL_ALIGNMENT, 0x30000, 4, ": kernel_alignment 0x30000 is no power of two");
    poke_bzimage(
        HDR_PREF_ADDRESS, 0xfffffffffffff000, 8,
        ": pref_address 0xfffffffffffff000 with init_size 0x10000 is not between 1 MiB and "
        "4 GiB");
    poke_bzimage(HDR_PREF_ADDRESS, 0, 8,
                 ": pref_address 0x0 with init_size 0x10000 is not between 1 MiB and 4 GiB");
    poke_bzimage(HDR_INIT_SIZE, 0x80000000, 4,
                 ": no room in guest RAM for the 0x80000000 bytes (init_size) that it wants at or "
                 "above 0x200000");
}

TEST(what_follows_the_kernel_is_not_loaded)
{
    struct run r = run_new(8 * MIB, 0);
    BUF_AUTO b = {0};
    image_bzimage(&b, 0x1000);
    buf_add(&b, "signature", 9);
    CHECK_EQ(run_load(&r, &b), 0);
    CHECK_EQ(r.e.kernel_len, 0x1000);
    CHECK_EQ(r.g.low[0x201000], 0);
    run_free(&r);
}

TEST(work_area_must_be_ram)
{
    struct run r = run_new(32 * MIB, 0);
    BUF_AUTO b = {0};
    image_elf64(&b);
    r.layout.work_gpa = 32 * MIB - 0x1000;
    CHECK(run_load(&r, &b) < 0);
    CHECK_STR(reason(&r), ": no guest RAM at 0x1fff000 for the boot structures");
    run_free(&r);
}

TEST(firmware_is_mapped_below_4g)
{
    AUTO_FREE char *error = NULL;
    AUTO_FREE uint8_t *rom = xcalloc(1, 0x40000);
    struct boot_firmware fw;
    struct boot_entry e;
    char path[32];
    rom[0x3fff0] = 0xea;
    int fd = file_new(rom, 0x40000, path);
    CHECK_EQ(boot_firmware_map(path, &fw, &e, &error), 0);
    CHECK_EQ(fw.gpa, BOOT_4G - 0x40000);
    CHECK_EQ(fw.isa_gpa, 0xe0000);
    CHECK_EQ(fw.isa_len, 0x20000);
    CHECK_EQ(((uint8_t *)fw.rom)[0xfffffff0 - fw.gpa], 0xea);
    CHECK_EQ(e.mode, BOOT_RESET);
    boot_firmware_unmap(&fw);
    CHECK_EQ(ftruncate(fd, 0x10001), 0);
    CHECK(boot_firmware_map(path, &fw, &e, &error) < 0);
    CHECK(strstr(error, ": firmware of 65537 bytes is not a multiple of 64 KiB") != NULL);
    close(fd);
}

static void load_real(const char *path)
{
    struct run r = run_new(512 * MIB, 0);
    r.fd = -1;
    r.files.kernel = path;
    r.files.cmdline = "console=ttyS0";
    r.layout.fresh = true;
    int err = boot_load(&r.files, &r.g.mem, &r.layout, &r.e, &r.error);
    printf("# %s: %s, kernel at 0x%" PRIx64 ", 0x%" PRIx64 " bytes, entry 0x%" PRIx64 "\n", path,
           r.error ? r.error : "loaded", r.e.kernel_gpa, r.e.kernel_len, r.e.rip);
    CHECK_EQ(err, 0);
    guest_free(&r.g);
    free_ptr(&r.error);
}

TEST(real_kernels_are_loaded)
{
    const char *bz = getenv("TENON_TEST_BZIMAGE"), *vmlinux = getenv("TENON_TEST_VMLINUX");
    if (!bz && access("/boot/vmlinuz", R_OK) == 0)
        bz = "/boot/vmlinuz";
    if (!bz && !vmlinux)
        SKIP("no TENON_TEST_BZIMAGE, TENON_TEST_VMLINUX or /boot/vmlinuz");
    if (bz)
        load_real(bz);
    if (vmlinux)
        load_real(vmlinux);
}

int main(void)
{
    RUN(bzimage_is_loaded_at_its_preferred_address);
    RUN(bzimage_entry_state_is_long_mode_on_identity_pages);
    RUN(bzimage_moves_up_when_its_place_is_reserved);
    RUN(initrd_is_at_the_top_of_low_memory);
    RUN(initrd_goes_above_4g_only_if_the_kernel_allows);
    RUN(bad_initrd_is_named);
    RUN(setup_data_carries_the_device_tree_and_a_seed);
    RUN(command_line_is_limited_by_the_kernel);
    RUN(truncated_bzimage_is_refused_at_every_length);
    RUN(hostile_setup_headers_are_refused);
    RUN(what_follows_the_kernel_is_not_loaded);
    RUN(work_area_must_be_ram);
    RUN(firmware_is_mapped_below_4g);
    RUN(real_kernels_are_loaded);
    return tap_done();
}
