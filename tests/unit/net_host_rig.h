/* SPDX-License-Identifier: BSD-2-Clause */
/* A back end, a front end and a filter that do what the test says, and a VM around them. */
#ifndef TN_TEST_NET_HOST_RIG_H
#define TN_TEST_NET_HOST_RIG_H
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

static inline uint32_t b_queues(void *s)
{
    (void)s;
    return QUEUES;
}

/* A packet is its number, again and again. */
static inline uint32_t number_of(const struct tn_iov *v)
{
    uint32_t n;
    memcpy(&n, v->base, sizeof n);
    return n;
}

static inline int64_t b_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
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

static inline void b_can_receive(void *s, uint32_t q)
{
    struct back *b = s;
    b->wrong_lock += !domain_held(device_of(b->d)->domain) || domain_depth() != 1;
    b->roomy += q == 0;
}

static inline int b_offload(void *s, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest)
{
    struct back *b = s;
    (void)to_guest, (void)from_guest;
    if (b->refuses_offload)
        return -ENOTSUP;
    b->hdr_len = hdr_len;
    b->offloads++;
    return 0;
}

static inline void b_peer(void *s, uint32_t present)
{
    struct back *b = s;
    b->peers += present ? 1 : 0x100;
}

static inline int b_fds(void *s, int *fd, uint32_t max)
{
    (void)s;
    for (uint32_t i = 0; i < QUEUES && i < max; i++)
        fd[i] = 100 + (int)i;
    return QUEUES;
}

static inline int b_init(void *s, struct tn_dev *d)
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

static inline void note(struct front *f)
{
    f->wrong += !domain_held(device_of(f->d)->domain) || domain_depth() != 1;
    f->wrong += !loop_here(f->iothread ? f->iothread : vm->main);
}

static inline int64_t f_receive(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
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

static inline void f_link(void *s, uint32_t up)
{
    struct front *f = s;
    note(f);
    f->links++;
    f->last_link = up;
}

static inline void f_received(void *s, uint32_t q)
{
    struct front *f = s;
    note(f);
    (void)q;
    f->batches++;
}

static const struct tn_net_ops f_ops = {
    .struct_size = sizeof f_ops, .receive = f_receive, .link = f_link, .received = f_received};

static inline int f_init(void *s, struct tn_dev *d)
{
    ((struct front *)s)->d = d;
    return 0;
}

static inline int f_realize(void *s, struct tn_err *e)
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

static inline int filter_packet(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v,
                                uint32_t n)
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

static inline int filter_init(void *s, struct tn_dev *d)
{
    ((struct filter *)s)->d = d;
    return 0;
}

static inline int filter_realize(void *s, struct tn_err *e)
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

static inline void end(void)
{
    if (vm)
        vm_free(vm);
    vm = NULL;
}

static inline void begin(void)
{
    end();
    vm = vm_new(0);
    if (!vm || registry_builtin(vm->registry, &plugin, NULL) < 0 ||
        registry_builtin(vm->registry, &net_plugin, NULL) < 0 ||
        registry_builtin(vm->registry, &iothread_plugin, NULL) < 0)
        abort();
}

/* "front,id=f,netdev=n": the instance, or NULL with its error in said. */
static inline void *make(uint32_t kind, const char *text)
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

static inline void settle(void)
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

static inline void was_sent(void *s)
{
    struct front *f = s;
    note(f);
    f->sent++;
}

static uint8_t packet[70000];

static inline struct tn_iov numbered(uint32_t number, uint32_t len)
{
    memcpy(packet, &number, sizeof number);
    return (struct tn_iov){packet, len};
}

static inline int64_t send_one(struct front *to, uint32_t number, uint32_t len)
{
    struct tn_iov *v = &to->v[number % 2]; /* the one that is kept stays as it is */
    *v = numbered(number, len);
    domain_lock(device_of(to->d)->domain);
    int64_t r = netdev_table.send(to->net, 0, v, 1, was_sent, to);
    domain_unlock(device_of(to->d)->domain);
    return r;
}

static inline int64_t deliver_one(struct back *from, uint32_t number, uint32_t len)
{
    struct tn_iov v = numbered(number, len);
    domain_lock(device_of(from->d)->domain);
    int64_t r = net_feed_table.deliver(from->d, 0, &v, 1);
    domain_unlock(device_of(from->d)->domain);
    return r;
}

static struct back *b;
static struct front *f;

static inline void begin_pair(const char *back)
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

static inline int in_order(const uint32_t *got, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (got[i] != i)
            return 0;
    return 1;
}

#endif
