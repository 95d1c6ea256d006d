/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the control queue: commands one after the other, two bytes of length before each, cut into
 * two pieces. Whatever they say, the device's state makes sense afterwards. */
#include "util/bytes.h"
#include "virtio_net.h"
#include <stdlib.h>

enum { PAIRS = 4, NQ = 2 * PAIRS + 1 };

static void require(int ok)
{
    if (!ok)
        abort();
}

/* ---- a host that does nothing ---- */

static void kick(struct tn_bh *b)
{
    (void)b;
}

static uint64_t now(struct tn_dev *d, uint32_t clk)
{
    (void)d;
    return clk;
}

static void arm(struct tn_timer *t, uint64_t ns)
{
    (void)t;
    require(ns > 0);
}

static void disarm(struct tn_timer *t)
{
    (void)t;
}

static void notify(void *p, uint32_t q)
{
    (void)p;
    require(q < NQ);
}

static const struct tn_loop loop = {
    .struct_size = sizeof loop, .kick = kick, .now = now, .arm = arm, .disarm = disarm};
static const struct tn_virtio_port port = {.struct_size = sizeof port, .notify = notify};

struct world {
    struct virtio_net n;
    struct vdev_queue q[NQ];
    struct net_pair pair[PAIRS];
};

static void set_up(struct world *w, uint64_t features)
{
    struct virtio_net *n = &w->n;
    n->v = (struct vdev){.port = &port, .loop = &loop, .q = w->q, .nq = NQ};
    n->pair = w->pair;
    n->npairs = PAIRS;
    n->curr_pairs = 1;
    n->f = net_features_close(features);
    n->status = NET_S_LINK_UP | NET_S_ANNOUNCE;
    net_filter_reset(&n->filter);
    for (uint32_t i = 0; i < NQ; i++)
        w->q[i] = (struct vdev_queue){.v = &n->v, .index = i, .state = VDEV_Q_RUNNING};
    for (uint32_t i = 0; i < PAIRS; i++) {
        struct net_pair *p = &w->pair[i];
        *p = (struct net_pair){.n = n, .index = i, .rx = &w->q[2 * i], .tx = &w->q[2 * i + 1]};
        p->coal[NET_COAL_RX].q = p->rx;
        p->coal[NET_COAL_TX].q = p->tx;
    }
}

static void check(const struct virtio_net *n)
{
    require(n->curr_pairs >= 1 && n->curr_pairs <= PAIRS);
    require(net_filter_valid(&n->filter));
    require(net_rss_valid(&n->rss, PAIRS));
    require(!(n->offloads & ~n->f));
}

/* One command of len bytes at p, with room bytes for the answer. */
static void command(struct virtio_net *n, const uint8_t *p, uint64_t len, uint64_t room)
{
    uint8_t answer[16], *data = malloc(len);
    if (!data)
        return;
    memcpy(data, p, len);
    memset(answer, 0xee, sizeof answer);
    uint64_t cut = len / 3;
    struct tn_iov v[] = {{data, cut}, {data + cut, len - cut}, {answer, room}};
    struct vq_elem el = {.iov = v, .nout = 2, .nin = 1, .out_len = len, .in_len = room};
    uint32_t wrote = net_ctrl_answer(n, &el);
    require(wrote >= 1 && wrote <= room && answer[wrote - 1] <= NET_ERR && answer[room] == 0xee);
    free(data);
    check(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w || size < 1) {
        free(w);
        return 0;
    }
    set_up(w, data[0] & 1 ? ~0ull : get_le64("\x27\x18\xff\x00\x00\x00\xf0\x92"));
    for (data++, size--; size > 2 + NET_CTRL_HEADER;) {
        uint64_t len = get_le16(data) % 1024, left = size - 2, room = 1 + data[1] % 15u;
        len = len < NET_CTRL_HEADER ? NET_CTRL_HEADER : len > left ? left : len;
        command(&w->n, data + 2, len, room);
        data += 2 + len;
        size -= 2 + len;
    }
    free(w);
    return 0;
}
