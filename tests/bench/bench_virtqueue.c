/* SPDX-License-Identifier: BSD-2-Clause */
/* What a buffer costs a device, apart from its bytes: ns from vq_pop() to vq_publish(), by format,
 * layout and number of buffers that are published together.
 *
 *     bench_virtqueue [FILE.json]
 *
 * One thread is the driver and the device in turn, a whole ring each; only the device's turn is
 * timed. The best of several passes. Rows B05 and N01 of the mission. */
#include "util/alloc.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE = 256, DATA = RIG_BASE + 0x200000, BYTES = 256, ROUNDS = 400, PASSES = 7, BATCH = 32 };

struct layout {
    const char *name;
    uint32_t nout, nin;
    bool indirect;
};

static const struct layout layouts[] = {
    {"direct, 1", 1, 0, false},
    {"direct, 3", 2, 1, false},
    {"indirect, 3", 2, 1, true},
    {"indirect, 18", 17, 1, true},
};
static const uint32_t batches[] = {1, BATCH};
static const struct {
    const char *name;
    uint32_t flags;
} formats[] = {
    {"split", 0},
    {"split, in order", TN_VQ_IN_ORDER},
    {"packed", TN_VQ_PACKED},
    {"packed, in order", TN_VQ_PACKED | TN_VQ_IN_ORDER},
};

struct cell {
    const char *format, *layout;
    uint32_t batch, descriptors;
    double ns; /* for each buffer */
};

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t fill(struct drv *d, const struct layout *l)
{
    struct drv_buf b[32];
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->nout + l->nin; i++)
        b[i] = (struct drv_buf){DATA + BYTES * i, BYTES};
    while (drv_add(d, b, l->nout, l->nin, l->indirect, n))
        n++;
    drv_publish(d);
    return n;
}

static void reap(struct drv *d)
{
    uint64_t token;
    uint32_t len;
    while (drv_get(d, &token, &len))
        ;
}

/* The device's turn: n buffers are there. */
static void serve_each(struct vq *q, uint32_t n)
{
    while (n--) {
        struct vq_elem *el = vq_pop(q);
        vq_push(q, el, (uint32_t)el->in_len);
        vq_publish(q);
    }
}

static void serve_batches(struct vq *q, uint32_t n)
{
    while (n) {
        void *els[BATCH];
        uint32_t written[BATCH], k = vq_pop_some(q, els, BATCH);
        for (uint32_t i = 0; i < k; i++)
            written[i] = (uint32_t)((struct vq_elem *)els[i])->in_len;
        vq_push_some(q, els, written, k);
        vq_publish(q);
        n -= k;
    }
}

static double pass(struct vq *q, struct drv *d, const struct cell *c, const struct layout *l)
{
    uint64_t ns = 0, buffers = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t n = fill(d, l);
        uint64_t from = now();
        if (c->batch == BATCH)
            serve_batches(q, n);
        else
            serve_each(q, n);
        ns += now() - from;
        buffers += n;
        reap(d);
    }
    return (double)ns / (double)buffers;
}

static void measure(struct cell *c, uint32_t flags, const struct layout *l)
{
    static struct rig rig;
    struct drv d;
    struct vq q;
    rig_init(&rig, 0);
    drv_init(&d, &rig, flags | TN_VQ_INDIRECT | TN_VQ_EVENT_IDX, SIZE, RIG_BASE);
    drv_interrupts(&d, 0);
    vq_init(&q, sizeof(struct vq_elem), 4);
    if (vq_start(&q, &d.c, &rig_dma, rig_as(&rig), NULL, NULL) < 0)
        abort();
    c->ns = 1e9;
    for (uint32_t i = 0; i < PASSES; i++) {
        double ns = pass(&q, &d, c, l);
        c->ns = ns < c->ns ? ns : c->ns;
    }
    if (q.broken)
        abort();
    vq_stop(&q);
    vq_fini(&q);
    drv_fini(&d);
    rig_fini(&rig);
}

static struct cell cells[64];
static uint32_t ncells;

static void measure_all(void)
{
    for (uint32_t f = 0; f < ARRAY_SIZE(formats); f++)
        for (uint32_t l = 0; l < ARRAY_SIZE(layouts); l++)
            for (uint32_t b = 0; b < ARRAY_SIZE(batches); b++) {
                struct cell *c = &cells[ncells++];
                *c = (struct cell){.format = formats[f].name,
                                   .layout = layouts[l].name,
                                   .batch = batches[b],
                                   .descriptors = layouts[l].nout + layouts[l].nin};
                measure(c, formats[f].flags, &layouts[l]);
            }
}

static double descriptors_per_second(const struct cell *c)
{
    return 1e9 / c->ns * c->descriptors;
}

static void print_table(void)
{
    printf("%-17s %-13s %6s %10s %18s\n", "format", "layout", "batch", "ns/buffer",
           "descriptors/s");
    for (uint32_t i = 0; i < ncells; i++)
        printf("%-17s %-13s %6u %10.1f %18.0f\n", cells[i].format, cells[i].layout, cells[i].batch,
               cells[i].ns, descriptors_per_second(&cells[i]));
}

static int print_json(const char *path)
{
    FILE *f = fopen(path, "we");
    if (!f) {
        perror(path);
        return 1;
    }
    fprintf(f, "[\n");
    for (uint32_t i = 0; i < ncells; i++)
        fprintf(f,
                "  {\"format\": \"%s\", \"layout\": \"%s\", \"batch\": %u, \"ns\": %.2f, "
                "\"descriptors_per_second\": %.0f}%s\n",
                cells[i].format, cells[i].layout, cells[i].batch, cells[i].ns,
                descriptors_per_second(&cells[i]), i + 1 < ncells ? "," : "");
    fprintf(f, "]\n");
    return fclose(f) != 0;
}

int main(int argc, char **argv)
{
    measure_all();
    print_table();
    return argc > 1 ? print_json(argv[1]) : 0;
}
