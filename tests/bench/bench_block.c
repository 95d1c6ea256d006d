/* SPDX-License-Identifier: BSD-2-Clause */
/* Random 4 KiB requests through the file plugin alone, no guest: operations a second.
 *
 *     bench_block FILE SIZE read|write DEPTH SECONDS OPTIONS
 *
 * OPTIONS goes behind `driver=file,...` as JSON members: "'aio': 'threads', 'cache.direct': true".
 * The context is an iothread's. bench_block.py runs it beside fio. */
#include "block_rig.h"
#include "util/alloc.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct tn_plugin tn_plugin_v1;

enum { BLOCK = 4096, DEPTH_MAX = 256 };

struct bench {
    struct rig *g;
    void *queue;
    uint64_t blocks, random, done, until;
    uint32_t op, depth, running, over, held;
    struct rig_req req[DEPTH_MAX];
};

static void submit(struct bench *b, struct rig_req *r)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    r->ended = 0;
    r->r.off = (b->random >> 33) % b->blocks * BLOCK;
    if (b->g->be->submit(b->queue, &r->r) < 0)
        abort();
}

/* As a device does: one batch for all that ends in one round. */
static void flush(void *p)
{
    struct bench *b = p;
    b->held = 0;
    b->g->be->flush_batch(b->queue);
}

static struct tn_bh *flush_bh;

static void ended(struct rig_req *r)
{
    struct bench *b = r->arg;
    if (r->err)
        abort();
    b->done++;
    if ((b->done & 15) == 0 && clock_now(&b->g->vm->clock, TN_CLK_REAL) >= b->until) {
        b->until = 0;
    }
    if (!b->until) {
        if (--b->running == 0)
            __atomic_store_n(&b->over, 1, __ATOMIC_RELEASE);
        return;
    }
    submit(b, r);
    if (!b->held++)
        bh_kick(flush_bh);
}

static void begin(void *p)
{
    struct bench *b = p;
    b->running = b->depth;
    for (uint32_t i = 0; i < b->depth; i++) {
        void *buffer = aligned_alloc(BLOCK, BLOCK);
        memset(buffer, (int)i, BLOCK);
        b->req[i].then = ended;
        b->req[i].arg = b;
        rig_fill(&b->req[i], b->op, 0, buffer, BLOCK, 0);
        submit(b, &b->req[i]);
    }
    flush(b);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    AUTO_FREE char *options =
        xasprintf("{'driver': 'file', 'id': 'b', 'filename': '%s', %s}", argv[1], argv[6]);
    struct rig *g = rig_new(&tn_plugin_v1, options);
    if (!g) {
        fprintf(stderr, "%s\n", fixture_error);
        return 1;
    }
    struct tn_ctx *c = rig_iothread(g, "io");
    struct bench *b = XNEW(struct bench);
    uint64_t ns = (uint64_t)(atof(argv[5]) * 1e9), t0 = clock_now(&g->vm->clock, TN_CLK_REAL);
    *b = (struct bench){.g = g,
                        .queue = rig_queue(g, c),
                        .blocks = strtoull(argv[2], NULL, 0) / BLOCK,
                        .random = 1,
                        .op = strcmp(argv[3], "read") == 0 ? TN_BLK_READ : TN_BLK_WRITE,
                        .depth = (uint32_t)atoi(argv[4]),
                        .until = t0 + ns};
    flush_bh = bh_new(c, NULL, TN_LF_NOLOCK, flush, b);
    bh_once(c, NULL, begin, b);
    while (!__atomic_load_n(&b->over, __ATOMIC_ACQUIRE))
        usleep(1000);
    printf("%.0f\n", (double)b->done * 1e9 / (double)(clock_now(&g->vm->clock, TN_CLK_REAL) - t0));
    rig_queue_del(g, c, b->queue);
    rig_free(g);
    free(b);
    return 0;
}
