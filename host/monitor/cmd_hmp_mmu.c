/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: info mem and info tlb, from the page tables of the session's CPU (SDM 3, 4.3 to 4.5).
 *
 * The guest may have made its tables a maze without end: a walk looks into so many and says that it
 * has stopped. */
#include "hmp_cpu.h"
#include "hmp_impl.h"

#include "util/bytes.h"
#include "vm/memory.h"
#include <errno.h>

enum { MAX_TABLES = 1 << 16, MAX_LINES = 1 << 16 };

enum { /* SDM 3, table 4-20 */
       PTE_P = 1 << 0,
       PTE_RW = 1 << 1,
       PTE_US = 1 << 2,
       PTE_PWT = 1 << 3,
       PTE_PCD = 1 << 4,
       PTE_A = 1 << 5,
       PTE_D = 1 << 6,
       PTE_PS = 1 << 7,
       PTE_G = 1 << 8,
};
#define PTE_NX  (1ull << 63)
#define ADDRESS 0x000ffffffffff000ull

struct walk {
    struct vm *vm;
    struct buf *out;
    uint32_t levels, entry_size;
    uint32_t top_bits;  /* of an index into the top table */
    uint32_t large;     /* PS means something */
    uint32_t canonical; /* width of a virtual address that is sign-extended; 0: it is not */
    uint32_t tables, lines;
    void (*page)(struct walk *w, uint64_t va, uint64_t size, uint64_t entry, uint64_t rights);
    uint64_t first, rights; /* info mem: a range with the same rights */
    uint64_t next;          /* where it ends; 0 with rights: there is none */
};

static uint64_t canonical(const struct walk *w, uint64_t va)
{
    if (w->canonical && va >> (w->canonical - 1) & 1)
        va |= ~(uint64_t)0 << w->canonical;
    return va;
}

static uint32_t index_bits(const struct walk *w, uint32_t level)
{
    return level == w->levels - 1 ? w->top_bits : w->entry_size == 8 ? 9 : 10;
}

static uint32_t shift(const struct walk *w, uint32_t level)
{
    return 12 + level * (w->entry_size == 8 ? 9 : 10);
}

static int is_page(const struct walk *w, uint32_t level, uint64_t entry)
{
    return level == 0 || (entry & PTE_PS && w->large && level <= 2);
}

/* The paging structures above the lowest have a say in what may be done; PAE's top level has none.
 */
static uint64_t restrict_rights(const struct walk *w, uint32_t level, uint64_t rights,
                                uint64_t entry)
{
    int no_say = w->levels == 3 && level == 2;
    return no_say ? rights : (rights & entry & (PTE_RW | PTE_US));
}

static int walk_table(struct walk *w, uint64_t table, uint32_t level, uint64_t va, uint64_t rights)
{
    uint8_t bytes[4096];
    uint32_t n = 1u << index_bits(w, level);
    if (w->tables++ == MAX_TABLES || w->lines >= MAX_LINES)
        return -E2BIG;
    if (memory_read(w->vm, table, bytes, n * w->entry_size) < 0)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t entry = w->entry_size == 8 ? get_le64(bytes + 8 * i) : get_le32(bytes + 4 * i);
        uint64_t at = va + ((uint64_t)i << shift(w, level));
        uint64_t may = restrict_rights(w, level, rights, entry);
        if (!(entry & PTE_P))
            continue;
        if (is_page(w, level, entry))
            w->page(w, canonical(w, at), 1ull << shift(w, level), entry, may);
        else if (walk_table(w, entry & ADDRESS, level - 1, at, may) < 0)
            return -E2BIG;
    }
    return 0;
}

static void set_mode(struct walk *w, const struct kvm_sregs *s)
{
    int lma = (s->efer & EFER_LMA) != 0, pae = (s->cr4 & CR4_PAE) != 0;
    w->levels = lma ? (s->cr4 & CR4_LA57 ? 5 : 4) : pae ? 3 : 2;
    w->entry_size = pae ? 8 : 4;
    w->top_bits = lma ? 9 : pae ? 2 : 10;
    w->large = pae || (s->cr4 & CR4_PSE);
    w->canonical = lma ? 12 + 9 * w->levels : 0;
}

static int walk(struct qmp_call *c, struct walk *w, struct tn_err *e)
{
    struct hmp_cpu now;
    if (!hmp_cpu_exists(c->vm, c->mon->cpu)) {
        buf_str(w->out, "No CPU available\n");
        return 0;
    }
    if (hmp_cpu_look(c->vm, c->mon->cpu, &now, e) < 0)
        return -EINVAL;
    if (!(now.sregs.cr0 & CR0_PG)) {
        buf_str(w->out, "PG disabled\n");
        return 0;
    }
    w->vm = c->vm;
    set_mode(w, &now.sregs);
    uint64_t top = now.sregs.cr3 & ADDRESS;
    if (w->levels == 3)
        top = now.sregs.cr3 & 0xffffffe0; /* SDM 3, table 4-7 */
    if (walk_table(w, top, w->levels - 1, 0, PTE_RW | PTE_US) < 0)
        buf_str(w->out, "... there is more\n");
    return 0;
}

/* ---- info tlb ---- */

static void print_page(struct walk *w, uint64_t va, uint64_t size, uint64_t entry, uint64_t rights)
{
    static const struct {
        uint64_t bit;
        char name;
    } bits[] = {{PTE_NX, 'X'},  {PTE_G, 'G'},   {PTE_PS, 'P'}, {PTE_D, 'D'}, {PTE_A, 'A'},
                {PTE_PCD, 'C'}, {PTE_PWT, 'T'}, {PTE_US, 'U'}, {PTE_RW, 'W'}};
    (void)rights;
    buf_printf(w->out, "%016llx: %016llx ", (unsigned long long)va,
               (unsigned long long)(entry & ADDRESS & ~(size - 1)));
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        buf_add8(w->out, (uint8_t)(entry & bits[i].bit ? bits[i].name : '-'));
    buf_str(w->out, "\n");
    w->lines++;
}

static int info_tlb(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct walk w = {.out = out, .page = print_page};
    return hmp_end(&a) < 0 ? -EINVAL : walk(c, &w, e);
}

/* ---- info mem ---- */

static void print_range(struct walk *w)
{
    if (!w->rights)
        return;
    buf_printf(w->out, "%016llx-%016llx %016llx %cr%c\n", (unsigned long long)w->first,
               (unsigned long long)w->next, (unsigned long long)(w->next - w->first),
               w->rights & PTE_US ? 'u' : '-', w->rights & PTE_RW ? 'w' : '-');
    w->rights = 0;
    w->lines++;
}

static void join_page(struct walk *w, uint64_t va, uint64_t size, uint64_t entry, uint64_t rights)
{
    (void)entry;
    rights |= PTE_P; /* so that it is not 0 */
    if (w->rights != rights || w->next != va) {
        print_range(w);
        w->first = va;
        w->rights = rights;
    }
    w->next = va + size;
}

static int info_mem(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct walk w = {.out = out, .page = join_page};
    if (hmp_end(&a) < 0 || walk(c, &w, e) < 0)
        return -EINVAL;
    print_range(&w);
    return 0;
}

static const struct hmp_command commands[] = {
    {"mem", "", "show the active virtual memory mappings", 1, info_mem, NULL},
    {"tlb", "", "show virtual to physical memory mappings", 1, info_tlb, NULL},
    {0},
};

const struct qmp_module qmp_hmp_mmu = {.hmp = commands};
