/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.dma/1": memory as a device sees it. Nothing translates here. */
#include "memory_impl.h"

#include "core/loop.h"
#include "dirty.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int closed(const struct tn_as *a)
{
    return !__atomic_load_n(&a->open, __ATOMIC_ACQUIRE);
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
    const struct tn_view *v = memory_view(a->vm);
    for (uint8_t *va; len && n < max;) {
        uint64_t got = memory_piece_at(v, iova, len, dir & (TN_DMA_READ | TN_DMA_WRITE), &va);
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
    for (uint32_t i = 0; i < n && written && (dir & TN_DMA_WRITE); i++) {
        uint64_t here = seg[i].len < written ? seg[i].len : written;
        dirty_mark(a->vm, seg[i].cookie, here);
        written -= here;
    }
}

static int t_map_retry(struct tn_as *a, struct tn_bh *b)
{
    (void)a;
    (void)b;
    return 0; /* map never says -EAGAIN here */
}

static void t_dirty(struct tn_as *a, uint64_t iova, uint64_t len)
{
    dirty_mark(a->vm, iova, len);
}

static void t_dirty_bitmap(struct tn_as *a, uint64_t iova, uint32_t shift, const uint64_t *bits,
                           uint64_t nbits)
{
    for (uint64_t i = 0; i < nbits && shift < 64; i++)
        if (bits[i / 64] >> i % 64 & 1)
            dirty_mark(a->vm, iova + (i << shift), (uint64_t)1 << shift);
}

static void release_space(struct managed *m)
{
    managed_del(m);
    memory_as_fini(&((struct device_space *)m)->as);
    free(m);
}

static struct tn_as *t_system(struct tn_dev *d)
{
    struct device *dev = device_of(d);
    struct device_space *s = XNEW(struct device_space);
    *s = (struct device_space){.m.release = release_space, .as = {.vm = dev->vm, .dev = dev}};
    memory_as_init(&s->as, 1);
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

void memory_listener_free(struct listener *l)
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
    memory_listener_free((struct listener *)m);
}

static int t_listen(struct tn_as *a, const struct tn_dma_listener *ops, void *o, struct tn_err *e)
{
    struct memory *m = a->vm->memory;
    struct listener *l = XNEW(struct listener);
    *l = (struct listener){
        .m.release = release_listener, .m.dev = a->dev, .memory = m, .l = ops, .o = o};
    for (uint32_t i = 0; i < m->npieces; i++) {
        int r = memory_tell_map(l, &m->piece[i], e);
        if (r < 0) {
            while (i--)
                memory_tell_unmap(l, &m->piece[i]);
            free(l);
            return r;
        }
    }
    l->next = m->listeners;
    m->listeners = l;
    if (m->logging && !dirty_can_follow(l))
        __atomic_store_n(&m->blind, a->dev ? device_id(a->dev) : "a listener", __ATOMIC_RELEASE);
    managed_add(a->dev, &l->m);
    return 0;
}

static void t_unlisten(struct tn_as *a, void *o)
{
    for (struct listener *l = a->vm->memory->listeners; l; l = l->next)
        if (l->o == o) {
            memory_listener_free(l);
            return;
        }
}

static void t_committed(struct tn_dev *d, uint64_t token, int err)
{
    (void)d;
    (void)token; /* unmaps are not waited for: memory goes only while devices are quiesced */
    (void)err;
}

static void forget_cache(struct cache *k)
{
    pthread_mutex_lock(&k->vm->memory->lock);
    LIST_REMOVE(k, all);
    pthread_mutex_unlock(&k->vm->memory->lock);
}

static void release_cache(struct managed *m)
{
    struct cache *k = (struct cache *)(void *)((char *)m - offsetof(struct cache, m));
    managed_del(m);
    forget_cache(k);
    free(k);
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
    const struct tn_view *v = memory_view(a->vm);
    k->c = (struct tn_cached){
        .va = closed(a) ? NULL : tn_ram_at(v, iova, len, dir), .iova = iova, .len = len};
    reader_leave(me);
    k->vm = a->vm;
    k->m.release = release_cache;
    pthread_mutex_lock(&a->vm->memory->lock);
    k->c.log = a->vm->memory->logging;
    LIST_INSERT_HEAD(&a->vm->memory->caches, k, all);
    pthread_mutex_unlock(&a->vm->memory->lock);
    managed_add(a->dev, &k->m);
    return &k->c;
}

static void t_uncache(const struct tn_cached *c)
{
    struct cache *k = (struct cache *)(uintptr_t)c;
    managed_del(&k->m);
    forget_cache(k);
    bh_once(k->vm->main, NULL, free_cache, k);
}

static const struct tn_view *const *t_view(struct tn_as *a, struct tn_ctx *c)
{
    (void)c;
    return &a->view;
}

static int t_lookup(struct tn_as *a, uint64_t iova, uint32_t perm, struct tn_iotlb *out)
{
    struct reader *me = reader_self();
    reader_enter(me);
    const struct tn_view *v = memory_view(a->vm);
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
