/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_runtime.h"

#include "block_drive.h"
#include "block_filter.h"
#include "core/loop.h"
#include "core/prop.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- which ---- */

struct tn_blk *block_drive(struct vm *vm, const char *id)
{
    struct tn_blk *b = blk_of(block_find(vm, id));
    return b && b->drive && strcmp(b->drive, id) == 0 ? b : NULL;
}

struct tn_blk *block_of_device(struct vm *vm, const char *id, int *found)
{
    struct device *d;
    *found = 0;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        struct tn_blk *b = d->entry->kind == TN_K_BLOCK ? blk_of(d) : NULL;
        const struct device *front = b && b->front ? b->front->dev : NULL;
        if (d->entry->kind == TN_K_DEVICE &&
            ((d->id && strcmp(d->id, id) == 0) || strcmp(d->path, id) == 0))
            *found = 1;
        if (front && (strcmp(front->path, id) == 0 || strcmp(device_id(front), id) == 0))
            return b;
    }
    return NULL;
}

int block_is_disk(const struct tn_blk *b)
{
    return !b->parent && (b->drive || b->front);
}

static int is_a(const struct tn_blk *b, const struct tn_class *c)
{
    return b->dev->pub.cls == c;
}

int block_is_empty(const struct tn_blk *b)
{
    return is_a(b, &blk_empty_class);
}

struct tn_blk *block_image(const struct tn_blk *b)
{
    while (b->below && (is_a(b, &blk_throttle_class) || is_a(b, &blk_snapshot_class)))
        b = b->below;
    return (struct tn_blk *)(uintptr_t)b;
}

/* ---- nodes that go ---- */

int block_node_del(struct vm *vm, const char *name, struct tn_err *e)
{
    struct device *d = device_find(vm, TN_K_BLOCK, name);
    const struct tn_blk *b = blk_of(d);
    if (!b || !d->id || strcmp(d->id, name) != 0)
        return err_set(e, ENOENT, "Failed to find node with node-name='%s'", name);
    if (d->holds || d->busy || b->front || b->parent)
        return err_set(e, EBUSY, "Block device %s is in use", name);
    if (!b->owned)
        return err_set(e, EPERM, "Node %s is not owned by the monitor", name);
    blk_close(d);
    return 0;
}

/* A drive without a medium in the place of what b stands for, which is the caller's to close. NULL
 * with e. */
static struct tn_blk *take_out(struct tn_blk *b, struct tn_err *e)
{
    struct device *d = blk_open_empty(b->dev->vm, e);
    if (!d)
        return NULL;
    struct tn_blk *old = blk_of(d);
    if (blk_swap(b, old, e) == 0)
        return old;
    device_free(d);
    return NULL;
}

static void forget_drive(struct tn_blk *b)
{
    block_forget_slot(b->dev->vm, b->drive);
    free(b->drive);
    b->drive = NULL;
    b->automatic = 0;
}

/* Its device goes on without a medium. */
static int pull(struct tn_blk *b, struct tn_err *e)
{
    block_drain_begin(b);
    struct tn_blk *old = take_out(b, e);
    block_drain_end(b);
    if (!old)
        return -ENOMEM;
    blk_access(old, 0, NULL);
    forget_drive(b);
    b->orphan = 1;
    blk_close(old->dev);
    return 0;
}

int block_drive_del(struct vm *vm, const char *name, struct tn_err *e)
{
    struct tn_blk *b = block_drive(vm, name);
    if (!b && device_find(vm, TN_K_BLOCK, name))
        return block_node_del(vm, name, e);
    if (!b) {
        err_set(e, ENOENT, "Device '%s' not found", name);
        return err_class(e, "DeviceNotFound");
    }
    if (b->parent)
        return err_set(e, EBUSY, "Node '%s' is busy: node is used as backing hd of '%s'", name,
                       device_id(b->parent->dev));
    if (b->front)
        return pull(b, e);
    if (b->dev->holds || b->dev->busy)
        return err_set(e, EBUSY, "Block device %s is in use", name);
    block_forget_slot(vm, b->drive);
    blk_close(b->dev);
    return 0;
}

static void gone(void *p)
{
    struct device *d = p;
    struct tn_blk *b = blk_of(d);
    if (!b || b->front || b->parent || d->holds)
        return;
    if (b->drive)
        block_forget_slot(d->vm, b->drive);
    blk_close(d);
}

void block_let_go(struct tn_blk *b)
{
    if (b->drive || b->orphan)
        bh_once_about(b->dev->vm->main, b->dev, gone, b->dev);
}

/* ---- limits ---- */

/* Below b's handle, which its front end keeps, there are no limits any more. b is drained. */
static int drop_limits(struct tn_blk *b, struct tn_err *e)
{
    struct tn_blk *image = b->below, *top = take_out(b, e);
    if (!top)
        return -ENOMEM;
    device_free(top->dev); /* the throttle node: image stands alone */
    int r = blk_swap(b, image, e);
    b->orphan = 0;
    device_free(image->dev);
    return r;
}

static int put_limits(struct tn_blk *b, const char *group, struct tn_err *e)
{
    struct tn_blk *image = take_out(b, e);
    if (!image)
        return -ENOMEM;
    struct device *top = blk_open_throttle(b->dev->vm, group, image->dev, e);
    struct tn_blk *spare = top ? blk_of(top) : NULL; /* of the empty drive, once they have traded */
    int r = top ? blk_swap(b, spare, e) : -EINVAL;
    if (r < 0 && top)
        device_free(top);
    if (r < 0 && blk_swap(b, image, NULL) == 0) /* as it was */
        spare = image;
    b->orphan = r == 0 && !b->drive; /* the limits go with whom they are for */
    if (spare)
        device_free(spare->dev);
    return r;
}

static int set_limits(struct tn_blk *b, const char *group, const struct throttle_limits *l,
                      struct tn_err *e)
{
    struct vm *vm = b->dev->vm;
    const struct throttle_group *now = block_group(b);
    int any = throttle_limits_any(l), r = 0;
    struct throttle_group *g = any ? throttle_group_get(vm, group) : NULL;
    if (now && (!any || now != g))
        r = drop_limits(b, e);
    if (r == 0 && any && now != g)
        r = put_limits(b, group, e);
    if (r == 0 && any)
        throttle_group_limit(g, l);
    throttle_group_put(g);
    return r;
}

int block_set_limits(struct tn_blk *b, const char *group, const struct throttle_limits *l,
                     struct tn_err *e)
{
    if (block_is_empty(b))
        return err_set(e, ENOMEDIUM, "Device has no medium");
    int r = throttle_limits_check(l, e);
    if (r < 0)
        return r;
    AUTO_FREE char *name = xstrdup(group ? group : b->drive ? b->drive : device_id(b->dev));
    block_drain_begin(b);
    r = set_limits(b, name, l, e);
    block_drain_end(b);
    return r;
}

/* ---- media of drives that no device uses ---- */

static int may_remove(const struct tn_blk *b, struct tn_err *e)
{
    return b->front ? err_set(e, EBUSY, "Device '%s' is not removable",
                              b->drive ? b->drive : device_id(b->front->dev))
                    : 0;
}

int block_eject(struct tn_blk *b, struct tn_err *e)
{
    int r = may_remove(b, e);
    if (r < 0 || block_is_empty(b))
        return r;
    struct tn_blk *old = take_out(b, e);
    if (!old)
        return -ENOMEM;
    blk_close(old->dev);
    return 0;
}

int block_change(struct tn_blk *b, const char *filename, const char *format, int read_only,
                 struct tn_err *e)
{
    int r = may_remove(b, e);
    struct device *d = r < 0 ? NULL : drive_open_medium(b->dev->vm, filename, format, read_only, e);
    if (!d)
        return r < 0 ? r : -EINVAL;
    struct tn_blk *other = blk_of(d);
    r = blk_swap(b, other, e);
    b->read_only = r < 0 ? b->read_only : other->read_only;
    blk_close(other->dev); /* what was there, or what cannot be */
    return r;
}

/* ---- texts ---- */

char *block_option(const struct device *d, const char *name)
{
    const struct tn_class *c = d->pub.cls;
    const struct tn_prop *p =
        prop_find((struct prop_table){c->props, c->nprops, c->prop_stride}, name);
    struct buf out = {0};
    if (!p)
        return NULL;
    prop_get(p, d->pub.self, &out);
    char *text = buf_take(&out);
    if (text && *text)
        return text;
    free(text);
    return NULL;
}

static char *nbd_name(const struct device *d)
{
    AUTO_FREE char *path = block_option(d, "server.path"), *host = block_option(d, "server.host"),
                   *port = block_option(d, "server.port"), *name = block_option(d, "export");
    if (path)
        return xasprintf("nbd+unix:///%s?socket=%s", name ? name : "", path);
    return xasprintf("nbd://%s:%s%s%s", host ? host : "", port ? port : "", name ? "/" : "",
                     name ? name : "");
}

char *block_filename(const struct tn_blk *b)
{
    const struct device *d = block_protocol(b->dev);
    char *name = block_option(d, "filename");
    if (name)
        return name;
    if (strcmp(d->entry->name, "nbd") == 0)
        return nbd_name(d);
    return xasprintf("%s://", d->entry->name);
}
