/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-serial: the console device of VIRTIO 1.3, 5.3. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/chardev.h>
#include <tenon/plugin.h>

#include "util/bytes.h"
#include "vser.h"

enum {
    PCI_LEGACY_ID = 0x1003,
    PCI_CLASS = 0x078000, /* communication controller, other */
};

/* ---- control queues (5.3.6.2) ---- */

/* A buffer that is too small gets what fits: the driver made it so. */
static void send_message(struct vser *s, struct vq_elem *el, const struct control_message *m)
{
    uint64_t n = vq_write(vq_in(el), el->nin, 0, m->head, CONTROL_LEN);
    if (n == CONTROL_LEN && m->extra_len)
        n += vq_write(vq_in(el), el->nin, CONTROL_LEN, m->extra, m->extra_len);
    if (n < CONTROL_LEN + m->extra_len)
        s->v.d->core->guest_error(s->v.d, "a buffer of %u bytes for a control message of %u",
                                  (uint32_t)n, CONTROL_LEN + m->extra_len);
    vq_push(&s->v.q[VSER_CONTROL_RX].ring, el, (uint32_t)n);
}

void vser_say(struct vser *s)
{
    struct vdev_queue *q = &s->v.q[VSER_CONTROL_RX];
    struct control_message m;
    while (vdev_running(q) && control_pending(&s->control)) {
        struct vq_elem *el = vq_pop(&q->ring);
        if (!el)
            break;
        if (control_next(&s->control, &m))
            send_message(s, el, &m);
    }
    vdev_flush(q);
}

static void control_rx(struct vdev_queue *q)
{
    vser_say((struct vser *)q->v);
}

static void take_message(struct vser *s, const struct vq_elem *el)
{
    uint8_t head[CONTROL_LEN];
    enum control_result r = CONTROL_BAD;
    if (vq_read(vq_out(el), el->nout, 0, head, sizeof head) == sizeof head)
        r = control_receive(&s->control, head);
    if (r == CONTROL_GUEST_OPEN)
        vser_tell_ports(s);
    else if (r == CONTROL_FAILED)
        s->v.d->core->guest_error(s->v.d, "the driver could not set up port %u",
                                  get_le32(head + CONTROL_ID));
    else if (r == CONTROL_BAD)
        s->v.d->core->guest_error(s->v.d, "a control message that means nothing");
}

static void control_tx(struct vdev_queue *q)
{
    struct vser *s = (struct vser *)q->v;
    uint32_t turns = q->ring.size;
    struct vq_elem *el;
    for (; turns && vdev_running(q) && (el = vq_pop(&q->ring)); turns--) {
        take_message(s, el);
        vq_push(&q->ring, el, 0);
    }
    if (!turns)
        vdev_poke(q);
    vdev_flush(q);
    vser_say(s);
}

/* ---- configuration space (5.3.4) ---- */

static void config_read(void *self, uint32_t off, void *buf, uint32_t len)
{
    const struct vser *s = self;
    uint8_t config[VSER_CONFIG_LEN] = {0};
    put_le16(config + VSER_CONFIG_COLS, s->control.port[0].cols);
    put_le16(config + VSER_CONFIG_ROWS, s->control.port[0].rows);
    put_le32(config + VSER_CONFIG_MAX_NR_PORTS, s->max_ports);
    memcpy(buf, config + off, len);
}

/* 5.3.5.1: the lowest byte of emerg_wr, whatever state the device is in. It is output in the main
 * context. */
static void config_write(void *self, uint32_t off, const void *buf, uint32_t len)
{
    struct vser *s = self;
    if (!s->emergency_write || off > VSER_CONFIG_EMERG_WR || off + len <= VSER_CONFIG_EMERG_WR)
        return;
    if (s->nemergency < VSER_EMERGENCY)
        s->emergency[s->nemergency++] = ((const uint8_t *)buf)[VSER_CONFIG_EMERG_WR - off];
    s->v.loop->kick(s->news);
}

static const struct vser_port *first_console(const struct vser *s)
{
    for (uint32_t i = 0; i < s->max_ports; i++)
        if (s->port[i] && s->control.port[i].console && s->control.port[i].host_open)
            return s->port[i];
    return NULL;
}

static void put_emergency(struct vser *s)
{
    const struct vser_port *p = first_console(s);
    struct tn_iov v = {s->emergency, s->nemergency};
    if (p && v.len)
        p->ops->data(p->s, &v, 1);
    s->nemergency = 0;
}

static void news(void *self)
{
    struct vser *s = self;
    put_emergency(s);
    vser_tell_ports(s);
}

/* ---- virtio-bus ---- */

static int features(void *self, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    const struct vser *s = self;
    (void)nwords, (void)e;
    f[0] |= 1u << VIRTIO_CONSOLE_F_SIZE;
    if (s->max_ports > 1)
        f[0] |= 1u << VIRTIO_CONSOLE_F_MULTIPORT;
    if (s->emergency_write)
        f[0] |= 1u << VIRTIO_CONSOLE_F_EMERG_WRITE;
    return 0;
}

static bool is_transmit(uint32_t q)
{
    return q % 2 && q != VSER_CONTROL_TX;
}

static int queue_start(void *self, const struct tn_vq *c)
{
    struct vser *s = self;
    if (c->index < s->v.nq && is_transmit(c->index) && !(c->flags & TN_VQ_RESTORE))
        s->lane[vser_port_of(&s->v.q[c->index])].done = 0;
    return vdev_queue_start(self, c);
}

/* [vcpu]: ports hear of it in their own context. */
static int reset(void *self)
{
    struct vser *s = self;
    control_reset(&s->control);
    memset(s->lane, 0, s->max_ports * sizeof *s->lane);
    s->v.loop->kick(s->news);
    return vdev_reset(self);
}

static const struct tn_virtio_ops ops = {
    .struct_size = sizeof ops,
    .device_id = VIRTIO_ID_CONSOLE,
    .pci_legacy_id = PCI_LEGACY_ID,
    .pci_class_rev = PCI_CLASS << 8,
    .features = features,
    .negotiated = vdev_negotiated,
    .config_read = config_read,
    .config_write = config_write,
    .queue_start = queue_start,
    .queue_stop = vdev_queue_stop,
    .reset = reset,
    .kick = vdev_kick,
};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct vser *s = self;
    vdev_init(&s->v, d);
    return 0;
}

static int check_properties(const struct vser *s, struct tn_err *e)
{
    if (!s->max_ports)
        return tn_fail(s->v.d, e, EINVAL, "Maximum number of serial ports not specified");
    if (s->max_ports > VSER_PORTS_MAX)
        return tn_fail(s->v.d, e, EINVAL, "maximum ports supported: %u", VSER_PORTS_MAX);
    return 0;
}

static int make_ports(struct vser *s, struct tn_err *e)
{
    s->control.nports = s->max_ports;
    s->control.port = calloc(s->max_ports, sizeof *s->control.port);
    s->port = calloc(s->max_ports, sizeof *s->port);
    s->lane = calloc(s->max_ports, sizeof *s->lane);
    return s->control.port && s->port && s->lane
               ? 0
               : tn_fail(s->v.d, e, ENOMEM, "no memory for %u ports", s->max_ports);
}

static void set_queue(struct vdev_queue *q, uint32_t i)
{
    bool control = i == VSER_CONTROL_RX || i == VSER_CONTROL_TX;
    q->max_size = control ? VSER_CONTROL_QUEUE : VSER_DATA_QUEUE;
    if (control)
        q->handle = i == VSER_CONTROL_RX ? control_rx : control_tx;
    else
        q->handle = is_transmit(i) ? vser_tx_handle : vser_rx_handle;
    q->stopping = is_transmit(i) ? vser_tx_stopping : NULL;
}

static int make_queues(struct vser *s, struct tn_err *e)
{
    uint32_t n = 2 * (s->max_ports + 1);
    int r = vdev_queues(&s->v, n, sizeof(struct vq_elem), 1, e);
    for (uint32_t i = 0; r == 0 && i < n; i++)
        set_queue(&s->v.q[i], i);
    return r < 0 ? r : vdev_setup(&s->v, VSER_CONFIG_LEN, e);
}

static int realize(void *self, struct tn_err *e)
{
    struct vser *s = self;
    int r = check_properties(s, e);
    if (r == 0)
        r = make_ports(s, e);
    if (r == 0)
        r = make_queues(s, e);
    if (r < 0)
        return r;
    s->news = s->v.loop->bh(s->v.d, NULL, 0, news, s);
    return s->news ? vser_bus_create(s, e) : tn_fail(s->v.d, e, ENOMEM, "no memory");
}

static void fini(void *self)
{
    struct vser *s = self;
    vdev_fini(&s->v);
    free(s->control.port);
    free(s->port);
    free(s->lane);
}

/* ---- state ---- */

#define PORT_FIELD(f) TN_FIELD(struct control_port, f, U8)

static const struct tn_field port_fields[] = {
    PORT_FIELD(announced), PORT_FIELD(ready),   PORT_FIELD(guest_open),
    PORT_FIELD(told_open), PORT_FIELD(blinked), PORT_FIELD(say),
};

static const struct tn_state port_state = {
    .struct_size = sizeof port_state,
    .version = 1,
    .min_version = 1,
    .name = "port",
    .fields = port_fields,
    .nfields = sizeof port_fields / sizeof port_fields[0],
    .field_stride = sizeof port_fields[0],
};

static const struct tn_field lane_fields[] = {TN_FIELD(struct vser_lane, done, U64)};

static const struct tn_state lane_state = {
    .struct_size = sizeof lane_state,
    .version = 1,
    .min_version = 1,
    .name = "lane",
    .fields = lane_fields,
    .nfields = 1,
    .field_stride = sizeof lane_fields[0],
};

static int post_load(void *self, uint32_t version, struct tn_err *e)
{
    struct vser *s = self;
    (void)version;
    uint32_t missing = control_loaded(&s->control);
    if (missing)
        return tn_fail(s->v.d, e, EINVAL, "port %u is not there", missing - 1);
    s->v.loop->kick(s->news);
    return 0;
}

/* One of the arrays whose length is max_ports: part(...) for each element. */
#define EACH(n, name_format, part)                   \
    for (uint32_t i = 0; r == 0 && i < (n); i++) {   \
        char name[16];                               \
        snprintf(name, sizeof name, name_format, i); \
        r = part;                                    \
    }

static int save(void *self, struct tn_save *o, struct tn_err *e)
{
    struct vser *s = self;
    const struct tn_stream *stream = TN_GET(s->v.d, struct tn_stream, TN_STREAM_1);
    int r = stream->put(o, "max_ports", TN_S_U32, &s->max_ports, 1);
    EACH(s->v.nq, "queue%u", stream->put_sub(o, name, &vdev_queue_state, &s->v.q[i]))
    EACH(s->max_ports, "port%u", stream->put_sub(o, name, &port_state, &s->control.port[i]))
    EACH(s->max_ports, "lane%u", stream->put_sub(o, name, &lane_state, &s->lane[i]))
    return r < 0 ? tn_fail(s->v.d, e, -r, "its ports cannot be saved") : 0;
}

static int load(void *self, struct tn_load *l, struct tn_err *e)
{
    struct vser *s = self;
    const struct tn_stream *stream = TN_GET(s->v.d, struct tn_stream, TN_STREAM_1);
    uint32_t max_ports = 0;
    int r = stream->get(l, "max_ports", TN_S_U32, &max_ports, 1);
    if (r == 0 && max_ports != s->max_ports)
        return tn_fail(s->v.d, e, EINVAL, "it has max_ports=%u here, and had %u", s->max_ports,
                       max_ports);
    EACH(s->v.nq, "queue%u", stream->get_sub(l, name, &vdev_queue_state, &s->v.q[i]))
    EACH(s->max_ports, "port%u", stream->get_sub(l, name, &port_state, &s->control.port[i]))
    EACH(s->max_ports, "lane%u", stream->get_sub(l, name, &lane_state, &s->lane[i]))
    return r < 0 ? tn_fail(s->v.d, e, -r, "its ports cannot be loaded") : 0;
}

static const struct tn_field fields[] = {
    TN_FIELD_ROW(struct vser, control.driver_ready, "driver_ready", U8, 1),
};

static const struct tn_state state = {
    .struct_size = sizeof state,
    .version = 1,
    .min_version = 1,
    .name = "virtio-serial",
    .fields = fields,
    .nfields = sizeof fields / sizeof fields[0],
    .field_stride = sizeof fields[0],
    .post_load = post_load,
    .save = save,
    .load = load,
};

static const struct tn_prop props[] = {
    TN_PROP(struct vser, max_ports, "max_ports", U32, 31, "number of ports, 1 to 511"),
    TN_PROP(struct vser, emergency_write, "emergency-write", BOOL, 1,
            "output through the configuration space"),
};

static const struct tn_class virtio_serial = {
    .struct_size = sizeof virtio_serial,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
    .kind = TN_K_DEVICE,
    .category = TN_CAT_INPUT,
    .name = "virtio-serial",
    .desc = "consoles and serial ports",
    .bus = TN_VIRTIO_BUS,
    .instance_size = sizeof(struct vser),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .state = &state,
    .bus_ops = &ops,
    .init = init,
    .realize = realize,
    .fini = fini,
};

static const struct tn_class *const classes[] = {&virtio_serial, &virtconsole_class,
                                                 &virtserialport_class, NULL};
static const struct tn_bus_type *const buses[] = {&vser_bus_type, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_DMA_1, TN_CHARDEV_1, TN_STREAM_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "virtio-serial",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "console device, its consoles and ports",
    .classes = classes,
    .buses = buses,
    .needs = needs,
};
