/* @NAME@: a network back end: a world that sends every frame back, its two addresses exchanged.
 *
 *   tenon -M q35 -plugin ./@NAME@.so -netdev @NAME@,id=n,delay=1000 -device virtio-net-pci,netdev=n ...
 *
 * Frames wait in a ring of fixed size until their time has come. When it is full the front end is told so
 * (send() answers 0), and hears when there is room again. All callbacks run in one context, with the back
 * end's lock held. */
#include <errno.h>
#include <string.h>
#include <tenon/loop.h>
#include <tenon/net.h>
#include <tenon/plugin.h>

enum { FRAME_MAX = 9216, FRAMES = 64, ADDRESS = 6, HEADER = 14 };

struct frame {
    uint64_t due; /* ns of guest time */
    uint32_t len;
    uint8_t data[FRAME_MAX];
};

struct @IDENT@ {
    struct tn_dev *dev;
    const struct tn_loop *loop;
    const struct tn_net_feed *feed;
    struct tn_timer *timer;
    uint32_t delay; /* property: microseconds */
    uint32_t first, n;
    uint8_t was_full, guest_full;
    struct frame frames[FRAMES];
};

/* ---- world to guest ---- */

/* Gives what is due; -ENOTCONN is a front end that has gone, and its frames with it. */
static void deliver(void *self)
{
    struct @IDENT@ *s = self;
    uint64_t now = s->loop->now(s->dev, TN_CLK_VM);
    for (; s->n && !s->guest_full && s->frames[s->first].due <= now; s->n--) {
        struct frame *f = &s->frames[s->first];
        const struct tn_iov v = {f->data, f->len};
        s->guest_full = s->feed->deliver(s->dev, 0, &v, 1) == 0;
        if (s->guest_full)
            return;
        s->first = (s->first + 1) % FRAMES;
    }
    if (s->n && !s->guest_full)
        s->loop->arm(s->timer, s->frames[s->first].due);
    if (s->was_full && s->n < FRAMES) {
        s->was_full = 0;
        s->feed->writable(s->dev, 0);
    }
}

static void can_receive(void *self, uint32_t q)
{
    struct @IDENT@ *s = self;
    (void)q;
    s->guest_full = 0;
    s->loop->arm(s->timer, s->loop->now(s->dev, TN_CLK_VM)); /* not in here: later */
}

/* ---- guest to world ---- */

static uint64_t gather(struct frame *f, const struct tn_iov *v, uint32_t n)
{
    uint64_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].len > FRAME_MAX - len)
            return 0;
        memcpy(f->data + len, v[i].base, v[i].len);
        len += v[i].len;
    }
    return len;
}

static void exchange(uint8_t *frame)
{
    uint8_t destination[ADDRESS];
    memcpy(destination, frame, ADDRESS);
    memcpy(frame, frame + ADDRESS, ADDRESS);
    memcpy(frame + ADDRESS, destination, ADDRESS);
}

static int64_t send_frame(void *self, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct @IDENT@ *s = self;
    (void)q;
    if (s->n == FRAMES) {
        s->was_full = 1;
        return 0;
    }
    struct frame *f = &s->frames[(s->first + s->n) % FRAMES];
    uint64_t len = gather(f, v, n);
    if (len < HEADER)
        return -EMSGSIZE;
    exchange(f->data);
    f->len = (uint32_t)len;
    f->due = s->loop->now(s->dev, TN_CLK_VM) + s->delay * UINT64_C(1000);
    if (s->n++ == 0)
        s->loop->arm(s->timer, f->due);
    return (int64_t)len;
}

static uint32_t queues(void *self)
{
    (void)self;
    return 1;
}

static void peer(void *self, uint32_t present)
{
    struct @IDENT@ *s = self;
    if (!present)
        s->n = 0;
    s->guest_full = s->was_full = 0;
}

static const struct tn_net_backend backend = {.struct_size = sizeof backend,
                                              .queues = queues,
                                              .send = send_frame,
                                              .can_receive = can_receive,
                                              .peer = peer};

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct @IDENT@ *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct @IDENT@ *s = self;
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->feed = TN_GET(s->dev, struct tn_net_feed, TN_NET_FEED_1);
    s->timer = s->loop->timer(s->dev, NULL, 0, TN_CLK_VM, deliver, s);
    if (!s->timer)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
    s->feed->info(s->dev, "sends everything back");
    return 0;
}

/* ---- what the host reads without running anything ---- */

static const struct tn_prop props[] = {
    TN_PROP_RANGE(struct @IDENT@, delay, "delay", U32, 0, 0, 10000000, "microseconds until a frame comes back"),
};

static const struct tn_class netdev = {.struct_size = sizeof netdev,
                                       .kind = TN_K_NETDEV,
                                       .name = "@NAME@",
                                       .desc = "a world that sends every frame back",
                                       .instance_size = sizeof(struct @IDENT@),
                                       .props = props,
                                       .nprops = sizeof props / sizeof props[0],
                                       .prop_stride = sizeof props[0],
                                       .bus_ops = &backend,
                                       .init = init,
                                       .realize = realize};

static const struct tn_class *const classes[] = {&netdev, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_NET_FEED_1, NULL};

const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                       .abi_major = TN_ABI_MAJOR,
                                       .abi_minor = TN_ABI_MINOR,
                                       .id = "@NAME@",
                                       .version = "0.1",
                                       .license = "yours",
                                       .summary = "a world that sends every frame back",
                                       .classes = classes,
                                       .needs = needs};
