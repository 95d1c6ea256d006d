/* SPDX-License-Identifier: BSD-2-Clause */
#include "iothread.h"

#include "core/device.h"
#include "core/loop.h"
#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

struct iothread {
    struct tn_dev *dev;
    uint64_t poll_max_ns, poll_grow, poll_shrink;
    struct tn_ctx *ctx;
    char name[16];
    int thread; /* gettid() of it */
    sem_t begun;
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
    t->thread = (int)gettid();
    sem_post(&t->begun);
    sandbox_enter(device_of(t->dev)->vm, SANDBOX_IOTHREAD, NULL);
}

static void start(struct iothread *t)
{
    if (loop_start_thread(t->ctx, begin, t) < 0) {
        log_line(LOG_ERROR, "%s: no thread", t->name);
        return;
    }
    while (sem_wait(&t->begun) < 0 && errno == EINTR)
        ;
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
    sem_init(&t->begun, 0, 0);
    if (d->vm->threads)
        start(t);
    return 0;
}

/* Guest time goes on, and its timers with it. */
static void resume(void *p)
{
    struct iothread *t = p;
    if (t->ctx->has_thread)
        loop_wake(t->ctx);
    else
        start(t);
}

static void unrealize(void *p)
{
    struct iothread *t = p;
    loop_stop_thread(t->ctx);
    device_of(t->dev)->handle_type = 0;
    loop_free(t->ctx);
    sem_destroy(&t->begun);
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

static struct iothread *iothread_of(const struct device *d)
{
    return d->pub.cls == &class_iothread && d->stage == DEV_REALIZED ? d->pub.self : NULL;
}

void iothreads_start(struct vm *vm)
{
    struct device *d;
    vm->threads = 1;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        struct iothread *t = iothread_of(d);
        if (t && !t->ctx->has_thread)
            start(t);
    }
}

int iothread_info(const struct device *d, struct iothread_info *i)
{
    const struct iothread *t = iothread_of(d);
    if (!t)
        return -EINVAL;
    *i = (struct iothread_info){t->thread, t->poll_max_ns, t->poll_grow, t->poll_shrink};
    return 0;
}
