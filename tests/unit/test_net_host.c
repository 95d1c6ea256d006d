/* SPDX-License-Identifier: BSD-2-Clause */
/* Between front ends and back ends: queues and their bounds, contexts and locks, offloads, links,
 * filters, MAC addresses, with both ends commanded by the test. */
#include "backend/net.h"
#include "cli/keyval.h"
#include "core/loop.h"
#include "tap.h"
#include "util/alloc.h"
#include "vm/iothread.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { GOT = 8192, QUEUES = 2 };

static struct vm *vm;

/* ---- a back end ---- */

struct back {
    struct tn_dev *d;
    uint8_t refuses_offload;
    uint32_t full, got[GOT], ngot, wrong_lock, roomy, peers, hdr_len, offloads;
    uint64_t bytes;
};

static uint32_t b_queues(void *s)
{
    (void)s;
    return QUEUES;
}

/* A packet is its number, again and again. */
static uint32_t number_of(const struct tn_iov *v)
{
    uint32_t n;
    memcpy(&n, v->base, sizeof n);
    return n;
}

static int64_t b_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct back *b = s;
    const struct tn_net_backend *ops = b->d->cls->bus_ops;
    (void)q;
    if (!(ops->flags & TN_NETB_ANY))
        b->wrong_lock += !domain_held(device_of(b->d)->domain) || domain_depth() != 1;
    if (b->full)
        return 0;
    if (b->ngot < GOT)
        b->got[b->ngot] = number_of(v);
    __atomic_add_fetch(&b->ngot, 1, __ATOMIC_RELEASE);
    int64_t len = 0;
    for (uint32_t i = 0; i < n; i++)
        len += (int64_t)v[i].len;
    b->bytes += (uint64_t)len;
    return len;
}

static void b_can_receive(void *s, uint32_t q)
{
    struct back *b = s;
    b->wrong_lock += !domain_held(device_of(b->d)->domain) || domain_depth() != 1;
    b->roomy += q == 0;
}

static int b_offload(void *s, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest)
{
    struct back *b = s;
    (void)to_guest, (void)from_guest;
    if (b->refuses_offload)
        return -ENOTSUP;
    b->hdr_len = hdr_len;
    b->offloads++;
    return 0;
}

static void b_peer(void *s, uint32_t present)
{
    struct back *b = s;
    b->peers += present ? 1 : 0x100;
}

static int b_fds(void *s, int *fd, uint32_t max)
{
    (void)s;
    for (uint32_t i = 0; i < QUEUES && i < max; i++)
        fd[i] = 100 + (int)i;
    return QUEUES;
}

static int b_init(void *s, struct tn_dev *d)
{
    ((struct back *)s)->d = d;
    return 0;
}

static const struct tn_net_backend b_ops = {.struct_size = sizeof b_ops,
                                            .queues = b_queues,
                                            .send = b_send,
                                            .can_receive = b_can_receive,
                                            .offload = b_offload,
                                            .peer = b_peer};
static const struct tn_net_backend b_any_ops = {.struct_size = sizeof b_any_ops,
                                                .flags = TN_NETB_ANY,
                                                .queues = b_queues,
                                                .send = b_send,
                                                .can_receive = b_can_receive,
                                                .fds = b_fds,
                                                .offload = b_offload};
static const struct tn_prop b_props[] = {
    TN_PROP(struct back, refuses_offload, "refuses", BOOL, 0, NULL),
};
#define BACK(nm, o)                                                                         \
    {                                                                                       \
        .struct_size = sizeof(struct tn_class), .kind = TN_K_NETDEV, .flags = TN_C_HOTPLUG, \
        .name = (nm), .instance_size = sizeof(struct back), .props = b_props, .nprops = 1,  \
        .prop_stride = sizeof b_props[0], .bus_ops = &(o), .init = b_init                   \
    }
static const struct tn_class back_class = BACK("back", b_ops), any_class = BACK("any", b_any_ops);

/* ---- a front end ---- */

struct front {
    struct tn_dev *d;
    struct tn_net *net;
    struct tn_ctx *iothread;
    uint8_t mac[6];
    uint32_t want_hdr;
    int offload;
    uint32_t full, got[GOT], ngot, batches, wrong, sent, links, last_link;
    struct tn_iov v[2];
};

static void note(struct front *f)
{
    f->wrong += !domain_held(device_of(f->d)->domain) || domain_depth() != 1;
    f->wrong += !loop_here(f->iothread ? f->iothread : vm->main);
}

static int64_t f_receive(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct front *f = s;
    note(f);
    (void)q;
    if (n != 1)
        abort();
    if (__atomic_load_n(&f->full, __ATOMIC_ACQUIRE))
        return 0;
    if (f->ngot < GOT)
        f->got[f->ngot] = number_of(v);
    __atomic_add_fetch(&f->ngot, 1, __ATOMIC_RELEASE);
    return (int64_t)v->len;
}

static void f_link(void *s, uint32_t up)
{
    struct front *f = s;
    note(f);
    f->links++;
    f->last_link = up;
}

static void f_received(void *s, uint32_t q)
{
    struct front *f = s;
    note(f);
    (void)q;
    f->batches++;
}

static const struct tn_net_ops f_ops = {
    .struct_size = sizeof f_ops, .receive = f_receive, .link = f_link, .received = f_received};

static int f_init(void *s, struct tn_dev *d)
{
    ((struct front *)s)->d = d;
    return 0;
}

static int f_realize(void *s, struct tn_err *e)
{
    struct front *f = s;
    netdev_table.mac(f->d, f->mac);
    if (!f->net)
        return 0;
    int r = netdev_table.attach(f->net, f->d, f->iothread, &f_ops, f, e);
    if (r == 0 && f->want_hdr)
        f->offload = netdev_table.offload(f->net, f->want_hdr, 0, 0);
    return r;
}

static const struct tn_prop f_props[] = {
    TN_PROP_REF(struct front, net, "netdev", NETDEV, 0, NULL),
    TN_PROP_REF(struct front, iothread, "iothread", IOTHREAD, 0, NULL),
    TN_PROP_REF(struct front, mac, "mac", MAC, 0, NULL),
    TN_PROP(struct front, want_hdr, "hdr", U32, 0, NULL),
};
static const struct tn_class front_class = {
    .struct_size = sizeof front_class,
    .name = "front",
    .flags = TN_C_HOTPLUG,
    .category = TN_CAT_NETWORK,
    .instance_size = sizeof(struct front),
    .props = f_props,
    .nprops = 4,
    .prop_stride = sizeof f_props[0],
    .init = f_init,
    .realize = f_realize,
};

/* ---- a filter ---- */

struct filter {
    struct tn_dev *d;
    struct tn_net *net;
    const char *position;
    uint32_t verdict; /* 0 on, 1 take, 2 take and resubmit later */
    uint32_t seen[2], order, wrong_lock;
    uint8_t kept[64];
    uint32_t nkept, dir;
};
static uint32_t orders;

static int filter_packet(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct filter *f = s;
    (void)q, (void)n;
    f->wrong_lock += !domain_held(device_of(f->d)->domain) || domain_depth() != 1;
    f->seen[dir == TN_NET_TO_GUEST]++;
    f->order = ++orders;
    if (f->verdict == 2) {
        f->nkept = (uint32_t)v->len;
        memcpy(f->kept, v->base, v->len < sizeof f->kept ? v->len : sizeof f->kept);
        f->dir = dir;
    }
    return f->verdict != 0;
}

static const struct tn_net_filter filter_ops = {.struct_size = sizeof filter_ops,
                                                .packet = filter_packet};

static const void *filter_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NET_FILTER_1) == 0 ? &filter_ops : NULL;
}

static int filter_init(void *s, struct tn_dev *d)
{
    ((struct filter *)s)->d = d;
    return 0;
}

static int filter_realize(void *s, struct tn_err *e)
{
    struct filter *f = s;
    return net_chain_table.insert(f->net, f->d, TN_NET_FROM_GUEST | TN_NET_TO_GUEST, f->position,
                                  e);
}

static const struct tn_prop filter_props[] = {
    TN_PROP_REF(struct filter, net, "netdev", NETDEV, 0, NULL),
    TN_PROP_STR(struct filter, position, "position", "tail", NULL),
    TN_PROP(struct filter, verdict, "verdict", U32, 0, NULL),
};
static const char *const filter_provides[] = {TN_NET_FILTER_1, NULL};
static const struct tn_class filter_class = {
    .struct_size = sizeof filter_class,
    .kind = TN_K_OBJECT,
    .flags = TN_C_HOTPLUG,
    .name = "filter",
    .provides = filter_provides,
    .instance_size = sizeof(struct filter),
    .props = filter_props,
    .nprops = 3,
    .prop_stride = sizeof filter_props[0],
    .init = filter_init,
    .realize = filter_realize,
    .get_iface = filter_iface,
};

static const struct tn_class *const classes[] = {&back_class, &any_class, &front_class,
                                                 &filter_class, NULL};
static const struct tn_plugin plugin = {.struct_size = sizeof plugin,
                                        .abi_major = TN_ABI_MAJOR,
                                        .id = "test",
                                        .version = "1",
                                        .classes = classes};

/* ---- the VM ---- */

static char said[256];

static void end(void)
{
    if (vm)
        vm_free(vm);
    vm = NULL;
}

static void begin(void)
{
    end();
    vm = vm_new(0);
    if (!vm || registry_builtin(vm->registry, &plugin, NULL) < 0 ||
        registry_builtin(vm->registry, &net_plugin, NULL) < 0 ||
        registry_builtin(vm->registry, &iothread_plugin, NULL) < 0)
        abort();
}

/* "front,id=f,netdev=n": the instance, or NULL with its error in said. */
static void *make(uint32_t kind, const char *text)
{
    static const char *const implied[] = {"driver", "qom-type", NULL, "type"};
    ERR_AUTO e = {0};
    struct kv_node *kv = keyval_parse(text, implied[kind]);
    int r = kind == TN_K_NETDEV ? net_add(vm, kv, &e) : device_add(vm, kind, kv, NULL, &e);
    AUTO_FREE char *id = xstrdup(kv_text(kv, "id") ? kv_text(kv, "id") : "");
    snprintf(said, sizeof said, "%s", err_text(&e));
    kv_free(kv);
    struct device *d = r < 0 ? NULL : device_find(vm, kind, id);
    return d ? d->pub.self : NULL;
}

static void settle(void)
{
    for (int i = 0; i < 20; i++)
        while (loop_once(vm->main, 0))
            ;
}

#define UNTIL(x)                                  \
    do {                                          \
        for (int i_ = 0; i_ < 2000 && !(x); i_++) \
            loop_once(vm->main, 1000000u);        \
        CHECK(x);                                 \
    } while (0)

static void was_sent(void *s)
{
    struct front *f = s;
    note(f);
    f->sent++;
}

static uint8_t packet[70000];

static struct tn_iov numbered(uint32_t number, uint32_t len)
{
    memcpy(packet, &number, sizeof number);
    return (struct tn_iov){packet, len};
}

static int64_t send_one(struct front *to, uint32_t number, uint32_t len)
{
    struct tn_iov *v = &to->v[number % 2]; /* the one that is kept stays as it is */
    *v = numbered(number, len);
    domain_lock(device_of(to->d)->domain);
    int64_t r = netdev_table.send(to->net, 0, v, 1, was_sent, to);
    domain_unlock(device_of(to->d)->domain);
    return r;
}

static int64_t deliver_one(struct back *from, uint32_t number, uint32_t len)
{
    struct tn_iov v = numbered(number, len);
    domain_lock(device_of(from->d)->domain);
    int64_t r = net_feed_table.deliver(from->d, 0, &v, 1);
    domain_unlock(device_of(from->d)->domain);
    return r;
}

static struct back *b;
static struct front *f;

static void begin_pair(const char *back)
{
    char text[100];
    begin();
    snprintf(text, sizeof text, "%s,id=n", back);
    b = make(TN_K_NETDEV, text);
    f = make(TN_K_DEVICE, "front,id=f,netdev=n");
    if (!b || !f)
        abort();
    settle();
}

static int in_order(const uint32_t *got, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (got[i] != i)
            return 0;
    return 1;
}

/* ---- packets ---- */

TEST(packets_pass_each_with_its_own_lock)
{
    begin_pair("back");
    for (uint32_t i = 0; i < 100; i++) {
        CHECK_EQ(send_one(f, i, 60 + i), 60 + i);
        CHECK_EQ(deliver_one(b, i, 60 + i), 60 + i);
    }
    CHECK_EQ(b->ngot + f->ngot, 0); /* nothing runs inside */
    settle();
    CHECK_EQ(b->ngot, 100);
    CHECK_EQ(f->ngot, 100);
    CHECK(in_order(b->got, 100) && in_order(f->got, 100));
    CHECK_EQ(b->wrong_lock + f->wrong, 0);
    CHECK_EQ(f->batches, 1);
}

TEST(a_back_end_without_a_lock_is_called_at_once)
{
    begin_pair("any");
    CHECK_EQ(send_one(f, 0, 60), 60);
    CHECK_EQ(b->ngot, 1);
}

TEST(a_full_back_end_fills_the_queue_then_one_packet_is_kept)
{
    static const char *const kinds[] = {"back", "any"};
    for (size_t k = 0; k < 2; k++) {
        begin_pair(kinds[k]);
        b->full = 1;
        uint32_t n = 0;
        while (n < 10000 && send_one(f, n, 1514) > 0) {
            n++;
            settle();
        }
        CHECK(n > 200 && n < 1000);
        CHECK_EQ(send_one(f, n + 1, 60), -EBUSY);
        packet[0] = (uint8_t)n; /* what is kept is the front end's own memory */
        packet[1] = (uint8_t)(n >> 8);
        b->full = 0;
        settle();
        CHECK_EQ(b->ngot, 0); /* until it says so */
        net_feed_table.writable(b->d, 0);
        settle();
        CHECK_EQ(f->sent, 1);
        CHECK_EQ(b->ngot, n + 1);
        CHECK(in_order(b->got, n + 1));
        CHECK_EQ(send_one(f, n + 1, 60), 60);
    }
}

TEST(a_kept_packet_can_be_taken_back)
{
    begin_pair("back");
    b->full = 1;
    while (send_one(f, 1, 1514) > 0)
        settle();
    CHECK_EQ(netdev_table.purge(f->net, 0), 1);
    CHECK_EQ(netdev_table.purge(f->net, 0), 0);
    b->full = 0;
    net_feed_table.writable(b->d, 0);
    settle();
    CHECK_EQ(f->sent, 0);
}

TEST(a_full_front_end_fills_the_queue_then_the_back_end_waits)
{
    begin_pair("back");
    uint32_t before = b->roomy;
    f->full = 1;
    uint32_t n = 0;
    while (n < 10000 && deliver_one(b, n, 1514) > 0) {
        n++;
        settle();
    }
    CHECK(n > 200 && n < 1000);
    CHECK_EQ(f->ngot, 0);
    f->full = 0;
    settle();
    CHECK_EQ(f->ngot, 0); /* until it says so */
    netdev_table.flush(f->net, 0);
    settle();
    CHECK_EQ(f->ngot, n);
    CHECK(in_order(f->got, n));
    CHECK_EQ(b->roomy, before + 1);
    CHECK_EQ(b->wrong_lock, 0);
}

TEST(packets_of_all_sizes_keep_their_bytes)
{
    begin_pair("back");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t len = 4 + i * 7919 % (65536 + 4096 - 4);
        CHECK_EQ(send_one(f, i, len), len);
        sum += len;
        settle();
    }
    CHECK_EQ(b->ngot, 3000);
    CHECK_EQ(b->bytes, sum);
    CHECK(in_order(b->got, 3000));
    CHECK_EQ(send_one(f, 0, 65536 + 4097), -EINVAL);
    CHECK_EQ(send_one(f, 0, 0), -EINVAL);
    CHECK_EQ(deliver_one(b, 0, 65536 + 4097), -EINVAL);
    CHECK_EQ(send_one(f, 3000, 65536 + 4096), 65536 + 4096);
}

TEST(lengths_that_overflow_are_refused)
{
    begin_pair("back");
    struct tn_iov v[2] = {{packet, ~(uint64_t)0}, {packet, 2}};
    CHECK_EQ(netdev_table.send(f->net, 0, v, 2, was_sent, f), -EINVAL);
    CHECK_EQ(netdev_table.send(f->net, QUEUES, v + 1, 1, was_sent, f), -EINVAL);
    CHECK_EQ(netdev_table.send(NULL, 0, v + 1, 1, was_sent, f), -EINVAL);
    CHECK_EQ(netdev_table.queues(f->net), QUEUES);
}

/* ---- an iothread ---- */

TEST(a_front_end_in_an_iothread_is_called_there)
{
    begin();
    CHECK(make(TN_K_OBJECT, "iothread,id=t"));
    b = make(TN_K_NETDEV, "back,id=n");
    f = make(TN_K_DEVICE, "front,id=f,netdev=n,iothread=t");
    CHECK(b && f);
    devices_resume(vm); /* its thread begins */
    for (uint32_t i = 0; i < 3000; i++) {
        while (deliver_one(b, i, 1514) == 0)
            loop_once(vm->main, 100000);
        loop_once(vm->main, 0);
    }
    UNTIL(__atomic_load_n(&f->ngot, __ATOMIC_ACQUIRE) == 3000);
    struct device *d = device_of(f->d);
    domain_lock(d->domain); /* the last batch may be about to end */
    uint32_t wrong = f->wrong, ordered = (uint32_t)in_order(f->got, 3000);
    domain_unlock(d->domain);
    CHECK(ordered);
    CHECK_EQ(wrong, 0);
    device_free(d); /* while packets come */
    CHECK_EQ(deliver_one(b, 1, 60), -ENOTCONN);
}

/* ---- who is there ---- */

TEST(a_back_end_without_a_front_end_hears_so)
{
    begin();
    b = make(TN_K_NETDEV, "back,id=n");
    CHECK_EQ(deliver_one(b, 1, 60), -ENOTCONN);
    f = make(TN_K_DEVICE, "front,id=f,netdev=n");
    settle();
    CHECK_EQ(b->peers, 1);
    CHECK_EQ(b->roomy, 1);
    CHECK_EQ(deliver_one(b, 1, 60), 60);
    device_free(device_of(f->d));
    settle();
    CHECK_EQ(b->peers, 0x101);
    CHECK_EQ(deliver_one(b, 1, 60), -ENOTCONN);
    f = make(TN_K_DEVICE, "front,id=f2,netdev=n");
    CHECK(f);
    settle();
    CHECK_EQ(f->ngot, 0); /* what the first did not get is nobody's */
}

TEST(one_front_end_at_a_time)
{
    begin_pair("back");
    CHECK(!make(TN_K_DEVICE, "front,id=g,netdev=n"));
    CHECK(strstr(said, "Property 'front.netdev' can't take value 'n', it's in use"));
    ERR_AUTO e = {0}, none = {0};
    CHECK(device_unplug(device_of(b->d), &e) < 0); /* and it cannot go meanwhile */
    device_free(device_of(f->d));
    CHECK_EQ(device_unplug(device_of(b->d), &none), 0);
    settle();
    CHECK(!net_find(vm, "n"));
}

TEST(links)
{
    begin_pair("back");
    ERR_AUTO e = {0};
    CHECK_EQ(f->links, 0); /* up until it is said */
    CHECK_EQ(net_set_link(vm, "n", 0, &e), 0);
    settle();
    CHECK_EQ(f->links, 1);
    CHECK_EQ(f->last_link, 0);
    CHECK_EQ(send_one(f, 0, 60), 60); /* into the void */
    CHECK_EQ(deliver_one(b, 0, 60), 60);
    settle();
    CHECK_EQ(b->ngot + f->ngot, 0);
    net_feed_table.link(b->d, 0);
    CHECK_EQ(net_set_link(vm, "f", 1, &e), 0); /* the NIC's name does as well */
    settle();
    CHECK_EQ(f->links, 1); /* the back end says down, too */
    net_feed_table.link(b->d, 1);
    settle();
    CHECK_EQ(f->links, 2);
    CHECK_EQ(f->last_link, 1);
    CHECK_EQ(net_set_link(vm, "nobody", 1, &e), -ENODEV);
    CHECK_STR(err_text(&e), "Device 'nobody' not found");
}

/* ---- offloads ---- */

TEST(offloads_are_agreed_on_in_realize_and_follow_later)
{
    begin();
    b = make(TN_K_NETDEV, "back,id=n");
    f = make(TN_K_DEVICE, "front,id=f,netdev=n,hdr=12");
    CHECK_EQ(f->offload, 0);
    CHECK_EQ(b->hdr_len, 12);
    CHECK_EQ(netdev_table.offload(f->net, 11, 0, 0), -EINVAL);
    CHECK_EQ(send_one(f, 0, 60), 60);
    CHECK_EQ(deliver_one(b, 0, 60), 60);
    CHECK_EQ(netdev_table.offload(f->net, 10, 0, 0), 0);
    CHECK_EQ(b->hdr_len, 12);            /* it follows */
    CHECK_EQ(deliver_one(b, 1, 60), 60); /* with the header of before: lost */
    settle();
    CHECK_EQ(b->hdr_len, 10);
    CHECK_EQ(b->ngot + f->ngot, 0);
    CHECK_EQ(send_one(f, 2, 60), 60);
    CHECK_EQ(deliver_one(b, 2, 60), 60);
    settle();
    CHECK_EQ(b->ngot, 1);
    CHECK_EQ(f->ngot, 1);
}

TEST(a_back_end_may_refuse_offloads)
{
    begin();
    b = make(TN_K_NETDEV, "back,id=n,refuses=on");
    f = make(TN_K_DEVICE, "front,id=f,netdev=n,hdr=12");
    CHECK_EQ(f->offload, -ENOTSUP);
    CHECK_EQ(netdev_table.offload(f->net, 12, 0, 0), -ENOTSUP);
    CHECK(make(TN_K_NETDEV, "hubport,id=p,hubid=1"));
    f = make(TN_K_DEVICE, "front,id=g,netdev=p,hdr=12");
    CHECK_EQ(f->offload, -ENOTSUP);
    int fd;
    CHECK_EQ(netdev_table.fds(f->net, &fd, 1), -ENOTSUP);
}

/* ---- filters ---- */

TEST(filters_stand_in_the_order_of_their_positions)
{
    begin_pair("back");
    struct filter *x = make(TN_K_OBJECT, "filter,id=x,netdev=n");
    struct filter *y = make(TN_K_OBJECT, "filter,id=y,netdev=n,position=head");
    struct filter *z = make(TN_K_OBJECT, "filter,id=z,netdev=n,position=id=y");
    struct filter *w = make(TN_K_OBJECT, "filter,id=w,netdev=n,position=before=x");
    CHECK(w && x && y && z); /* y z w x */
    deliver_one(b, 0, 60);
    settle();
    CHECK(y->order < z->order && z->order < w->order && w->order < x->order);
    send_one(f, 0, 60);
    settle();
    CHECK(y->order > z->order && z->order > w->order && w->order > x->order);
    CHECK_EQ(f->ngot, 1);
    CHECK_EQ(b->ngot, 1);
    CHECK_EQ(x->wrong_lock + y->wrong_lock + z->wrong_lock + w->wrong_lock, 0);
    CHECK_EQ(b->wrong_lock + f->wrong, 0);
    CHECK(!make(TN_K_OBJECT, "filter,id=v,netdev=n,position=id=nobody"));
    device_free(device_of(z->d));
    deliver_one(b, 1, 60);
    settle();
    CHECK_EQ(f->ngot, 2);
    CHECK_EQ(x->seen[1], 2);
}

TEST(a_filter_takes_and_gives_back)
{
    begin_pair("any");
    struct filter *x = make(TN_K_OBJECT, "filter,id=x,netdev=n,verdict=2");
    struct filter *y = make(TN_K_OBJECT, "filter,id=y,netdev=n");
    deliver_one(b, 7, 60);
    settle();
    CHECK_EQ(f->ngot, 0);
    CHECK_EQ(x->seen[1], 1);
    CHECK_EQ(y->seen[1], 0);
    struct tn_iov v = {x->kept, x->nkept};
    CHECK_EQ(net_chain_table.resubmit(x->d, x->dir, 0, &v, 1), 60);
    settle();
    CHECK_EQ(f->ngot, 1);
    CHECK_EQ(f->got[0], 7);
    CHECK_EQ(x->seen[1], 1); /* it goes on behind x */
    CHECK_EQ(y->seen[1], 1);
    send_one(f, 8, 60);
    settle();
    CHECK_EQ(b->ngot, 0);
    v.len = x->nkept;
    CHECK_EQ(net_chain_table.resubmit(x->d, x->dir, 0, &v, 1), 60);
    settle();
    CHECK_EQ(b->got[0], 8);
}

TEST(a_buffer_lets_packets_pass_together)
{
    begin_pair("back");
    CHECK(!make(TN_K_OBJECT, "filter-buffer,id=x,netdev=n"));
    CHECK(strstr(said, "interval"));
    struct filter *x = make(TN_K_OBJECT, "filter-buffer,id=x,netdev=n,interval=50000");
    CHECK(x);
    for (uint32_t i = 0; i < 300; i++) {
        CHECK_EQ(deliver_one(b, i, 60 + i), 60 + i);
        CHECK_EQ(send_one(f, i, 60 + i), 60 + i);
    }
    settle();
    CHECK_EQ(f->ngot + b->ngot, 0); /* guest time stands still */
    clock_start(&vm->clock);
    UNTIL(f->ngot == 300 && b->ngot == 300);
    CHECK(in_order(f->got, 300) && in_order(b->got, 300));
    ERR_AUTO e = {0};
    deliver_one(b, 7, 60);
    settle();
    CHECK_EQ(device_set(device_find(vm, TN_K_OBJECT, "x"), "status", "off", &e), 0);
    settle();
    CHECK_EQ(f->ngot, 301);
    deliver_one(b, 8, 60);
    settle();
    CHECK_EQ(f->ngot, 302);
}

TEST(a_packet_that_waits_meets_each_filter_once)
{
    begin_pair("back");
    struct filter *x = make(TN_K_OBJECT, "filter,id=x,netdev=n");
    f->full = 1;
    b->full = 1;
    deliver_one(b, 0, 60);
    send_one(f, 0, 60);
    settle();
    f->full = b->full = 0;
    netdev_table.flush(f->net, 0);
    net_feed_table.writable(b->d, 0);
    settle();
    CHECK_EQ(f->ngot, 1);
    CHECK_EQ(b->ngot, 1);
    CHECK_EQ(x->seen[0], 1);
    CHECK_EQ(x->seen[1], 1);
}

TEST(descriptors_are_lent_where_nothing_stands_between)
{
    int fd[QUEUES];
    begin_pair("any");
    CHECK_EQ(netdev_table.fds(f->net, fd, QUEUES), QUEUES);
    CHECK_EQ(fd[1], 101);
    CHECK(!make(TN_K_OBJECT, "filter,id=x,netdev=n"));
    CHECK(strstr(said, "'n'"));
    device_free(device_of(f->d));
    CHECK(make(TN_K_OBJECT, "filter,id=x,netdev=n"));
    f = make(TN_K_DEVICE, "front,id=f,netdev=n");
    CHECK_EQ(netdev_table.fds(f->net, fd, QUEUES), -ENOTSUP);
    begin_pair("back");
    CHECK_EQ(netdev_table.fds(f->net, fd, QUEUES), -ENOTSUP);
}

TEST(objects_that_name_a_back_end_are_late)
{
    begin();
    CHECK(net_object_is_late(vm, "filter"));
    CHECK(net_object_is_late(vm, "filter-dump"));
    CHECK(!net_object_is_late(vm, "iothread"));
    CHECK(!net_object_is_late(vm, "nosuch"));
}

/* ---- MAC addresses ---- */

TEST(addresses_are_given_in_order_around_those_that_are_taken)
{
    begin();
    struct front *g = make(TN_K_DEVICE, "front,id=a,mac=52:54:00:12:34:57"), *h, *i;
    h = make(TN_K_DEVICE, "front,id=b");
    i = make(TN_K_DEVICE, "front,id=c");
    CHECK_EQ(g->mac[5], 0x57);
    CHECK_EQ(h->mac[5], 0x56);
    CHECK_EQ(i->mac[5], 0x58);
    CHECK_EQ(i->mac[0], 0x52);
    device_free(device_of(h->d));
    h = make(TN_K_DEVICE, "front,id=d");
    CHECK_EQ(h->mac[5], 0x56);
}

int main(void)
{
    RUN(packets_pass_each_with_its_own_lock);
    RUN(a_back_end_without_a_lock_is_called_at_once);
    RUN(a_full_back_end_fills_the_queue_then_one_packet_is_kept);
    RUN(a_kept_packet_can_be_taken_back);
    RUN(a_full_front_end_fills_the_queue_then_the_back_end_waits);
    RUN(packets_of_all_sizes_keep_their_bytes);
    RUN(lengths_that_overflow_are_refused);
    RUN(a_front_end_in_an_iothread_is_called_there);
    RUN(a_back_end_without_a_front_end_hears_so);
    RUN(one_front_end_at_a_time);
    RUN(links);
    RUN(offloads_are_agreed_on_in_realize_and_follow_later);
    RUN(a_back_end_may_refuse_offloads);
    RUN(filters_stand_in_the_order_of_their_positions);
    RUN(a_filter_takes_and_gives_back);
    RUN(a_buffer_lets_packets_pass_together);
    RUN(a_packet_that_waits_meets_each_filter_once);
    RUN(descriptors_are_lent_where_nothing_stands_between);
    RUN(objects_that_name_a_back_end_are_late);
    RUN(addresses_are_given_in_order_around_those_that_are_taken);
    end();
    return tap_done();
}
