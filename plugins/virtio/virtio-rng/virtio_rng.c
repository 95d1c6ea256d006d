/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-rng: the entropy device of VIRTIO 1.3, 5.4. One queue of buffers, filled from a source of
 * entropy, at most max-bytes in each period of guest time. One buffer is with the source at a time.
 */
#include <errno.h>
#include <tenon/plugin.h>
#include <tenon/rng.h>

#include "virtio/vdev.h"

enum {
    VIRTIO_ID_RNG = 4, /* 5.4.1 */
    PCI_LEGACY_ID = 0x1005,
    PCI_CLASS = 0x00ff00, /* unclassified, other */
    QUEUE_SIZE = 8,
    WANT_MAX = 65536, /* bytes asked of the source at once */
    NOTHING_MAX = 64, /* buffers without room, before others have a turn */
};

struct virtio_rng {
    struct vdev v;
    struct tn_dev *rng; /* properties */
    uint64_t max_bytes;
    uint32_t period_ms;
    uint64_t quota; /* bytes left of this period */
    struct tn_timer *timer;
    uint8_t period_runs;
    const struct tn_rng *source;
    void *reader;
    struct vq_elem *waiting; /* the buffer that the source fills */
};

static struct vdev_queue *requestq(struct virtio_rng *s)
{
    return &s->v.q[0];
}

/* ---- requests (5.4.6) ---- */

/* 5.4.6.1: a buffer without room for one byte is against the rules, and goes back empty. */
static struct vq_elem *next_buffer(struct virtio_rng *s)
{
    struct vdev_queue *q = requestq(s);
    for (int i = 0; i < NOTHING_MAX; i++) {
        struct vq_elem *el = vq_pop(&q->ring);
        if (el && el->out_len)
            s->v.d->core->guest_error(s->v.d, "a buffer of the requestq is for reading (5.4.6.1)");
        if (!el || el->in_len)
            return el;
        vq_push(&q->ring, el, 0);
    }
    vdev_poke(q);
    return NULL;
}

static void start_period(struct virtio_rng *s)
{
    if (s->period_runs)
        return;
    s->period_runs = 1;
    s->v.loop->arm(s->timer, s->v.loop->now(s->v.d, TN_CLK_VM) + s->period_ms * UINT64_C(1000000));
}

static void ask(struct virtio_rng *s)
{
    if (s->waiting || !vdev_running(requestq(s)))
        return;
    if (s->quota)
        s->waiting = next_buffer(s);
    if (!s->waiting)
        return;
    uint64_t len = s->waiting->in_len < s->quota ? s->waiting->in_len : s->quota;
    start_period(s);
    s->source->want(s->reader, len < WANT_MAX ? (uint32_t)len : WANT_MAX);
}

static void handle(struct vdev_queue *q)
{
    struct virtio_rng *s = (struct virtio_rng *)q->v;
    ask(s);
    vdev_flush(q);
}

/* 5.4.6.2: one or more bytes are placed into the buffer, which need not be filled. A source that
 * has failed leaves it with us for good: an empty one would be against that. */
static void entropy(void *self, const uint8_t *p, uint32_t n)
{
    struct virtio_rng *s = self;
    struct vq_elem *el = s->waiting;
    if (!el || !n)
        return;
    n = (uint32_t)vq_write(vq_in(el), el->nin, 0, p, n);
    s->quota -= n < s->quota ? n : s->quota;
    s->waiting = NULL;
    vq_push(&requestq(s)->ring, el, n);
    ask(s);
    vdev_flush(requestq(s));
}

static void period_over(void *self)
{
    struct virtio_rng *s = self;
    s->quota = s->max_bytes;
    s->period_runs = 0;
    handle(requestq(s));
}

/* The driver will have the buffer filled after the stop, or has forgotten it. */
static void stopping(struct vdev_queue *q)
{
    struct virtio_rng *s = (struct virtio_rng *)q->v;
    s->source->cancel(s->reader);
    if (s->waiting)
        vq_unpop(&q->ring, s->waiting);
    s->waiting = NULL;
    vdev_flush(q);
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct virtio_rng *s = self;
    vdev_init(&s->v, d);
    return 0;
}

static int check_properties(struct virtio_rng *s, struct tn_err *e)
{
    if (!s->period_ms)
        return tn_fail(s->v.d, e, EINVAL, "'period' parameter expects a positive integer");
    if (s->max_bytes > INT64_MAX)
        return tn_fail(s->v.d, e, EINVAL,
                       "'max-bytes' parameter must be non-negative, and less than 2^63");
    return 0;
}

/* Without rng= the device has a source of its own: /dev/urandom. */
static int find_source(struct virtio_rng *s, struct tn_err *e)
{
    static const struct tn_kv file = {.key = "filename", .str = "/dev/urandom"};
    const struct tn_core *core = s->v.d->core;
    struct tn_dev *source = s->rng;
    const void *ops;
    void *instance;
    int r = source ? 0 : core->child(s->v.d, "rng-random", "default-backend", NULL, &file, 1, &source, e);
    if (r < 0)
        return r;
    r = core->query(s->v.d, source, TN_RNG_1, &ops, &instance);
    if (r < 0)
        return tn_fail(s->v.d, e, EINVAL, "virtio-rng: '%s' is no source of entropy",
                       core->id(source));
    s->source = ops;
    s->reader = s->source->open(instance, s->v.d, entropy, s, e);
    return s->reader ? 0 : -ENOMEM;
}

static int make_queue(struct virtio_rng *s, struct tn_err *e)
{
    int r = vdev_queues(&s->v, 1, sizeof(struct vq_elem), 1, e);
    if (r < 0)
        return r;
    requestq(s)->handle = handle;
    requestq(s)->stopping = stopping;
    requestq(s)->max_size = QUEUE_SIZE;
    return vdev_setup(&s->v, 0, e);
}

/* The source comes last: what is opened there is closed in unrealize only. */
static int realize(void *self, struct tn_err *e)
{
    struct virtio_rng *s = self;
    int r = check_properties(s, e);
    if (r == 0)
        r = make_queue(s, e);
    if (r < 0)
        return r;
    s->quota = s->max_bytes;
    s->timer = s->v.loop->timer(s->v.d, NULL, 0, TN_CLK_VM, period_over, s);
    return s->timer ? find_source(s, e) : tn_fail(s->v.d, e, ENOMEM, "no memory for a timer");
}

static void unrealize(void *self)
{
    struct virtio_rng *s = self;
    s->source->close(s->reader);
    if (s->waiting) /* the machine ends as it is */
        vq_drop(&requestq(s)->ring, s->waiting);
}

static void fini(void *self)
{
    vdev_fini(self);
}

/* ---- virtio-bus ---- */

static int features(void *self, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    (void)self, (void)f, (void)nwords, (void)e; /* none of its own (5.4.3) */
    return 0;
}

static const struct tn_virtio_ops ops = {
    .struct_size = sizeof ops,
    .device_id = VIRTIO_ID_RNG,
    .pci_legacy_id = PCI_LEGACY_ID,
    .pci_class_rev = PCI_CLASS << 8,
    .features = features,
    .negotiated = vdev_negotiated,
    .queue_start = vdev_queue_start,
    .queue_stop = vdev_queue_stop,
    .reset = vdev_reset,
    .kick = vdev_kick,
};

/* ---- state ---- */

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct virtio_rng *s = self;
    (void)version, (void)e;
    if (s->quota > s->max_bytes)
        s->quota = s->max_bytes;
    return 0;
}

static const struct tn_field fields[] = {
    {"queue", TN_S_SUB, offsetof(struct virtio_rng, v.q), 1, 0, &vdev_queue_state,
     sizeof(struct vdev_queue), 0, TN_SF_PTR, 0},
    TN_FIELD(struct virtio_rng, quota, U64),
    TN_FIELD(struct virtio_rng, period_runs, BOOL),
    TN_FIELD_ROW(struct virtio_rng, timer, "period", TIMER, 1),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-rng",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
};

static const char *const sources[] = {TN_RNG_1, NULL};

static const struct tn_prop props[] = {
    TN_PROP_ROW(struct virtio_rng, rng, "rng", LINK, TN_PF_NODEFAULT, 0, 0, 0, 0, NULL, sources,
                "source of entropy; one of its own on /dev/urandom"),
    TN_PROP(struct virtio_rng, max_bytes, "max-bytes", U64, INT64_MAX,
            "bytes that the guest gets in each period"),
    TN_PROP(struct virtio_rng, period_ms, "period", U32, 1 << 16, "milliseconds of guest time"),
};

static const struct tn_class virtio_rng = {
    .struct_size = sizeof virtio_rng,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_MISC,
    .name = "virtio-rng",
    .desc = "source of entropy",
    .bus = TN_VIRTIO_BUS,
    .instance_size = sizeof(struct virtio_rng),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &ops,
    .init = init,
    .realize = realize,
    .unrealize = unrealize,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&virtio_rng, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_DMA_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "virtio-rng",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "entropy device",
    .classes = classes,
    .needs = needs,
};
