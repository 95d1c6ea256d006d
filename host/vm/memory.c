/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include "core/epoch.h"
#include "core/loop.h"
#include "kvm.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* One piece of a block in guest-physical space. */
struct piece {
    uint64_t gpa, len, off;
    struct tn_mem *mem;
    uint32_t ro;
    int slot;
};
/* What is published: the pieces as DMA sees them, sorted. The view comes first, so that devices can
 * have it as it is. */
struct ram_table {
    struct tn_view view;
    struct ram_table *next; /* among the retired */
    struct tn_ram ram[];
};
struct listener {
    struct managed m;
    struct memory *memory;
    const struct tn_dma_listener *l;
    void *o;
    struct listener *next;
};
struct cache {
    struct tn_cached c; /* first */
    struct managed m;
    struct vm *vm;
};
struct device_space {
    struct managed m;
    struct tn_as as;
};
struct memory {
    struct vm *vm;
    struct tn_as system;
    struct piece *piece;
    uint32_t npieces;
    struct ram_table *table; /* published */
    struct ram_table *retired;
    struct tn_bh *reclaim;
    struct listener *listeners;
    uint64_t blocks; /* numbers given out */
    uint8_t *slot_used;
    uint32_t nslots;
    pthread_mutex_t lock; /* leaf: slots */
};

/* ---- blocks ---- */

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
    return m;
}

void mem_free(struct tn_mem *m)
{
    if (!m)
        return;
    if (m->mapped)
        memory_unmap(m->vm, m);
    munmap(m->va, m->len);
    close_fd(&m->fd);
    free(m->name);
    free(m);
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
static int slot_map(struct memory *m, uint64_t gpa, void *va, uint64_t len, uint32_t ro)
{
    if (!m->vm->kvm)
        return 0;
    int slot = slot_take(m);
    if (slot < 0)
        return slot;
    int err = kvm_memslot(m->vm->kvm, (uint32_t)slot, ro ? KVM_MEM_READONLY : 0, gpa, len, va);
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
    return slot_map(vm->memory, gpa, va, len, ro);
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
    struct ram_table *t = xcalloc(1, sizeof *t + m->npieces * sizeof t->ram[0]);
    for (uint32_t i = 0; i < m->npieces; i++) {
        const struct piece *p = &m->piece[i];
        t->ram[i] = (struct tn_ram){p->gpa, p->len, p->mem->va + p->off,
                                    p->ro ? TN_DMA_READ : TN_DMA_READ | TN_DMA_WRITE,
                                    p->ro ? TN_MEM_ROM : TN_MEM_RAM};
    }
    t->view = (struct tn_view){sizeof t->view, m->npieces, 0, sizeof t->ram[0], t->ram};
    return t;
}

static void publish(struct memory *m)
{
    struct ram_table *old = m->table;
    qsort(m->piece, m->npieces, sizeof *m->piece, by_gpa);
    __atomic_store_n(&m->table, build(m), __ATOMIC_RELEASE);
    old->next = m->retired;
    m->retired = old;
    bh_kick(m->reclaim);
}

static void listener_free(struct listener *l);

struct memory *memory_new(struct vm *vm)
{
    struct memory *m = XNEW(struct memory);
    m->vm = vm;
    m->system = (struct tn_as){.vm = vm, .open = 1};
    pthread_mutex_init(&m->lock, NULL);
    m->table = build(m);
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
        listener_free(m->listeners);
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

static int tell_map(struct listener *l, const struct piece *p, struct tn_err *e)
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

static void tell_unmap(struct listener *l, const struct piece *p)
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
    struct piece p = {gpa, len, off, mem, ro, slot_map(m, gpa, mem->va + off, len, ro)};
    if (p.slot < 0)
        return err_set(e, -p.slot, "memory '%s' at 0x%" PRIx64 ": KVM refuses it: %s", mem->name,
                       gpa, strerror(-p.slot));
    for (struct listener *l = m->listeners; l; l = l->next) {
        int r = tell_map(l, &p, e);
        if (r < 0) {
            for (struct listener *undo = m->listeners; undo != l; undo = undo->next)
                tell_unmap(undo, &p);
            slot_unmap(m, p.slot);
            return r;
        }
    }
    m->piece = xrealloc(m->piece, (m->npieces + 1) * sizeof *m->piece);
    m->piece[m->npieces++] = p;
    mem->mapped++;
    publish(m);
    return 0;
}

void memory_unmap(struct vm *vm, struct tn_mem *mem)
{
    struct memory *m = vm->memory;
    for (uint32_t i = 0; i < m->npieces;) {
        struct piece p = m->piece[i];
        if (p.mem != mem) {
            i++;
            continue;
        }
        m->piece[i] = m->piece[--m->npieces];
        publish(m);
        for (struct listener *l = m->listeners; l; l = l->next)
            tell_unmap(l, &p);
        slot_unmap(m, p.slot);
    }
    mem->mapped = 0;
    epoch_wait();
}

/* ---- access ---- */

void *memory_ptr(struct vm *vm, uint64_t gpa, uint64_t len)
{
    return tn_ram_at(&vm->memory->table->view, gpa, len, TN_DMA_READ);
}

static uint64_t piece_at(const struct tn_view *v, uint64_t gpa, uint64_t len, uint32_t dir,
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
    const struct tn_view *v = &__atomic_load_n(&vm->memory->table, __ATOMIC_ACQUIRE)->view;
    while (len && !err) {
        uint8_t *va;
        uint64_t n = piece_at(v, gpa, len, dir, &va);
        if (!n) {
            err = -EFAULT;
            break;
        }
        fn(va, buf, n);
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

/* ---- TN_DMA_1 ---- */

static int closed(const struct tn_as *a)
{
    return a->gate && !__atomic_load_n(&a->open, __ATOMIC_ACQUIRE);
}

static int t_read(struct tn_as *a, uint64_t iova, void *buf, uint64_t len)
{
    return closed(a) ? -EACCES : memory_read(a->vm, iova, buf, len);
}

static int t_write(struct tn_as *a, uint64_t iova, const void *buf, uint64_t len)
{
    return closed(a) ? -EACCES : memory_write(a->vm, iova, buf, len);
}

static int t_map(struct tn_as *a, uint64_t iova, uint64_t len, uint32_t dir, struct tn_seg *seg,
                 uint32_t max)
{
    if (closed(a))
        return -EACCES;
    struct reader *me = reader_self();
    uint32_t n = 0;
    reader_enter(me);
    const struct tn_view *v = &__atomic_load_n(&a->vm->memory->table, __ATOMIC_ACQUIRE)->view;
    for (uint8_t *va; len && n < max;) {
        uint64_t got = piece_at(v, iova, len, dir & (TN_DMA_READ | TN_DMA_WRITE), &va);
        if (!got)
            break;
        seg[n++] = (struct tn_seg){va, got, iova};
        iova += got;
        len -= got;
    }
    reader_leave(me);
    return n || !len ? (int)n : -EFAULT;
}

static void t_unmap(struct tn_as *a, const struct tn_seg *seg, uint32_t n, uint32_t dir,
                    uint64_t written)
{
    (void)a; /* no dirty log runs and nothing translates: there is nobody to tell */
    (void)seg;
    (void)n;
    (void)dir;
    (void)written;
}

static int t_map_retry(struct tn_as *a, struct tn_bh *b)
{
    (void)a;
    (void)b;
    return 0; /* map never says -EAGAIN here */
}

static void t_dirty(struct tn_as *a, uint64_t iova, uint64_t len)
{
    (void)a;
    (void)iova;
    (void)len;
}

static void t_dirty_bitmap(struct tn_as *a, uint64_t iova, uint32_t shift, const uint64_t *bits,
                           uint64_t nbits)
{
    (void)a;
    (void)iova;
    (void)shift;
    (void)bits;
    (void)nbits;
}

static void release_space(struct managed *m)
{
    managed_del(m);
    free(m);
}

static struct tn_as *t_system(struct tn_dev *d)
{
    struct device *dev = device_of(d);
    struct device_space *s = XNEW(struct device_space);
    *s = (struct device_space){.m.release = release_space,
                               .as = {.vm = dev->vm, .dev = dev, .open = 1}};
    managed_add(dev, &s->m);
    return &s->as;
}

static int t_info(struct tn_as *a, struct tn_as_info *out)
{
    uint32_t size = out->struct_size;
    struct tn_as_info i = {
        .struct_size = sizeof i, .flags = 0, .page_mask = ~(uint64_t)0xfff, .domain = 1};
    (void)a;
    memcpy(out, &i, size < sizeof i ? size : sizeof i);
    return 0;
}

static void listener_free(struct listener *l)
{
    for (struct listener **at = &l->memory->listeners; *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    managed_del(&l->m);
    free(l);
}

static void release_listener(struct managed *m)
{
    listener_free((struct listener *)m);
}

static int t_listen(struct tn_as *a, const struct tn_dma_listener *ops, void *o, struct tn_err *e)
{
    struct memory *m = a->vm->memory;
    struct listener *l = XNEW(struct listener);
    *l = (struct listener){
        .m.release = release_listener, .m.dev = a->dev, .memory = m, .l = ops, .o = o};
    for (uint32_t i = 0; i < m->npieces; i++) {
        int r = tell_map(l, &m->piece[i], e);
        if (r < 0) {
            while (i--)
                tell_unmap(l, &m->piece[i]);
            free(l);
            return r;
        }
    }
    l->next = m->listeners;
    m->listeners = l;
    managed_add(a->dev, &l->m);
    return 0;
}

static void t_unlisten(struct tn_as *a, void *o)
{
    for (struct listener *l = a->vm->memory->listeners; l; l = l->next)
        if (l->o == o) {
            listener_free(l);
            return;
        }
}

static void t_committed(struct tn_dev *d, uint64_t token, int err)
{
    (void)d;
    (void)token; /* unmaps are not waited for: memory goes only while devices are quiesced */
    (void)err;
}

static void release_cache(struct managed *m)
{
    managed_del(m);
    free((char *)m - offsetof(struct cache, m));
}

/* A callback may just be reading it. */
static void free_cache(void *p)
{
    struct cache *k = p;
    devices_drain(k->vm);
    free(k);
}

static const struct tn_cached *t_cache(struct tn_as *a, struct tn_ctx *c, uint64_t iova,
                                       uint64_t len, uint32_t dir, void (*changed)(void *), void *s)
{
    (void)c;
    (void)changed; /* RAM under a running device does not move */
    (void)s;
    struct cache *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    struct reader *me = reader_self();
    reader_enter(me);
    const struct tn_view *v = &__atomic_load_n(&a->vm->memory->table, __ATOMIC_ACQUIRE)->view;
    k->c = (struct tn_cached){
        .va = closed(a) ? NULL : tn_ram_at(v, iova, len, dir), .iova = iova, .len = len};
    reader_leave(me);
    k->vm = a->vm;
    k->m.release = release_cache;
    managed_add(a->dev, &k->m);
    return &k->c;
}

static void t_uncache(const struct tn_cached *c)
{
    struct cache *k = (struct cache *)(uintptr_t)c;
    managed_del(&k->m);
    bh_once(k->vm->main, NULL, free_cache, k);
}

static const struct tn_view *const *t_view(struct tn_as *a, struct tn_ctx *c)
{
    (void)c;
    return (const struct tn_view *const *)(void *)&a->vm->memory->table;
}

static int t_lookup(struct tn_as *a, uint64_t iova, uint32_t perm, struct tn_iotlb *out)
{
    struct reader *me = reader_self();
    reader_enter(me);
    const struct tn_view *v = &__atomic_load_n(&a->vm->memory->table, __ATOMIC_ACQUIRE)->view;
    uint8_t *va = tn_ram_at(v, iova, 1, perm & (TN_DMA_READ | TN_DMA_WRITE));
    reader_leave(me);
    *out = (struct tn_iotlb){sizeof *out,
                             perm,
                             iova & ~(uint64_t)0xfff,
                             iova & ~(uint64_t)0xfff,
                             0xfff,
                             va ? va - (iova & 0xfff) : NULL};
    return va ? 0 : -ENOENT;
}

static int t_limit(struct tn_as *a, const struct tn_iommu_caps *caps, struct tn_err *e)
{
    (void)a;
    (void)caps;
    (void)e;
    return 0; /* untranslated: no IOMMU has to live with it */
}

const struct tn_dma dma_table = {
    .struct_size = sizeof(struct tn_dma),
    .rev = 1,
    .read = t_read,
    .write = t_write,
    .map = t_map,
    .unmap = t_unmap,
    .map_retry = t_map_retry,
    .dirty = t_dirty,
    .dirty_bitmap = t_dirty_bitmap,
    .system = t_system,
    .info = t_info,
    .listen = t_listen,
    .unlisten = t_unlisten,
    .committed = t_committed,
    .cache = t_cache,
    .uncache = t_uncache,
    .view = t_view,
    .lookup = t_lookup,
    .limit = t_limit,
};

/* ---- TN_MEMORY_1 ---- */

static int m_get(struct tn_mem *m, void **va, uint64_t *len, int *fd, uint64_t *off,
                 uint32_t *flags)
{
    if (va)
        *va = m->va;
    if (len)
        *len = m->len;
    if (fd)
        *fd = m->fd;
    if (off)
        *off = m->fd_off;
    if (flags)
        *flags = m->flags;
    return 0;
}

struct claim {
    struct managed m;
    struct tn_mem *mem;
};

static void release_claim(struct managed *m)
{
    struct claim *c = (struct claim *)m;
    c->mem->user = NULL;
    managed_del(m);
    free(c);
}

static int m_claim(struct tn_mem *m, struct tn_dev *d, struct tn_err *e)
{
    if (m->user)
        return err_set(e, EBUSY, "can't use already busy memdev: %s is used by %s", m->name,
                       device_id(m->user));
    struct claim *c = XNEW(struct claim);
    *c = (struct claim){.m.release = release_claim, .mem = m};
    m->user = device_of(d);
    managed_add(m->user, &c->m);
    return 0;
}

static void release_alloc(struct managed *m)
{
    managed_del(m);
    mem_free((struct tn_mem *)m);
}

static int m_alloc(struct tn_dev *d, const char *name, uint64_t len, struct tn_mem **out,
                   struct tn_err *e)
{
    struct vm *vm = device_of(d)->vm;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = (len + page - 1) & ~(page - 1);
    int fd = size && size >= len ? memfd_create(name, MFD_CLOEXEC) : -1;
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        close_fd(&fd);
        return err_set(e, ENOMEM, "no memory of 0x%" PRIx64 " bytes for '%s'", len, name);
    }
    void *va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (va == MAP_FAILED) {
        close_fd(&fd);
        return err_set(e, ENOMEM, "no memory of 0x%" PRIx64 " bytes for '%s'", len, name);
    }
    *out = mem_new(vm, name, va, size, fd, 0, TN_MEMF_SHARED, 12);
    (*out)->m.release = release_alloc;
    managed_add(device_of(d), &(*out)->m);
    return 0;
}

static void m_dirty(struct tn_mem *m, uint64_t off, uint64_t len)
{
    (void)m;
    (void)off;
    (void)len;
}

static int m_sync(struct tn_mem *m, uint64_t off, uint64_t len, void (*done)(void *, int),
                  void *arg)
{
    if (off > m->len || len > m->len - off)
        return -EINVAL;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), at = off & ~(page - 1);
    int err = msync(m->va + at, len + (off - at), MS_SYNC) < 0 ? -errno : 0;
    done(arg, err);
    return 0;
}

const struct tn_memory memory_table = {.struct_size = sizeof(struct tn_memory),
                                       .rev = 1,
                                       .get = m_get,
                                       .claim = m_claim,
                                       .alloc = m_alloc,
                                       .dirty = m_dirty,
                                       .sync = m_sync};
