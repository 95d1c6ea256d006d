/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/entry.h"
#include "util/bytes.h"
#include <errno.h>

/* Intel SDM volume 3: 2.5 (control registers), 2.2.1 (EFER), 4.5 (4-level paging), 3.4.5
 * (descriptors) */
#define CR0_PE   (1ull << 0)
#define CR0_ET   (1ull << 4)
#define CR0_PG   (1ull << 31)
#define CR4_PAE  (1ull << 5)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)

#define PTE_P  (1ull << 0)
#define PTE_RW (1ull << 1)
#define PTE_A  (1ull << 5)
#define PTE_D  (1ull << 6)
#define PTE_PS (1ull << 7)

#define RFLAGS_FIXED 2 /* bit 1 always reads as 1 */

#define ATTR_CODE64 0xa09b /* G L P S, execute/read, accessed */
#define ATTR_CODE32 0xc09b /* G D P S, execute/read, accessed */
#define ATTR_DATA   0xc093 /* G B P S, read/write, accessed */
#define ATTR_TSS    0x008b /* P, busy TSS, byte granular; in long mode the descriptor is 16 bytes */

#define SEL_CODE    0x10 /* Linux wants these two numbers; PVH takes any */
#define SEL_DATA    0x18
#define SEL_TSS     0x20
#define GDT_ENTRIES 6
#define TSS_LIMIT   0x67

#define PAGE_2M    0x200000ull
#define TABLE_LEN  512 /* entries of any paging table */
#define MAPPED_PDS 4   /* 1 GiB each */

/* The 8 bytes of a descriptor for a segment with base 0. */
static uint64_t descriptor(const struct boot_seg *s)
{
    uint32_t limit = s->attr & 0x8000 ? s->limit >> 12 : s->limit;
    uint64_t low = limit & 0xffff, high = limit >> 16;
    return low | (uint64_t)s->attr << 40 | high << 48;
}

static int write_gdt(struct loader *ld, uint16_t code_attr)
{
    struct boot_entry *e = ld->out;
    uint8_t *gdt = loader_ptr(ld, ld->work + WORK_GDT, GDT_ENTRIES * 8, "GDT");

    if (!gdt)
        return -EFAULT;
    e->cs = (struct boot_seg){0, UINT32_MAX, SEL_CODE, code_attr};
    e->ds = (struct boot_seg){0, UINT32_MAX, SEL_DATA, ATTR_DATA};
    e->tr = (struct boot_seg){0, TSS_LIMIT, SEL_TSS, ATTR_TSS};
    e->gdt_gpa = ld->work + WORK_GDT;
    e->gdt_limit = GDT_ENTRIES * 8 - 1;
    memset(gdt, 0, GDT_ENTRIES * 8);
    put_le64(gdt + SEL_CODE, descriptor(&e->cs));
    put_le64(gdt + SEL_DATA, descriptor(&e->ds));
    put_le64(gdt + SEL_TSS, descriptor(&e->tr));
    return 0;
}

/* Maps the first 4 GiB to themselves: kernel, boot_params and command line all lie there. */
static int write_page_tables(struct loader *ld)
{
    uint64_t pml4 = ld->work + WORK_PAGE_TABLES, pdpt = pml4 + BOOT_PAGE, pd = pdpt + BOOT_PAGE;
    uint64_t len = (2 + MAPPED_PDS) * BOOT_PAGE;
    uint8_t *t = loader_ptr(ld, pml4, len, "page tables");

    if (!t)
        return -EFAULT;
    memset(t, 0, 2 * BOOT_PAGE);
    put_le64(t, pdpt | PTE_P | PTE_RW | PTE_A);
    for (uint32_t i = 0; i < MAPPED_PDS; i++)
        put_le64(t + BOOT_PAGE + 8 * i, (pd + i * BOOT_PAGE) | PTE_P | PTE_RW | PTE_A);
    for (uint64_t i = 0; i < MAPPED_PDS * TABLE_LEN; i++)
        put_le64(t + 2 * BOOT_PAGE + 8 * i, i * PAGE_2M | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS);
    ld->out->cr3 = pml4;
    return 0;
}

int entry_linux64(struct loader *ld, uint64_t rip, uint64_t boot_params)
{
    struct boot_entry *e = ld->out;
    int err = write_gdt(ld, ATTR_CODE64);

    if (!err)
        err = write_page_tables(ld);
    if (err)
        return err;
    e->mode = BOOT_LINUX64;
    e->rip = rip;
    e->rsi = boot_params;
    e->rflags = RFLAGS_FIXED;
    e->cr0 = CR0_PE | CR0_ET | CR0_PG;
    e->cr4 = CR4_PAE;
    e->efer = EFER_LME | EFER_LMA;
    return 0;
}

int entry_pvh(struct loader *ld, uint32_t rip, uint64_t start_info)
{
    struct boot_entry *e = ld->out;
    int err = write_gdt(ld, ATTR_CODE32);

    if (err)
        return err;
    e->mode = BOOT_PVH;
    e->rip = rip;
    e->rbx = start_info;
    e->rflags = RFLAGS_FIXED;
    e->cr0 = CR0_PE | CR0_ET;
    return 0;
}
