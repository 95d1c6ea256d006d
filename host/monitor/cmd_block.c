/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks: nodes that come and go, sizes, limits, media. */
#include "backend/block_runtime.h"
#include "block_answers.h"
#include "block_types.h"

#include "cli/keyval.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what there is ---- */

static int query_block(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = block_disks(c->vm);
    return 0;
}

static int query_nodes(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = block_nodes(c->vm);
    return 0;
}

/* ---- which one is meant ---- */

static struct tn_blk *not_found(const char *name, struct tn_err *e)
{
    err_set(e, ENODEV, "Device '%s' not found", name);
    err_class(e, "DeviceNotFound");
    return NULL;
}

struct tn_blk *block_by_device(struct qmp_call *c, const char *id, struct tn_err *e)
{
    int found;
    struct tn_blk *b = block_of_device(c->vm, id, &found);
    if (!b && !found)
        return not_found(id, e);
    if (!b)
        err_set(e, EINVAL, "Device does not have a block device backend");
    return b;
}

/* By exactly one of device (a drive) and id (of a device that has one). */
static struct tn_blk *find(struct qmp_call *c, struct tn_err *e)
{
    const char *device = arg_str(c, "device"), *id = arg_str(c, "id");
    if (!device == !id) {
        err_set(e, EINVAL, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    struct tn_blk *b = device ? block_drive(c->vm, device) : block_by_device(c, id, e);
    return b || !device ? b : not_found(device, e);
}

/* ---- nodes ---- */

static int blockdev_add(struct qmp_call *c, struct tn_err *e)
{
    return block_add_node(c->vm, c->args, e);
}

static int blockdev_del(struct qmp_call *c, struct tn_err *e)
{
    return block_node_del(c->vm, arg_str(c, "node-name"), e);
}

static int resize(struct qmp_call *c, struct tn_err *e)
{
    const char *device = arg_str(c, "device"), *node = arg_str(c, "node-name");
    int64_t size = arg_int(c, "size", 0);
    struct tn_blk *b = device ? block_drive(c->vm, device) : NULL;
    if (!b && node)
        b = blk_of(device_find(c->vm, TN_K_BLOCK, node));
    if (!b)
        return err_set(e, ENOENT, "Cannot find device='%s' nor node-name='%s'",
                       device ? device : "", node ? node : "");
    if (size < 0)
        return err_set(e, EINVAL, "Parameter 'size' expects a >0 size");
    return block_resize_disk(b, (uint64_t)size, e);
}

/* ---- limits ---- */

static const struct {
    const char *key;
    enum throttle_bucket bucket;
} buckets[] = {{"bps", THROTTLE_BPS_TOTAL},     {"bps_rd", THROTTLE_BPS_READ},
               {"bps_wr", THROTTLE_BPS_WRITE},  {"iops", THROTTLE_IOPS_TOTAL},
               {"iops_rd", THROTTLE_IOPS_READ}, {"iops_wr", THROTTLE_IOPS_WRITE}};

static int read_limit(struct qmp_call *c, const char *key, uint64_t otherwise, uint64_t *v,
                      struct tn_err *e)
{
    int64_t n = arg_int(c, key, (int64_t)otherwise);
    *v = (uint64_t)n;
    return n < 0 ? err_set(e, EINVAL, "bps/iops/max values must be within [0, 1000000000000000]")
                 : 0;
}

static int read_limits(struct qmp_call *c, struct throttle_limits *l, struct tn_err *e)
{
    int r = read_limit(c, "iops_size", 0, &l->op_size, e);
    for (size_t i = 0; i < ARRAY_SIZE(buckets) && r == 0; i++) {
        struct throttle_limit *one = &l->of[buckets[i].bucket];
        AUTO_FREE char *max = xasprintf("%s_max", buckets[i].key),
                       *length = xasprintf("%s_max_length", buckets[i].key);
        r = read_limit(c, buckets[i].key, 0, &one->avg, e);
        if (r == 0)
            r = read_limit(c, max, 0, &one->max, e);
        if (r == 0)
            r = read_limit(c, length, 1, &one->length, e);
    }
    return r;
}

static int set_io_throttle(struct qmp_call *c, struct tn_err *e)
{
    struct throttle_limits l;
    struct tn_blk *b = find(c, e);
    if (!b)
        return -ENODEV;
    throttle_limits_init(&l);
    int r = read_limits(c, &l, e);
    return r < 0 ? r : block_set_limits(b, arg_str(c, "group"), &l, e);
}

/* ---- media ---- */

static int may_change_tray(const struct tn_blk *b, struct qmp_call *c, struct tn_err *e)
{
    const char *device = arg_str(c, "device");
    return b->front ? err_set(e, EBUSY, "Device '%s' is not removable",
                              device ? device : arg_str(c, "id"))
                    : 0;
}

static int eject(struct qmp_call *c, struct tn_err *e)
{
    struct tn_blk *b = find(c, e);
    return b ? block_eject(b, e) : -ENODEV;
}

/* A drive that no device uses has no tray. */
static int tray(struct qmp_call *c, struct tn_err *e)
{
    const struct tn_blk *b = find(c, e);
    return b ? may_change_tray(b, c, e) : -ENODEV;
}

/* Only of a device that has a tray, and no device here has one. */
static int medium(struct qmp_call *c, struct tn_err *e)
{
    const struct tn_blk *b = block_by_device(c, arg_str(c, "id"), e);
    return b ? may_change_tray(b, c, e) : -ENODEV;
}

static int change_medium(struct qmp_call *c, struct tn_err *e)
{
    struct tn_blk *b = find(c, e);
    const char *mode = arg_str(c, "read-only-mode");
    if (!b)
        return -ENODEV;
    int ro =
        !mode || strcmp(mode, "retain") == 0 ? b->read_only != 0 : strcmp(mode, "read-only") == 0;
    return block_change(b, arg_str(c, "filename"), arg_str(c, "format"), ro, e);
}

static int reopen(struct qmp_call *c, struct tn_err *e)
{
    return block_reopen(c->vm, kv_get(c->args, "options"), e);
}

/* ---- tables ---- */

static const struct qmp_member node_arg[] = {{"node-name", "str", 0}, {0}};
static const struct qmp_member nodes_arg[] = {{"flat", "bool", 1}, {0}};
static const struct qmp_member resize_args[] = {
    {"device", "str", 1}, {"node-name", "str", 1}, {"size", "int", 0}, {0}};
static const struct qmp_member reopen_args[] = {{"options", "[BlockdevOptions]", 0}, {0}};
static const struct qmp_member throttle_args[] = {
    {"device", "str", 1}, {"id", "str", 1}, BLOCK_LIMITS, BLOCK_BURSTS, {0}};
static const struct qmp_member eject_args[] = {
    {"device", "str", 1}, {"id", "str", 1}, {"force", "bool", 1}, {0}};
static const struct qmp_member tray_args[] = {{"device", "str", 1}, {"id", "str", 1}, {0}};
static const struct qmp_member remove_args[] = {{"id", "str", 0}, {0}};
static const struct qmp_member insert_args[] = {{"id", "str", 0}, {"node-name", "str", 0}, {0}};
static const struct qmp_member change_args[] = {{"device", "str", 1},
                                                {"id", "str", 1},
                                                {"filename", "str", 0},
                                                {"format", "str", 1},
                                                {"force", "bool", 1},
                                                {"read-only-mode", "BlockdevChangeReadOnlyMode", 1},
                                                {0}};
static const char *const change_modes[] = {"retain", "read-only", "read-write", NULL};
static const struct qmp_member io_error[] = {{"qom-path", "str", 0},
                                             {"device", "str", 0},
                                             {"node-name", "str", 1},
                                             {"operation", "IoOperationType", 0},
                                             {"action", "BlockErrorAction", 0},
                                             {"nospace", "bool", 1},
                                             {"reason", "str", 0},
                                             {0}};
static const char *const operations[] = {"read", "write", NULL};
static const char *const actions[] = {"ignore", "report", "stop", NULL};

static const struct qmp_type types[] = {
    {.name = "q_obj_blockdev-del-arg", .members = node_arg},
    {.name = "q_obj_query-named-block-nodes-arg", .members = nodes_arg},
    {.name = "q_obj_block_resize-arg", .members = resize_args},
    {.name = "q_obj_blockdev-reopen-arg", .members = reopen_args},
    {.name = "BlockIOThrottle", .members = throttle_args},
    {.name = "q_obj_eject-arg", .members = eject_args},
    {.name = "q_obj_blockdev-close-tray-arg", .members = tray_args},
    {.name = "q_obj_blockdev-remove-medium-arg", .members = remove_args},
    {.name = "q_obj_blockdev-insert-medium-arg", .members = insert_args},
    {.name = "q_obj_blockdev-change-medium-arg", .members = change_args},
    {.name = "BlockdevChangeReadOnlyMode", .meta = QMP_ENUM, .values = change_modes},
    {.name = "q_obj_BLOCK_IO_ERROR-arg", .members = io_error},
    {.name = "IoOperationType", .meta = QMP_ENUM, .values = operations},
    {.name = "BlockErrorAction", .meta = QMP_ENUM, .values = actions},
    {0},
};

static const struct qmp_command commands[] = {
    {.name = "query-block", .ret = "[BlockInfo]", .run = query_block},
    {.name = "query-named-block-nodes",
     .args = "q_obj_query-named-block-nodes-arg",
     .ret = "[BlockDeviceInfo]",
     .run = query_nodes},
    {.name = "blockdev-add", .args = "BlockdevOptions", .run = blockdev_add},
    {.name = "blockdev-del", .args = "q_obj_blockdev-del-arg", .run = blockdev_del},
    {.name = "blockdev-reopen", .args = "q_obj_blockdev-reopen-arg", .run = reopen},
    {.name = "block_resize", .args = "q_obj_block_resize-arg", .run = resize},
    {.name = "block_set_io_throttle", .args = "BlockIOThrottle", .run = set_io_throttle},
    {.name = "eject", .args = "q_obj_eject-arg", .run = eject},
    {.name = "blockdev-open-tray", .args = "q_obj_eject-arg", .run = tray},
    {.name = "blockdev-close-tray", .args = "q_obj_blockdev-close-tray-arg", .run = tray},
    {.name = "blockdev-remove-medium", .args = "q_obj_blockdev-remove-medium-arg", .run = medium},
    {.name = "blockdev-insert-medium", .args = "q_obj_blockdev-insert-medium-arg", .run = medium},
    {.name = "blockdev-change-medium",
     .args = "q_obj_blockdev-change-medium-arg",
     .run = change_medium},
    {0},
};

static const struct qmp_event events[] = {
    {.name = "BLOCK_IO_ERROR",
     .data = "q_obj_BLOCK_IO_ERROR-arg",
     .interval_ms = 1000,
     .key = "qom-path"},
    {0},
};

const struct qmp_module qmp_block = {.types = types, .commands = commands, .events = events};
