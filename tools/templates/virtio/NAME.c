/* @NAME@: a virtio device, on every transport there is.
 *
 *   tenon -M q35 -plugin ./@NAME@.so -device @NAME@-pci ...
 *   tenon -M microvm -plugin ./@NAME@.so -device @NAME@-device ...
 *
 * One queue. A buffer has a part for the device to read and a part for it to write: what it reads comes
 * back with `plus` added to each byte. Sections are those of Virtual I/O Device 1.3.
 * struct vdev, from the helper library, starts and stops the queue, and knows every form of ring. */
#include <tenon/plugin.h>
#include <virtio/vdev.h>

enum { DEVICE_ID = 0x3e, PCI_CLASS = 0x00ff00, QUEUE_SIZE = 64, BATCH = 64, BYTES_MAX = 4096 };

/* Device configuration (2.5): what drivers may read, little-endian. */
struct config {
    uint32_t answers; /* so far */
};

struct @IDENT@ {
    struct vdev v; /* first: vdev's functions get the instance */
    struct config config;
    uint32_t plus; /* property */
    uint8_t bytes[BYTES_MAX];
};

/* ---- requests ---- */

static uint32_t answer(struct @IDENT@ *s, struct vq_elem *el)
{
    uint64_t n = vq_read(vq_out(el), el->nout, 0, s->bytes, el->out_len < BYTES_MAX ? el->out_len : BYTES_MAX);
    for (uint64_t i = 0; i < n; i++)
        s->bytes[i] = (uint8_t)(s->bytes[i] + s->plus);
    s->config.answers++;
    return (uint32_t)vq_write(vq_in(el), el->nin, 0, s->bytes, n < el->in_len ? n : el->in_len);
}

/* Buffers may have come. A driver that never ends has to wait for others after a batch. */
static void handle(struct vdev_queue *q)
{
    struct @IDENT@ *s = (struct @IDENT@ *)q->v;
    struct vq_elem *el = NULL;
    for (int i = 0; i < BATCH && vdev_running(q) && (el = vq_pop(&q->ring)); i++)
        vq_push(&q->ring, el, answer(s, el));
    vdev_flush(q);
    if (el)
        vdev_poke(q);
}

/* ---- virtio-bus ---- */

static int features(void *self, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    (void)self, (void)f, (void)nwords, (void)e; /* none of its own */
    return 0;
}

static void config_read(void *self, uint32_t off, void *buf, uint32_t len)
{
    const struct @IDENT@ *s = self;
    memcpy(buf, (const uint8_t *)&s->config + off, len);
}

static int reset(void *self)
{
    struct @IDENT@ *s = self;
    s->config.answers = 0;
    return vdev_reset(self);
}

static const struct tn_virtio_ops ops = {.struct_size = sizeof ops,
                                         .flags = TN_VIO_NO_LEGACY,
                                         .device_id = DEVICE_ID,
                                         .pci_class_rev = PCI_CLASS << 8,
                                         .features = features,
                                         .negotiated = vdev_negotiated,
                                         .config_read = config_read,
                                         .queue_start = vdev_queue_start,
                                         .queue_stop = vdev_queue_stop,
                                         .reset = reset,
                                         .kick = vdev_kick};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct @IDENT@ *s = self;
    vdev_init(&s->v, d);
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct @IDENT@ *s = self;
    int r = vdev_queues(&s->v, 1, sizeof(struct vq_elem), 2, e);
    if (r < 0)
        return r;
    s->v.q[0].handle = handle;
    s->v.q[0].max_size = QUEUE_SIZE;
    return vdev_setup(&s->v, sizeof s->config, e);
}

static void fini(void *self)
{
    vdev_fini(self);
}

/* ---- what the host reads without running anything ---- */

static const struct tn_prop props[] = {
    TN_PROP_RANGE(struct @IDENT@, plus, "plus", U32, 1, 0, 255, "added to each byte"),
};

/* Where the queue stands; its addresses are the transport's to save. */
static const struct tn_field fields[] = {
    {"queue", TN_S_SUB, offsetof(struct @IDENT@, v.q), 1, 0, &vdev_queue_state, sizeof(struct vdev_queue), 0, TN_SF_PTR, 0},
    TN_FIELD_ROW(struct @IDENT@, config.answers, "answers", U32, 1),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "@NAME@",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0]};

static const struct tn_class device = {.struct_size = sizeof device,
                                       .flags = TN_C_THREADSAFE | TN_C_HOTPLUG, /* vdev has callbacks without the lock */
                                       .kind = TN_K_DEVICE,
                                       .category = TN_CAT_MISC,
                                       .name = "@NAME@",
                                       .desc = "virtio device that adds",
                                       .bus = TN_VIRTIO_BUS,
                                       .instance_size = sizeof(struct @IDENT@),
                                       .props = props,
                                       .nprops = sizeof props / sizeof props[0],
                                       .prop_stride = sizeof props[0],
                                       .state = &state,
                                       .bus_ops = &ops,
                                       .init = init,
                                       .realize = realize,
                                       .fini = fini};

static const struct tn_class *const classes[] = {&device, NULL};
static const char *const needs[] = {TN_DMA_1, TN_LOOP_1, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "@NAME@",
                                       .version = "0.1",
                                       .license = "yours",
                                       .summary = "virtio device that adds",
                                       .classes = classes,
                                       .needs = needs};
