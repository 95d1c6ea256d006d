/* SPDX-License-Identifier: BSD-2-Clause */
/* One node from the tree that describes it, and the nodes below it. */
#include "block_open.h"

#include "cli/keyval.h"
#include "cli/values.h"
#include "core/prop.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct block_state *block_state(struct vm *vm)
{
    if (!vm->block) {
        vm->block = XNEW(struct block_state);
        LIST_INIT(&vm->block->groups);
    }
    return vm->block;
}

/* ---- drivers ---- */

static struct class_entry *driver(struct vm *vm, const char *name)
{
    struct class_entry *c = registry_peek(vm->registry, TN_K_BLOCK, name);
    return c && !(c->flags & TN_C_INTERNAL) ? c : NULL;
}

int blk_is_driver(struct vm *vm, const char *name)
{
    return driver(vm, name) != NULL;
}

static const struct tn_prop *find_prop(const struct tn_class *c, const char *key)
{
    return prop_find((struct prop_table){c->props, c->nprops, c->prop_stride}, key);
}

static const struct tn_prop *file_prop(const struct tn_class *c)
{
    const struct tn_prop *p = find_prop(c, "file");
    return p && p->type == TN_P_DRIVE ? p : NULL;
}

int blk_is_format(struct vm *vm, const char *name)
{
    ERR_AUTO e = {0};
    struct class_entry *c = driver(vm, name);
    c = c ? registry_class(vm->registry, TN_K_BLOCK, name, &e) : NULL;
    return c && c->cls && file_prop(c->cls);
}

/* ---- options of any node ---- */

static const char *const node_keys[] = {"driver",  "node-name", "read-only",   "auto-read-only",
                                        "discard", "cache",     "force-share", "detect-zeroes"};

int blk_is_node_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(node_keys); i++)
        if (strcmp(key, node_keys[i]) == 0)
            return 1;
    return 0;
}

static int bad_bool(const char *key, struct tn_err *e)
{
    return err_set(e, EINVAL, "Parameter '%s' expects 'on' or 'off'", key);
}

static int get_bool(const struct kv_node *dict, const char *key, const char *name, bool *out,
                    struct tn_err *e)
{
    const struct kv_node *n = kv_get(dict, key);
    if (!n)
        return 0;
    return kv_is_scalar(n) && val_bool(name, n->text, out, NULL) == 0 ? 0 : bad_bool(name, e);
}

static int bad_choice(const char *key, const struct kv_node *n, enum blk_style style,
                      struct tn_err *e)
{
    const char *text = kv_is_scalar(n) ? n->text : "";
    if (style == BLK_BLOCKDEV)
        return err_set(e, EINVAL, "Parameter '%s' does not accept value '%s'", key, text);
    return strcmp(key, "discard") == 0 ? err_set(e, EINVAL, "Invalid discard option")
                                       : err_set(e, EINVAL, "invalid parameter value: %s", text);
}

/* -drive knows two more words for each. */
static int get_discard(const struct kv_node *tree, enum blk_style style, bool *unmap,
                       struct tn_err *e)
{
    static const char *const names[] = {"ignore", "unmap", "off", "on"};
    const struct kv_node *n = kv_get(tree, "discard");
    size_t i;
    if (!n)
        return 0;
    if (!kv_is_scalar(n) ||
        val_choice("discard", n->text, names, style == BLK_DRIVE ? 4 : 2, &i, NULL) < 0)
        return bad_choice("discard", n, style, e);
    *unmap = i & 1;
    return 0;
}

static int get_detect(const struct kv_node *tree, enum blk_style style, struct blk_node_opts *o,
                      struct tn_err *e)
{
    static const char *const names[] = {"off", "on", "unmap"};
    const struct kv_node *n = kv_get(tree, "detect-zeroes");
    size_t i;
    if (!n)
        return 0;
    if (!kv_is_scalar(n) || val_choice("detect-zeroes", n->text, names, 3, &i, NULL) < 0)
        return bad_choice("detect-zeroes", n, style, e);
    o->detect = (enum blk_detect)i;
    if (o->detect == BLK_DETECT_UNMAP && !o->unmap)
        return err_set(e, EINVAL,
                       "setting detect-zeroes to unmap is not allowed without setting discard "
                       "operation to unmap");
    return 0;
}

static int get_cache(const struct kv_node *tree, enum blk_style style, struct blk_node_opts *o,
                     struct tn_err *e)
{
    const struct kv_node *cache = kv_get(tree, "cache");
    bool write_back = !o->writethrough;
    if (!cache)
        return 0;
    if (cache->kind != KV_DICT)
        return err_set(e, EINVAL, "Invalid parameter type for 'cache', expected: object");
    for (size_t i = 0; i < cache->n_child; i++) {
        const char *k = cache->child[i]->key;
        if (strcmp(k, "direct") != 0 && strcmp(k, "no-flush") != 0 &&
            !(style == BLK_DRIVE && strcmp(k, "writeback") == 0))
            return err_set(e, EINVAL, "Parameter 'cache.%s' is unexpected", k);
    }
    int r = get_bool(cache, "direct", "cache.direct", &o->direct, e);
    if (r == 0)
        r = get_bool(cache, "no-flush", "cache.no-flush", &o->no_flush, e);
    if (r == 0)
        r = get_bool(cache, "writeback", "cache.writeback", &write_back, e);
    o->writethrough = !write_back;
    return r;
}

int blk_node_opts(const struct kv_node *tree, enum blk_style style, struct blk_node_opts *o,
                  struct tn_err *e)
{
    int r = get_bool(tree, "read-only", "read-only", &o->read_only, e);
    if (r == 0)
        r = get_bool(tree, "auto-read-only", "auto-read-only", &o->auto_read_only, e);
    if (r == 0)
        r = get_bool(tree, "force-share", "force-share", &o->force_share, e);
    if (r == 0)
        r = get_cache(tree, style, o, e);
    if (r == 0)
        r = get_discard(tree, style, &o->unmap, e);
    if (r == 0)
        r = get_detect(tree, style, o, e);
    if (r == 0 && o->force_share && !o->read_only)
        return err_set(e, EINVAL, "force-share=on can only be used with read-only images");
    return r;
}

/* A child always unmaps: whether it is asked to is the upper node's matter. */
struct blk_node_opts blk_inherited(const struct blk_node_opts *o)
{
    return (struct blk_node_opts){.read_only = o->read_only,
                                  .auto_read_only = o->auto_read_only,
                                  .direct = o->direct,
                                  .no_flush = o->no_flush,
                                  .force_share = o->force_share,
                                  .unmap = true};
}

/* ---- names ---- */

static int check_name(struct vm *vm, const char *name, struct tn_err *e)
{
    if (!keyval_is_id(name) || strlen(name) > 31)
        return err_set(e, EINVAL, "Invalid node-name: '%s'", name);
    if (device_find(vm, TN_K_BLOCK, name))
        return err_set(e, EEXIST, "Duplicate nodes with node-name='%s'", name);
    return block_find(vm, name)
               ? err_set(e, EEXIST, "node-name=%s is conflicting with a device id", name)
               : 0;
}

static char *node_name(struct vm *vm, const struct kv_node *tree, struct tn_err *e)
{
    const char *given = kv_text(tree, "node-name");
    if (!given)
        return xasprintf("#block%03u", block_state(vm)->anon++);
    return check_name(vm, given, e) < 0 ? NULL : xstrdup(given);
}

/* ---- the class's own options ---- */

struct setter {
    struct device *d;
    enum blk_style style;
};

static int unknown(const struct setter *s, const char *key, struct tn_err *e)
{
    const struct tn_class *c = s->d->pub.cls;
    if (s->style == BLK_BLOCKDEV)
        return err_set(e, EINVAL, "Parameter '%s' is unexpected", key);
    return file_prop(c) ? err_set(e, EINVAL, "Block format '%s' does not support the option '%s'",
                                  c->name, key)
                        : err_set(e, EINVAL, "Block protocol '%s' doesn't support the option '%s'",
                                  c->name, key);
}

/* QEMU's words for a value of the wrong kind; 0: it is for the property to say. */
static int check_value(const struct tn_prop *p, const struct kv_node *v, struct tn_err *e)
{
    bool on;
    if (!kv_is_scalar(v))
        return err_set(e, EINVAL, "Invalid parameter type for '%s', expected: string", p->name);
    if (p->type == TN_P_BOOL && val_bool(p->name, v->text, &on, NULL) < 0)
        return bad_bool(p->name, e);
    for (const char *const *n = p->type == TN_P_ENUM ? p->names : NULL; n && *n; n++)
        if (strcmp(*n, v->text) == 0)
            return 0;
    return p->type == TN_P_ENUM
               ? err_set(e, EINVAL, "Parameter '%s' does not accept value '%s'", p->name, v->text)
               : 0;
}

static int set_option(const struct setter *s, const char *key, const struct kv_node *v,
                      struct tn_err *e)
{
    const struct tn_prop *p = find_prop(s->d->pub.cls, key);
    if (!p || blk_is_node_key(key))
        return unknown(s, key, e);
    if (check_value(p, v, e) < 0)
        return -EINVAL;
    return device_set(s->d, key, v->text, e);
}

/* A dict is a path: server.type. */
static int set_options(const struct setter *s, const char *prefix, const struct kv_node *dict,
                       struct tn_err *e)
{
    for (size_t i = 0; i < dict->n_child; i++) {
        const struct kv_node *v = dict->child[i];
        if (!*prefix &&
            (blk_is_node_key(v->key) || (file_prop(s->d->pub.cls) && strcmp(v->key, "file") == 0)))
            continue;
        AUTO_FREE char *key = xasprintf("%s%s", prefix, v->key);
        AUTO_FREE char *below = xasprintf("%s.", key);
        int r = v->kind == KV_DICT ? set_options(s, below, v, e) : set_option(s, key, v, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_flag(struct device *d, const char *key, bool on, struct tn_err *e)
{
    if (!find_prop(d->pub.cls, key))
        return 0;
    return device_set(d, key, on ? "on" : "off", e);
}

static int set_node_opts(struct device *d, const struct blk_node_opts *o, struct tn_err *e)
{
    struct tn_blk *b = blk_of(d);
    b->read_only = o->read_only;
    b->no_flush = o->no_flush;
    b->unmap = o->unmap;
    b->detect = o->detect;
    b->writethrough = o->writethrough;
    int r = set_flag(d, "read-only", o->read_only, e);
    if (r == 0)
        r = set_flag(d, "auto-read-only", o->auto_read_only, e);
    if (r == 0)
        r = set_flag(d, "cache.direct", o->direct, e);
    if (r == 0)
        r = set_flag(d, "cache.no-flush", o->no_flush, e);
    return r == 0 ? set_flag(d, "force-share", o->force_share, e) : r;
}

static int check_required(const struct tn_class *c, const struct kv_node *tree, struct tn_err *e)
{
    for (uint32_t i = 0; i < c->nprops; i++) {
        const struct tn_prop *p =
            prop_at((struct prop_table){c->props, c->nprops, c->prop_stride}, i);
        if ((p->flags & TN_PF_REQUIRED) && p->type != TN_P_DRIVE && !kv_get(tree, p->name))
            return err_set(e, EINVAL, "Parameter '%s' is missing", p->name);
    }
    return 0;
}

/* ---- opening ---- */

static struct device *named_node(struct vm *vm, const char *name, struct tn_err *e)
{
    struct device *d = block_find(vm, name);
    if (!d)
        err_set(e, ENOENT, "Cannot find device='%s' nor node-name='%s'", name, name);
    return d;
}

/* The node below, and whether it was made here. */
static struct device *open_below(struct vm *vm, const struct kv_node *tree,
                                 const struct blk_node_opts *o, enum blk_style style, int *made,
                                 struct tn_err *e)
{
    const struct kv_node *file = kv_get(tree, "file");
    if (!file) {
        err_set(e, EINVAL,
                style == BLK_BLOCKDEV ? "Parameter '%s' is missing"
                                      : "A block device must be specified for \"%s\"",
                "file");
        return NULL;
    }
    if (kv_is_scalar(file))
        return named_node(vm, file->text, e);
    struct blk_node_opts own = blk_inherited(o);
    if (file->kind != KV_DICT || blk_node_opts(file, style, &own, e) < 0) {
        err_set(e, EINVAL, "Invalid parameter type for 'file', expected: BlockdevRef");
        return NULL;
    }
    *made = 1;
    return blk_open(vm, file, &own, NULL, style, e);
}

static int configure(struct device *d, const struct kv_node *tree, const struct blk_node_opts *o,
                     enum blk_style style, struct tn_err *e)
{
    struct setter s = {d, style};
    int r = check_required(d->pub.cls, tree, e);
    if (r == 0)
        r = set_node_opts(d, o, e);
    return r == 0 ? set_options(&s, "", tree, e) : r;
}

static int fill(struct device *d, const struct kv_node *tree, const struct blk_node_opts *o,
                struct device *below, enum blk_style style, struct tn_err *e)
{
    int r = configure(d, tree, o, style, e);
    if (r == 0 && below)
        r = device_set_handle(d, "file", blk_of(below), e);
    if (r == 0)
        r = device_realize(d, NULL, e);
    return r < 0 ? r : blk_opened(blk_of(d), e);
}

static struct class_entry *find_driver(struct vm *vm, const struct kv_node *tree,
                                       enum blk_style style, struct tn_err *e)
{
    const char *name = kv_text(tree, "driver");
    if (!name)
        err_set(e, EINVAL, "Parameter 'driver' is missing");
    else if (!driver(vm, name))
        err_set(e, EINVAL,
                style == BLK_BLOCKDEV ? "Parameter 'driver' does not accept value '%s'"
                                      : "Unknown driver '%s'",
                name);
    else
        return registry_class(vm->registry, TN_K_BLOCK, name, e);
    return NULL;
}

static struct device *new_node(struct vm *vm, struct class_entry *c, const struct kv_node *tree,
                               struct tn_err *e)
{
    AUTO_FREE char *name = node_name(vm, tree, e);
    struct device *d = name ? device_new(vm, c, name, NULL, NULL, e) : NULL;
    if (d && !block_create(d)) {
        err_set(e, ENOTSUP, "Block driver '%s' has no back end's functions", c->name);
        device_free(d);
        return NULL;
    }
    return d;
}

struct device *blk_prepare(struct vm *vm, const struct kv_node *tree, const struct blk_node_opts *o,
                           enum blk_style style, struct tn_err *e)
{
    KV_AUTO *unnamed = kv_clone(tree);
    kv_remove(unnamed, "node-name");
    struct class_entry *c = find_driver(vm, tree, style, e);
    struct device *d = c ? new_node(vm, c, unnamed, e) : NULL;
    if (!d || configure(d, unnamed, o, style, e) == 0)
        return d;
    device_free(d);
    return NULL;
}

struct device *blk_open(struct vm *vm, const struct kv_node *tree, const struct blk_node_opts *o,
                        struct device *below, enum blk_style style, struct tn_err *e)
{
    int made = 0;
    struct class_entry *c = find_driver(vm, tree, style, e);
    if (!c)
        return NULL;
    if (!below && file_prop(c->cls) && !(below = open_below(vm, tree, o, style, &made, e)))
        return NULL;
    struct device *d = new_node(vm, c, tree, e);
    if (d && fill(d, tree, o, below, style, e) == 0)
        return d;
    if (d)
        device_free(d);
    if (made)
        blk_close(below);
    return NULL;
}

/* The newest node that b stands on, older than before. */
static struct device *child_of(struct vm *vm, const struct tn_blk *b, struct device *before)
{
    for (struct device *c = before ? TAILQ_PREV(before, device_list, all)
                                   : TAILQ_LAST(&vm->devices, device_list);
         c; c = TAILQ_PREV(c, device_list, all))
        if (c->entry->kind == TN_K_BLOCK && blk_of(c) && blk_of(c)->parent == b)
            return c;
    return NULL;
}

void blk_close(struct device *d)
{
    if (!d || d->holds)
        return;
    struct device *first = child_of(d->vm, blk_of(d), NULL),
                  *second = first ? child_of(d->vm, blk_of(d), first) : NULL;
    device_free(d);
    if (first && !blk_of(first)->owned)
        blk_close(first);
    if (second && !blk_of(second)->owned)
        blk_close(second);
}

/* ---- -blockdev ---- */

int block_add_node(struct vm *vm, const struct kv_node *tree, struct tn_err *e)
{
    struct blk_node_opts o = {0};
    if (!kv_text(tree, "driver"))
        return err_set(e, EINVAL, "Parameter 'driver' is missing");
    if (!blk_is_driver(vm, kv_text(tree, "driver")))
        return find_driver(vm, tree, BLK_BLOCKDEV, e) ? 0 : -EINVAL;
    if (!kv_text(tree, "node-name"))
        return err_set(e, EINVAL, "'node-name' must be specified for the root node");
    int r = blk_node_opts(tree, BLK_BLOCKDEV, &o, e);
    if (r < 0)
        return r;
    struct device *d = blk_open(vm, tree, &o, NULL, BLK_BLOCKDEV, e);
    if (d)
        blk_of(d)->owned = 1;
    return d ? 0 : -EINVAL;
}
