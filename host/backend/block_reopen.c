/* SPDX-License-Identifier: BSD-2-Clause */
/* blockdev-reopen: nodes that stay where they are, with other options. What the host itself sees to
 * changes in the handle; what an image was opened with takes another instance, which trades places
 * with the one before. Everything that can fail is done before anything changes. Main thread. */
#include "block_runtime.h"

#include "core/prop.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct tn_blk *b, *root;
    const struct kv_node *tree;
    struct blk_node_opts o;
    struct device *fresh; /* NULL: the instance stays. After the trade: what was before */
    uint32_t ready;       /* the image's locks are fresh's */
};
struct reopen {
    struct vm *vm;
    struct item *item;
    size_t n;
    uint32_t drained;
};

/* ---- what may change ---- */

static struct prop_table props_of(const struct device *d)
{
    const struct tn_class *c = d->pub.cls;
    return (struct prop_table){c->props, c->nprops, c->prop_stride};
}

/* Those of struct tn_blk_open: what any node has, and a back end must know when it opens. */
static int is_open_prop(const char *name)
{
    return blk_is_node_key(name) || strncmp(name, "cache.", 6) == 0;
}

/* The first option in which the instances differ; NULL: they are alike. */
static const char *difference(const struct device *a, const struct device *b,
                              int (*fit)(const char *))
{
    for (uint32_t i = 0; i < props_of(a).n; i++) {
        const struct tn_prop *p = prop_at(props_of(a), i);
        BUF_AUTO one = {0}, other = {0};
        if (p->type == TN_P_DRIVE || !fit(p->name))
            continue;
        prop_get(p, a->pub.self, &one);
        prop_get(p, b->pub.self, &other);
        if (strcmp(buf_cstr(&one), buf_cstr(&other)) != 0)
            return p->name;
    }
    return NULL;
}

static int is_own_prop(const char *name)
{
    return !is_open_prop(name);
}

/* Is it in tree, where a.b is b in the dict a? */
static int is_given(const struct kv_node *tree, const char *name)
{
    const char *dot = strchr(name, '.');
    AUTO_FREE char *head = dot ? xstrndup(name, (size_t)(dot - name)) : NULL;
    if (kv_get(tree, name) || !dot)
        return kv_get(tree, name) != NULL;
    const struct kv_node *below = kv_get(tree, head);
    return below && below->kind == KV_DICT && is_given(below, dot + 1);
}

static int check_own(const struct item *it, struct tn_err *e)
{
    const char *name = difference(it->b->dev, it->fresh, is_own_prop);
    if (!name)
        return 0;
    return is_given(it->tree, name)
               ? err_set(e, EINVAL, "Cannot change the option '%s'", name)
               : err_set(e, EINVAL, "Option '%s' cannot be reset to its default value", name);
}

/* Whoever writes goes on writing. */
static int check_writers(const struct item *it, struct tn_err *e)
{
    const struct blk_front *f = it->root->front;
    return it->o.read_only && f && f->access & TN_BLKA_WRITE
               ? err_set(e, EPERM, "Read-only block node '%s' cannot support read-write users",
                         device_id(it->b->dev))
               : 0;
}

static int check_item(struct reopen *r, struct item *it, struct tn_err *e)
{
    it->root = block_root(it->b);
    int err = check_writers(it, e);
    if (err == 0)
        it->fresh = blk_prepare(r->vm, it->tree, &it->o, BLK_BLOCKDEV, e);
    if (err == 0 && !it->fresh)
        return -EINVAL;
    if (err == 0)
        err = check_own(it, e);
    if (err == 0 && (it->b->below || !difference(it->b->dev, it->fresh, is_open_prop))) {
        device_free(it->fresh); /* it was for a comparison only */
        it->fresh = NULL;
    }
    return err;
}

/* ---- which nodes ---- */

static int add(struct reopen *r, struct tn_blk *b, const struct kv_node *tree,
               const struct blk_node_opts *inherited, struct tn_err *e);

static int cannot(const char *option, struct tn_err *e)
{
    return err_set(e, EINVAL, "Cannot change the option '%s'", option);
}

/* A node that was written into its parent's option takes over what it does not say itself; one that
 * has a name of its own stays as it is. */
static int add_below(struct reopen *r, struct tn_blk *b, const struct kv_node *tree,
                     const struct blk_node_opts *o, struct tn_err *e)
{
    const struct kv_node *file = kv_get(tree, "file");
    struct blk_node_opts own = blk_inherited(o);
    if (!file)
        return err_set(e, EINVAL, "Parameter 'file' is missing");
    if (kv_is_scalar(file))
        return blk_of(block_find(r->vm, file->text)) == b->below ? 0 : cannot("file", e);
    const char *name = kv_text(file, "node-name");
    if (b->below->owned || (name && strcmp(name, device_id(b->below->dev)) != 0))
        return cannot("file", e);
    return add(r, b->below, file, &own, e);
}

static int add(struct reopen *r, struct tn_blk *b, const struct kv_node *tree,
               const struct blk_node_opts *inherited, struct tn_err *e)
{
    const char *driver = kv_text(tree, "driver");
    for (size_t i = 0; i < r->n; i++)
        if (r->item[i].b == b)
            return err_set(e, EINVAL, "Node '%s' is named twice", device_id(b->dev));
    if (driver && strcmp(driver, b->dev->entry->name) != 0)
        return cannot("driver", e);
    r->item = xrealloc(r->item, (r->n + 1) * sizeof *r->item);
    struct item *it = &r->item[r->n++];
    *it = (struct item){.b = b, .tree = tree, .o = *inherited};
    if (blk_node_opts(tree, BLK_BLOCKDEV, &it->o, e) < 0 || check_item(r, it, e) < 0)
        return -EINVAL;
    const struct blk_node_opts o = it->o;
    return b->below ? add_below(r, b, tree, &o, e) : 0;
}

static int add_named(struct reopen *r, const struct kv_node *tree, struct tn_err *e)
{
    static const struct blk_node_opts none = {0};
    const char *name = kv_text(tree, "node-name");
    if (!name)
        return err_set(e, EINVAL, "node-name not specified");
    struct tn_blk *b = blk_of(device_find(r->vm, TN_K_BLOCK, name));
    return b ? add(r, b, tree, &none, e)
             : err_set(e, ENOENT, "Failed to find node with node-name='%s'", name);
}

/* ---- the other instances ---- */

static int open_fresh(struct item *it, struct tn_err *e)
{
    int err = device_realize(it->fresh, NULL, e);
    if (err == 0)
        err = blk_opened(blk_of(it->fresh), e);
    return err < 0 ? err : blk_trade_prepare(it->b, blk_of(it->fresh), e);
}

/* The locks of an image are one instance's at a time. */
static int move_locks(const struct item *it, struct tn_blk *from, struct tn_blk *to,
                      struct tn_err *e)
{
    const struct blk_front *f = it->root->front;
    blk_access(from, 0, NULL);
    return f ? block_front_access(to, f->access, e) : 0;
}

static int take_over(struct item *it, struct tn_err *e)
{
    struct tn_blk *fresh = blk_of(it->fresh);
    int err = move_locks(it, it->b, fresh, e);
    it->ready = err == 0;
    if (err < 0)
        move_locks(it, fresh, it->b, NULL);
    return err;
}

static void drain(struct reopen *r, int on)
{
    for (size_t i = 0; i < r->n && r->drained != (uint32_t)on; i++)
        on ? block_drain_begin(r->item[i].root) : block_drain_end(r->item[i].root);
    r->drained = (uint32_t)on;
}

/* ---- all of it ---- */

static int prepare(struct reopen *r, const struct kv_node *list, struct tn_err *e)
{
    int err = 0;
    for (size_t i = 0; i < list->n_child && err == 0; i++)
        err = add_named(r, list->child[i], e);
    if (err == 0)
        drain(r, 1);
    for (size_t i = 0; i < r->n && err == 0; i++)
        if (r->item[i].fresh)
            err = open_fresh(&r->item[i], e);
    for (size_t i = 0; i < r->n && err == 0; i++)
        if (r->item[i].fresh)
            err = take_over(&r->item[i], e);
    return err;
}

static void commit(struct item *it)
{
    struct tn_blk *b = it->b;
    if (it->fresh)
        it->fresh = blk_trade(b, blk_of(it->fresh));
    b->read_only = it->o.read_only;
    b->unmap = it->o.unmap;
    b->detect = it->o.detect;
    b->no_flush = it->o.no_flush;
    it->ready = 0;
}

static void finish(struct reopen *r)
{
    for (size_t i = r->n; i--;)
        if (r->item[i].ready)
            move_locks(&r->item[i], blk_of(r->item[i].fresh), r->item[i].b, NULL);
    for (size_t i = 0; i < r->n; i++)
        if (r->item[i].fresh) {
            blk_trade_cancel(blk_of(r->item[i].fresh));
            device_free(r->item[i].fresh);
        }
    drain(r, 0);
    free(r->item);
}

int block_reopen(struct vm *vm, const struct kv_node *list, struct tn_err *e)
{
    struct reopen r = {.vm = vm};
    int err = prepare(&r, list, e);
    for (size_t i = 0; i < r.n && err == 0; i++)
        commit(&r.item[i]);
    for (size_t i = 0; i < r.n && err == 0; i++)
        block_take_changes(r.item[i].b);
    finish(&r);
    return err;
}
