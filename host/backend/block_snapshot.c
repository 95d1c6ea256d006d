/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_snapshot.h"

#include "block_open.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- whose a cluster is ---- */

int snap_is_over(const struct snapshot *s, uint64_t at)
{
    uint64_t c = at / SNAP_CLUSTER;
    return __atomic_load_n(&s->map[c / 64], __ATOMIC_ACQUIRE) >> c % 64 & 1;
}

uint64_t snap_run(const struct snapshot *s, uint64_t at, uint64_t end)
{
    int over = snap_is_over(s, at);
    do
        at = (at / SNAP_CLUSTER + 1) * SNAP_CLUSTER;
    while (at < end && snap_is_over(s, at) == over);
    return at < end ? at : end;
}

void snap_set(struct snapshot *s, uint64_t at, uint64_t end)
{
    for (uint64_t c = at / SNAP_CLUSTER; c * SNAP_CLUSTER < end; c++)
        __atomic_or_fetch(&s->map[c / 64], (uint64_t)1 << c % 64, __ATOMIC_RELEASE);
}

/* ---- requests ---- */

/* Nobody has a use for it after the machine's end; and what is below was not changed. */
static int discard(struct snap_queue *q, struct tn_blk_req *r, int all_over)
{
    if (all_over)
        lane_pass(q->over, r);
    else
        lane_finish(r, 0);
    return 0;
}

static int snap_submit(void *p, struct tn_blk_req *r)
{
    struct snap_queue *q = p;
    const struct snapshot *s = (const struct snapshot *)q->q.f;
    if (r->op == TN_BLK_FLUSH || !r->len) {
        lane_finish(r, 0);
        return 0;
    }
    int over = snap_is_over(s, r->off),
        one = snap_run(s, r->off, r->off + r->len) == r->off + r->len;
    if (r->op == TN_BLK_DISCARD)
        return discard(q, r, one && over);
    r->flags &= ~(uint32_t)TN_BLKR_FUA;
    if (one && over)
        lane_pass(q->over, r);
    else if (one && r->op == TN_BLK_READ)
        lane_pass(q->q.below, r);
    else
        return cow_start(q, r);
    return 0;
}

static void snap_flush_batch(void *p)
{
    struct snap_queue *q = p;
    lane_flush(q->q.below);
    lane_flush(q->over);
}

static void *snap_queue_new(void *p, struct tn_ctx *c, struct tn_err *e)
{
    struct snapshot *s = p;
    struct snap_queue *q = filter_queue(&s->f, sizeof *q, c, e);
    if (q && !(q->over = lane_get(s->overlay, c, e))) {
        filter_queue_del(q);
        return NULL;
    }
    return q;
}

static void snap_queue_del(void *p)
{
    struct snap_queue *q = p;
    cow_free_idle(q);
    lane_put(q->over);
    filter_queue_del(q);
}

/* ---- the node ---- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return !a || (b && b < a) ? b : a;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static int snap_info(void *p, struct tn_blk_info *out)
{
    const struct snapshot *s = p;
    const struct tn_blk_info *b = &s->f.file->info, *o = &s->overlay->info;
    struct tn_blk_info i = *b;
    i.flags = o->flags & (TN_BLKF_DISCARD | TN_BLKF_WRITE_ZEROES);
    i.logical = larger(b->logical, o->logical);
    i.mem_align = larger(b->mem_align, o->mem_align);
    i.max_transfer = smaller(b->max_transfer, o->max_transfer);
    i.max_iov = (uint32_t)smaller(b->max_iov, o->max_iov);
    i.max_discard = o->max_discard;
    i.discard_align = o->discard_align;
    return blk_info_out(&i, out);
}

static int snap_access(void *p, uint32_t flags, struct tn_err *e)
{
    struct snapshot *s = p;
    int r = blk_access(s->f.file, flags ? TN_BLKA_READ : 0, e);
    return r < 0 ? r : blk_access(s->overlay, flags, e);
}

static int check_sides(const struct snapshot *s, struct tn_err *e)
{
    const struct tn_blk_info *b = &s->f.file->info, *o = &s->overlay->info;
    uint64_t most = smaller(b->max_transfer, o->max_transfer);
    if (most && most < SNAP_CLUSTER)
        return err_set(e, ENOTSUP, "snapshot=on: the disk takes less than %llu bytes at once",
                       (unsigned long long)SNAP_CLUSTER);
    if (larger(b->logical, o->logical) > 4096 || larger(b->mem_align, o->mem_align) > 4096)
        return err_set(e, ENOTSUP, "snapshot=on: the disk has blocks of more than 4096 bytes");
    return 0;
}

static int snap_realize(void *p, struct tn_err *e)
{
    struct snapshot *s = p;
    uint64_t block = larger(s->f.file->info.logical, BLK_BLOCK);
    int r = check_sides(s, e);
    if (r == 0)
        r = filter_realize(&s->f, e);
    if (r == 0)
        r = blk_adopt(filter_blk(&s->f), s->overlay, e);
    if (r < 0)
        return r;
    s->has_overlay = 1;
    s->size = (s->f.file->info.size + block - 1) / block * block;
    s->map = calloc(s->size / SNAP_CLUSTER / 64 + 1, sizeof *s->map);
    return s->map ? 0 : err_set(e, ENOMEM, "snapshot=on: no memory for the map of the disk");
}

static int snap_init(void *p, struct tn_dev *d)
{
    ranges_init(&((struct snapshot *)p)->ranges);
    return filter_init(p, d);
}

static void snap_unrealize(void *p)
{
    struct snapshot *s = p;
    filter_unrealize(p);
    blk_release(s->has_overlay ? s->overlay : NULL);
}

static void snap_fini(void *p)
{
    struct snapshot *s = p;
    ranges_free(&s->ranges);
    free(s->map);
}

static const struct tn_blk_backend snap_ops = {
    .struct_size = sizeof snap_ops,
    .info = snap_info,
    .queue = snap_queue_new,
    .queue_del = snap_queue_del,
    .submit = snap_submit,
    .flush_batch = snap_flush_batch,
    .access = snap_access,
};

static const struct tn_prop snap_props[] = {
    FILTER_PROP(struct snapshot),
    TN_PROP_REF(struct snapshot, overlay, "overlay", DRIVE, TN_PF_REQUIRED, "temporary file"),
};

const struct tn_class blk_snapshot_class = {
    .struct_size = sizeof(struct tn_class),
    .flags = TN_C_INTERNAL | TN_C_NO_MIGRATE,
    .kind = TN_K_BLOCK,
    .name = "temporary-snapshot",
    .desc = "Keeps writes in a temporary file",
    .instance_size = sizeof(struct snapshot),
    .props = snap_props,
    .nprops = sizeof snap_props / sizeof snap_props[0],
    .prop_stride = sizeof snap_props[0],
    .bus_ops = &snap_ops,
    .init = snap_init,
    .realize = snap_realize,
    .unrealize = snap_unrealize,
    .fini = snap_fini,
};

/* ---- snapshot=on ---- */

static int open_temporary(uint64_t size, struct tn_err *e)
{
    const char *dir = getenv("TMPDIR");
    dir = dir && *dir ? dir : "/var/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) { /* not every file system can */
        AUTO_FREE char *name = xasprintf("%s/tenon-snapshot.XXXXXX", dir);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0)
            unlink(name);
    }
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
        int err = errno;
        close_fd(&fd);
        return err_set(e, err, "Could not create temporary overlay in '%s': %s", dir,
                       strerror(err));
    }
    return fd;
}

static struct device *open_overlay(struct vm *vm, uint64_t size, struct tn_err *e)
{
    AUTO_CLOSE int fd = open_temporary(size, e);
    if (fd < 0)
        return NULL;
    AUTO_FREE char *path = xasprintf("/proc/self/fd/%d", fd);
    KV_AUTO *tree = kv_new(KV_DICT);
    kv_set(tree, "driver", "file");
    kv_set(tree, "filename", path);
    kv_set(tree, "locking", "off");
    const struct blk_node_opts o = {.no_flush = true, .unmap = true};
    return blk_open(vm, tree, &o, NULL, BLK_DRIVE, e);
}

static struct device *put_snapshot(struct vm *vm, struct device *d, struct device *overlay,
                                   struct tn_err *e)
{
    struct class_entry *c = registry_class(vm->registry, TN_K_BLOCK, blk_snapshot_class.name, e);
    AUTO_FREE char *name = xasprintf("#block%03u", block_state(vm)->anon++);
    struct device *top = c ? device_new(vm, c, name, NULL, NULL, e) : NULL;
    if (top && block_create(top) && device_set_handle(top, "file", blk_of(d), e) == 0 &&
        device_set_handle(top, "overlay", blk_of(overlay), e) == 0 &&
        device_realize(top, NULL, e) == 0 && blk_opened(blk_of(top), e) == 0)
        return top;
    if (top)
        device_free(top);
    return NULL;
}

struct device *blk_snapshot(struct vm *vm, struct device *d, struct tn_err *e)
{
    uint64_t size = (blk_of(d)->info.size + SNAP_CLUSTER - 1) / SNAP_CLUSTER * SNAP_CLUSTER;
    struct device *overlay = open_overlay(vm, size, e);
    struct device *top = overlay ? put_snapshot(vm, d, overlay, e) : NULL;
    if (overlay && !top)
        device_free(overlay);
    return top;
}
