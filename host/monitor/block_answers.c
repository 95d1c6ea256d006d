/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_answers.h"

#include "backend/block_runtime.h"
#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- an image ---- */

static void add_image(struct kv_node *out, const struct tn_blk *b, const char *filename)
{
    struct kv_node *image = ret_dict(out, "image");
    struct stat st;
    ret_str(image, "filename", filename);
    ret_str(image, "format", b->dev->entry->name);
    ret_uint(image, "virtual-size", (b->info.size + BLK_BLOCK - 1) & ~(uint64_t)(BLK_BLOCK - 1));
    if (stat(filename, &st) == 0 && S_ISREG(st.st_mode))
        ret_int(image, "actual-size", (int64_t)st.st_blocks * 512);
    ret_bool(image, "dirty-flag", 0);
}

static const struct {
    const char *key;
    enum throttle_bucket bucket;
} limits[] = {{"bps", THROTTLE_BPS_TOTAL},     {"bps_rd", THROTTLE_BPS_READ},
              {"bps_wr", THROTTLE_BPS_WRITE},  {"iops", THROTTLE_IOPS_TOTAL},
              {"iops_rd", THROTTLE_IOPS_READ}, {"iops_wr", THROTTLE_IOPS_WRITE}};

/* Bursts only where there are limits. */
static void add_limits(struct kv_node *out, const struct throttle_group *g)
{
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        ret_uint(out, limits[i].key, g ? g->t.limits.of[limits[i].bucket].avg : 0);
    if (!g)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        const struct throttle_limit *l = &g->t.limits.of[limits[i].bucket];
        AUTO_FREE char *max = xasprintf("%s_max", limits[i].key),
                       *length = xasprintf("%s_max_length", limits[i].key);
        if (!l->max)
            continue;
        ret_uint(out, max, l->max);
        ret_uint(out, length, l->length);
    }
    if (g->t.limits.op_size)
        ret_uint(out, "iops_size", g->t.limits.op_size);
    ret_str(out, "group", g->name);
}

static void add_cache(struct kv_node *out, const struct tn_blk *b, const struct tn_blk *top)
{
    AUTO_FREE char *direct = block_option(block_protocol(b->dev), "cache.direct");
    struct kv_node *cache = ret_dict(out, "cache");
    ret_bool(cache, "writeback", __atomic_load_n(&top->write_back, __ATOMIC_RELAXED) != 0);
    ret_bool(cache, "direct", direct && (strcmp(direct, "on") == 0 || strcmp(direct, "true") == 0));
    ret_bool(cache, "no-flush", b->no_flush || top->no_flush);
}

/* BlockDeviceInfo of node b, below top. */
static void add_node(struct kv_node *out, const struct tn_blk *b, const struct tn_blk *top)
{
    static const char *const detect[] = {"off", "on", "unmap"};
    AUTO_FREE char *filename = block_filename(b);
    ret_str(out, "file", filename);
    ret_str(out, "node-name", b->dev->id);
    ret_bool(out, "ro", b->read_only || top->read_only || (b->info.flags & TN_BLKF_READONLY));
    ret_str(out, "drv", b->dev->entry->name);
    ret_int(out, "backing_file_depth", 0);
    ret_bool(out, "active", 1);
    ret_bool(out, "encrypted", 0);
    ret_str(out, "detect_zeroes", detect[top->detect]);
    add_limits(out, block_group(top));
    add_image(out, b, filename);
    add_cache(out, b, top);
    ret_int(out, "write_threshold", 0);
}

/* ---- disks ---- */

static const char *io_status(const struct tn_blk *b)
{
    uint32_t err = __atomic_load_n(&b->io_error, __ATOMIC_RELAXED);
    if (!err || run_state(b->dev->vm) == RUN_RUNNING)
        return "ok";
    return err == ENOSPC ? "nospace" : "failed";
}

static void add_disk(struct kv_node *list, const struct tn_blk *b)
{
    struct kv_node *out = ret_dict(list, NULL);
    ret_str(out, "device", b->drive ? b->drive : "");
    if (b->front)
        ret_str(out, "qdev", b->front->dev->path);
    ret_str(out, "type", "unknown");
    ret_bool(out, "removable", !b->front);
    ret_bool(out, "locked", 0);
    if (!block_is_empty(b))
        add_node(ret_dict(out, "inserted"), block_image(b), b);
    if (b->front && !block_is_empty(b))
        ret_str(out, "io-status", io_status(b));
}

const struct tn_blk *block_node(const struct device *d)
{
    return d->entry->kind == TN_K_BLOCK && d->stage == DEV_REALIZED && d->handle_type == TN_P_DRIVE
               ? d->handle
               : NULL;
}

struct kv_node *block_disks(struct vm *vm)
{
    struct kv_node *list = kv_new(KV_LIST);
    const struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        const struct tn_blk *b = block_node(d);
        if (b && block_is_disk(b))
            add_disk(list, b);
    }
    return list;
}

struct kv_node *block_nodes(struct vm *vm)
{
    struct kv_node *list = kv_new(KV_LIST);
    const struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        const struct tn_blk *b = block_node(d);
        if (b && !block_is_empty(b))
            add_node(ret_dict(list, NULL), b, b);
    }
    return list;
}
