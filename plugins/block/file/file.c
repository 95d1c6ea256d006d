/* SPDX-License-Identifier: BSD-2-Clause */
/* The classes `file` and `host_device`. */
#include "file.h"
#include <errno.h>
#include <string.h>
#include <tenon/plugin.h>
#include <unistd.h>

#ifndef TN_HAVE_IO_URING
#define TN_HAVE_IO_URING 0
#endif

/* ---- the back end ---- */

static int info(void *self, struct tn_blk_info *out)
{
    const struct file *f = self;
    struct tn_blk_info i = {.struct_size = out->struct_size,
                            .flags = f->flags,
                            .size = (f->size + 511) & ~(uint64_t)511,
                            .logical = f->logical,
                            .physical = f->physical,
                            .min_io = f->min_io,
                            .opt_io = f->opt_io,
                            .max_transfer = MAX_TRANSFER,
                            .discard_align = f->discard_align,
                            .mem_align = f->mem_align};
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
    return 0;
}

static void *queue(void *self, struct tn_ctx *c, struct tn_err *e)
{
    struct file *f = self;
    return f->engine->queue(f, c, e);
}

static const struct engine *engine_of(void *q)
{
    return ((struct file_queue *)q)->file->engine;
}

static void queue_del(void *q)
{
    engine_of(q)->queue_del(q);
}

static int submit(void *q, struct tn_blk_req *r)
{
    return engine_of(q)->submit(q, r);
}

static void flush_batch(void *q)
{
    engine_of(q)->flush_batch(q);
}

static void cancel(void *q, struct tn_blk_req *r)
{
    engine_of(q)->cancel(q, r);
}

static int lock_for(void *self, uint32_t use, struct tn_err *e)
{
    return file_lock(self, use, e);
}

static int resize(void *self, uint64_t size, struct tn_err *e)
{
    struct file *f = self;
    if (f->flags & TN_BLKF_READONLY)
        return tn_fail(f->dev, e, EACCES, "Image is read-only");
    if (f->is_device) {
        int64_t is = file_length(f);
        if (is < 0 || size > (uint64_t)is)
            return tn_fail(f->dev, e, EINVAL, "Cannot grow device files");
    } else if (size > INT64_MAX || ftruncate(f->fd, (off_t)size) < 0) {
        int err = size > INT64_MAX ? EFBIG : errno;
        return tn_fail(f->dev, e, err, "Failed to resize file: %s", strerror(err));
    }
    f->size = size;
    f->feed->changed(f->dev);
    return 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct file *f = self;
    f->dev = d;
    f->fd = -1;
    pool_init(&f->pool);
    return 0;
}

static void fini(void *self)
{
    pool_fini(&((struct file *)self)->pool);
}

static int ring_works(void)
{
#if TN_HAVE_IO_URING
    return uring_probe();
#else
    return -ENOSYS;
#endif
}

static void use_threads(struct file *f)
{
    f->engine = &pool_engine;
    f->pool.want = POOL_THREADS;
}

static void use_ring(struct file *f)
{
#if TN_HAVE_IO_URING
    f->engine = &uring_engine;
    f->pool.want = f->is_device ? POOL_HELPERS : 0;
#else
    (void)f;
#endif
}

static int choose_engine(struct file *f, struct tn_err *e)
{
    if (f->aio == AIO_NATIVE && !f->open.direct)
        return tn_fail(f->dev, e, EINVAL,
                       "aio=native was specified, but it requires cache.direct=on, which was not "
                       "specified.");
    int r = f->aio == AIO_THREADS ? -ENOSYS : ring_works();
    if (r == 0) {
        use_ring(f);
        return 0;
    }
    if (f->aio == AIO_IO_URING || f->aio == AIO_NATIVE)
        f->dev->core->warn(f->dev, "Unable to use Linux io_uring, will use thread pool: %s",
                           strerror(-r));
    use_threads(f);
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct file *f = self;
    f->loop = TN_GET(f->dev, struct tn_loop, TN_LOOP_1);
    f->os = TN_GET(f->dev, struct tn_os, TN_OS_1);
    f->feed = TN_GET(f->dev, struct tn_blk_feed, TN_BLOCK_FEED_1);
    f->is_device = f->dev->cls->data != NULL;
    if (!f->filename)
        return tn_fail(f->dev, e, EINVAL, "Parameter 'filename' is missing");
    int r = file_open(f, e);
    return r < 0 ? r : choose_engine(f, e);
}

static void resume(void *self)
{
    pool_start(self);
}

static void unrealize(void *self)
{
    pool_stop(self);
}

static const char *const aio_names[] = {"auto", "threads", "native", "io_uring", NULL};
static const char *const locking_names[] = {"auto", "on", "off", NULL};

static const struct tn_prop props[] = {
    TN_PROP_STR(struct file, filename, "filename", NULL, "path of the image"),
    TN_PROP_ENUM(struct file, aio, "aio", aio_names, AIO_AUTO,
                 "how requests are done; auto: io_uring, or threads where there is none"),
    TN_PROP_ENUM(struct file, locking, "locking", locking_names, LOCKING_AUTO,
                 "keep other processes from using the image as well"),
    TN_PROP(struct file, max_batch, "aio-max-batch", U64, 0,
            "requests submitted at once, 0: as many as there are"),
    TN_PROP(struct file, drop_cache, "drop-cache", BOOL, 1, "accepted; caches are coherent here"),
    TN_BLK_OPEN_PROPS(struct file, open),
};

static const struct tn_blk_backend backend = {
    .struct_size = sizeof backend,
    .info = info,
    .queue = queue,
    .queue_del = queue_del,
    .submit = submit,
    .flush_batch = flush_batch,
    .cancel = cancel,
    .access = lock_for,
    .resize = resize,
};

#define FILE_CLASS(nm, text, is_device)                                                  \
    {                                                                                    \
        .struct_size = sizeof(struct tn_class), .flags = TN_C_THREADSAFE | TN_C_HOTPLUG, \
        .kind = TN_K_BLOCK, .category = TN_CAT_STORAGE, .name = (nm), .desc = (text),    \
        .data = (is_device), .instance_size = sizeof(struct file), .props = props,       \
        .nprops = sizeof props / sizeof props[0], .prop_stride = sizeof props[0],        \
        .bus_ops = &backend, .init = init, .realize = realize, .resume = resume,         \
        .unrealize = unrealize, .fini = fini                                             \
    }

static const struct tn_class file = FILE_CLASS("file", "a file of the host", NULL);
static const struct tn_class host_device =
    FILE_CLASS("host_device", "a block device of the host", "device");

static const struct tn_class *const classes[] = {&file, &host_device, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_OS_1, TN_BLOCK_FEED_1, NULL};
static const char *const sandbox[] = {"io-uring",   "block-io",    "block-device-io",
                                      "image-lock", "ioctl-block", NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "file",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "files and block devices of the host",
    .classes = classes,
    .needs = needs,
    .sandbox = sandbox,
};
