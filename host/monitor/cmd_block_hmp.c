/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks at the terminal. */
#include "backend/block_runtime.h"
#include "cli/keyval.h"
#include "hmp.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- info block ---- */

static int is_on(const struct kv_node *dict, const char *key)
{
    const char *t = kv_text(dict, key);
    return t && strcmp(t, "on") == 0;
}

static void print_limits(struct buf *out, const struct kv_node *node)
{
    static const char *const keys[] = {
        "bps",     "bps_rd",  "bps_wr",   "bps_max",     "bps_rd_max",  "bps_wr_max", "iops",
        "iops_rd", "iops_wr", "iops_max", "iops_rd_max", "iops_wr_max", "iops_size"};
    if (!kv_get(node, "group"))
        return;
    buf_str(out, "    I/O throttling:  ");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *v = kv_text(node, keys[i]);
        buf_printf(out, " %s=%s", keys[i], v ? v : "0");
    }
    buf_printf(out, " group=%s\n", kv_text(node, "group"));
}

static void print_node(struct buf *out, const struct kv_node *node)
{
    const struct kv_node *cache = kv_get(node, "cache");
    buf_printf(out, "    Cache mode:       %s%s%s\n",
               is_on(cache, "writeback") ? "writeback" : "writethrough",
               is_on(cache, "direct") ? ", direct" : "",
               is_on(cache, "no-flush") ? ", ignore flushes" : "");
    if (strcmp(kv_text(node, "detect_zeroes"), "off") != 0)
        buf_printf(out, "    Detect zeroes:    %s\n", kv_text(node, "detect_zeroes"));
    print_limits(out, node);
}

static void print_file(struct buf *out, const struct kv_node *node)
{
    buf_printf(out, ": %s (%s%s)\n", kv_text(node, "file"), kv_text(node, "drv"),
               is_on(node, "ro") ? ", read-only" : "");
}

static void print_image(struct buf *out, const struct kv_node *node)
{
    const struct kv_node *image = kv_get(node, "image");
    const char *actual = kv_text(image, "actual-size");
    buf_printf(out, "\nImages:\nimage: %s\nfile format: %s\nvirtual size: %s bytes\n",
               kv_text(image, "filename"), kv_text(image, "format"),
               kv_text(image, "virtual-size"));
    if (actual)
        buf_printf(out, "disk size: %s bytes\n", actual);
}

static void print_disk(struct buf *out, const struct kv_node *d, int verbose)
{
    const struct kv_node *node = kv_get(d, "inserted");
    const char *name = kv_text(d, "device"), *qdev = kv_text(d, "qdev");
    buf_str(out, *name ? name : qdev ? qdev : "");
    if (node) {
        buf_printf(out, " (%s)", kv_text(node, "node-name"));
        print_file(out, node);
    } else {
        buf_str(out, ": [not inserted]\n");
    }
    if (qdev)
        buf_printf(out, "    Attached to:      %s\n", qdev);
    if (is_on(d, "removable"))
        buf_str(out, "    Removable device: not locked, tray closed\n");
    if (node)
        print_node(out, node);
    if (node && verbose)
        print_image(out, node);
}

/* 1: this is the one that was asked for, or none was. */
static int wanted(const struct kv_node *entry, const char *key, const char *name)
{
    const char *own = kv_text(entry, key);
    return !name || (own && strcmp(own, name) == 0);
}

static int print_list(struct qmp_call *c, const char *command, const char *name, int verbose,
                      struct buf *out, struct tn_err *e)
{
    KV_AUTO *list = NULL;
    int nodes = strcmp(command, "query-block") != 0, any = 0;
    if (monitor_run(c, command, NULL, &list, e) < 0)
        return -EINVAL;
    for (size_t i = 0; i < list->n_child; i++) {
        const struct kv_node *d = list->child[i];
        if (!wanted(d, nodes ? "node-name" : "device", name))
            continue;
        if (any++)
            buf_str(out, "\n");
        if (!nodes) {
            print_disk(out, d, verbose);
            continue;
        }
        buf_str(out, kv_text(d, "node-name"));
        print_file(out, d);
        print_node(out, d);
        if (verbose)
            print_image(out, d);
    }
    return any;
}

static int info_block(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *name = NULL;
    uint32_t flags = 0;
    if (hmp_flags(&a, "nv", &flags) < 0 || hmp_word(&a, NULL, &name) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    int r = flags & 1 ? 0 : print_list(c, "query-block", name, (flags & 2) != 0, out, e);
    if (r == 0 && (name || flags & 1))
        r = print_list(c, "query-named-block-nodes", name, (flags & 2) != 0, out, e);
    return r < 0 ? r : 0;
}

static int info_blockstats(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    static const char *const keys[] = {
        "rd_bytes",         "wr_bytes",         "rd_operations",    "wr_operations",
        "flush_operations", "wr_total_time_ns", "rd_total_time_ns", "flush_total_time_ns",
        "rd_merged",        "wr_merged"};
    KV_AUTO *list = NULL;
    (void)line;
    if (monitor_run(c, "query-blockstats", NULL, &list, e) < 0)
        return -EINVAL;
    for (size_t i = 0; i < list->n_child; i++) {
        const struct kv_node *s = kv_get(list->child[i], "stats");
        buf_printf(out, "%s:", kv_text(list->child[i], "device"));
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
            buf_printf(out, " %s=%s", keys[k], kv_text(s, keys[k]));
        buf_str(out, "\n");
    }
    return 0;
}

/* ---- drives ---- */

/* What went wrong stands in the answer as it is: so QEMU's, and its tests. */
static int said(struct buf *out, const struct tn_err *e, const char *good)
{
    buf_printf(out, "%s%s", e->err ? err_text(e) : good, e->err || *good ? "\n" : "");
    return 0;
}

/* The numbers of -drive's if=. */
static int interface_of(const struct kv_node *opts)
{
    static const char *const names[] = {"none", "ide", "scsi",   "floppy", "pflash",
                                        "mtd",  "sd",  "virtio", "xen"};
    const char *name = kv_text(opts, "if");
    for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return name ? -1 : 0;
}

static int drive_add(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *slot = NULL;
    KV_AUTO *opts = NULL;
    uint32_t nodes = 0;
    ERR_AUTO why = {0};
    if (hmp_flags(&a, "n", &nodes) < 0 || hmp_word(&a, "string", &slot) < 0 ||
        hmp_options(&a, NULL, &opts) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    if (nodes) {
        char *text = NULL;
        KV_AUTO *tree = keyval_nest(opts, &text);
        if (tree)
            block_add_node(c->vm, tree, &why);
        else
            err_set(&why, EINVAL, "%s", text ? text : "bad options");
        free(text);
        return said(out, &why, "");
    }
    int type = interface_of(opts);
    if (type > 0) {
        buf_printf(out, "Can't hot-add drive to type %d\n", type);
        return 0;
    }
    if (type == 0)
        kv_set(opts, "if", "none");
    block_add_drive(c->vm, opts, 0, &why);
    return said(out, &why, "OK");
}

static int drive_del(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    ERR_AUTO why = {0};
    if (hmp_word(&a, "string", &id) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    block_drive_del(c->vm, id, &why);
    return said(out, &why, "");
}

static int eject(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    uint32_t force = 0;
    (void)out;
    if (hmp_flags(&a, "f", &force) < 0 || hmp_word(&a, "block device name", &id) < 0 ||
        hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "device", id);
    ret_bool(args, "force", force != 0);
    return monitor_run(c, "eject", args, NULL, e);
}

static int change(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    static const char *const keys[] = {"device", "filename", "format", "read-only-mode"};
    struct hmp_args a = {c, line, e};
    KV_AUTO *args = kv_new(KV_DICT);
    uint32_t force = 0;
    (void)out;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        AUTO_FREE char *word = NULL;
        const char *what = i == 0 ? "block device name" : i == 1 ? "filename" : NULL;
        if (hmp_word(&a, what, &word) < 0 || (i == 0 && hmp_flags(&a, "f", &force) < 0))
            return -EINVAL;
        if (word)
            kv_set(args, keys[i], word);
    }
    ret_bool(args, "force", force != 0);
    return hmp_end(&a) < 0 ? -EINVAL : monitor_run(c, "blockdev-change-medium", args, NULL, e);
}

static int block_resize_(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    uint64_t size;
    (void)out;
    if (hmp_word(&a, "block device name", &id) < 0 || hmp_size(&a, &size) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    kv_set(args, "device", id);
    ret_uint(args, "size", size);
    return monitor_run(c, "block_resize", args, NULL, e);
}

static int set_throttle(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    static const char *const keys[] = {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"};
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *id = NULL;
    KV_AUTO *args = kv_new(KV_DICT);
    (void)out;
    if (hmp_word(&a, "block device name", &id) < 0)
        return -EINVAL;
    kv_set(args, "device", id);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        uint64_t v;
        if (hmp_number(&a, &v) < 0)
            return -EINVAL;
        ret_int(args, keys[i], (int64_t)v);
    }
    return hmp_end(&a) < 0 ? -EINVAL : monitor_run(c, "block_set_io_throttle", args, NULL, e);
}

static void complete(struct qmp_call *c, const char *line, struct buf *out)
{
    struct device *d;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    {
        const struct tn_blk *b = d->entry->kind == TN_K_BLOCK ? blk_of(d) : NULL;
        if (b && b->drive)
            hmp_offer(out, line, b->drive);
    }
}

static const struct hmp_command hmp[] = {
    {.names = "block",
     .params = "[-n] [-v] [device]",
     .help = "show info of one block device or all block devices (-n: show named nodes; -v: show "
             "details)",
     .info = 1,
     .run = info_block,
     .complete = complete},
    {.names = "blockstats",
     .params = "",
     .help = "show block device statistics",
     .info = 1,
     .run = info_blockstats},
    {.names = "drive_add",
     .params = "[-n] [[<domain>:]<bus>:]<slot> [file=file][,if=type][,bus=n][,unit=m]"
               "[,media=d][,index=i][,snapshot=on|off][,cache=on|off][,readonly=on|off]",
     .help = "add drive to PCI storage controller",
     .run = drive_add},
    {.names = "drive_del",
     .params = "device",
     .help = "remove host block device",
     .run = drive_del,
     .complete = complete},
    {.names = "eject",
     .params = "[-f] device",
     .help = "eject a removable medium (use -f to force it)",
     .run = eject,
     .complete = complete},
    {.names = "change",
     .params = "device [-f] filename [format [read-only-mode]]",
     .help = "change a removable medium, optional format, use -f to force the operation",
     .run = change,
     .complete = complete},
    {.names = "block_resize",
     .params = "device size",
     .help = "resize a block image",
     .run = block_resize_,
     .complete = complete},
    {.names = "block_set_io_throttle",
     .params = "device bps bps_rd bps_wr iops iops_rd iops_wr",
     .help = "change I/O throttle limits for a block drive",
     .run = set_throttle,
     .complete = complete},
    {0},
};

const struct qmp_module qmp_block_hmp = {.hmp = hmp};
