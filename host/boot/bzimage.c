/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/bzimage.h"
#include "boot/bootparam.h"
#include "boot/entry.h"
#include "util/bytes.h"
#include <errno.h>
#include <inttypes.h>

#define SECTOR       512ull
#define PARAGRAPH    16ull
#define SECTS_LEGACY 4 /* what setup_sects 0 stands for */

_Static_assert(MEMMAP_MAX_RANGES <= BP_E820_MAX, "the memory map fits into boot_params");
_Static_assert(sizeof((struct bzimage *)0)->head == HDR_END_MAX, "the header fits");

static int check_identity(const struct source *s, const uint8_t *h, char **error)
{
    if (get_le16(h + HDR_BOOT_FLAG) != BOOT_FLAG || memcmp(h + HDR_HEADER, HEADER_MAGIC, 4) != 0)
        return boot_fail(error, ENOEXEC, "%s: neither a Linux bzImage nor an ELF file", s->name);
    unsigned version = get_le16(h + HDR_VERSION);
    if (version < VERSION_2_12)
        return boot_fail(error, ENOEXEC, "%s: boot protocol %u.%02u is too old, 2.12 is needed",
                         s->name, version >> 8, version & 0xff);
    if (!(h[HDR_LOADFLAGS] & LOADED_HIGH))
        return boot_fail(error, ENOEXEC, "%s: setup header lacks LOADED_HIGH: a zImage", s->name);
    if (!(get_le16(h + HDR_XLOADFLAGS) & XLF_KERNEL_64))
        return boot_fail(error, ENOEXEC,
                         "%s: setup header lacks XLF_KERNEL_64: no 64-bit entry point", s->name);
    return 0;
}

static int check_header_end(const struct source *s, struct bzimage *k, char **error)
{
    k->header_end = HDR_HEADER + (uint32_t)k->head[HDR_JUMP_LEN];
    if (k->header_end < HDR_END_2_12 || k->header_end > HDR_END_MAX)
        return boot_fail(error, ENOEXEC,
                         "%s: setup header ends at 0x%x, which should be 0x%x to 0x%x", s->name,
                         k->header_end, HDR_END_2_12, HDR_END_MAX);
    return 0;
}

static int check_sizes(const struct source *s, struct bzimage *k, char **error)
{
    uint64_t sects = k->head[HDR_SETUP_SECTS] ? k->head[HDR_SETUP_SECTS] : SECTS_LEGACY;
    uint64_t paragraphs = get_le32(k->head + HDR_SYSSIZE);

    k->setup_len = (sects + 1) * SECTOR;
    k->payload_len = paragraphs * PARAGRAPH;
    /* syssize is rounded up; what follows it (a signature, say) is not part of the kernel. */
    if (k->setup_len + k->payload_len >= s->size + PARAGRAPH || k->setup_len >= s->size)
        return boot_fail(error, ENOEXEC,
                         "%s: truncated: setup header says %" PRIu64 " bytes but the file has "
                         "%" PRIu64,
                         s->name, k->setup_len + k->payload_len, s->size);
    if (k->payload_len > s->size - k->setup_len)
        k->payload_len = s->size - k->setup_len;
    if (k->payload_len <= ENTRY_64)
        return boot_fail(error, ENOEXEC,
                         "%s: syssize 0x%" PRIx64 " leaves no room for the 64-bit entry point",
                         s->name, paragraphs);
    return 0;
}

static int check_placement(const struct source *s, struct bzimage *k, char **error)
{
    k->pref_address = get_le64(k->head + HDR_PREF_ADDRESS);
    k->init_size = get_le32(k->head + HDR_INIT_SIZE);
    k->alignment = get_le32(k->head + HDR_KERNEL_ALIGNMENT);
    k->relocatable = k->head[HDR_RELOCATABLE] != 0;
    if (k->init_size < k->payload_len)
        return boot_fail(error, ENOEXEC,
                         "%s: init_size 0x%" PRIx64 " is less than the 0x%" PRIx64 " bytes of code",
                         s->name, k->init_size, k->payload_len);
    if (k->relocatable && (!k->alignment || k->alignment & (k->alignment - 1)))
        return boot_fail(error, ENOEXEC, "%s: kernel_alignment 0x%" PRIx64 " is no power of two",
                         s->name, k->alignment);
    if (k->pref_address < BOOT_1M || k->pref_address > BOOT_4G - k->init_size)
        return boot_fail(error, ENOEXEC,
                         "%s: pref_address 0x%" PRIx64 " with init_size 0x%" PRIx64
                         " is not between 1 MiB and 4 GiB",
                         s->name, k->pref_address, k->init_size);
    return 0;
}

int bzimage_parse(const struct source *s, struct bzimage *k, char **error)
{
    memset(k, 0, sizeof *k);
    if (s->size < HDR_END_MAX)
        return boot_fail(error, ENOEXEC,
                         "%s: truncated: a setup header needs %u bytes but the file has %" PRIu64,
                         s->name, HDR_END_MAX, s->size);
    int err = source_read(s, 0, k->head, sizeof k->head, error);
    if (!err)
        err = check_identity(s, k->head, error);
    if (!err)
        err = check_header_end(s, k, error);
    if (!err)
        err = check_sizes(s, k, error);
    if (!err)
        err = check_placement(s, k, error);
    k->cmdline_max = get_le32(k->head + HDR_CMDLINE_SIZE);
    k->initrd_limit = (uint64_t)get_le32(k->head + HDR_INITRD_ADDR_MAX) + 1;
    k->above_4g = get_le16(k->head + HDR_XLOADFLAGS) & XLF_ABOVE_4G;
    return err;
}

/* Prefers pref_address, where the kernel needn't move itself; else, if it can be moved, the next
 * free place above (below would not help: the kernel decompresses itself to pref_address at the
 * lowest). */
static int place_kernel(struct loader *ld, const struct source *s, const struct bzimage *k)
{
    uint64_t *gpa = &ld->out->kernel_gpa;

    *gpa = k->pref_address;
    ld->out->kernel_len = k->payload_len;
    if (!memmap_claim(&ld->map, *gpa, k->init_size))
        return 0;
    if (k->relocatable &&
        !memmap_find_low(&ld->map, k->init_size, k->alignment, *gpa, BOOT_4G, gpa) &&
        !memmap_claim(&ld->map, *gpa, k->init_size))
        return 0;
    return boot_fail(ld->error, ENOSPC,
                     "%s: no room in guest RAM for the 0x%" PRIx64
                     " bytes (init_size) that it wants %s 0x%" PRIx64,
                     s->name, k->init_size, k->relocatable ? "at or above" : "at", k->pref_address);
}

static int read_kernel(struct loader *ld, const struct source *s, const struct bzimage *k)
{
    void *p = loader_ptr(ld, ld->out->kernel_gpa, k->payload_len, "kernel");

    return p ? source_read(s, k->setup_len, p, k->payload_len, ld->error) : -EFAULT;
}

static void fill_e820(const struct memmap *map, uint8_t *bp)
{
    uint8_t *e = bp + BP_E820_TABLE;

    bp[BP_E820_ENTRIES] = (uint8_t)map->n_ranges;
    for (uint32_t i = 0; i < map->n_ranges; i++, e += BP_E820_ENTRY_LEN) {
        put_le64(e, map->range[i].gpa);
        put_le64(e + 8, map->range[i].len);
        put_le32(e + 16, map->range[i].type);
    }
}

/* Puts one setup_data node in front of the list at *head. */
static int push_setup_data(struct loader *ld, uint64_t *head, uint32_t type, const void *data,
                           uint32_t len)
{
    uint64_t gpa, total = (uint64_t)len + SETUP_DATA_HDR;

    if (!data || !len)
        return 0;
    if (memmap_find_top(&ld->map, total, BOOT_PAGE, BOOT_4G, &gpa) ||
        memmap_claim(&ld->map, gpa, total))
        return boot_fail(ld->error, ENOSPC, "%s: no guest RAM for %" PRIu64 " bytes of setup_data",
                         ld->files->kernel, total);
    uint8_t *p = loader_ptr(ld, gpa, total, "setup_data");
    if (!p)
        return -EFAULT;
    put_le64(p + SETUP_DATA_NEXT, *head);
    put_le32(p + SETUP_DATA_TYPE, type);
    put_le32(p + SETUP_DATA_LEN, len);
    memcpy(p + SETUP_DATA_HDR, data, len);
    *head = gpa;
    return 0;
}

static void put_split(uint8_t *bp, uint32_t low, uint32_t high, uint64_t v)
{
    put_le32(bp + low, (uint32_t)v);
    put_le32(bp + high, (uint32_t)(v >> 32));
}

static int fill_boot_params(struct loader *ld, const struct bzimage *k)
{
    const struct boot_layout *l = ld->layout;
    const struct boot_entry *e = ld->out;
    uint8_t *bp = loader_ptr(ld, ld->work + WORK_INFO, BP_LEN, "boot_params");
    uint64_t setup_data = 0;

    int err = push_setup_data(ld, &setup_data, SETUP_DTB, l->dtb, l->dtb_len);
    if (!err)
        err = push_setup_data(ld, &setup_data, SETUP_RNG_SEED, l->rng_seed, l->rng_seed_len);
    if (err || !bp)
        return err ? err : -EFAULT;
    memset(bp, 0, BP_LEN);
    memcpy(bp + HDR_START, k->head + HDR_START, k->header_end - HDR_START);
    bp[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
    put_split(bp, HDR_RAMDISK_IMAGE, BP_EXT_RAMDISK_IMAGE, e->initrd_gpa);
    put_split(bp, HDR_RAMDISK_SIZE, BP_EXT_RAMDISK_SIZE, e->initrd_len);
    put_split(bp, HDR_CMD_LINE_PTR, BP_EXT_CMD_LINE_PTR, e->cmdline_gpa);
    put_le64(bp + HDR_SETUP_DATA, setup_data);
    put_le64(bp + BP_ACPI_RSDP_ADDR, l->rsdp_gpa);
    fill_e820(&ld->map, bp);
    return 0;
}

int bzimage_load(struct loader *ld, const struct source *s)
{
    struct bzimage k;
    int err = bzimage_parse(s, &k, ld->error);

    if (!err)
        err = place_kernel(ld, s, &k);
    if (!err)
        err = loader_cmdline(ld, s->name, k.cmdline_max);
    if (!err)
        err = read_kernel(ld, s, &k);
    if (!err)
        err = loader_initrd(ld, k.initrd_limit, k.above_4g ? UINT64_MAX : 0);
    if (!err)
        err = fill_boot_params(ld, &k);
    if (!err)
        err = entry_linux64(ld, ld->out->kernel_gpa + ENTRY_64, ld->work + WORK_INFO);
    return err;
}
