/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-echo: a virtio device in one file. The driver gives buffers of two parts, bytes for the
 * device to read and room for it to write; the device copies the one to the other, and turns lower
 * case into upper case on the way. Written once, it is `virtio-echo-pci` and `virtio-echo-device`.
 *
 * Sections are those of Virtual I/O Device 1.3. Only split rings without indirect descriptors and
 * event index are spoken: what a device does not say in features() is not negotiated.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <tenon/core.h>
#include <tenon/dma.h>
#include <tenon/loop.h>
#include <tenon/plugin.h>
#include <tenon/virtio.h>
#include <unistd.h>

enum {
    ECHO_ID = 0x3e, /* of no device in chapter 5 */
    ECHO_QUEUE = 64,
    ECHO_MAX = 4096, /* bytes of a buffer; more are left alone */
};
/* 2.7.5: struct virtq_desc; 2.7.6, 2.7.8: the rings */
enum { DESC_SIZE = 16, DESC_NEXT = 1, DESC_WRITE = 2 };
enum { AVAIL_IDX = 2, AVAIL_RING = 4, USED_IDX = 2, USED_RING = 4, USED_ELEM = 8 };
enum { AVAIL_NO_INTERRUPT = 1 };

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
_Static_assert(sizeof(struct desc) == DESC_SIZE, "2.7.5");

/* Device configuration: what drivers may read (little-endian, as this file is for x86). */
struct config {
    uint32_t buffers; /* echoed so far */
};

struct echo {
    struct tn_dev *dev;
    const struct tn_virtio_port *port;
    void *p;
    const struct tn_dma *dma;
    struct tn_as *memory;
    struct config config;
    struct tn_vq queue; /* size 0: it does not run */
    uint16_t avail, used;
    int kick;
    uint32_t loud; /* property */
    uint8_t bytes[ECHO_MAX];
};

/* ---- guest memory ---- */

static int get(struct echo *s, uint64_t at, void *p, uint64_t len)
{
    return s->dma->read(s->memory, at, p, len);
}

static int put(struct echo *s, uint64_t at, const void *p, uint64_t len)
{
    return s->dma->write(s->memory, at, p, len);
}

/* ---- one buffer ---- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void shout(uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (uint8_t)(p[i] - 'a' + 'A');
}

/* Walks the chain from head: gathers what is to be read, then scatters it. Each descriptor is read
 * once, and there are no more steps than descriptors: the driver may have made a circle. */
static int serve(struct echo *s, uint16_t head, uint32_t *written)
{
    uint32_t have = 0;
    uint16_t i = head;
    *written = 0;
    for (uint32_t steps = 0; steps < s->queue.size; steps++) {
        struct desc d;
        if (i >= s->queue.size || get(s, s->queue.desc + (uint64_t)i * DESC_SIZE, &d, sizeof d) < 0)
            return -EINVAL;
        uint32_t n = d.flags & DESC_WRITE ? smaller(d.len, have - *written)
                                          : smaller(d.len, ECHO_MAX - have);
        int r = d.flags & DESC_WRITE ? put(s, d.addr, s->bytes + *written, n)
                                     : get(s, d.addr, s->bytes + have, n);
        if (r < 0)
            return r;
        if (d.flags & DESC_WRITE) {
            *written += n;
        } else {
            if (s->loud)
                shout(s->bytes + have, n);
            have += n;
        }
        if (!(d.flags & DESC_NEXT))
            return 0;
        i = d.next;
    }
    return -EINVAL;
}

static int give_back(struct echo *s, uint16_t head, uint32_t written)
{
    const uint32_t elem[2] = {head, written};
    uint64_t slot = s->used % s->queue.size;
    if (put(s, s->queue.device + USED_RING + slot * USED_ELEM, elem, sizeof elem) < 0)
        return -EFAULT;
    s->used++;
    atomic_thread_fence(memory_order_release); /* the element before its index (2.7.8.2) */
    return put(s, s->queue.device + USED_IDX, &s->used, sizeof s->used);
}

/* ---- the queue ---- */

/* 1: one was there; 0: none; negative: the driver's ring makes no sense. */
static int next(struct echo *s)
{
    uint16_t index, head;
    uint32_t written;
    if (get(s, s->queue.driver + AVAIL_IDX, &index, sizeof index) < 0)
        return -EFAULT;
    if (index == s->avail)
        return 0;
    atomic_thread_fence(memory_order_acquire); /* the index before the entry (2.7.13.3) */
    uint64_t slot = s->avail % s->queue.size;
    if (get(s, s->queue.driver + AVAIL_RING + slot * sizeof head, &head, sizeof head) < 0)
        return -EFAULT;
    s->avail++;
    int r = serve(s, head, &written);
    if (r == 0)
        r = give_back(s, head, written);
    s->config.buffers += r == 0;
    return r < 0 ? r : 1;
}

static void run(struct echo *s)
{
    uint16_t flags = 0;
    int r = 0, any = 0;
    while (s->queue.size && (r = next(s)) > 0)
        any = 1;
    if (r < 0) {
        s->queue.size = 0;
        s->port->broken(s->p, "the ring makes no sense");
        return;
    }
    if (any && get(s, s->queue.driver, &flags, sizeof flags) == 0 && !(flags & AVAIL_NO_INTERRUPT))
        s->port->notify(s->p, 0);
}

/* ---- what the transport calls ---- */

static int features(void *self, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    (void)self;
    (void)nwords;
    (void)e;
    f[0] &= ~((uint64_t)1 << 28 | (uint64_t)1 << 29 |
              (uint64_t)1 << 35); /* indirect, event idx, in order */
    return 0;
}

static int negotiated(void *self, const uint64_t *f, uint32_t nwords, uint32_t vq_flags)
{
    (void)self;
    (void)f;
    (void)nwords;
    (void)vq_flags;
    return 0;
}

static void config_read(void *self, uint32_t off, void *buf, uint32_t len)
{
    const struct echo *s = self;
    memcpy(buf, (const char *)&s->config + off, len);
}

static int queue_start(void *self, const struct tn_vq *q)
{
    struct echo *s = self;
    if (q->size & (q->size - 1)) /* 2.7 */
        return -EINVAL;
    s->memory = s->port->dma(s->p);
    s->queue = *q;
    if (!(q->flags & TN_VQ_RESTORE))
        s->avail = s->used = 0;
    run(s); /* what came before it ran */
    return 0;
}

static int queue_stop(void *self, uint32_t q)
{
    struct echo *s = self;
    (void)q;
    s->queue.size = 0; /* nothing is ever under way between two calls */
    return 0;
}

static int reset(void *self)
{
    struct echo *s = self;
    s->config.buffers = 0;
    s->avail = s->used = 0;
    return 0;
}

static void kick(void *self, uint32_t q, uint32_t data)
{
    (void)q;
    (void)data;
    run(self);
}

static const struct tn_virtio_ops ops = {.struct_size = sizeof ops,
                                         .flags = TN_VIO_NO_LEGACY | TN_VIO_NO_PACKED,
                                         .device_id = ECHO_ID,
                                         .pci_class_rev = 0x00ff0000,
                                         .features = features,
                                         .negotiated = negotiated,
                                         .config_read = config_read,
                                         .queue_start = queue_start,
                                         .queue_stop = queue_stop,
                                         .reset = reset,
                                         .kick = kick};

/* ---- life ---- */

/* A notification comes on this descriptor, in the main thread: the guest's CPU goes on meanwhile.
 */
static void kicked(void *self, uint32_t events)
{
    struct echo *s = self;
    uint64_t n;
    (void)events;
    if (read(s->kick, &n, sizeof n) == sizeof n)
        run(s);
}

static int init(void *self, struct tn_dev *d)
{
    ((struct echo *)self)->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    static const uint16_t sizes[] = {ECHO_QUEUE};
    struct echo *s = self;
    const struct tn_loop *loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    const struct tn_virtio_setup setup = {.struct_size = sizeof setup,
                                          .config_len = sizeof s->config,
                                          .nqueues = 1,
                                          .max_size = sizes};
    s->dma = TN_GET(s->dev, struct tn_dma, TN_DMA_1);
    s->port = s->dev->core->port(s->dev, &s->p);
    int r = s->port->setup(s->p, &setup, e);
    if (r < 0)
        return r;
    s->kick = s->port->kick_fd(s->p, 0);
    if (s->kick < 0 || !loop->fd(s->dev, NULL, 0, s->kick, TN_FD_IN, kicked, s))
        return tn_fail(s->dev, e, ENOMEM, "no descriptor for notifications");
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP(struct echo, loud, "loud", U32, 1, "0: bytes come back as they are"),
};

/* Where the queue stands; its addresses are the transport's to save. */
static const struct tn_field fields[] = {
    TN_FIELD(struct echo, avail, U16),
    TN_FIELD(struct echo, used, U16),
    TN_FIELD_ROW(struct echo, config.buffers, "buffers", U32, 1),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "virtio-echo",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0]};

static const struct tn_class virtio_echo = {.struct_size = sizeof virtio_echo,
                                            .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
                                            .kind = TN_K_DEVICE,
                                            .name = "virtio-echo",
                                            .desc = "virtio device that answers",
                                            .bus = TN_VIRTIO_BUS,
                                            .instance_size = sizeof(struct echo),
                                            .props = props,
                                            .nprops = sizeof props / sizeof props[0],
                                            .prop_stride = sizeof props[0],
                                            .state = &state,
                                            .bus_ops = &ops,
                                            .init = init,
                                            .realize = realize};
static const struct tn_class *const classes[] = {&virtio_echo, NULL};
static const char *const needs[] = {TN_DMA_1, TN_LOOP_1, NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                                 .abi_major = TN_ABI_MAJOR,
                                                 .abi_minor = TN_ABI_MINOR,
                                                 .id = "virtio-echo",
                                                 .version = "1.0",
                                                 .license = "BSD-2-Clause",
                                                 .summary = "virtio device that answers",
                                                 .classes = classes,
                                                 .needs = needs};
