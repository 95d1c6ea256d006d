/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_impl.h"

#include "core/loop.h"
#include "core/trace_point.h"
#include "dirty.h"
#include "kvm.h"
#include "shadow.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- blocks ---- */

/* What orders two devices' accesses to a page of the guest's is the guest, and ThreadSanitizer does
 * not see that. */
static void not_a_race(const void *va, uint64_t len)
{
#ifdef __SANITIZE_THREAD__
    void AnnotateBenignRaceSized(const char *, int, const volatile void *, size_t, const char *);
    AnnotateBenignRaceSized(__FILE__, __LINE__, va, len, "guest memory");
#else
    (void)va, (void)len;
#endif
}

struct tn_mem *mem_new(struct vm *vm, const char *name, void *va, uint64_t len, int fd,
                       uint64_t fd_off, uint32_t flags, uint32_t page_shift)
{
    struct tn_mem *m = XNEW(struct tn_mem);
    *m = (struct tn_mem){.vm = vm,
                         .name = xstrdup(name),
                         .va = va,
                         .len = len,
                         .fd_off = fd_off,
                         .fd = fd,
                         .flags = flags,
                         .page_shift = page_shift,
                         .block = ++vm->memory->blocks};
    not_a_race(va, len);
    pthread_mutex_lock(&vm->memory->lock);
    LIST_INSERT_HEAD(&vm->memory->all, m, in_vm);
    if (vm->memory->logging) { /* all of it is news */
        m->dirty = xcalloc((len >> DIRTY_SHIFT) / 64 + 1, sizeof *m->dirty);
        dirty_mark_block(m, 0, len);
    }
    pthread_mutex_unlock(&vm->memory->lock);
    return m;
}

void mem_free(struct tn_mem *m)
{
    if (!m)
        return;
    if (m->mapped)
        memory_unmap(m->vm, m);
    pthread_mutex_lock(&m->vm->memory->lock);
    LIST_REMOVE(m, in_vm);
    pthread_mutex_unlock(&m->vm->memory->lock);
    munmap(m->va, m->len);
    close_fd(&m->fd);
    free(m->name);
    free(m->dirty);
    free(m);
}

int memory_each(struct vm *vm, int (*fn)(void *o, struct tn_mem *m), void *o)
{
    struct tn_mem *m;
    LIST_FOREACH(m, &vm->memory->all, in_vm)
    {
        int r = fn(o, m);
        if (r)
            return r;
    }
    return 0;
}

/* ---- memslots ---- */

static int slot_take(struct memory *m)
{
    int slot = -ENOSPC;
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->nslots && slot < 0; i++)
        if (!m->slot_used[i])
            slot = (int)i;
    if (slot >= 0)
        m->slot_used[slot] = 1;
    pthread_mutex_unlock(&m->lock);
    return slot;
}

static void slot_give(struct memory *m, int slot)
{
    pthread_mutex_lock(&m->lock);
    m->slot_used[slot] = 0;
    pthread_mutex_unlock(&m->lock);
}

/* Without KVM there is nothing to tell anybody: number 0 stands for success. */
static int slot_map(struct memory *m, uint64_t gpa, void *va, uint64_t len, uint32_t flags)
{
    if (!m->vm->kvm)
        return 0;
    int slot = slot_take(m);
    if (slot < 0)
        return slot;
    int err = kvm_memslot(m->vm->kvm, (uint32_t)slot, flags, gpa, len, va);
    if (err == 0)
        return slot;
    slot_give(m, slot);
    return err;
}

static void slot_unmap(struct memory *m, int slot)
{
    if (!m->vm->kvm)
        return;
    kvm_memslot(m->vm->kvm, (uint32_t)slot, 0, 0, 0, NULL);
    slot_give(m, slot);
}

int memory_overlay_map(struct vm *vm, uint64_t gpa, void *va, uint64_t len, uint32_t ro)
{
    return slot_map(vm->memory, gpa, va, len, ro ? KVM_MEM_READONLY : 0);
}

void memory_overlay_unmap(struct vm *vm, int slot)
{
    slot_unmap(vm->memory, slot);
}

/* ---- the published table ---- */

static int by_gpa(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    return x->gpa < y->gpa ? -1 : x->gpa > y->gpa;
}

static void reclaim(void *p)
{
    struct memory *m = p;
    struct ram_table *t = m->retired;
    m->retired = NULL;
    if (!t)
        return;
    devices_drain(m->vm); /* a callback of an iothread may have the table in hand: see t_view() */
    for (struct ram_table *next; t; t = next) {
        next = t->next;
        free(t);
    }
}

static struct ram_table *build(struct memory *m)
{
    struct ram_table *t =
        xcalloc(1, sizeof *t + m->npieces * (sizeof t->ram[0] + sizeof t->from[0]));
    t->from = (struct ram_from *)(void *)(t->ram + m->npieces);
    for (uint32_t i = 0; i < m->npieces; i++) {
        const struct piece *p = &m->piece[i];
        t->ram[i] = (struct tn_ram){p->gpa, p->len, p->mem->va + p->off,
                                    p->ro ? TN_DMA_READ : TN_DMA_READ | TN_DMA_WRITE,
                                    p->ro ? TN_MEM_ROM : TN_MEM_RAM};
        t->from[i] = (struct ram_from){p->mem, p->off};
    }
    t->view = (struct tn_view){sizeof t->view, m->npieces, m->logging, sizeof t->ram[0], t->ram};
    return t;
}

/* With m's lock. */
static void show(struct tn_as *a)
{
    const struct tn_view *v = a->open ? &a->vm->memory->table->view : NULL;
    __atomic_store_n(&a->view, v, __ATOMIC_RELEASE);
}

void memory_as_init(struct tn_as *a, uint32_t open)
{
    struct memory *m = a->vm->memory;
    pthread_mutex_lock(&m->lock);
    LIST_INSERT_HEAD(&m->spaces, a, all);
    a->open = open;
    show(a);
    pthread_mutex_unlock(&m->lock);
}

void memory_as_fini(struct tn_as *a)
{
    pthread_mutex_lock(&a->vm->memory->lock);
    LIST_REMOVE(a, all);
    pthread_mutex_unlock(&a->vm->memory->lock);
}

void memory_as_gate(struct tn_as *a, uint32_t open)
{
    struct memory *m = a->vm->memory;
    pthread_mutex_lock(&m->lock);
    __atomic_store_n(&a->open, open, __ATOMIC_RELEASE);
    show(a);
    pthread_mutex_unlock(&m->lock);
}

void memory_publish(struct memory *m)
{
    struct ram_table *old = m->table;
    pthread_mutex_lock(&m->lock);
    qsort(m->piece, m->npieces, sizeof *m->piece, by_gpa);
    __atomic_store_n(&m->table, build(m), __ATOMIC_RELEASE);
    struct tn_as *a;
    LIST_FOREACH(a, &m->spaces, all)
    show(a);
    pthread_mutex_unlock(&m->lock);
    old->next = m->retired;
    m->retired = old;
    bh_kick(m->reclaim);
}

struct memory *memory_new(struct vm *vm)
{
    struct memory *m = XNEW(struct memory);
    m->vm = vm;
    pthread_mutex_init(&m->lock, NULL);
    m->table = build(m);
    vm->memory = m;
    m->system = (struct tn_as){.vm = vm};
    memory_as_init(&m->system, 1);
    m->reclaim = bh_new(vm->main, NULL, 0, reclaim, m);
    m->nslots = vm->kvm ? kvm_max_slots(vm->kvm) : 1;
    m->slot_used = xcalloc(m->nslots, 1);
    return m;
}

void memory_free(struct memory *m)
{
    if (!m)
        return;
    while (m->listeners)
        memory_listener_free(m->listeners);
    shadow_free(m->shadow);
    reclaim(m);
    bh_del(m->reclaim);
    free(m->table);
    free(m->piece);
    free(m->slot_used);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* ---- listeners ---- */

static struct tn_mapping mapping_of(const struct piece *p)
{
    const struct tn_mem *b = p->mem;
    return (struct tn_mapping){.struct_size = sizeof(struct tn_mapping),
                               .flags = (p->ro ? TN_MEM_ROM : TN_MEM_RAM) |
                                        (b->flags & TN_MEMF_SHARED ? TN_MEM_SHARED : 0u),
                               .prot = p->ro ? TN_DMA_READ : TN_DMA_READ | TN_DMA_WRITE,
                               .page_shift = b->page_shift,
                               .iova = p->gpa,
                               .len = p->len,
                               .gpa = p->gpa,
                               .va = b->va + p->off,
                               .fd_off = b->fd_off + p->off,
                               .block = b->block,
                               .fd = b->fd};
}

static int fits_listener(const struct listener *l, const struct tn_mapping *g, struct tn_err *e)
{
    if ((l->l->flags & TN_LISTEN_NEED_FD) && (g->flags & TN_MEM_RAM) && !(g->flags & TN_MEM_SHARED))
        return err_set(e, EINVAL,
                       "guest memory is not shared: %s needs a memory-backend with share=on",
                       l->m.dev ? device_id(l->m.dev) : "a listener");
    return 0;
}

int memory_tell_map(struct listener *l, const struct piece *p, struct tn_err *e)
{
    struct tn_mapping g = mapping_of(p);
    if (l->l->flags & TN_LISTEN_UNMAP_ONLY)
        return 0;
    int r = fits_listener(l, &g, e);
    if (r < 0)
        return r;
    l->l->begin(l->o);
    if ((r = l->l->map(l->o, &g)) < 0)
        err_set(e, -r, "%s cannot map 0x%" PRIx64 ": %s",
                l->m.dev ? device_id(l->m.dev) : "a listener", g.iova, strerror(-r));
    int c = l->l->commit(l->o, 0);
    return r < 0 ? r : c < 0 ? c : 0;
}

void memory_tell_unmap(struct listener *l, const struct piece *p)
{
    l->l->begin(l->o);
    l->l->unmap(l->o, p->gpa, p->len);
    l->l->commit(l->o, 0);
}

/* ---- pieces ---- */

static int overlaps(const struct memory *m, uint64_t gpa, uint64_t len)
{
    for (uint32_t i = 0; i < m->npieces; i++)
        if (gpa < m->piece[i].gpa + m->piece[i].len && m->piece[i].gpa < gpa + len)
            return 1;
    return 0;
}

int memory_map(struct vm *vm, struct tn_mem *mem, uint64_t off, uint64_t gpa, uint64_t len,
               uint32_t ro, struct tn_err *e)
{
    struct memory *m = vm->memory;
    if (!len || len > ~gpa || off > mem->len || len > mem->len - off || overlaps(m, gpa, len))
        return err_set(e, EINVAL, "memory '%s' does not fit at 0x%" PRIx64, mem->name, gpa);
    uint32_t flags = ro ? KVM_MEM_READONLY : m->logging ? KVM_MEM_LOG_DIRTY_PAGES : 0;
    struct piece p = {gpa, len, off, mem, ro, slot_map(m, gpa, mem->va + off, len, flags)};
    if (p.slot < 0)
        return err_set(e, -p.slot, "memory '%s' at 0x%" PRIx64 ": KVM refuses it: %s", mem->name,
                       gpa, strerror(-p.slot));
    for (struct listener *l = m->listeners; l; l = l->next) {
        int r = memory_tell_map(l, &p, e);
        if (r < 0) {
            for (struct listener *undo = m->listeners; undo != l; undo = undo->next)
                memory_tell_unmap(undo, &p);
            slot_unmap(m, p.slot);
            return r;
        }
    }
    pthread_mutex_lock(&m->lock);
    m->piece = xrealloc(m->piece, (m->npieces + 1) * sizeof *m->piece);
    m->piece[m->npieces++] = p;
    pthread_mutex_unlock(&m->lock);
    mem->mapped++;
    memory_publish(m);
    trace_host(vm, TRACE_MEMORY_MAP, mem->name, gpa, len);
    return 0;
}

static void take_piece(struct vm *vm, uint32_t i)
{
    struct memory *m = vm->memory;
    struct piece p = m->piece[i];
    trace_host(vm, TRACE_MEMORY_UNMAP, p.mem->name, p.gpa);
    pthread_mutex_lock(&m->lock);
    m->piece[i] = m->piece[--m->npieces];
    pthread_mutex_unlock(&m->lock);
    p.mem->mapped--;
    memory_publish(m);
    for (struct listener *l = m->listeners; l; l = l->next)
        memory_tell_unmap(l, &p);
    slot_unmap(m, p.slot);
}

void memory_unmap(struct vm *vm, struct tn_mem *mem)
{
    struct memory *m = vm->memory;
    for (uint32_t i = 0; i < m->npieces;)
        if (m->piece[i].mem == mem)
            take_piece(vm, i);
        else
            i++;
    epoch_wait();
}

static void put_back(struct vm *vm, const struct piece *p, uint64_t first, uint64_t end)
{
    ERR_AUTO e = {0};
    if (first >= end)
        return;
    if (memory_map(vm, p->mem, p->off + (first - p->gpa), first, end - first, p->ro, &e) < 0)
        log_line(LOG_ERROR, "%s", err_text(&e));
    else if (!p->ro)
        dirty_mark_block(p->mem, p->off + (first - p->gpa), end - first);
}

void memory_cut(struct vm *vm, uint64_t gpa, uint64_t len)
{
    struct memory *m = vm->memory;
    for (uint32_t i = 0; i < m->npieces;) {
        const struct piece p = m->piece[i];
        if (p.gpa >= gpa + len || gpa >= p.gpa + p.len) {
            i++;
            continue;
        }
        take_piece(vm, i);
        put_back(vm, &p, p.gpa, gpa);
        put_back(vm, &p, gpa + len, p.gpa + p.len);
        i = 0;
    }
}

int memory_each_piece(struct vm *vm, int (*fn)(void *o, const struct memory_piece *p), void *o)
{
    const struct memory *m = vm->memory;
    int x = 0;
    for (uint32_t i = 0; m && i < m->npieces && !x; i++) {
        const struct piece *p = &m->piece[i];
        x = fn(o, &(struct memory_piece){p->gpa, p->len, p->off, p->mem, p->ro});
    }
    return x;
}

/* ---- access ---- */

void *memory_ptr(struct vm *vm, uint64_t gpa, uint64_t len)
{
    return tn_ram_at(&vm->memory->table->view, gpa, len, TN_DMA_READ);
}

uint64_t memory_piece_at(const struct tn_view *v, uint64_t gpa, uint64_t len, uint32_t dir,
                         uint8_t **va)
{
    *va = tn_ram_at(v, gpa, 1, dir);
    if (!*va)
        return 0;
    for (uint32_t i = 0; i < v->n; i++)
        if (gpa >= v->ram[i].iova && gpa - v->ram[i].iova < v->ram[i].len) {
            uint64_t room = v->ram[i].len - (gpa - v->ram[i].iova);
            return room < len ? room : len;
        }
    return 0;
}

typedef void (*copy_fn)(uint8_t *guest, void *buf, uint64_t n);

static void copy_out(uint8_t *guest, void *buf, uint64_t n)
{
    memcpy(buf, guest, n);
}

static void copy_in(uint8_t *guest, void *buf, uint64_t n)
{
    memcpy(guest, buf, n);
}

static int copy(struct vm *vm, uint64_t gpa, void *buf, uint64_t len, uint32_t dir, copy_fn fn)
{
    struct reader *me = reader_self();
    int err = 0;
    reader_enter(me);
    const struct tn_view *v = memory_view(vm);
    while (len && !err) {
        uint8_t *va;
        uint64_t n = memory_piece_at(v, gpa, len, dir, &va);
        if (!n) {
            err = -EFAULT;
            break;
        }
        fn(va, buf, n);
        if (v->log && dir == TN_DMA_WRITE)
            dirty_mark(vm, gpa, n);
        gpa += n;
        buf = (uint8_t *)buf + n;
        len -= n;
    }
    reader_leave(me);
    return err;
}

int memory_read(struct vm *vm, uint64_t gpa, void *buf, uint64_t len)
{
    return copy(vm, gpa, buf, len, TN_DMA_READ, copy_out);
}

int memory_write(struct vm *vm, uint64_t gpa, const void *buf, uint64_t len)
{
    return copy(vm, gpa, (void *)(uintptr_t)buf, len, TN_DMA_WRITE, copy_in);
}

struct tn_as *memory_system(struct vm *vm)
{
    return &vm->memory->system;
}
