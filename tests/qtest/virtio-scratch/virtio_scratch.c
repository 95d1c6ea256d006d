/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio device for tests of the transports: it has no use, but does on request whatever a device
 * may do to its transport. A stranger's plugin: only public headers.
 *
 * Device configuration, 32-bit words:
 *   0x00  command: see CMD_*; carried out when written
 *   0x04  its argument
 *   0x08  mode: MODE_*
 *   0x0c  what was last called: resets << 16 | starts << 8 | stops, each modulo 256
 *   0x10  notifications of queues 0, 1, 2: three words
 *   0x1c  data of the last notification that had some
 *   0x20  flags and size (<< 16) of the queue that was started last
 *   0x24  status as the device sees it
 */
#include <errno.h>
#include <string.h>
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/plugin.h>
#include <tenon/virtio.h>
#include <unistd.h>

enum { QUEUES = 3, WORDS = 10, ID = 0x3f, LEGACY_ID = 0x103e };
enum {
    CMD_CONFIG_CHANGED = 1,
    CMD_BROKEN,
    CMD_NOTIFY,    /* queue arg */
    CMD_CALL,      /* signal call_fd of queue arg */
    CMD_STOPPED,   /* complete the stops that were put off */
    CMD_RESET_DONE /* likewise the reset */
};
enum {
    MODE_STOP_LATER = 1,
    MODE_RESET_LATER = 2,
    MODE_START_FAILS = 4,
    MODE_REFUSE = 8,
    MODE_BY_ITSELF = 16, /* what is put off completes soon */
    MODE_LENT = 32       /* queue 1 is a back end's */
};
enum { W_COMMAND, W_ARG, W_MODE, W_CALLS, W_KICKS, W_DATA = 7, W_QUEUE, W_STATUS };

struct scratch {
    struct tn_dev *d;
    const struct tn_virtio_port *port;
    void *p;
    const struct tn_loop *loop;
    struct tn_bh *later;
    uint32_t w[WORDS];
    uint32_t stopping, resetting; /* bits of queues; owed */
    uint32_t tell_stopped, tell_reset;
    uint32_t shm;
    int kick[QUEUES];
};

/* ---- virtio-bus ---- */

static int features(void *s, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    (void)s;
    (void)nwords;
    (void)e;
    f[0] |= 0xff;
    f[1] |= 1;
    return 0;
}

static int negotiated(void *self, const uint64_t *f, uint32_t nwords, uint32_t vq_flags)
{
    struct scratch *s = self;
    (void)nwords;
    (void)vq_flags;
    return (s->w[W_MODE] & MODE_REFUSE) && (f[0] & 1) ? -EINVAL : 0;
}

static void config_read(void *self, uint32_t off, void *buf, uint32_t len)
{
    struct scratch *s = self;
    s->w[W_STATUS] = s->port->status(s->p);
    memcpy(buf, (const char *)s->w + off, len);
}

/* Completions are not made from inside a callback, and without the lock. */
static void later(void *self)
{
    struct scratch *s = self;
    uint32_t stopped = __atomic_exchange_n(&s->tell_stopped, 0, __ATOMIC_ACQ_REL);
    uint32_t reset = __atomic_exchange_n(&s->tell_reset, 0, __ATOMIC_ACQ_REL);
    for (uint32_t i = 0; i < QUEUES; i++)
        if (stopped & 1u << i)
            s->port->queue_stopped(s->p, i, 0);
    if (reset)
        s->port->reset_done(s->p, 0);
}

/* Completes what was put off. */
static void complete(struct scratch *s, uint32_t stops, uint32_t resets)
{
    __atomic_fetch_or(&s->tell_stopped, stops, __ATOMIC_RELEASE);
    __atomic_fetch_or(&s->tell_reset, resets, __ATOMIC_RELEASE);
    s->stopping &= ~stops;
    s->resetting &= ~resets;
    s->loop->kick(s->later);
}

static void command(struct scratch *s)
{
    uint64_t one = 1;
    uint32_t q = s->w[W_ARG] % QUEUES;
    switch (s->w[W_COMMAND]) {
    case CMD_CONFIG_CHANGED:
        s->port->config_changed(s->p);
        break;
    case CMD_BROKEN:
        s->port->broken(s->p, "on request");
        break;
    case CMD_NOTIFY:
        s->port->notify(s->p, q);
        break;
    case CMD_CALL:
        if (write(s->port->call_fd(s->p, q), &one, sizeof one) < 0)
            s->w[W_COMMAND] = 0xdead;
        break;
    case CMD_STOPPED:
        complete(s, s->stopping, 0);
        break;
    case CMD_RESET_DONE:
        complete(s, 0, s->resetting);
        break;
    default:
        break;
    }
}

static void config_write(void *self, uint32_t off, const void *buf, uint32_t len)
{
    struct scratch *s = self;
    memcpy((char *)s->w + off, buf, len);
    if (off == 0)
        command(s);
}

static int queue_start(void *self, const struct tn_vq *q)
{
    struct scratch *s = self;
    s->w[W_QUEUE] = q->flags | q->size << 16;
    if (s->w[W_MODE] & MODE_START_FAILS)
        return -EINVAL;
    s->w[W_CALLS] = (s->w[W_CALLS] & ~0xff00u) | ((s->w[W_CALLS] + 0x100) & 0xff00);
    return 0;
}

static int queue_stop(void *self, uint32_t q)
{
    struct scratch *s = self;
    s->w[W_CALLS] = (s->w[W_CALLS] & ~0xffu) | ((s->w[W_CALLS] + 1) & 0xff);
    if (!(s->w[W_MODE] & MODE_STOP_LATER))
        return 0;
    s->stopping |= 1u << q;
    if (s->w[W_MODE] & MODE_BY_ITSELF)
        complete(s, 1u << q, 0);
    return TN_PENDING;
}

static int reset(void *self)
{
    struct scratch *s = self;
    s->w[W_CALLS] += 0x10000;
    if (!(s->w[W_MODE] & MODE_RESET_LATER))
        return 0;
    s->resetting = 1;
    if (s->w[W_MODE] & MODE_BY_ITSELF)
        complete(s, 0, 1);
    return TN_PENDING;
}

static void kick(void *self, uint32_t q, uint32_t data)
{
    struct scratch *s = self;
    s->w[W_KICKS + q]++;
    s->w[W_DATA] = data;
}

static const struct tn_virtio_ops ops = {.struct_size = sizeof ops,
                                         .device_id = ID,
                                         .pci_legacy_id = LEGACY_ID,
                                         .pci_class_rev = 0x00ff0000,
                                         .features = features,
                                         .negotiated = negotiated,
                                         .config_read = config_read,
                                         .config_write = config_write,
                                         .queue_start = queue_start,
                                         .queue_stop = queue_stop,
                                         .reset = reset,
                                         .kick = kick};

static int lent(void *self, uint32_t q)
{
    const struct scratch *s = self;
    return q == 1 && (s->w[W_MODE] & MODE_LENT);
}

static const struct tn_virtio_lent lent_ops = {.struct_size = sizeof lent_ops, .lent = lent};
static const char *const provides[] = {TN_VIRTIO_LENT_1, NULL};
static const void *get_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_VIRTIO_LENT_1) == 0 ? &lent_ops : NULL;
}

/* ---- life ---- */

static void kicked(void *self, uint32_t ev)
{
    struct scratch *s = self;
    uint64_t n;
    (void)ev;
    if (read(s->kick[0], &n, sizeof n) == sizeof n)
        s->w[W_KICKS] += (uint32_t)n;
}

static int init(void *self, struct tn_dev *d)
{
    ((struct scratch *)self)->d = d;
    return 0;
}

/* Queue 0 is notified by descriptor, the others by call. */
static int realize(void *self, struct tn_err *e)
{
    static const uint16_t sizes[QUEUES] = {256, 64, 8};
    struct scratch *s = self;
    struct tn_virtio_setup u = {
        .struct_size = sizeof u, .config_len = sizeof s->w, .nqueues = QUEUES, .max_size = sizes};
    s->port = s->d->core->port(s->d, &s->p);
    s->loop = TN_GET(s->d, struct tn_loop, TN_LOOP_1);
    s->later = s->loop->bh(s->d, NULL, TN_LF_NOLOCK, later, s);
    int r = s->port->setup(s->p, &u, e);
    if (r < 0)
        return r;
    if (s->shm && (r = s->port->shm(s->p, 1, s->shm, e)) < 0)
        return r;
    s->kick[0] = s->port->kick_fd(s->p, 0);
    if (s->kick[0] < 0 || !s->loop->fd(s->d, NULL, 0, s->kick[0], TN_FD_IN, kicked, s))
        return tn_fail(s->d, e, ENOMEM, "no descriptor for notifications");
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP(struct scratch, shm, "shm", U32, 0, "bytes of shared memory region 1"),
};

static const struct tn_class scratch = {.struct_size = sizeof scratch,
                                        .flags = TN_C_HOTPLUG,
                                        .kind = TN_K_DEVICE,
                                        .name = "virtio-scratch",
                                        .desc = "virtio device that tests its transport",
                                        .bus = TN_VIRTIO_BUS,
                                        .instance_size = sizeof(struct scratch),
                                        .props = props,
                                        .nprops = sizeof props / sizeof props[0],
                                        .prop_stride = sizeof props[0],
                                        .bus_ops = &ops,
                                        .provides = provides,
                                        .get_iface = get_iface,
                                        .init = init,
                                        .realize = realize};
static const struct tn_class *const classes[] = {&scratch, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "virtio-scratch",
                                       .version = "1",
                                       .license = "BSD-2-Clause",
                                       .summary = "virtio device for tests",
                                       .classes = classes};
