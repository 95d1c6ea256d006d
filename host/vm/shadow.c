/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.shadow/1". A vCPU that sets a range is kept out of the guest until the main thread has
 * changed the map, with all of them standing still: KVM cannot change a slot in place. */
#include "shadow.h"

#include "core/loop.h"
#include "dirty.h"
#include "memory_impl.h"
#include "run.h"
#include "util/alloc.h"
#include "vcpu.h"
#include <errno.h>
#include <stdlib.h>

#define PAGE     4096ull
#define FOUR_GIB (1ull << 32)
enum { MAX_RANGES = 64 };

struct range {
    uint64_t base, len;
    uint32_t mode, stale; /* stale: the map does not have it yet */
};
struct shadow {
    struct vm *vm;
    struct tn_bh *apply;
    struct range range[MAX_RANGES];
    uint32_t nranges;
    struct memory_piece *ram; /* what was RAM when a range was first set */
    uint32_t nram;
    struct memory_piece rom; /* len 0: there is none */
    pthread_mutex_t lock;    /* leaf: ranges */
};

/* ---- what is where ---- */

static int keep(struct shadow *s, const struct memory_piece *p)
{
    s->ram = xrealloc(s->ram, (s->nram + 1) * sizeof *s->ram);
    s->ram[s->nram++] = *p;
    return 0;
}

struct cut {
    struct shadow *shadow;
    uint64_t first, end;
};

/* The part of p within a cut; 0 if there is none. */
static int part(const struct memory_piece *p, const struct cut *c, struct memory_piece *out)
{
    uint64_t first = p->gpa > c->first ? p->gpa : c->first,
             end = p->gpa + p->len < c->end ? p->gpa + p->len : c->end;
    if (first >= end)
        return 0;
    *out = (struct memory_piece){first, end - first, p->off + (first - p->gpa), p->mem, p->ro};
    return 1;
}

static int known(const struct shadow *s, uint64_t gpa)
{
    for (uint32_t i = 0; i < s->nram; i++)
        if (gpa - s->ram[i].gpa < s->ram[i].len)
            return 1;
    return 0;
}

static int keep_part(void *o, const struct memory_piece *p)
{
    struct cut *c = o;
    struct memory_piece in;
    return p->ro || !part(p, c, &in) || known(c->shadow, in.gpa) ? 0 : keep(c->shadow, &in);
}

/* ---- changing the map ---- */

static void map_part(struct shadow *s, const struct memory_piece *p, const struct cut *c,
                     uint32_t ro)
{
    ERR_AUTO e = {0};
    struct memory_piece in;
    struct tn_mem *mem = (struct tn_mem *)(uintptr_t)p->mem;
    if (!p->len || !part(p, c, &in))
        return;
    if (memory_map(s->vm, mem, in.off, in.gpa, in.len, ro, &e) < 0)
        log_line(LOG_ERROR, "shadow memory: %s", err_text(&e));
    else if (!ro)
        dirty_mark_block(mem, in.off, in.len); /* what KVM had noted of it is gone */
}

static void change(struct shadow *s, const struct range *r)
{
    struct cut c = {s, r->base, r->base + r->len};
    memory_each_piece(s->vm, keep_part, &c);
    memory_cut(s->vm, r->base, r->len);
    if (r->mode == TN_SHADOW_NONE)
        map_part(s, &s->rom, &c, 1);
    for (uint32_t i = 0; i < s->nram && r->mode != TN_SHADOW_NONE; i++)
        map_part(s, &s->ram[i], &c, r->mode == TN_SHADOW_READ);
}

/* The next range that is stale, or NULL. */
static const struct range *next_stale(struct shadow *s, struct range *out)
{
    const struct range *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->nranges && !found; i++)
        if (s->range[i].stale) {
            s->range[i].stale = 0;
            *out = s->range[i];
            found = out;
        }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void apply_all(struct shadow *s)
{
    struct range r;
    while (next_stale(s, &r))
        change(s, &r);
}

static void apply(void *o)
{
    struct shadow *s = o;
    vcpus_pause(s->vm);
    apply_all(s);
    if (run_state(s->vm) == RUN_RUNNING)
        vcpus_run(s->vm);
}

/* ---- asking for it ---- */

static struct shadow *shadow_of(struct vm *vm)
{
    struct shadow *s = vm->memory->shadow;
    if (s)
        return s;
    s = vm->memory->shadow = XNEW(struct shadow);
    s->vm = vm;
    s->apply = bh_new(vm->main, NULL, 0, apply, s);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void shadow_free(struct shadow *s)
{
    if (!s)
        return;
    bh_del(s->apply);
    pthread_mutex_destroy(&s->lock);
    free(s->ram);
    free(s);
}

/* With the lock. 1: something changes, 0: nothing does, or -EINVAL. */
static int note(struct shadow *s, uint64_t base, uint64_t len, uint32_t mode)
{
    for (uint32_t i = 0; i < s->nranges; i++) {
        struct range *r = &s->range[i];
        if (r->base == base && r->len == len) {
            int news = r->mode != mode;
            r->mode = mode;
            r->stale |= (uint32_t)news;
            return news;
        }
    }
    if (mode == TN_SHADOW_RAM)
        return 0;
    if (s->nranges == MAX_RANGES)
        return -EINVAL;
    s->range[s->nranges++] = (struct range){base, len, mode, 1};
    return 1;
}

static int set(struct tn_dev *d, uint64_t base, uint64_t len, uint32_t mode)
{
    struct vm *vm = device_of(d)->vm;
    if (!len || (base | len) % PAGE || base > FOUR_GIB || len > FOUR_GIB - base || mode > 3)
        return -EINVAL;
    int here = loop_here(vm->main);
    if (!here && !vm->memory->shadow)
        return -EINVAL; /* its device has not been reset yet */
    struct shadow *s = shadow_of(vm);
    pthread_mutex_lock(&s->lock);
    int r = note(s, base, len, mode);
    pthread_mutex_unlock(&s->lock);
    if (r <= 0)
        return r;
    if (here) {
        apply_all(s); /* the guest is this thread, or stands still */
        return 0;
    }
    vcpus_hold(vm);
    bh_kick(s->apply);
    return 0;
}

void shadow_rom(struct vm *vm, struct tn_mem *rom, uint64_t off, uint64_t gpa, uint64_t len)
{
    shadow_of(vm)->rom = (struct memory_piece){gpa, len, off, rom, 1};
}

const struct tn_shadow shadow_table = {.struct_size = sizeof(struct tn_shadow), .set = set};
