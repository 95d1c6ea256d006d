/* SPDX-License-Identifier: BSD-2-Clause */
#include "dirty.h"

#include "core/loop.h"
#include "kvm.h"
#include "memory_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t pages_of(uint64_t len)
{
    return (len + DIRTY_PAGE - 1) >> DIRTY_SHIFT;
}

static uint64_t words_of(uint64_t len)
{
    return (pages_of(len) + 63) / 64;
}

/* ---- noting ---- */

static void set_bits(uint64_t *bits, uint64_t first, uint64_t last)
{
    for (uint64_t at = first; at <= last;) {
        uint64_t word = at / 64, end = last / 64 == word ? last % 64 : 63;
        uint64_t mask = ~(uint64_t)0 << at % 64 & ~(uint64_t)0 >> (63 - end);
        if ((__atomic_load_n(&bits[word], __ATOMIC_RELAXED) & mask) != mask)
            __atomic_or_fetch(&bits[word], mask, __ATOMIC_RELEASE);
        at = (word + 1) * 64;
    }
}

/* In a reader's section. */
static void mark(struct tn_mem *m, uint64_t off, uint64_t len)
{
    uint64_t *bits = __atomic_load_n(&m->dirty, __ATOMIC_ACQUIRE);
    if (!bits || !len || off >= m->len)
        return;
    if (len > m->len - off)
        len = m->len - off;
    set_bits(bits, off >> DIRTY_SHIFT, (off + len - 1) >> DIRTY_SHIFT);
}

void dirty_mark_block(struct tn_mem *m, uint64_t off, uint64_t len)
{
    struct reader *me = reader_self();
    reader_enter(me);
    mark(m, off, len);
    reader_leave(me);
}

void dirty_mark(struct vm *vm, uint64_t gpa, uint64_t len)
{
    if (!__atomic_load_n(&vm->memory->logging, __ATOMIC_ACQUIRE))
        return;
    struct reader *me = reader_self();
    reader_enter(me);
    const struct ram_table *t = __atomic_load_n(&vm->memory->table, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < t->view.n; i++) {
        const struct tn_ram *r = &t->ram[i];
        uint64_t first = gpa > r->iova ? gpa : r->iova, end = gpa + len, last = r->iova + r->len;
        if (end > gpa && first < end && first < last)
            mark(t->from[i].mem, t->from[i].off + (first - r->iova),
                 (end < last ? end : last) - first);
    }
    reader_leave(me);
}

void dirty_all(struct vm *vm)
{
    struct tn_mem *b;
    pthread_mutex_lock(&vm->memory->lock);
    LIST_FOREACH(b, &vm->memory->all, in_vm)
    dirty_mark_block(b, 0, b->len);
    pthread_mutex_unlock(&vm->memory->lock);
}

uint64_t dirty_take(struct tn_mem *m, uint64_t *todo)
{
    uint64_t n = words_of(m->len), found = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (!__atomic_load_n(&m->dirty[i], __ATOMIC_RELAXED))
            continue;
        uint64_t bits = __atomic_exchange_n(&m->dirty[i], 0, __ATOMIC_ACQ_REL);
        found += (uint64_t)__builtin_popcountll(bits & ~todo[i]);
        todo[i] |= bits;
    }
    return found;
}

/* ---- what KVM knows ---- */

static void merge_log(const struct piece *p, const uint64_t *log)
{
    uint64_t n = pages_of(p->len), at = p->off >> DIRTY_SHIFT;
    for (uint64_t i = 0; i < n; i++) {
        if (!log[i / 64])
            i |= 63;
        else if (log[i / 64] >> i % 64 & 1)
            set_bits(p->mem->dirty, at + i, at + i);
    }
}

static void collect_piece(struct memory *m, const struct piece *p)
{
    AUTO_FREE uint64_t *log = xcalloc(words_of(p->len), sizeof *log);
    if (!p->ro && p->mem->dirty && kvm_dirty_log(m->vm->kvm, (uint32_t)p->slot, log) == 0)
        merge_log(p, log);
}

void dirty_collect(struct vm *vm)
{
    struct memory *m = vm->memory;
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; vm->kvm && m->logging && i < m->npieces; i++)
        collect_piece(m, &m->piece[i]);
    pthread_mutex_unlock(&m->lock);
}

static int log_slots(struct memory *m, uint32_t on)
{
    for (uint32_t i = 0; m->vm->kvm && i < m->npieces; i++) {
        const struct piece *p = &m->piece[i];
        int r = p->ro ? 0
                      : kvm_memslot(m->vm->kvm, (uint32_t)p->slot, on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
                                    p->gpa, p->len, p->mem->va + p->off);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- on and off ---- */

/* With m's lock. */
static void log_caches(struct memory *m, uint32_t on)
{
    struct cache *k;
    LIST_FOREACH(k, &m->caches, all)
    __atomic_store_n(&k->c.log, on, __ATOMIC_RELEASE);
}

/* With m's lock. */
static void make_bitmaps(struct memory *m)
{
    struct tn_mem *b;
    LIST_FOREACH(b, &m->all, in_vm)
    __atomic_store_n(&b->dirty, xcalloc(words_of(b->len), sizeof *b->dirty), __ATOMIC_RELEASE);
}

/* Blocks come and go in this thread only, so that the list needs no lock; readers are waited for
 * without it, since they may want it. */
static void free_bitmaps(struct memory *m)
{
    struct tn_mem *b;
    LIST_FOREACH(b, &m->all, in_vm)
    {
        uint64_t *old = __atomic_exchange_n(&b->dirty, NULL, __ATOMIC_ACQ_REL);
        epoch_wait();
        free(old);
    }
}

int dirty_start(struct vm *vm, struct tn_err *e)
{
    struct memory *m = vm->memory;
    pthread_mutex_lock(&m->lock);
    make_bitmaps(m);
    m->blind = NULL;
    __atomic_store_n(&m->logging, 1, __ATOMIC_RELEASE);
    log_caches(m, 1);
    int r = log_slots(m, 1);
    pthread_mutex_unlock(&m->lock);
    memory_publish(m); /* the table says that there is a log */
    if (r < 0) {
        dirty_stop(vm);
        return err_set(e, -r, "/dev/kvm: logging of writes: %s", strerror(-r));
    }
    devices_drain(vm); /* who saw the table without it has written before the return */
    epoch_wait();
    return 0;
}

void dirty_stop(struct vm *vm)
{
    struct memory *m = vm->memory;
    if (!m->logging)
        return;
    pthread_mutex_lock(&m->lock);
    __atomic_store_n(&m->logging, 0, __ATOMIC_RELEASE);
    log_caches(m, 0);
    log_slots(m, 0);
    pthread_mutex_unlock(&m->lock);
    memory_publish(m);
    devices_drain(vm);
    free_bitmaps(m);
}

/* ---- who cannot be followed ---- */

int dirty_can_follow(const struct listener *l)
{
    return (l->l->flags & (TN_LISTEN_LOGS | TN_LISTEN_UNMAP_ONLY)) != 0;
}

const char *dirty_blocker(const struct vm *vm)
{
    for (const struct listener *l = vm->memory->listeners; l; l = l->next)
        if (!dirty_can_follow(l))
            return l->m.dev ? device_id(l->m.dev) : "a listener";
    return NULL;
}

const char *dirty_blind(struct vm *vm)
{
    return __atomic_load_n(&vm->memory->blind, __ATOMIC_ACQUIRE);
}
