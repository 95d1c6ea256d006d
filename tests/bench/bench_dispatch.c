/* SPDX-License-Identifier: BSD-2-Clause */
/* What one trapped access costs in the host, apart from the exit: ns for each space, number of
 * ranges, pattern, lock and number of threads.
 *
 *     bench_dispatch [FILE.json]
 *
 * Each figure is processor time, the best of several passes, of the slower of the threads. Two
 * threads have different devices where there are two. Rows G12 and B07 of the mission: few against
 * many, one thread against two. */
#include "util/alloc.h"
#include "vm_fixture.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ADDRS = 4096, ACCESSES = 64 * ADDRS, PASSES = 5, STRIDE = 16, MMIO_BASE = 0x10000000 };
static const uint32_t counts[] = {1, 8, 64, 1000};
static const char *const patterns[] = {"same", "sequential", "random"};

struct cell {
    const char *space, *op, *pattern;
    uint32_t ranges, locked, threads;
    double ns;
};

static uint64_t on_read(void *s, uint64_t off, uint32_t size)
{
    (void)off;
    (void)size;
    return (uint64_t)(uintptr_t)s;
}

static void on_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    (void)s;
    (void)off;
    (void)v;
    (void)size;
}

static const struct tn_region_ops locked_ops = {sizeof locked_ops, 0,       0, 0, 0, 0,
                                                on_read,           on_write};
static const struct tn_region_ops free_ops = {sizeof free_ops, TN_RO_NO_LOCK, 0, 0, 0, 0,
                                              on_read,         on_write};

struct ticker {
    struct tn_dev *dev;
    uint32_t index, locked;
};

static int init(void *s, struct tn_dev *d)
{
    ((struct ticker *)s)->dev = d;
    return 0;
}

static int add(struct ticker *t, uint32_t space, uint64_t base, struct tn_err *e)
{
    const struct tn_regions *table = TN_GET(t->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req q = {
        .struct_size = sizeof q, .space = space, .base = base, .size = STRIDE / 2, .name = "tick"};
    struct tn_region *r;
    return table->add(t->dev, &q, t->locked ? &locked_ops : &free_ops, t, &r, e);
}

static int realize(void *s, struct tn_err *e)
{
    struct ticker *t = s;
    int r = add(t, TN_SPACE_PIO, t->index * STRIDE, e);
    return r < 0 ? r : add(t, TN_SPACE_MMIO, MMIO_BASE + t->index * STRIDE, e);
}

static const struct tn_prop props[] = {
    TN_PROP(struct ticker, index, "index", U32, 0, NULL),
    TN_PROP(struct ticker, locked, "locked", U32, 0, NULL),
};
static const struct tn_class ticker = {.struct_size = sizeof ticker,
                                       .flags = TN_C_THREADSAFE,
                                       .name = "ticker",
                                       .instance_size = sizeof(struct ticker),
                                       .props = props,
                                       .nprops = ARRAY_SIZE(props),
                                       .prop_stride = sizeof props[0],
                                       .init = init,
                                       .realize = realize};
FIXTURE_PLUGIN(tickers, &ticker);

/* ---- one thread's run ---- */

struct runner {
    struct space *space;
    uint64_t addr[ADDRS];
    uint32_t write;
    uint64_t ns, sum;
    pthread_barrier_t *start;
};

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *run(void *p)
{
    struct runner *r = p;
    uint64_t sum = 0;
    pthread_barrier_wait(r->start);
    uint64_t t0 = now();
    if (r->write)
        for (uint32_t i = 0; i < ACCESSES; i++)
            space_write(r->space, r->addr[i % ADDRS], i, 4);
    else
        for (uint32_t i = 0; i < ACCESSES; i++)
            sum += space_read(r->space, r->addr[i % ADDRS], 4);
    r->ns = now() - t0;
    r->sum = sum; /* so that nothing is left out */
    return NULL;
}

static void fill(struct runner *r, uint32_t which, const struct cell *c, uint64_t base)
{
    uint32_t seed = 1 + which, first = which * (c->ranges / 2);
    for (uint32_t i = 0; i < ADDRS; i++) {
        seed = seed * 1103515245 + 12345;
        uint32_t at = strcmp(c->pattern, "same") == 0     ? first
                      : strcmp(c->pattern, "random") == 0 ? seed >> 8
                                                          : first + i;
        r->addr[i] = base + (uint64_t)(at % c->ranges) * STRIDE;
    }
}

static double measure(struct vm *vm, const struct cell *c)
{
    static struct runner r[2];
    int pio = strcmp(c->space, "pio") == 0;
    double best = 1e9;
    for (int pass = 0; pass < PASSES; pass++) {
        pthread_barrier_t start;
        pthread_t t[2];
        pthread_barrier_init(&start, NULL, c->threads);
        for (uint32_t i = 0; i < c->threads; i++) {
            r[i].space = pio ? vm->pio : vm->mmio;
            r[i].write = strcmp(c->op, "write") == 0;
            r[i].start = &start;
            fill(&r[i], i, c, pio ? 0 : MMIO_BASE);
            pthread_create(&t[i], NULL, run, &r[i]);
        }
        uint64_t worst = 0;
        for (uint32_t i = 0; i < c->threads; i++) {
            pthread_join(t[i], NULL);
            worst = r[i].ns > worst ? r[i].ns : worst;
        }
        pthread_barrier_destroy(&start);
        double ns = (double)worst / ACCESSES;
        best = ns < best ? ns : best;
    }
    return best;
}

/* ---- all of them ---- */

static struct cell cells[512];
static uint32_t ncells;

static void measure_vm(struct vm *vm, uint32_t ranges, uint32_t locked)
{
    static const char *const spaces[] = {"pio", "mmio"}, *const ops[] = {"read", "write"};
    for (uint32_t k = 0; k < 2 * 2 * 3 * 2; k++) {
        struct cell c = {.space = spaces[k / 12],
                         .op = ops[k / 6 % 2],
                         .pattern = patterns[k / 2 % 3],
                         .ranges = ranges,
                         .locked = locked,
                         .threads = k % 2 + 1};
        c.ns = measure(vm, &c);
        cells[ncells++] = c;
    }
}

static void measure_all(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(counts); i++)
        for (uint32_t locked = 0; locked < 2; locked++) {
            struct vm *vm = fixture_vm_with(&tickers);
            for (uint32_t k = 0; k < counts[i]; k++) {
                char text[64];
                snprintf(text, sizeof text, "ticker,index=%u,locked=%u", k, locked);
                if (!fixture_add(vm, TN_K_DEVICE, text))
                    abort();
                fixture_spin(vm);
            }
            fixture_start(vm);
            measure_vm(vm, counts[i], locked);
            vm_free(vm);
        }
}

static void print_table(void)
{
    printf("%-5s %-6s %-6s %-11s %8s %12s %12s\n", "space", "op", "lock", "pattern", "ranges",
           "1 thread ns", "2 threads ns");
    for (uint32_t i = 0; i + 1 < ncells; i += 2)
        printf("%-5s %-6s %-6s %-11s %8u %12.1f %12.1f\n", cells[i].space, cells[i].op,
               cells[i].locked ? "yes" : "no", cells[i].pattern, cells[i].ranges, cells[i].ns,
               cells[i + 1].ns);
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
                "  {\"space\": \"%s\", \"op\": \"%s\", \"pattern\": \"%s\", \"ranges\": %u, "
                "\"locked\": %s, \"threads\": %u, \"ns\": %.2f}%s\n",
                cells[i].space, cells[i].op, cells[i].pattern, cells[i].ranges,
                cells[i].locked ? "true" : "false", cells[i].threads, cells[i].ns,
                i + 1 < ncells ? "," : "");
    fprintf(f, "]\n");
    return fclose(f) != 0;
}

int main(int argc, char **argv)
{
    measure_all();
    print_table();
    return argc > 1 ? print_json(argv[1]) : 0;
}
