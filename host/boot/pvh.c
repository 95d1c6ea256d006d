/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/pvh.h"
#include "util/bytes.h"
#include <errno.h>

/* The info page: start info, one module, memory map. */
#define PAGE_MODLIST SI_LEN
#define PAGE_MEMMAP  (PAGE_MODLIST + MOD_LEN)
_Static_assert(PAGE_MEMMAP + MEMMAP_MAX_RANGES * MM_ENTRY_LEN <= BOOT_PAGE, "fits into one page");

static void fill_module(const struct boot_entry *e, uint8_t *mod)
{
    put_le64(mod + MOD_PADDR, e->initrd_gpa);
    put_le64(mod + MOD_SIZE, e->initrd_len);
}

static void fill_memmap(const struct memmap *map, uint8_t *m)
{
    for (uint32_t i = 0; i < map->n_ranges; i++, m += MM_ENTRY_LEN) {
        put_le64(m + MM_ADDR, map->range[i].gpa);
        put_le64(m + MM_SIZE, map->range[i].len);
        put_le32(m + MM_TYPE, map->range[i].type);
    }
}

int pvh_start_info(struct loader *ld)
{
    uint64_t gpa = ld->work + WORK_INFO;
    uint8_t *si = loader_ptr(ld, gpa, BOOT_PAGE, "PVH start info");

    if (!si)
        return -EFAULT;
    memset(si, 0, BOOT_PAGE);
    put_le32(si + SI_MAGIC, HVM_START_MAGIC_VALUE);
    put_le32(si + SI_VERSION, 1);
    if (ld->out->initrd_len) {
        put_le32(si + SI_NR_MODULES, 1);
        put_le64(si + SI_MODLIST_PADDR, gpa + PAGE_MODLIST);
        fill_module(ld->out, si + PAGE_MODLIST);
    }
    put_le64(si + SI_CMDLINE_PADDR, ld->out->cmdline_gpa);
    put_le64(si + SI_RSDP_PADDR, ld->layout->rsdp_gpa);
    put_le64(si + SI_MEMMAP_PADDR, gpa + PAGE_MEMMAP);
    put_le32(si + SI_MEMMAP_ENTRIES, ld->map.n_ranges);
    fill_memmap(&ld->map, si + PAGE_MEMMAP);
    return 0;
}
