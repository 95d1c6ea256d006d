/* SPDX-License-Identifier: BSD-2-Clause */
#include "vq_driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void rig_init(struct rig *a, uint32_t how)
{
    memset(a, 0, sizeof *a);
    a->how = how;
    for (uint32_t i = 0; i < 2; i++) {
        a->half[i] =
            mmap(NULL, RIG_HALF, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (a->half[i] == MAP_FAILED)
            abort();
        a->ram[i] = (struct tn_ram){RIG_BASE + i * (uint64_t)RIG_HALF, RIG_HALF, a->half[i],
                                    TN_DMA_READ | TN_DMA_WRITE, TN_MEM_RAM};
    }
    a->view = (struct tn_view){sizeof a->view, 2, 0, sizeof a->ram[0], a->ram};
    a->current = how & RIG_NO_VIEW ? NULL : &a->view;
}

void rig_fini(struct rig *a)
{
    munmap(a->half[0], RIG_HALF);
    munmap(a->half[1], RIG_HALF);
}

uint8_t *rig_at(struct rig *a, uint64_t gpa)
{
    if (gpa < RIG_BASE || gpa >= RIG_END)
        abort();
    return gpa < RIG_EDGE ? a->half[0] + (gpa - RIG_BASE) : a->half[1] + (gpa - RIG_EDGE);
}

static int copy(struct rig *a, uint64_t gpa, uint8_t *p, uint64_t len, bool in)
{
    if (gpa < RIG_BASE || gpa > RIG_END || len > RIG_END - gpa)
        return -EFAULT;
    while (len) {
        uint64_t run = gpa < RIG_EDGE && RIG_EDGE - gpa < len ? RIG_EDGE - gpa : len;
        if (in)
            memcpy(rig_at(a, gpa), p, run);
        else
            memcpy(p, rig_at(a, gpa), run);
        gpa += run;
        p += run;
        len -= run;
    }
    return 0;
}

void rig_put(struct rig *a, uint64_t gpa, const void *p, uint64_t len)
{
    if (copy(a, gpa, (uint8_t *)(uintptr_t)p, len, true))
        abort();
}

void rig_get(struct rig *a, uint64_t gpa, void *p, uint64_t len)
{
    if (copy(a, gpa, p, len, false))
        abort();
}

static void mark(struct rig *a, uint64_t gpa, uint64_t len)
{
    if (gpa < RIG_BASE || gpa > RIG_END || len > RIG_END - gpa)
        abort();
    for (uint64_t at = gpa / RIG_PAGE; len && at <= (gpa + len - 1) / RIG_PAGE; at++)
        a->dirty[at - RIG_BASE / RIG_PAGE] = 1;
}

bool rig_dirty(const struct rig *a, uint64_t gpa)
{
    return a->dirty[(gpa - RIG_BASE) / RIG_PAGE];
}

/* ---- tn_dma ---- */

static struct rig *rig_of(struct tn_as *as)
{
    return (struct rig *)(void *)as;
}

static int t_read(struct tn_as *as, uint64_t iova, void *buf, uint64_t len)
{
    struct rig *a = rig_of(as);
    a->reads++;
    return copy(a, iova, buf, len, false);
}

static int t_write(struct tn_as *as, uint64_t iova, const void *buf, uint64_t len)
{
    struct rig *a = rig_of(as);
    a->writes++;
    if (copy(a, iova, (uint8_t *)(uintptr_t)buf, len, true))
        return -EFAULT;
    mark(a, iova, len);
    return 0;
}

static int t_map(struct tn_as *as, uint64_t iova, uint64_t len, uint32_t dir, struct tn_seg *seg,
                 uint32_t max)
{
    struct rig *a = rig_of(as);
    (void)dir;
    if (a->how & RIG_NO_MAP)
        return -ENOTSUP;
    if (a->map_again) {
        a->map_again--;
        return -EAGAIN;
    }
    if (iova < RIG_BASE || iova >= RIG_END || len > RIG_END - iova)
        return -EFAULT;
    uint32_t n = 0;
    while (len && n < max) {
        uint64_t run = RIG_PAGE - iova % RIG_PAGE;
        run = run < len ? run : len;
        seg[n++] = (struct tn_seg){rig_at(a, iova), run, iova ^ 0x5a5a};
        iova += run;
        len -= run;
    }
    a->mapped += n;
    return (int)n;
}

static void t_unmap(struct tn_as *as, const struct tn_seg *seg, uint32_t n, uint32_t dir,
                    uint64_t written)
{
    struct rig *a = rig_of(as);
    if (n > a->mapped || (written && !(dir & TN_DMA_WRITE)))
        abort();
    a->mapped -= n;
    a->mapped_dirty += written;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t run = written < seg[i].len ? written : seg[i].len, iova = seg[i].cookie ^ 0x5a5a;
        if (rig_at(a, iova) != seg[i].va)
            abort();
        mark(a, iova, run);
        written -= run;
    }
}

static int t_map_retry(struct tn_as *as, struct tn_bh *b)
{
    struct rig *a = rig_of(as);
    (void)b;
    a->retries++;
    return 0;
}

static void t_dirty(struct tn_as *as, uint64_t iova, uint64_t len)
{
    struct rig *a = rig_of(as);
    mark(a, iova, len);
}

static const struct tn_cached *t_cache(struct tn_as *as, struct tn_ctx *c, uint64_t iova,
                                       uint64_t len, uint32_t dir, void (*changed)(void *), void *s)
{
    struct rig *a = rig_of(as);
    struct tn_cached *k = calloc(1, sizeof *k);
    (void)c;
    (void)changed;
    (void)s;
    if (!k)
        abort();
    *k = (struct tn_cached){.iova = iova, .len = len, .log = a->view.log};
    k->va = a->how & RIG_NO_RINGS ? NULL : tn_ram_at(&a->view, iova, len, dir);
    a->caches++;
    return k;
}

static void t_uncache(const struct tn_cached *c)
{
    free((void *)(uintptr_t)c);
}

static const struct tn_view *const *t_view(struct tn_as *as, struct tn_ctx *c)
{
    struct rig *a = rig_of(as);
    (void)c;
    return a->how & RIG_NO_VIEW && a->how & RIG_NO_MAP ? NULL : &a->current;
}

void rig_log(struct rig *a, bool on)
{
    a->view.log = on;
    memset(a->dirty, 0, sizeof a->dirty);
}

const struct tn_dma rig_dma = {
    .struct_size = sizeof rig_dma,
    .rev = 1,
    .read = t_read,
    .write = t_write,
    .map = t_map,
    .unmap = t_unmap,
    .map_retry = t_map_retry,
    .dirty = t_dirty,
    .cache = t_cache,
    .uncache = t_uncache,
    .view = t_view,
};
