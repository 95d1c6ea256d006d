/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio disk in a host made of nothing: bottom halves run when the test says so, the drive keeps
 * what it is given until the test ends it. virtio_blk_driver.h has its driver. */
#ifndef TN_VIRTIO_BLK_RIG_H
#define TN_VIRTIO_BLK_RIG_H
#include "blk_regs.h"
#include "util/bytes.h"
#include "virtio_blk.h"
#include "virtio_blk_saved.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/plugin.h>

enum { RAM = 1 << 20, RING = 64, DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, DATA = 0x10000 };
enum { MAX_IO = 256, MAX_BH = 64 };

struct tn_bh {
    void (*fn)(void *);
    void *s;
    uint32_t kicked;
};

struct drive_io {
    uint32_t op, flags, n;
    uint64_t off, len;
    struct tn_iov v[512];
    void (*done)(void *, int);
    void *arg;
};

struct rig {
    struct tn_host host;
    struct tn_core core;
    struct tn_dev dev;
    struct tn_loop loop;
    struct tn_dma dma;
    struct tn_block block;
    struct tn_stream stream;
    struct tn_virtio_port port;
    struct tn_cached cached[16];
    uint32_t ncached;
    struct tn_ram region;
    struct tn_view view_now;
    const struct tn_view *view;
    uint8_t *ram;
    struct tn_bh bh[MAX_BH];
    uint32_t nbh;
    struct virtio_blk *s;
    char error[256];
    /* the drive */
    struct tn_blk_info info;
    struct drive_io io[MAX_IO];
    uint32_t nio, seen, room, flushes, cancels, on_error,
        policy_seen; /* seen: of nio, by the last flush */
    int cache, cache_can;
    const struct tn_blk_ops *drive_ops;
    uint32_t attach_flags;
    /* the transport */
    uint64_t features;
    uint32_t notifies, config_changes, stopped;
    const char *broken;
    /* the driver */
    uint16_t avail, used, next_desc;
    uint64_t next_data;
};

static struct rig *rig; /* of the case that runs */

static const struct tn_class *the_class(void)
{
    return tn_plugin_v1.classes[0];
}

/* ---- core ---- */

TN_PRINTF(5, 6)
static void rig_fail(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    (void)e;
    (void)err;
    (void)file;
    (void)line;
    va_start(ap, fmt);
    vsnprintf(rig->error, sizeof rig->error, fmt, ap);
    va_end(ap);
}

TN_PRINTF(2, 3) static void rig_guest_error(struct tn_dev *d, const char *fmt, ...)
{
    (void)d;
    (void)fmt;
}

static const void *rig_port(struct tn_dev *d, void **p)
{
    (void)d;
    *p = rig;
    return &rig->port;
}

static const void *rig_get(const struct tn_host *h, const char *id)
{
    (void)h;
    return strcmp(id, TN_LOOP_1) == 0     ? (const void *)&rig->loop
           : strcmp(id, TN_DMA_1) == 0    ? (const void *)&rig->dma
           : strcmp(id, TN_BLOCK_1) == 0  ? (const void *)&rig->block
           : strcmp(id, TN_STREAM_1) == 0 ? (const void *)&rig->stream
                                          : NULL;
}

/* ---- loop ---- */

static struct tn_bh *rig_bh(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, void (*fn)(void *),
                            void *s)
{
    (void)d;
    (void)c;
    (void)flags;
    struct tn_bh *b = rig->nbh < MAX_BH ? &rig->bh[rig->nbh++] : NULL;
    if (b)
        *b = (struct tn_bh){fn, s, 0};
    return b;
}

static void rig_kick(struct tn_bh *b)
{
    b->kicked = 1;
}

/* Requests are an hour apart: no notification is held back. */
static uint64_t rig_now(struct tn_dev *d, uint32_t clk)
{
    static uint64_t hours; /* of all rigs */
    (void)d;
    (void)clk;
    return ++hours * 3600000000000u;
}

static struct tn_ctx *rig_home(struct tn_dev *d)
{
    return (struct tn_ctx *)(void *)d;
}

/* One turn of the loop: what was ready when it began. False: nothing was. */
static bool turn(void)
{
    uint32_t ready[MAX_BH], n = 0;
    for (uint32_t i = 0; i < rig->nbh; i++) {
        if (rig->bh[i].kicked)
            ready[n++] = i;
        rig->bh[i].kicked = 0;
    }
    for (uint32_t i = 0; i < n; i++)
        rig->bh[ready[i]].fn(rig->bh[ready[i]].s);
    return n != 0;
}

static void settle(void)
{
    for (int i = 0; i < 100 && turn(); i++)
        ;
}

/* ---- memory ---- */

static const struct tn_cached *rig_cache(struct tn_as *a, struct tn_ctx *c, uint64_t iova,
                                         uint64_t len, uint32_t dir, void (*changed)(void *),
                                         void *s)
{
    (void)a;
    (void)c;
    (void)dir;
    (void)changed;
    (void)s;
    struct tn_cached *m = &rig->cached[rig->ncached++ % 16];
    *m = (struct tn_cached){
        .va = iova + len <= RAM ? rig->ram + iova : NULL, .iova = iova, .len = len};
    return m;
}

static void rig_uncache(const struct tn_cached *c)
{
    (void)c;
}

static const struct tn_view *const *rig_view(struct tn_as *a, struct tn_ctx *c)
{
    (void)a;
    (void)c;
    return &rig->view;
}

/* ---- the drive ---- */

static int rig_attach(struct tn_blk *b, struct tn_dev *d, uint32_t flags,
                      const struct tn_blk_ops *o, void *s, struct tn_err *e)
{
    (void)b;
    (void)d;
    (void)s;
    (void)e;
    rig->attach_flags = flags;
    rig->drive_ops = o;
    return 0;
}

static int rig_info(struct tn_blk *b, struct tn_blk_info *out)
{
    (void)b;
    *out = rig->info;
    return 0;
}

static struct tn_blkq *rig_queue(struct tn_blk *b, struct tn_ctx *c, uint32_t flags)
{
    (void)b;
    (void)c;
    (void)flags;
    return (struct tn_blkq *)(void *)rig;
}

static int rig_submit(struct tn_blkq *q, uint32_t op, uint64_t off, uint64_t len,
                      const struct tn_iov *v, uint32_t n, uint32_t flags, void (*done)(void *, int),
                      void *arg)
{
    (void)q;
    if (rig->nio >= rig->room)
        return -EAGAIN;
    struct drive_io *io = &rig->io[rig->nio++];
    *io = (struct drive_io){op, flags, n, off, len, .done = done, .arg = arg};
    if (n)
        memcpy(io->v, v, n * sizeof *v);
    return 0;
}

static void rig_flush_batch(struct tn_blkq *q)
{
    (void)q;
    rig->flushes++;
    rig->seen = rig->nio;
}

static int rig_cancel(struct tn_blkq *q, void *arg)
{
    (void)q;
    for (uint32_t i = 0; i < rig->nio; i++)
        if (rig->io[i].arg == arg) {
            rig->cancels++;
            return 0;
        }
    return -ENOENT;
}

static int rig_on_error(struct tn_blk *b, uint32_t op, int err, uint32_t policy)
{
    (void)b;
    (void)op;
    (void)err;
    rig->policy_seen = policy;
    return (int)rig->on_error;
}

static int rig_write_cache(struct tn_blk *b, uint32_t on)
{
    (void)b;
    rig->cache = (int)on;
    return rig->cache_can;
}

/* The oldest request of the drive ends with err. */
static void end_io(int err)
{
    struct drive_io io = rig->io[0];
    if (!rig->seen)
        settle();
    if (!rig->seen--)
        abort(); /* it was never let go */
    memmove(rig->io, rig->io + 1, --rig->nio * sizeof io);
    io.done(io.arg, err);
}

static inline void end_all(int err)
{
    for (uint32_t n = rig->nio; n; n--)
        end_io(err);
}

/* ---- saved state ---- */

/* The state of one queue, as the class describes it. */
static inline const struct tn_state *queue_table(void)
{
    const struct tn_state *st = the_class()->state;
    return st->fields[st->nfields - 1].sub;
}

/* ---- the transport ---- */

static int rig_setup(void *p, const struct tn_virtio_setup *u, struct tn_err *e)
{
    (void)p;
    (void)u;
    (void)e;
    return 0;
}

static uint32_t rig_queues_hint(void *p, uint32_t fixed)
{
    (void)p;
    (void)fixed;
    return 2;
}

static struct tn_as *rig_dma(void *p)
{
    return p;
}

static int rig_no_fd(void *p, uint32_t q)
{
    (void)p;
    (void)q;
    return -ENOTSUP;
}

static void rig_notify(void *p, uint32_t q)
{
    (void)p;
    (void)q;
    rig->notifies++;
}

static void rig_config_changed(void *p)
{
    (void)p;
    rig->config_changes++;
}

static void rig_broken(void *p, const char *why)
{
    (void)p;
    rig->broken = why;
}

static void rig_queue_stopped(void *p, uint32_t q, int err)
{
    (void)p;
    (void)q;
    (void)err;
    rig->stopped++;
}

/* ---- life ---- */

static const struct tn_virtio_ops *vops(void)
{
    return the_class()->bus_ops;
}

static void put_default(const struct tn_prop *p, void *at)
{
    uint64_t v = p->defval;
    memcpy(at, &v, p->size < sizeof v ? p->size : sizeof v);
}

static void set_defaults(void)
{
    const struct tn_class *c = the_class();
    for (uint32_t i = 0; i < c->nprops; i++)
        put_default(&c->props[i], (char *)rig->s + c->props[i].offset);
}

/* An instance with default properties, which a test may change before realize(). */
static void rig_new(void)
{
    rig = calloc(1, sizeof *rig);
    rig->ram = calloc(1, RAM);
    rig->s = aligned_alloc(64, (the_class()->instance_size + 63) & ~63ull);
    memset(rig->s, 0, the_class()->instance_size);
    rig->host = (struct tn_host){.struct_size = sizeof rig->host, .get = rig_get};
    rig->core = (struct tn_core){.struct_size = sizeof rig->core,
                                 .fail = rig_fail,
                                 .guest_error = rig_guest_error,
                                 .port = rig_port};
    rig->dev = (struct tn_dev){&rig->host, &rig->core, the_class(), rig->s};
    rig->loop = (struct tn_loop){.struct_size = sizeof rig->loop,
                                 .now = rig_now,
                                 .bh = rig_bh,
                                 .kick = rig_kick,
                                 .home = rig_home};
    rig->dma = (struct tn_dma){.struct_size = sizeof rig->dma,
                               .cache = rig_cache,
                               .uncache = rig_uncache,
                               .view = rig_view};
    rig->region = (struct tn_ram){0, RAM, rig->ram, TN_DMA_READ | TN_DMA_WRITE, TN_MEM_RAM};
    rig->view_now = (struct tn_view){sizeof rig->view_now, 1, 0, sizeof rig->region, &rig->region};
    rig->view = &rig->view_now;
    rig->block = (struct tn_block){.struct_size = sizeof rig->block,
                                   .attach = rig_attach,
                                   .info = rig_info,
                                   .queue = rig_queue,
                                   .submit = rig_submit,
                                   .flush_batch = rig_flush_batch,
                                   .cancel = rig_cancel,
                                   .on_error = rig_on_error,
                                   .write_cache = rig_write_cache};
    rig->stream = (struct tn_stream){.struct_size = sizeof rig->stream,
                                     .put = rig_put,
                                     .put_sub = rig_put_sub,
                                     .get = rig_get_item,
                                     .get_sub = rig_get_sub,
                                     .get_count = rig_get_count};
    rig->port = (struct tn_virtio_port){.struct_size = sizeof rig->port,
                                        .setup = rig_setup,
                                        .queues_hint = rig_queues_hint,
                                        .dma = rig_dma,
                                        .kick_fd = rig_no_fd,
                                        .notify = rig_notify,
                                        .config_changed = rig_config_changed,
                                        .broken = rig_broken,
                                        .queue_stopped = rig_queue_stopped};
    rig->info = (struct tn_blk_info){.struct_size = sizeof rig->info,
                                     .flags = TN_BLKF_INSERTED | TN_BLKF_WRITE_CACHE,
                                     .size = 1 << 20,
                                     .logical = 512,
                                     .physical = 512};
    rig->room = MAX_IO;
    set_defaults();
    the_class()->init(rig->s, &rig->dev);
}

static int realize(void)
{
    return the_class()->realize(rig->s, NULL);
}

static void rig_free(void)
{
    free(rig->s);
    free(rig->ram);
    free(rig);
    rig = NULL;
}

static void start_queue(uint32_t flags)
{
    const struct tn_vq q = {.struct_size = sizeof q,
                            .flags = flags,
                            .size = RING,
                            .desc = DESC,
                            .driver = AVAIL,
                            .device = USED};
    vops()->queue_start(rig->s, &q);
    settle();
}

/* The driver has come up. */
static void start(uint64_t features)
{
    uint64_t f[2] = {features, 0};
    rig->features = features;
    vops()->negotiated(rig->s, f, 2, 0);
    start_queue(0);
    rig->next_data = DATA;
}

/* Realized, with a driver that wants a notification for each used buffer. */
static inline void rig_up(void)
{
    rig_new();
    if (realize() != 0)
        abort();
    start((uint64_t)1 << 32 | 1u << BLK_F_FLUSH);
}

static void rig_down(void)
{
    the_class()->unrealize(rig->s);
    rig_free();
}

#endif
