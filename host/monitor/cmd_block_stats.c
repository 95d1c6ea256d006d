/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of disks: requests, bytes, times, latencies. */
#include "backend/block_runtime.h"
#include "block_answers.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- query-blockstats ---- */

static const struct {
    const char *name;
    uint32_t kind;
} kinds[] = {{"rd", BLOCK_ACCT_READ},
             {"wr", BLOCK_ACCT_WRITE},
             {"zone_append", BLOCK_ACCT_APPEND},
             {"flush", BLOCK_ACCT_FLUSH},
             {"unmap", BLOCK_ACCT_UNMAP}};

static void add_number(struct kv_node *out, const char *before, const char *kind, const char *after,
                       uint64_t v)
{
    AUTO_FREE char *key = xasprintf("%s%s%s", before, kind, after);
    ret_uint(out, key, v);
}

static void add_counters(struct kv_node *out, const struct block_stats *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const char *k = kinds[i].name;
        const __typeof__(s->kind[0]) *c = &s->kind[kinds[i].kind];
        if (kinds[i].kind != BLOCK_ACCT_FLUSH) {
            add_number(out, "", k, "_bytes", c->bytes);
            add_number(out, "", k, "_merged", 0);
        }
        add_number(out, "", k, "_operations", c->ops);
        add_number(out, "", k, "_total_time_ns", c->ns);
        add_number(out, "failed_", k, "_operations", c->failed);
        add_number(out, "invalid_", k, "_operations", c->invalid);
    }
    ret_uint(out, "wr_highest_offset", s->highest);
    if (s->last)
        ret_uint(out, "idle_time_ns", s->idle);
}

static void add_interval(struct kv_node *out, const struct block_interval *v)
{
    ret_uint(out, "interval_length", v->seconds);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const char *k = kinds[i].name;
        const __typeof__(v->kind[0]) *t = &v->kind[kinds[i].kind];
        if (kinds[i].kind == BLOCK_ACCT_UNMAP)
            continue;
        add_number(out, "min_", k, "_latency_ns", t->min);
        add_number(out, "max_", k, "_latency_ns", t->max);
        add_number(out, "avg_", k, "_latency_ns", t->avg);
        if (kinds[i].kind == BLOCK_ACCT_FLUSH)
            continue;
        AUTO_FREE char *depth = xasprintf("avg_%s_queue_depth", k);
        ret_double(out, depth, t->depth);
    }
}

/* As a disk has them; b NULL: a node that is none. */
static void add_times(struct kv_node *out, const struct tn_blk *b)
{
    struct block_accounting use = b ? block_accounting(b) : (struct block_accounting){0};
    struct block_interval v;
    ret_bool(out, "account_invalid", use.invalid);
    ret_bool(out, "account_failed", use.failed);
    struct kv_node *list = ret_list(out, "timed_stats");
    for (uint32_t i = 0; b && i < block_intervals(b); i++) {
        block_interval(b, i, &v);
        add_interval(ret_dict(list, NULL), &v);
    }
}

static void add_histogram(struct kv_node *out, const struct tn_blk *b, size_t i)
{
    const uint64_t *ns, *bins;
    uint32_t n = block_histogram(b, kinds[i].kind, &ns, &bins);
    if (!bins)
        return;
    AUTO_FREE char *key = xasprintf("%s_latency_histogram", kinds[i].name);
    struct kv_node *h = ret_dict(out, key), *boundaries = ret_list(h, "boundaries"),
                   *counts = ret_list(h, "bins");
    for (uint32_t j = 0; j < n; j++)
        ret_uint(boundaries, NULL, ns[j]);
    for (uint32_t j = 0; j <= n; j++)
        ret_uint(counts, NULL, __atomic_load_n(&bins[j], __ATOMIC_RELAXED));
}

/* What b's front end has written lies there in the node below. */
static uint64_t highest_below(const struct tn_blk *b, uint64_t highest)
{
    AUTO_FREE char *offset = block_option(b->dev, "offset");
    return highest && offset ? highest + strtoull(offset, NULL, 0) : highest;
}

/* disk: b, or NULL if it is shown as one of the nodes. */
static void add_stats(struct kv_node *out, struct tn_blk *b, const struct tn_blk *disk,
                      const struct tn_blk *image, uint64_t highest)
{
    struct block_stats s;
    block_stats(b, &s);
    if (highest > s.highest)
        s.highest = highest;
    if (!block_is_empty(image))
        ret_str(out, "node-name", image->dev->id);
    struct kv_node *stats = ret_dict(out, "stats");
    add_counters(stats, &s);
    add_times(stats, disk);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        add_histogram(stats, b, i);
    if (image->below)
        add_stats(ret_dict(out, "parent"), image->below, NULL, image->below,
                  highest_below(image, s.highest));
}

static void add_disk_stats(struct kv_node *list, struct tn_blk *b)
{
    struct kv_node *out = ret_dict(list, NULL);
    ret_str(out, "device", b->drive ? b->drive : "");
    if (b->front)
        ret_str(out, "qdev", b->front->dev->path);
    add_stats(out, b, b, block_image(b), 0);
}

static int query_stats(struct qmp_call *c, struct tn_err *e)
{
    const struct device *d;
    int nodes = arg_bool(c, "query-nodes", 0);
    (void)e;
    c->ret = kv_new(KV_LIST);
    TAILQ_FOREACH(d, &c->vm->devices, all)
    {
        struct tn_blk *b = (struct tn_blk *)(uintptr_t)block_node(d);
        if (b && nodes && !block_is_empty(b))
            add_stats(ret_dict(c->ret, NULL), b, NULL, b, 0);
        else if (b && !nodes && block_is_disk(b))
            add_disk_stats(c->ret, b);
    }
    return 0;
}

/* ---- block-latency-histogram-set ---- */

static const struct {
    const char *key, *word;
    uint32_t kind;
} histograms[] = {{"boundaries-read", "read", BLOCK_ACCT_READ},
                  {"boundaries-write", "write", BLOCK_ACCT_WRITE},
                  {"boundaries-zap", "append write", BLOCK_ACCT_APPEND},
                  {"boundaries-flush", "flush", BLOCK_ACCT_FLUSH}};

/* The numbers of a list, and how many: never NULL. */
static uint64_t *numbers(const struct kv_node *list, uint32_t *n)
{
    uint64_t *v = xcalloc(list->n_child + 1, sizeof *v);
    *n = (uint32_t)list->n_child;
    for (uint32_t i = 0; i < *n; i++)
        v[i] = strtoull(list->child[i]->text, NULL, 10);
    return v;
}

static const struct kv_node *boundaries(const struct qmp_call *c, size_t i)
{
    const struct kv_node *own = kv_get(c->args, histograms[i].key);
    return own ? own : kv_get(c->args, "boundaries");
}

static int set_one(struct qmp_call *c, struct tn_blk *b, size_t i, int check, struct tn_err *e)
{
    const struct kv_node *list = boundaries(c, i);
    uint32_t n;
    if (!list)
        return 0;
    AUTO_FREE uint64_t *ns = numbers(list, &n);
    if (check)
        return block_histogram_valid(ns, n)
                   ? 0
                   : err_set(e, EINVAL, "Device '%s' set %s boundaries fail", arg_str(c, "id"),
                             histograms[i].word);
    block_histogram_set(b, histograms[i].kind, ns, n);
    return 0;
}

/* With no boundaries at all nothing is counted any more. */
static int set_histograms(struct qmp_call *c, struct tn_err *e)
{
    struct tn_blk *b = block_by_device(c, arg_str(c, "id"), e);
    if (!b)
        return -ENODEV;
    if (c->args->n_child == 1)
        for (size_t i = 0; i < ARRAY_SIZE(histograms); i++)
            block_histogram_set(b, histograms[i].kind, NULL, 0);
    for (int check = 1; check >= 0; check--)
        for (size_t i = 0; i < ARRAY_SIZE(histograms); i++)
            if (set_one(c, b, i, check, e) < 0)
                return -EINVAL;
    return 0;
}

/* ---- tables ---- */

#define COUNTERS(k)                                              \
    {k "_operations", "int", 0}, {k "_total_time_ns", "int", 0}, \
        {"failed_" k "_operations", "int", 0},                   \
    {                                                            \
        "invalid_" k "_operations", "int", 0                     \
    }
#define BYTES(k) {k "_bytes", "int", 0}, {k "_merged", "int", 0}, COUNTERS(k)
static const struct qmp_member counters[] = {
    BYTES("rd"),
    BYTES("wr"),
    BYTES("zone_append"),
    COUNTERS("flush"),
    BYTES("unmap"),
    {"wr_highest_offset", "int", 0},
    {"idle_time_ns", "int", 1},
    {"account_invalid", "bool", 0},
    {"account_failed", "bool", 0},
    {"timed_stats", "[BlockDeviceTimedStats]", 0},
    {"rd_latency_histogram", "BlockLatencyHistogramInfo", 1},
    {"wr_latency_histogram", "BlockLatencyHistogramInfo", 1},
    {"zone_append_latency_histogram", "BlockLatencyHistogramInfo", 1},
    {"flush_latency_histogram", "BlockLatencyHistogramInfo", 1},
    {0}};
#define LATENCIES(k)                                                        \
    {"min_" k "_latency_ns", "int", 0}, {"max_" k "_latency_ns", "int", 0}, \
    {                                                                       \
        "avg_" k "_latency_ns", "int", 0                                    \
    }
static const struct qmp_member timed[] = {{"interval_length", "int", 0},
                                          LATENCIES("rd"),
                                          LATENCIES("wr"),
                                          LATENCIES("zone_append"),
                                          LATENCIES("flush"),
                                          {"avg_rd_queue_depth", "number", 0},
                                          {"avg_wr_queue_depth", "number", 0},
                                          {"avg_zone_append_queue_depth", "number", 0},
                                          {0}};
static const struct qmp_member stats[] = {
    {"device", "str", 1},        {"qdev", "str", 1},
    {"node-name", "str", 1},     {"stats", "BlockDeviceStats", 0},
    {"parent", "BlockStats", 1}, {0}};

static const struct qmp_member histogram[] = {
    {"boundaries", "[uint64]", 0}, {"bins", "[uint64]", 0}, {0}};
static const struct qmp_member stats_arg[] = {{"query-nodes", "bool", 1}, {0}};
static const struct qmp_member histogram_args[] = {{"id", "str", 0},
                                                   {"boundaries", "[uint64]", 1},
                                                   {"boundaries-read", "[uint64]", 1},
                                                   {"boundaries-write", "[uint64]", 1},
                                                   {"boundaries-zap", "[uint64]", 1},
                                                   {"boundaries-flush", "[uint64]", 1},
                                                   {0}};

static const struct qmp_type types[] = {
    {.name = "BlockDeviceStats", .members = counters},
    {.name = "BlockDeviceTimedStats", .members = timed},
    {.name = "BlockStats", .members = stats},
    {.name = "BlockLatencyHistogramInfo", .members = histogram},
    {.name = "q_obj_query-blockstats-arg", .members = stats_arg},
    {.name = "q_obj_block-latency-histogram-set-arg", .members = histogram_args},
    {0},
};

static const struct qmp_command commands[] = {
    {.name = "query-blockstats",
     .args = "q_obj_query-blockstats-arg",
     .ret = "[BlockStats]",
     .run = query_stats},
    {.name = "block-latency-histogram-set",
     .args = "q_obj_block-latency-histogram-set-arg",
     .run = set_histograms},
    {0},
};

const struct qmp_module qmp_block_stats = {.types = types, .commands = commands};
