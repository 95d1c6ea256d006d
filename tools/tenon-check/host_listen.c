/* SPDX-License-Identifier: BSD-2-Clause */
/* Who listens to memory is told of all of it at once, in one transaction. */
#include "host_dma.h"

static void listen_release(struct res *r)
{
    (void)r;
}

struct listener {
    struct res r;
    struct tn_dma_listener l;
    struct tn_as *a;
    void *o;
};

static int replay(struct listener *x)
{
    struct host *h = x->a->h;
    const uint64_t gpa[2] = {0, RAM_HIGH_AT}, len[2] = {RAM_LOW, RAM_HIGH};
    int r = 0;
    CALL(x->r.d, R_MAIN, "listener begin", x->l.begin(x->o));
    for (int i = 0; r == 0 && i < 2 && !(x->l.flags & TN_LISTEN_UNMAP_ONLY); i++) {
        struct tn_mapping m = {.struct_size = sizeof m,
                               .flags = TN_MEM_RAM | TN_MEM_SHARED,
                               .prot = TN_DMA_READ | TN_DMA_WRITE,
                               .page_shift = 12,
                               .iova = gpa[i],
                               .len = len[i],
                               .gpa = gpa[i],
                               .va = host_ram(h, gpa[i], len[i]),
                               .fd_off = i ? RAM_LOW : 0,
                               .block = 1,
                               .fd = h->parts->ram_fd};
        CALL(x->r.d, R_MAIN, "listener map", r = x->l.map(x->o, &m));
    }
    int c = 0;
    CALL(x->r.d, R_MAIN, "listener commit", c = x->l.commit(x->o, ++h->stalls));
    return r < 0 ? r : c < 0 ? c : 0;
}

int dma_listen(struct tn_as *a, const struct tn_dma_listener *l, void *o, struct tn_err *e)
{
    enter_as(a, R_MAIN | R_VCPU, "dma->listen");
    struct dev *d = as_user(a);
    int r = inject_err(d, e, ENOMEM, "dma->listen");
    if (r < 0)
        return r;
    if (!l || !l->begin || !l->unmap || !l->commit ||
        (!l->map && !(l->flags & TN_LISTEN_UNMAP_ONLY)))
        violation("dma.h: struct tn_dma_listener",
                  "dma->listen without begin, map, unmap or commit");
    struct listener *x = res_new(d, "memory listener", sizeof *x, listen_release);
    x->l = *l;
    x->a = a;
    x->o = o;
    r = replay(x);
    return r < 0 ? err_set(e, -r, "the listener refuses the memory") : 0;
}

void dma_unlisten(struct tn_as *a, void *o)
{
    struct res *r;
    enter_as(a, R_MAIN, "dma->unlisten");
    TAILQ_FOREACH(r, &as_user(a)->res, link)
    if (strcmp(r->kind, "memory listener") == 0 && ((struct listener *)(void *)r)->o == o) {
        res_drop(r);
        return;
    }
    violation("dma.h: unlisten", "dma->unlisten of a listener that does not listen");
}

void dma_committed(struct tn_dev *pub, uint64_t token, int err)
{
    struct dev *d = dev_of(pub);
    (void)token, (void)err;
    enter(d, R_ANY, "dma->committed");
    if (call_inside(d, "listener commit"))
        violation("base.h: Lock: a completion never runs inside the call that it completes",
                  "dma->committed inside commit");
}
