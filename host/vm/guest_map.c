/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest_map.h"

#include "memory.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MAPPINGS = 1 << 20, MAX_TABLES = 1 << 18, TABLE = 4096 };
#define CR0_PG    (1ull << 31)
#define CR4_PSE   (1ull << 4)
#define CR4_PAE   (1ull << 5)
#define CR4_LA57  (1ull << 12)
#define EFER_LMA  (1ull << 10)
#define P_PRESENT (1ull << 0)
#define P_LARGE   (1ull << 7)
#define P_ADDRESS 0x000ffffffffff000ull /* 4.5.4: bits 51 to 12 */

struct walk {
    struct guest_map *g;
    struct vm *vm;
    const struct kvm_sregs *s;
    uint32_t tables; /* seen */
    uint32_t bits;   /* of a virtual address */
    int err;
};

void guest_map_free(struct guest_map *g)
{
    free(g->at);
    *g = (struct guest_map){0};
}

/* The highest bit that is translated is repeated above (3.3.7.1). */
static uint64_t canonical(const struct walk *w, uint64_t virt)
{
    return w->bits > 32 && virt >> (w->bits - 1) & 1 ? virt | ~(uint64_t)0 << w->bits : virt;
}

static void add(struct walk *w, uint64_t virt, uint64_t phys, uint64_t len)
{
    struct guest_map *g = w->g;
    struct guest_mapping *last = g->n ? &g->at[g->n - 1] : NULL;
    virt = canonical(w, virt);
    if (last && last->virt + last->len == virt && last->phys + last->len == phys) {
        last->len += len;
        return;
    }
    if (g->n == MAX_MAPPINGS) {
        w->err = -EFBIG;
        return;
    }
    if (!g->at || g->n == g->room) {
        g->room = g->room ? 2 * g->room : 64;
        g->at = xrealloc(g->at, g->room * sizeof *g->at);
    }
    g->at[g->n++] = (struct guest_mapping){virt, phys, len};
}

/* A table that is not in RAM maps nothing. */
static int read_table(struct walk *w, uint64_t gpa, uint8_t raw[TABLE], uint32_t len)
{
    if (++w->tables > MAX_TABLES)
        w->err = -EFBIG;
    return w->err < 0 || memory_read(w->vm, gpa, raw, len) < 0 ? -EFAULT : 0;
}

/* Tables of 64-bit entries: 4-level and 5-level paging (4.5), PAE (4.4). */
static void walk64(struct walk *w, uint32_t level, uint64_t table, uint64_t virt, uint32_t entries)
{
    uint8_t raw[TABLE];
    uint32_t shift = 12 + 9 * (level - 1);
    if (read_table(w, table, raw, 8 * entries) < 0)
        return;
    for (uint32_t i = 0; i < entries && w->err == 0; i++) {
        uint64_t entry = get_le64(raw + (size_t)8 * i), v = virt | (uint64_t)i << shift,
                 size = (uint64_t)1 << shift;
        int large = level == 2 || (level == 3 && w->bits > 32) ? (entry & P_LARGE) != 0 : 0;
        if (!(entry & P_PRESENT))
            continue;
        if (level == 1 || large)
            add(w, v, entry & P_ADDRESS & ~(size - 1), size);
        else
            walk64(w, level - 1, entry & P_ADDRESS, v, 512);
    }
}

static void walk32_table(struct walk *w, uint64_t table, uint64_t virt)
{
    uint8_t raw[TABLE];
    if (read_table(w, table, raw, TABLE) < 0)
        return;
    for (uint32_t i = 0; i < 1024 && w->err == 0; i++) {
        uint32_t entry = get_le32(raw + (size_t)4 * i);
        if (entry & P_PRESENT)
            add(w, virt | (uint64_t)i << 12, entry & 0xfffff000u, TABLE);
    }
}

/* 32-bit paging (4.3); pages of 4 MiB have bits 39 to 32 of their address in bits 20 to 13. */
static void walk32(struct walk *w)
{
    uint8_t raw[TABLE];
    if (read_table(w, w->s->cr3 & 0xfffff000u, raw, TABLE) < 0)
        return;
    for (uint32_t i = 0; i < 1024 && w->err == 0; i++) {
        uint32_t entry = get_le32(raw + (size_t)4 * i);
        uint64_t virt = (uint64_t)i << 22;
        if (!(entry & P_PRESENT))
            continue;
        if ((entry & P_LARGE) && (w->s->cr4 & CR4_PSE))
            add(w, virt, (entry & 0xffc00000u) | (uint64_t)(entry >> 13 & 0xff) << 32, 1u << 22);
        else
            walk32_table(w, entry & 0xfffff000u, virt);
    }
}

int guest_map_add(struct guest_map *g, struct vm *vm, const struct kvm_sregs *s, struct tn_err *e)
{
    struct walk w = {.g = g, .vm = vm, .s = s, .bits = 32};
    uint32_t levels = s->cr4 & CR4_LA57 ? 5 : 4;
    if (!(s->cr0 & CR0_PG))
        return 0;
    if (s->efer & EFER_LMA) {
        w.bits = 12 + 9 * levels;
        walk64(&w, levels, s->cr3 & P_ADDRESS, 0, 512);
    } else if (s->cr4 & CR4_PAE) {
        walk64(&w, 3, s->cr3 & 0xffffffe0u, 0, 4);
    } else {
        walk32(&w);
    }
    return w.err < 0 ? err_set(e, -w.err, "dump: the guest's page tables have no end") : 0;
}
