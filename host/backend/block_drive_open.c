/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes of a -drive. */
#include "block_drive.h"

#include "block_probe.h"
#include "cli/json.h"
#include "cli/keyval.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int take_text(struct tn_err *e, int r, char **text)
{
    if (r < 0)
        err_set(e, -r, "%s", *text ? *text : "bad value");
    free(*text);
    *text = NULL;
    return r;
}

/* ---- file= as options of the tree ---- */

static int merge_json(struct kv_node *tree, const char *text, struct tn_err *e)
{
    char *why = NULL;
    KV_AUTO *json = json_parse(text, &why);
    if (!json || json->kind != KV_DICT) {
        err_set(e, EINVAL, "Could not parse the JSON options: %s",
                json  ? "Invalid JSON object given"
                : why ? why
                      : "");
        free(why);
        return -EINVAL;
    }
    for (size_t i = 0; i < json->n_child; i++)
        if (!kv_get(tree, json->child[i]->key))
            kv_add(tree, json->child[i]->key, kv_clone(json->child[i]));
    return 0;
}

/* The dict that describes the protocol node: below a format, which may be still unknown, or tree
 * itself. */
static struct kv_node *protocol_dict(struct vm *vm, struct kv_node *tree)
{
    const char *driver = kv_text(tree, "driver");
    struct kv_node *file = kv_get(tree, "file");
    if (driver && blk_is_driver(vm, driver) && !blk_is_format(vm, driver))
        return tree;
    return file ? file : kv_add(tree, "file", kv_new(KV_DICT));
}

static int place_file(struct vm *vm, struct kv_node *tree, const char *name, struct tn_err *e)
{
    char *why = NULL;
    if (strncmp(name, "json:", 5) == 0)
        return merge_json(tree, name + 5, e);
    struct kv_node *file = protocol_dict(vm, tree);
    if (kv_get(file, "filename"))
        return err_set(e, EINVAL, "Can't specify 'file' and 'filename' options at the same time");
    const char *driver = kv_text(file, "driver");
    int r = driver ? blk_parse_for(driver, name, file, &why) : blk_parse_filename(name, file, &why);
    return take_text(e, r, &why);
}

/* ---- format ---- */

/* Without format= the protocol node is opened first, to see what it holds. */
static struct device *open_probed(struct vm *vm, struct kv_node *tree,
                                  const struct blk_node_opts *o, const char *file, struct tn_err *e)
{
    struct blk_node_opts own = blk_inherited(o);
    const struct kv_node *dict = kv_get(tree, "file");
    if (!dict || dict->kind != KV_DICT) {
        err_set(e, EINVAL, "Must specify either driver or file");
        return NULL;
    }
    if (blk_node_opts(dict, BLK_DRIVE, &own, e) < 0)
        return NULL;
    struct device *below = blk_open(vm, dict, &own, NULL, BLK_DRIVE, e);
    if (!below)
        return NULL;
    kv_set(tree, "driver", "raw");
    struct device *d = block_refuse_formats(blk_of(below), file, e) < 0
                           ? NULL
                           : blk_open(vm, tree, o, below, BLK_DRIVE, e);
    if (!d)
        blk_close(below);
    return d;
}

static int check_driver(struct vm *vm, const char *driver, struct tn_err *e)
{
    if (!driver || blk_is_driver(vm, driver))
        return 0;
    err_set(e, ENOENT, "Unknown driver '%s'", driver);
    if (block_is_foreign(driver))
        err_hint(e, "Images of that format are for qemu-nbd: see docs/block.md");
    return -ENOENT;
}

static struct device *open_disk(struct vm *vm, struct kv_node *tree, const struct blk_node_opts *o,
                                const struct drive *v, struct tn_err *e)
{
    struct blk_node_opts base = *o;
    base.read_only |= v->snapshot;
    if (kv_get(tree, "driver"))
        return blk_open(vm, tree, &base, NULL, BLK_DRIVE, e);
    return open_probed(vm, tree, &base, v->file, e);
}

/* ---- on top ---- */

struct device *blk_open_throttle(struct vm *vm, const char *group, struct device *d,
                                 struct tn_err *e)
{
    KV_AUTO *tree = kv_new(KV_DICT);
    kv_set(tree, "driver", "throttle");
    kv_set(tree, "throttle-group", group);
    struct blk_node_opts none = {0};
    return blk_open(vm, tree, &none, d, BLK_DRIVE, e);
}

static struct device *put_throttle(struct vm *vm, struct device *d, const struct drive *v,
                                   struct tn_err *e)
{
    const char *name = v->group ? v->group : v->id;
    if (!v->group && !throttle_limits_any(&v->limits))
        return d;
    struct throttle_group *g = throttle_group_get(vm, name);
    if (throttle_limits_any(&v->limits))
        throttle_group_limit(g, &v->limits);
    struct device *top = blk_open_throttle(vm, name, d, e);
    throttle_group_put(g); /* the node has its own reference */
    return top;
}

static struct device *put_on_top(struct vm *vm, struct device *d, const struct drive *v,
                                 struct tn_err *e)
{
    struct device *top = v->snapshot ? blk_snapshot(vm, d, e) : d;
    struct device *root = top ? put_throttle(vm, top, v, e) : NULL;
    if (!root)
        blk_close(top ? top : d);
    return root;
}

/* What holds for the whole drive is asked of its root. */
static void set_root(struct tn_blk *b, const struct blk_node_opts *o, const struct drive *v)
{
    b->drive = xstrdup(v->id);
    b->automatic = strcmp(v->interface, "none") != 0;
    b->read_only = o->read_only;
    b->no_flush = o->no_flush || v->snapshot;
    b->unmap = o->unmap;
    b->detect = o->detect;
    b->write_back = !o->writethrough;
    b->rerror = v->rerror;
    b->werror = v->werror;
    block_account_set(b, (struct block_accounting){v->account_invalid, v->account_failed});
    if (v->nintervals)
        block_intervals_set(b, v->intervals, v->nintervals);
}

struct device *blk_open_empty(struct vm *vm, struct tn_err *e)
{
    struct class_entry *c = registry_class(vm->registry, TN_K_BLOCK, blk_empty_class.name, e);
    AUTO_FREE char *name = xasprintf("#block%03u", block_state(vm)->anon++);
    struct device *d = c ? device_new(vm, c, name, NULL, NULL, e) : NULL;
    if (d && block_create(d) && (device_realize(d, NULL, e) < 0 || blk_opened(blk_of(d), e) < 0)) {
        device_free(d);
        return NULL;
    }
    return d;
}

/* Nothing was said of a medium. */
static int is_empty(const struct kv_node *tree)
{
    for (size_t i = 0; i < tree->n_child; i++)
        if (!blk_is_node_key(tree->child[i]->key) || strcmp(tree->child[i]->key, "driver") == 0)
            return 0;
    return 1;
}

static struct device *open_all(struct vm *vm, struct kv_node *tree, const struct drive *v,
                               struct blk_node_opts *o, struct tn_err *e)
{
    if (blk_node_opts(tree, BLK_DRIVE, o, e) < 0)
        return NULL;
    if (!v->file && is_empty(tree))
        return blk_open_empty(vm, e);
    if (check_driver(vm, kv_text(tree, "driver"), e) < 0 ||
        (v->file && place_file(vm, tree, v->file, e) < 0))
        return NULL;
    struct device *d = open_disk(vm, tree, o, v, e);
    return d ? put_on_top(vm, d, v, e) : NULL;
}

int drive_open(struct vm *vm, struct kv_node *flat, const struct drive *v, struct tn_err *e)
{
    char *why = NULL;
    KV_AUTO *tree = keyval_nest(flat, &why);
    struct blk_node_opts o = {0};
    if (!tree)
        return take_text(e, -EINVAL, &why);
    struct device *d = open_all(vm, tree, v, &o, e);
    if (!d)
        return -EINVAL;
    set_root(blk_of(d), &o, v);
    return 0;
}

struct device *drive_open_medium(struct vm *vm, const char *filename, const char *format,
                                 int read_only, struct tn_err *e)
{
    struct drive v = {.file = (char *)(uintptr_t)filename};
    struct blk_node_opts o = {0};
    KV_AUTO *tree = kv_new(KV_DICT);
    if (format)
        kv_set(tree, "driver", format);
    kv_set(tree, "read-only", read_only ? "on" : "off");
    return open_all(vm, tree, &v, &o, e);
}
