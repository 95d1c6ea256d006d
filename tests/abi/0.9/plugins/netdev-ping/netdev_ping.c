/* SPDX-License-Identifier: BSD-2-Clause */
/* netdev-ping: a network back end that is a world of one: a host at `address`, which answers ARP (RFC 826)
 * and ICMP echo (RFC 792) and nothing else.
 *
 * The answer to a frame is that frame, turned round; it waits in a ring of fixed size until the guest takes
 * it. While that is full send() answers 0, and the front end hears when there is room again. All callbacks
 * run in one context, with the back end's lock held. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <tenon/loop.h>
#include <tenon/net.h>
#include <tenon/plugin.h>

enum { FRAME_MAX = 9216, FRAMES = 64 };
/* Ethernet II */
enum { ETH_TO = 0, ETH_FROM = 6, ETH_TYPE = 12, ETH_DATA = 14, ETH_ADDRESS = 6, TYPE_IP = 0x0800, TYPE_ARP = 0x0806 };
/* RFC 826: hardware and protocol, operation, sender, target */
enum { ARP_KIND = ETH_DATA, ARP_OP = ARP_KIND + 6, ARP_FROM_ETH = ARP_OP + 2, ARP_FROM_IP = ARP_FROM_ETH + 6,
       ARP_TO_ETH = ARP_FROM_IP + 4, ARP_TO_IP = ARP_TO_ETH + 6, ARP_END = ARP_TO_IP + 4, ARP_REQUEST = 1, ARP_REPLY = 2 };
/* RFC 791 without options, RFC 792 */
enum { IP_FIRST = ETH_DATA, IP_FRAGMENT = IP_FIRST + 6, IP_PROTOCOL = IP_FIRST + 9, IP_FROM = IP_FIRST + 12,
       IP_TO = IP_FROM + 4, IP_END = IP_TO + 4, IP_PLAIN = 0x45, PROTOCOL_ICMP = 1 };
enum { ICMP_TYPE = IP_END, ICMP_CHECKSUM = ICMP_TYPE + 2, ICMP_END = ICMP_TYPE + 8, ECHO = 8, ECHO_REPLY = 0 };

struct frame {
    uint32_t len;
    uint8_t data[FRAME_MAX];
};

struct ping {
    struct tn_dev *dev;
    const struct tn_net_feed *feed;
    const struct tn_loop *loop;
    struct tn_bh *deliver;
    const char *address; /* properties */
    uint8_t mac[ETH_ADDRESS];
    uint8_t ip[4];
    uint32_t first, n; /* answers that wait */
    uint8_t guest_full, was_full;
    struct frame answers[FRAMES];
};

/* ---- the host at the other end ---- */

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void turn_round(const struct ping *s, uint8_t *f)
{
    memcpy(f + ETH_TO, f + ETH_FROM, ETH_ADDRESS);
    memcpy(f + ETH_FROM, s->mac, ETH_ADDRESS);
}

/* 1: the frame is an answer now. */
static int answer_arp(const struct ping *s, uint8_t *f, uint64_t len)
{
    static const uint8_t ip_over_ethernet[] = {0, 1, 8, 0, 6, 4};
    if (len < ARP_END || memcmp(f + ARP_KIND, ip_over_ethernet, sizeof ip_over_ethernet) != 0 ||
        get16(f + ARP_OP) != ARP_REQUEST || memcmp(f + ARP_TO_IP, s->ip, sizeof s->ip) != 0)
        return 0;
    put16(f + ARP_OP, ARP_REPLY);
    memcpy(f + ARP_TO_ETH, f + ARP_FROM_ETH, ETH_ADDRESS + sizeof s->ip);
    memcpy(f + ARP_FROM_ETH, s->mac, ETH_ADDRESS);
    memcpy(f + ARP_FROM_IP, s->ip, sizeof s->ip);
    turn_round(s, f);
    return 1;
}

/* RFC 1624: the sum changes by what the type changes, ECHO to ECHO_REPLY. */
static void make_reply(uint8_t *f)
{
    uint32_t sum = get16(f + ICMP_CHECKSUM) + (ECHO << 8);
    put16(f + ICMP_CHECKSUM, (sum & 0xffff) + (sum >> 16));
    f[ICMP_TYPE] = ECHO_REPLY;
}

static int answer_echo(const struct ping *s, uint8_t *f, uint64_t len)
{
    if (len < ICMP_END || f[IP_FIRST] != IP_PLAIN || (get16(f + IP_FRAGMENT) & 0x3fff) ||
        f[IP_PROTOCOL] != PROTOCOL_ICMP || f[ICMP_TYPE] != ECHO || memcmp(f + IP_TO, s->ip, sizeof s->ip) != 0)
        return 0;
    make_reply(f);
    memcpy(f + IP_TO, f + IP_FROM, sizeof s->ip); /* the header's sum stays */
    memcpy(f + IP_FROM, s->ip, sizeof s->ip);
    turn_round(s, f);
    return 1;
}

static int answer(const struct ping *s, uint8_t *f, uint64_t len)
{
    switch (len < ETH_DATA ? 0 : get16(f + ETH_TYPE)) {
    case TYPE_ARP:
        return answer_arp(s, f, len);
    case TYPE_IP:
        return answer_echo(s, f, len);
    default:
        return 0;
    }
}

/* ---- world to guest ---- */

/* A front end that is gone takes its answers with it: -ENOTCONN drops them. */
static void deliver(void *self)
{
    struct ping *s = self;
    for (; s->n && !s->guest_full; s->n--) {
        struct frame *f = &s->answers[s->first];
        const struct tn_iov v = {f->data, f->len};
        if (s->feed->deliver(s->dev, 0, &v, 1) == 0) {
            s->guest_full = 1;
            return;
        }
        s->first = (s->first + 1) % FRAMES;
    }
    if (s->was_full && s->n < FRAMES) {
        s->was_full = 0;
        s->feed->writable(s->dev, 0);
    }
}

static void can_receive(void *self, uint32_t q)
{
    struct ping *s = self;
    (void)q;
    s->guest_full = 0;
    s->loop->kick(s->deliver); /* not in here: later */
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

static int64_t send_frame(void *self, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct ping *s = self;
    (void)q;
    if (s->n == FRAMES) {
        s->was_full = 1;
        return 0;
    }
    struct frame *f = &s->answers[(s->first + s->n) % FRAMES];
    uint64_t len = gather(f, v, n);
    if (!len)
        return -EMSGSIZE;
    f->len = (uint32_t)len;
    if (answer(s, f->data, len)) {
        s->n++;
        s->loop->kick(s->deliver);
    }
    return (int64_t)len;
}

static uint32_t queues(void *self)
{
    (void)self;
    return 1;
}

static void peer(void *self, uint32_t present)
{
    struct ping *s = self;
    s->n = present ? s->n : 0;
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
    struct ping *s = self;
    s->dev = d;
    return 0;
}

static void give_default_mac(struct ping *s)
{
    static const uint8_t none[ETH_ADDRESS], ours[ETH_ADDRESS] = {0x02, 0, 0, 0, 0, 0x07};
    if (memcmp(s->mac, none, sizeof none) == 0)
        memcpy(s->mac, ours, sizeof ours);
}

static int realize(void *self, struct tn_err *e)
{
    struct ping *s = self;
    if (inet_pton(AF_INET, s->address, s->ip) != 1)
        return tn_fail(s->dev, e, EINVAL, "'address' is no IPv4 address: '%s'", s->address);
    give_default_mac(s);
    s->feed = TN_GET(s->dev, struct tn_net_feed, TN_NET_FEED_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->deliver = s->loop->bh(s->dev, NULL, 0, deliver, s);
    if (!s->deliver)
        return tn_fail(s->dev, e, ENOMEM, "no memory for a bottom half");
    s->feed->info(s->dev, s->address);
    return 0;
}

/* ---- what the host reads without running anything ---- */

static const struct tn_prop props[] = {
    TN_PROP_STR(struct ping, address, "address", "10.0.2.2", "of the host that answers"),
    TN_PROP(struct ping, mac, "mac", MAC, 0, "its Ethernet address; by default 02:00:00:00:00:07"),
};

static const struct tn_class netdev = {.struct_size = sizeof netdev,
                                       .kind = TN_K_NETDEV,
                                       .name = "ping",
                                       .desc = "a host that answers ARP and ICMP echo (example)",
                                       .instance_size = sizeof(struct ping),
                                       .props = props,
                                       .nprops = sizeof props / sizeof props[0],
                                       .prop_stride = sizeof props[0],
                                       .bus_ops = &backend,
                                       .init = init,
                                       .realize = realize};

static const struct tn_class *const classes[] = {&netdev, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_NET_FEED_1, NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                                 .abi_major = TN_ABI_MAJOR,
                                                 .abi_minor = TN_ABI_MINOR,
                                                 .id = "netdev-ping",
                                                 .version = "1.0",
                                                 .license = "BSD-2-Clause",
                                                 .summary = "a host that answers ARP and ICMP echo (example)",
                                                 .classes = classes,
                                                 .needs = needs};
