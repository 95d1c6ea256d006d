/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_DMA_1: reading, writing and mapping, in the modes of host.h. A mapped piece is a mapping of
 * its own of the same RAM, which is gone after unmap: use after that is a crash. Translated, a
 * space swaps neighbouring pages. */
#include "host_dma.h"
#include "services.h"
#include <sys/mman.h>

enum { PAGE = 4096, SHORT_LEN = 600 };
#define MESSAGES 0xfee00000u

struct seg_mem {
    TAILQ_ENTRY(seg_mem) link;
    uint64_t cookie, len, iova;
    void *va;
    uint32_t dir;
};

uint64_t dma_gpa(const struct tn_as *a, uint64_t iova)
{
    return a->h->dma_mode == DMA_IOMMU && a->d ? iova ^ PAGE : iova;
}

struct dev *as_user(struct tn_as *a)
{
    return a->d ? a->d : call_top() ? call_top()->d : NULL;
}

void enter_as(struct tn_as *a, uint32_t roles, const char *what)
{
    if (!a)
        violation("dma.h: struct tn_as", "%s of no address space", what);
    enter(as_user(a), roles, what);
}

/* "resume: first DMA": not before, not in load, not while quiet. */
static void enter_access(struct tn_as *a, const char *what)
{
    enter_as(a, R_ANY, what);
    struct dev *d = as_user(a);
    if (d && d->stage != ST_RUNNING && d->stage != ST_QUIESCING)
        violation("docs/abi.md: Life of an instance: first DMA in resume, none while quiet",
                  "%s while the device is %s", what,
                  d->stage < ST_RUNNING ? "not running yet" : "quiet");
}

static int off(const struct tn_as *a)
{
    return a->h->dma_mode == DMA_FAIL || (a->d && a->master && !a->master(a->d));
}

/* How much of len at iova is one piece of RAM, and where. */
static uint64_t piece(const struct tn_as *a, uint64_t iova, uint64_t len, uint64_t *gpa)
{
    uint64_t n = len;
    *gpa = dma_gpa(a, iova);
    if (*gpa != iova || a->h->dma_mode == DMA_IOMMU)
        n = PAGE - iova % PAGE < len ? PAGE - iova % PAGE : len;
    if (*gpa < RAM_LOW)
        return n < RAM_LOW - *gpa ? n : RAM_LOW - *gpa;
    if (*gpa >= RAM_HIGH_AT && *gpa - RAM_HIGH_AT < RAM_HIGH)
        return n < RAM_HIGH_AT + RAM_HIGH - *gpa ? n : RAM_HIGH_AT + RAM_HIGH - *gpa;
    return 0;
}

/* Where messages are written to (PCIe 5.0 6.1.4): a function sends them with pci->irq. */
static void note_message(struct tn_as *a, uint64_t iova)
{
    if (iova >> 20 == MESSAGES >> 20 && !off(a))
        __atomic_add_fetch(&a->h->log.messages, 1, __ATOMIC_RELAXED);
}

static int copy(struct tn_as *a, uint64_t iova, void *out, const void *in, uint64_t len)
{
    struct host *h = a->h;
    if (in)
        note_message(a, iova);
    while (len) {
        uint64_t gpa, n = off(a) ? 0 : piece(a, iova, len, &gpa);
        if (!n) {
            __atomic_add_fetch(&h->log.dma_failed, 1, __ATOMIC_RELAXED);
            return -EFAULT;
        }
        if (in)
            memcpy(host_ram(h, gpa, n), in, n), in = (const char *)in + n;
        else
            memcpy(out, host_ram(h, gpa, n), n), out = (char *)out + n;
        iova += n;
        len -= n;
    }
    return 0;
}

static void buffer(const void *buf, uint64_t len, const char *what)
{
    if (len && !buf)
        violation("dma.h", "%s of %llu bytes at NULL", what, (unsigned long long)len);
}

static int dma_read(struct tn_as *a, uint64_t iova, void *buf, uint64_t len)
{
    enter_access(a, "dma->read");
    buffer(buf, len, "dma->read");
    __atomic_add_fetch(&a->h->log.dma_read, len, __ATOMIC_RELAXED);
    return as_user(a) && inject(as_user(a), "dma->read") ? -EFAULT : copy(a, iova, buf, NULL, len);
}

static int dma_write(struct tn_as *a, uint64_t iova, const void *buf, uint64_t len)
{
    enter_access(a, "dma->write");
    buffer(buf, len, "dma->write");
    __atomic_add_fetch(&a->h->log.dma_write, len, __ATOMIC_RELAXED);
    return as_user(a) && inject(as_user(a), "dma->write") ? -EFAULT : copy(a, iova, NULL, buf, len);
}

/* ---- mapping ---- */

static int direction(uint32_t dir)
{
    return dir & TN_DMA_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
}

static struct seg_mem *seg_new(struct tn_as *a, uint64_t iova, uint64_t gpa, uint64_t len,
                               uint32_t dir)
{
    struct seg_mem *m = XNEW(struct seg_mem);
    m->va = ram_alias(a->h, gpa, len, direction(dir));
    m->len = len;
    m->iova = iova;
    m->dir = dir;
    pthread_mutex_lock(&a->lock);
    m->cookie = ++a->cookies;
    TAILQ_INSERT_TAIL(&a->segs, m, link);
    pthread_mutex_unlock(&a->lock);
    return m;
}

static int map_refused(struct tn_as *a)
{
    struct dev *d = as_user(a);
    if (a->h->dma_mode == DMA_NO_MAP)
        return -ENOTSUP;
    if (d && inject(d, "dma->map"))
        return -EAGAIN;
    return a->h->dma_mode == DMA_RETRY && a->retry++ % 2 == 0 ? -EAGAIN : 0;
}

static int dma_map(struct tn_as *a, uint64_t iova, uint64_t len, uint32_t dir, struct tn_seg *seg,
                   uint32_t max)
{
    int n = 0, r;
    enter_access(a, "dma->map");
    if (!(dir & (TN_DMA_READ | TN_DMA_WRITE)) || !seg || !max)
        violation("dma.h: map", "dma->map with direction %u, room for %u pieces", dir, max);
    if ((r = map_refused(a)) < 0)
        return r;
    while (len && (uint32_t)n < max) {
        uint64_t gpa, got = off(a) ? 0 : piece(a, iova, len, &gpa);
        if (!got)
            break;
        if (a->h->dma_mode == DMA_SHORT && got > SHORT_LEN)
            got = SHORT_LEN;
        struct seg_mem *m = seg_new(a, iova, gpa, got, dir);
        seg[n++] = (struct tn_seg){m->va, got, m->cookie};
        iova += got;
        len -= got;
        if (a->h->dma_mode == DMA_SHORT)
            break;
    }
    __atomic_add_fetch(&a->h->log.dma_mapped, (uint64_t)n, __ATOMIC_RELAXED);
    return n || !len ? n : -EFAULT;
}

static void seg_free(struct tn_as *a, struct seg_mem *m)
{
    TAILQ_REMOVE(&a->segs, m, link);
    ram_unalias(m->va, m->len);
    free(m);
}

static struct seg_mem *seg_of(struct tn_as *a, const struct tn_seg *seg)
{
    struct seg_mem *m;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed has left the list */
    TAILQ_FOREACH(m, &a->segs, link)
    if (m->cookie == seg->cookie && m->va == seg->va)
        break;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return m;
}

static void dma_unmap(struct tn_as *a, const struct tn_seg *seg, uint32_t n, uint32_t dir,
                      uint64_t written)
{
    uint64_t sum = 0;
    enter_as(a, R_ANY, "dma->unmap");
    pthread_mutex_lock(&a->lock);
    for (uint32_t i = 0; i < n; i++) {
        struct seg_mem *m = seg_of(a, &seg[i]);
        if (!m)
            violation("dma.h: unmap", "dma->unmap of a piece that is not mapped");
        if ((m->dir ^ dir) & TN_DMA_WRITE)
            violation("dma.h: unmap", "dma->unmap with another direction than it was mapped with");
        sum += m->len;
        seg_free(a, m);
    }
    pthread_mutex_unlock(&a->lock);
    if (written > sum)
        violation("dma.h: unmap", "dma->unmap says that %llu bytes of %llu were written",
                  (unsigned long long)written, (unsigned long long)sum);
}

static int dma_map_retry(struct tn_as *a, struct tn_bh *b)
{
    enter_as(a, R_ANY, "dma->map_retry");
    bh_kick(b);
    loop_wake(a->h);
    return 0;
}

static void dma_dirty(struct tn_as *a, uint64_t iova, uint64_t len)
{
    enter_as(a, R_ANY, "dma->dirty");
    if (iova + len < iova)
        violation("dma.h: dirty", "dma->dirty of a range that wraps");
}

static void dma_dirty_bitmap(struct tn_as *a, uint64_t iova, uint32_t shift, const uint64_t *bits,
                             uint64_t nbits)
{
    (void)iova, (void)shift, (void)bits, (void)nbits;
    enter_as(a, R_ANY, "dma->dirty_bitmap");
}

static struct tn_as *dma_system(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "dma->system");
    return d->h->parts->system;
}

static int dma_info(struct tn_as *a, struct tn_as_info *out)
{
    enter_as(a, R_ANY, "dma->info");
    struct tn_as_info i = {
        .struct_size = out->struct_size, .page_mask = ~(uint64_t)(PAGE - 1), .domain = 1};
    uint32_t mode = a->h->dma_mode;
    i.flags = mode == DMA_IOMMU && a->d ? TN_AS_TRANSLATED | TN_AS_MAY_TRANSLATE | TN_AS_NO_VIEW
              : mode == DMA_NO_MAP      ? TN_AS_NO_MAP | TN_AS_NO_VIEW
                                        : 0;
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
    return 0;
}

/* ---- caches and views ---- */

struct cache {
    struct res r;
    struct tn_cached pub;
    TAILQ_ENTRY(cache) link;
    struct tn_as *a;
    struct tn_ctx *c;
    uint32_t dir;
    void (*changed)(void *);
    void *s;
};

static struct cache *cache_of(const struct tn_cached *p)
{
    return (struct cache *)(void *)((char *)(uintptr_t)p - offsetof(struct cache, pub));
}

static uint8_t *cache_va(struct cache *k)
{
    uint64_t gpa;
    uint32_t mode = k->a->h->dma_mode;
    if (mode == DMA_NO_MAP || off(k->a) || !k->pub.len ||
        piece(k->a, k->pub.iova, k->pub.len, &gpa) != k->pub.len)
        return NULL;
    return ram_alias(k->a->h, gpa, k->pub.len, direction(k->dir));
}

static void cache_unmap(struct cache *k)
{
    if (k->pub.va)
        ram_unalias(k->pub.va, k->pub.len);
    k->pub.va = NULL;
}

static void cache_release(struct res *r)
{
    struct cache *k = (void *)r;
    TAILQ_REMOVE(&k->a->caches, k, link);
    cache_unmap(k);
}

static const struct tn_cached *dma_cache(struct tn_as *a, struct tn_ctx *c, uint64_t iova,
                                         uint64_t len, uint32_t dir, void (*changed)(void *),
                                         void *s)
{
    enter_as(a, R_MAIN | R_VCPU, "dma->cache");
    struct dev *d = as_user(a);
    if (inject(d, "dma->cache"))
        return NULL;
    struct cache *k = res_new(d, "cached mapping", sizeof *k, cache_release);
    k->a = a;
    k->c = c ? c : d->home;
    k->dir = dir;
    k->changed = changed;
    k->s = s;
    k->pub = (struct tn_cached){.iova = iova, .len = len};
    k->pub.va = cache_va(k);
    TAILQ_INSERT_TAIL(&a->caches, k, link);
    return &k->pub;
}

static void retire(void *o)
{
    struct cache *k = o;
    cache_unmap(k);
}

/* "freed after the grace period": after the callback that runs now. */
static void dma_uncache(const struct tn_cached *p)
{
    if (!p)
        violation("dma.h: uncache", "dma->uncache(NULL)");
    struct cache *k = cache_of(p);
    res_check(&k->r, "dma->uncache");
    enter(k->r.d, R_ANY, "dma->uncache");
    TAILQ_REMOVE(&k->a->caches, k, link);
    TAILQ_REMOVE(&k->r.d->res, &k->r, link);
    TAILQ_INSERT_TAIL(&k->a->h->corpses, &k->r, link);
    k->r.dead = 1;
    job_add(k->a->h, NULL, retire, k);
}

static const struct tn_view *const *dma_view(struct tn_as *a, struct tn_ctx *c)
{
    (void)c;
    enter_as(a, R_MAIN | R_VCPU, "dma->view");
    return &a->view;
}

static void set_view(struct tn_as *a)
{
    uint32_t mode = a->h->dma_mode;
    a->view = (mode == DMA_IOMMU && a->d) || mode == DMA_NO_MAP || off(a) ? NULL : &a->table;
}

void dma_refresh(struct tn_as *a)
{
    struct cache *k;
    set_view(a);
    TAILQ_FOREACH(k, &a->caches, link)
    {
        uint8_t *old = k->pub.va;
        k->pub.va = cache_va(k);
        k->pub.gen++;
        if (old)
            ram_unalias(old, k->pub.len);
        if (k->changed)
            CALL(k->r.d, k->c->role | R_DEV, "tn_dma.cache changed", k->changed(k->s));
    }
}

void host_dma(struct host *h, uint32_t mode)
{
    struct tn_as *a;
    h->dma_mode = mode;
    TAILQ_FOREACH(a, &h->parts->spaces, link)
    dma_refresh(a);
}

/* ---- the rest ---- */

static int dma_lookup(struct tn_as *a, uint64_t iova, uint32_t perm, struct tn_iotlb *out)
{
    uint64_t gpa;
    enter_as(a, R_ANY, "dma->lookup");
    if (!piece(a, iova, 1, &gpa))
        return -ENOENT;
    gpa -= gpa % PAGE;
    struct tn_iotlb t = {.struct_size = out->struct_size,
                         .perm = perm,
                         .iova = iova - iova % PAGE,
                         .gpa = gpa,
                         .mask = PAGE - 1,
                         .va = host_ram(a->h, gpa, PAGE)};
    memcpy(out, &t, out->struct_size < sizeof t ? out->struct_size : sizeof t);
    return 0;
}

static int dma_limit(struct tn_as *a, const struct tn_iommu_caps *caps, struct tn_err *e)
{
    (void)caps;
    enter_as(a, R_MAIN, "dma->limit");
    return inject_err(as_user(a), e, EINVAL, "dma->limit");
}

const struct tn_dma dma_table = {
    .struct_size = sizeof(struct tn_dma),
    .read = dma_read,
    .write = dma_write,
    .map = dma_map,
    .unmap = dma_unmap,
    .map_retry = dma_map_retry,
    .dirty = dma_dirty,
    .dirty_bitmap = dma_dirty_bitmap,
    .system = dma_system,
    .info = dma_info,
    .listen = dma_listen,
    .unlisten = dma_unlisten,
    .committed = dma_committed,
    .cache = dma_cache,
    .uncache = dma_uncache,
    .view = dma_view,
    .lookup = dma_lookup,
    .limit = dma_limit,
};

/* ---- spaces ---- */

struct tn_as *as_new(struct host *h, struct dev *d, int (*master)(const struct dev *d))
{
    struct tn_as *a = XNEW(struct tn_as);
    a->h = h;
    a->d = d;
    a->master = master;
    pthread_mutex_init(&a->lock, NULL);
    TAILQ_INIT(&a->segs);
    TAILQ_INIT(&a->caches);
    a->ram[0] = (struct tn_ram){0, RAM_LOW, h->parts->ram_low, TN_DMA_READ | TN_DMA_WRITE, 0};
    a->ram[1] =
        (struct tn_ram){RAM_HIGH_AT, RAM_HIGH, h->parts->ram_high, TN_DMA_READ | TN_DMA_WRITE, 0};
    a->table = (struct tn_view){sizeof a->table, 2, 0, sizeof a->ram[0], a->ram};
    set_view(a);
    TAILQ_INSERT_TAIL(&h->parts->spaces, a, link);
    return a;
}

uint32_t as_mapped(const struct tn_as *a)
{
    const struct seg_mem *m;
    uint32_t n = 0;
    TAILQ_FOREACH(m, &a->segs, link)
    n++;
    return n;
}

void as_left(const struct dev *d)
{
    struct tn_as *a;
    TAILQ_FOREACH(a, &d->h->parts->spaces, link)
    if (a->d == d && as_mapped(a))
        violation("class.h: quiesce: no pointer into guest memory in use",
                  "%u mapped pieces were not unmapped", as_mapped(a));
}

void as_free_all(struct host *h)
{
    struct tn_as *a;
    while ((a = TAILQ_FIRST(&h->parts->spaces))) {
        TAILQ_REMOVE(&h->parts->spaces, a, link);
        while (!TAILQ_EMPTY(&a->segs))
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): likewise */
            seg_free(a, TAILQ_FIRST(&a->segs));
        pthread_mutex_destroy(&a->lock);
        free(a);
    }
}
