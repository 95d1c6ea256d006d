/* SPDX-License-Identifier: BSD-2-Clause */
#include "iothread.h"

#include "core/device.h"
#include "core/loop.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

struct iothread {
    struct tn_dev *dev;
    uint64_t poll_max_ns, poll_grow, poll_shrink;
    struct tn_ctx *ctx;
    char name[16];
};

/* As QEMU's: ns, and factors, of which 0 means 2 and "at once to nothing". */
static const struct tn_prop props[] = {
    TN_PROP(struct iothread, poll_max_ns, "poll-max-ns", U64, 32768, NULL),
    TN_PROP(struct iothread, poll_grow, "poll-grow", U64, 0, NULL),
    TN_PROP(struct iothread, poll_shrink, "poll-shrink", U64, 0, NULL),
};

static void begin(void *p)
{
    struct iothread *t = p;
    pthread_setname_np(pthread_self(), t->name);
    sandbox_enter(device_of(t->dev)->vm, SANDBOX_IOTHREAD, NULL);
}

static int init(void *p, struct tn_dev *d)
{
    ((struct iothread *)p)->dev = d;
    return 0;
}

static int realize(void *p, struct tn_err *e)
{
    struct iothread *t = p;
    struct device *d = device_of(t->dev);
    AUTO_FREE char *name = xasprintf("IO %s", device_id(d));
    strncpy(t->name, name, sizeof t->name - 1);
    t->ctx = loop_new(&d->vm->clock, t->name);
    if (!t->ctx)
        return err_set(e, EMFILE, "iothread '%s': no event context", device_id(d));
    loop_set_polling(t->ctx, t->poll_max_ns, t->poll_grow, t->poll_shrink);
    d->handle = t->ctx;
    d->handle_type = TN_P_IOTHREAD;
    return 0;
}

/* The first resume starts the thread: by then the sandbox's filters are made. A later one wakes it:
 * guest time goes on, and its timers with it. */
static void resume(void *p)
{
    struct iothread *t = p;
    if (t->ctx->has_thread)
        loop_wake(t->ctx);
    else if (loop_start_thread(t->ctx, begin, t) < 0)
        log_line(LOG_ERROR, "%s: no thread", t->name);
}

static void unrealize(void *p)
{
    struct iothread *t = p;
    loop_stop_thread(t->ctx);
    device_of(t->dev)->handle_type = 0;
    loop_free(t->ctx);
}

static const struct tn_class class_iothread = {.struct_size = sizeof class_iothread,
                                               .flags = TN_C_HOTPLUG,
                                               .kind = TN_K_OBJECT,
                                               .name = "iothread",
                                               .instance_size = sizeof(struct iothread),
                                               .props = props,
                                               .nprops = ARRAY_SIZE(props),
                                               .prop_stride = sizeof props[0],
                                               .init = init,
                                               .realize = realize,
                                               .resume = resume,
                                               .unrealize = unrealize};
static const struct tn_class *const classes[] = {&class_iothread, NULL};
const struct tn_plugin iothread_plugin = {.struct_size = sizeof iothread_plugin,
                                          .abi_major = TN_ABI_MAJOR,
                                          .abi_minor = TN_ABI_MINOR,
                                          .id = "iothread",
                                          .version = TENON_VERSION,
                                          .license = "BSD-2-Clause",
                                          .summary = "Event contexts with threads",
                                          .classes = classes};
