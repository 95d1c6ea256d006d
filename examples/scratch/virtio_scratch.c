/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-scratch: memory of a device that a driver reads and writes by requests. Device id 0x3f, for
 * experiments. Written with the helper library tenon-virtio: split and packed rings, indirect descriptors,
 * event index and in-order use come from there.
 *
 * Device configuration: le32 size in bytes; le32 requests done so far.
 * A request on queue 0, as for a disk:
 *   device reads    struct scratch_req, then for WRITE the bytes
 *   device writes   for READ the bytes, then one status byte: OK, RANGE or UNSUPPORTED
 * A request whose status has no room breaks the device: there is no way to answer it.
 *
 * Sections are those of Virtual I/O Device 1.3. */
#include <errno.h>
#include <stdlib.h>
#include <tenon/plugin.h>
#include <virtio/vdev.h>

enum { SCRATCH_ID = 0x3f, PCI_CLASS = 0x00ff00, QUEUE_SIZE = 128, BATCH = 64 };
enum { OP_READ = 0, OP_WRITE = 1, OP_FILL = 2 };
enum { STATUS_OK = 0, STATUS_RANGE = 1, STATUS_UNSUPPORTED = 2 };
enum { PAD_MIN = 512, PAD_MAX = 1 << 24 };

struct scratch_req { /* little-endian, as this file is for x86 */
    uint32_t op, offset;
    uint32_t len;  /* of FILL; READ and WRITE are as long as their buffers */
    uint32_t fill; /* of FILL: the byte */
};
_Static_assert(sizeof(struct scratch_req) == 16, "the driver's layout");

struct config {
    uint32_t size, requests;
};

struct scratch {
    struct vdev v; /* first: vdev's functions get the instance */
    struct config config;
    uint64_t size; /* property */
    uint8_t *pad;  /* size bytes */
};

/* ---- requests ---- */

static int is_inside(const struct scratch *s, uint64_t offset, uint64_t len)
{
    return offset <= s->size && len <= s->size - offset;
}

static uint8_t write_pad(struct scratch *s, const struct scratch_req *r, const struct vq_elem *el)
{
    uint64_t len = el->out_len - sizeof *r;
    if (!is_inside(s, r->offset, len))
        return STATUS_RANGE;
    vq_read(vq_out(el), el->nout, sizeof *r, s->pad + r->offset, len);
    return STATUS_OK;
}

static uint8_t read_pad(const struct scratch *s, const struct scratch_req *r, struct vq_elem *el)
{
    uint64_t len = el->in_len - 1; /* behind it: the status */
    if (!is_inside(s, r->offset, len))
        return STATUS_RANGE;
    vq_write(vq_in(el), el->nin, 0, s->pad + r->offset, len);
    return STATUS_OK;
}

static uint8_t fill_pad(struct scratch *s, const struct scratch_req *r)
{
    if (!is_inside(s, r->offset, r->len))
        return STATUS_RANGE;
    memset(s->pad + r->offset, (int)(r->fill & 0xff), r->len);
    return STATUS_OK;
}

static uint8_t carry_out(struct scratch *s, const struct scratch_req *r, struct vq_elem *el)
{
    switch (r->op) {
    case OP_READ:
        return read_pad(s, r, el);
    case OP_WRITE:
        return write_pad(s, r, el);
    case OP_FILL:
        return fill_pad(s, r);
    default:
        return STATUS_UNSUPPORTED;
    }
}

static void request(struct vdev_queue *q, struct vq_elem *el)
{
    struct scratch *s = (struct scratch *)q->v;
    struct scratch_req r;
    if (vq_read(vq_out(el), el->nout, 0, &r, sizeof r) < sizeof r || !el->in_len) {
        vq_break(&q->ring, "a request without a header or without room for a status");
        vq_drop(&q->ring, el);
        return;
    }
    uint8_t status = carry_out(s, &r, el);
    vq_write(vq_in(el), el->nin, el->in_len - 1, &status, 1);
    s->config.requests++;
    vq_push_gap(&q->ring, el, (uint32_t)el->in_len);
}

/* Buffers may have come. A driver that never ends has to wait for others after a batch. */
static void handle(struct vdev_queue *q)
{
    struct vq_elem *el = NULL;
    for (int i = 0; i < BATCH && vdev_running(q) && (el = vq_pop(&q->ring)); i++)
        request(q, el);
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
    const struct scratch *s = self;
    memcpy(buf, (const uint8_t *)&s->config + off, len);
}

static int reset(void *self)
{
    struct scratch *s = self;
    s->config.requests = 0;
    return vdev_reset(self);
}

static const struct tn_virtio_ops ops = {.struct_size = sizeof ops,
                                         .flags = TN_VIO_NO_LEGACY,
                                         .device_id = SCRATCH_ID,
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
    struct scratch *s = self;
    vdev_init(&s->v, d);
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct scratch *s = self;
    s->pad = calloc(1, s->size);
    if (!s->pad)
        return tn_fail(s->v.d, e, ENOMEM, "no memory for a pad of %llu bytes", (unsigned long long)s->size);
    s->config.size = (uint32_t)s->size;
    int r = vdev_queues(&s->v, 1, sizeof(struct vq_elem), 3, e);
    if (r < 0)
        return r;
    s->v.q[0].handle = handle;
    s->v.q[0].max_size = QUEUE_SIZE;
    return vdev_setup(&s->v, sizeof s->config, e);
}

static void fini(void *self)
{
    struct scratch *s = self;
    free(s->pad);
    vdev_fini(&s->v);
}

/* ---- state: the pad is in pieces of its own length, which the other side checks ---- */

static int save(void *self, struct tn_save *o, struct tn_err *e)
{
    const struct scratch *s = self;
    (void)e;
    return TN_GET(s->v.d, struct tn_stream, TN_STREAM_1)->put(o, "pad", TN_S_BYTES, s->pad, (uint32_t)s->size);
}

static int load(void *self, struct tn_load *i, struct tn_err *e)
{
    struct scratch *s = self;
    int r = TN_GET(s->v.d, struct tn_stream, TN_STREAM_1)->get(i, "pad", TN_S_BYTES, s->pad, (uint32_t)s->size);
    return r < 0 ? tn_fail(s->v.d, e, EINVAL, "the pad is of another size, or not there") : 0;
}

/* ---- what the host reads without running anything ---- */

static const struct tn_prop props[] = {
    TN_PROP_RANGE(struct scratch, size, "size", SIZE, 65536, PAD_MIN, PAD_MAX, "bytes of the pad"),
};

/* Where the queue stands; its addresses are the transport's to save. */
static const struct tn_field fields[] = {
    {"queue", TN_S_SUB, offsetof(struct scratch, v.q), 1, 0, &vdev_queue_state, sizeof(struct vdev_queue), 0, TN_SF_PTR, 0},
    TN_FIELD_ROW(struct scratch, config.requests, "requests", U32, 1),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "virtio-scratch",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0],
                                      .save = save,
                                      .load = load};

static const struct tn_class virtio_scratch = {.struct_size = sizeof virtio_scratch,
                                               .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
                                               .kind = TN_K_DEVICE,
                                               .category = TN_CAT_STORAGE,
                                               .name = "virtio-scratch",
                                               .desc = "memory behind a queue (example)",
                                               .bus = TN_VIRTIO_BUS,
                                               .instance_size = sizeof(struct scratch),
                                               .props = props,
                                               .nprops = sizeof props / sizeof props[0],
                                               .prop_stride = sizeof props[0],
                                               .state = &state,
                                               .bus_ops = &ops,
                                               .init = init,
                                               .realize = realize,
                                               .fini = fini};

static const struct tn_class *const classes[] = {&virtio_scratch, NULL};
static const char *const needs[] = {TN_DMA_1, TN_LOOP_1, TN_STREAM_1, NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                                 .abi_major = TN_ABI_MAJOR,
                                                 .abi_minor = TN_ABI_MINOR,
                                                 .id = "virtio-scratch",
                                                 .version = "1.0",
                                                 .license = "BSD-2-Clause",
                                                 .summary = "memory behind a queue (example)",
                                                 .classes = classes,
                                                 .needs = needs};
