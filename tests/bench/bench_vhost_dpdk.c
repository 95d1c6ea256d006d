/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets between a driver and a buffer of ours, through lib/virtqueue and through DPDK's vhost
 * library: ns for each packet, with the copy, on one core.
 *
 *     bench_vhost_dpdk [FILE.json]
 *
 * One driver and one memory for both, in this process. DPDK gets them as vhost-user says, from a
 * thread that speaks the front end's side; its burst includes the allocation of mbufs, ours takes
 * buffers from a ring of them. The driver fills the queue, then the device's turn alone is timed.
 */
#include "util/alloc.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"
#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <pthread.h>
#include <rte_config.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    SIZE = 256,
    BURST = 32,
    HEADER = 12,
    ROOM = 2048,
    ROUNDS = 2000,
    PASSES = 9,
    BUFFERS = BURST
};
enum { RX, TX, QUEUES }; /* as the driver names them */
enum { RINGS = 0x40000, DATA = RIG_BASE + 0x200000 };

static struct {
    struct rig rig;
    int memfd;
    struct drv drv[QUEUES];
    int vid; /* of DPDK's device, atomic; -1: none */
    struct rte_mempool *pool;
    char path[64];
} m;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- memory that DPDK can map, and the driver's queues in it ---- */

static void share_memory(void)
{
    rig_init(&m.rig, 0);
    m.memfd = memfd_create("ram", MFD_CLOEXEC);
    if (m.memfd < 0 || ftruncate(m.memfd, 2 * RIG_HALF) < 0)
        die("memfd");
    for (uint32_t i = 0; i < 2; i++)
        if (mmap(m.rig.half[i], RIG_HALF, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m.memfd,
                 i * (off_t)RIG_HALF) == MAP_FAILED)
            die("mmap");
}

static void begin_queues(uint32_t flags)
{
    for (uint32_t q = 0; q < QUEUES; q++) {
        drv_init(&m.drv[q], &m.rig, flags, SIZE, RIG_BASE + q * (uint64_t)RINGS);
        m.drv[q].c.index = q;
        drv_interrupts(&m.drv[q], 0);
    }
}

static void end_queues(void)
{
    for (uint32_t q = 0; q < QUEUES; q++)
        drv_fini(&m.drv[q]);
}

static uint32_t fill(struct drv *d, uint32_t bytes, bool in)
{
    uint32_t n = 0;
    struct drv_buf b = {.len = HEADER + bytes};
    for (;; n++) {
        b.addr = DATA + (uint64_t)ROOM * n;
        if (!drv_add(d, &b, !in, in, false, n))
            break;
    }
    drv_publish(d);
    return n;
}

static void reap(struct drv *d)
{
    uint64_t token;
    uint32_t len;
    while (drv_get(d, &token, &len))
        ;
}

/* ---- the front end's side of vhost-user ---- */

enum {
    GET_FEATURES = 1,
    SET_FEATURES,
    SET_OWNER,
    SET_MEM_TABLE = 5,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR,
    SET_VRING_BASE,
    SET_VRING_KICK = 12,
    SET_VRING_CALL
};

struct msg {
    uint32_t request, flags, size;
    union {
        uint64_t u64;
        struct {
            uint32_t index, num;
        } state;
        struct {
            uint32_t index, flags;
            uint64_t desc, used, avail, log;
        } addr;
        struct {
            uint32_t n, padding;
            struct {
                uint64_t gpa, size, user, offset;
            } region[2];
        } mem;
    };
} __attribute__((packed));
enum { MSG_HEADER = offsetof(struct msg, u64) };

static void say_fds(int s, struct msg *x, uint32_t request, uint32_t size, const int *fd,
                    uint32_t nfd)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } c = {0};
    x->request = request;
    x->flags = 1;
    x->size = size;
    struct iovec v = {x, MSG_HEADER + size};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
    if (nfd) {
        h.msg_control = c.bytes;
        h.msg_controllen = CMSG_SPACE(nfd * sizeof(int));
        struct cmsghdr *k = CMSG_FIRSTHDR(&h);
        *k = (struct cmsghdr){CMSG_LEN(nfd * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(k), fd, nfd * sizeof(int));
    }
    if (sendmsg(s, &h, 0) != (ssize_t)v.iov_len)
        die("sendmsg");
}

static void say(int s, struct msg *x, uint32_t request, uint32_t size)
{
    say_fds(s, x, request, size, NULL, 0);
}

static void say_memory(int s)
{
    struct msg x = {.mem = {.n = 2}};
    int fd[] = {m.memfd, m.memfd};
    for (uint32_t i = 0; i < 2; i++) {
        x.mem.region[i].gpa = RIG_BASE + i * (uint64_t)RIG_HALF;
        x.mem.region[i].size = RIG_HALF;
        x.mem.region[i].user = (uintptr_t)m.rig.half[i];
        x.mem.region[i].offset = i * (uint64_t)RIG_HALF;
    }
    say_fds(s, &x, SET_MEM_TABLE, sizeof x.mem, fd, 2);
}

static void say_queue(int s, uint32_t q)
{
    struct drv *d = &m.drv[q];
    bool packed = d->c.flags & TN_VQ_PACKED;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct msg x = {.state = {q, SIZE}};
    say(s, &x, SET_VRING_NUM, sizeof x.state);
    x = (struct msg){.state = {q, packed ? 0x80008000 : 0}};
    say(s, &x, SET_VRING_BASE, sizeof x.state);
    x = (struct msg){.addr = {.index = q,
                              .desc = (uintptr_t)rig_at(&m.rig, d->c.desc),
                              .avail = (uintptr_t)rig_at(&m.rig, d->c.driver),
                              .used = (uintptr_t)rig_at(&m.rig, d->c.device)}};
    say(s, &x, SET_VRING_ADDR, sizeof x.addr);
    x = (struct msg){.u64 = q};
    say_fds(s, &x, SET_VRING_CALL, 8, &fd, 1);
    x = (struct msg){.u64 = q};
    say_fds(s, &x, SET_VRING_KICK, 8, &fd, 1);
    close(fd);
}

static int connect_to_dpdk(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", m.path);
    for (int i = 0; i < 500; i++) {
        if (connect(s, (struct sockaddr *)&a, sizeof a) == 0)
            return s;
        usleep(10000);
    }
    die(m.path);
    return -1;
}

static int plug(uint64_t features)
{
    struct msg x = {0};
    int s = connect_to_dpdk();
    say(s, &x, SET_OWNER, 0);
    say(s, &x, GET_FEATURES, 0);
    if (recv(s, &x, MSG_HEADER + 8, MSG_WAITALL) != MSG_HEADER + 8)
        die("GET_FEATURES");
    if (features & ~x.u64) {
        fprintf(stderr, "vhost has not all of %#lx: %#lx\n", features, x.u64);
        exit(1);
    }
    x = (struct msg){.u64 = features};
    say(s, &x, SET_FEATURES, 8);
    say_memory(s);
    for (uint32_t q = 0; q < QUEUES; q++)
        say_queue(s, q);
    return s;
}

/* ---- DPDK ---- */

static int new_device(int vid)
{
    __atomic_store_n(&m.vid, vid, __ATOMIC_SEQ_CST);
    return 0;
}

static void destroy_device(int vid)
{
    (void)vid;
    __atomic_store_n(&m.vid, -1, __ATOMIC_SEQ_CST);
}

static const struct rte_vhost_device_ops vhost_ops = {.new_device = new_device,
                                                      .destroy_device = destroy_device};

static void start_dpdk(void)
{
    static char text[][24] = {"bench", "--no-huge",      "--no-shconf",       "--no-pci", "-l",
                              "0",     "--no-telemetry", "--log-level=error", "-m",       "64"};
    char *argv[ARRAY_SIZE(text)];
    for (uint32_t i = 0; i < ARRAY_SIZE(text); i++)
        argv[i] = text[i];
    if (rte_eal_init(ARRAY_SIZE(argv), argv) < 0)
        die("rte_eal_init");
    m.pool = rte_pktmbuf_pool_create("pool", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    snprintf(m.path, sizeof m.path, "/tmp/bench-vhost-%d", (int)getpid());
    unlink(m.path);
    m.vid = -1;
    if (!m.pool || rte_vhost_driver_register(m.path, 0) < 0 ||
        rte_vhost_driver_callback_register(m.path, &vhost_ops) < 0 ||
        rte_vhost_driver_start(m.path) < 0)
        die("rte_vhost");
}

static void wait_for_device(bool there)
{
    for (int i = 0; i < 500 && (__atomic_load_n(&m.vid, __ATOMIC_SEQ_CST) >= 0) != there; i++)
        usleep(10000);
    if ((m.vid >= 0) != there) {
        fprintf(stderr, "vhost device %s\n", there ? "does not come" : "does not go");
        exit(1);
    }
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t dpdk_out(uint32_t n, uint32_t bytes)
{
    struct rte_mbuf *p[BURST];
    uint64_t ns = 0;
    while (n) {
        uint64_t from = now();
        uint16_t k = rte_vhost_dequeue_burst(m.vid, TX, m.pool, p, BURST);
        ns += now() - from;
        if (!k || p[0]->pkt_len != bytes)
            die("rte_vhost_dequeue_burst");
        rte_pktmbuf_free_bulk(p, k);
        n -= k;
    }
    return ns;
}

static uint64_t dpdk_in(uint32_t n, uint32_t bytes)
{
    struct rte_mbuf *p[BURST];
    uint64_t ns = 0;
    for (uint32_t k; n; n -= k) {
        k = n < BURST ? n : BURST;
        if (rte_pktmbuf_alloc_bulk(m.pool, p, k) < 0)
            die("rte_pktmbuf_alloc_bulk");
        for (uint32_t i = 0; i < k; i++)
            p[i]->pkt_len = p[i]->data_len = (uint16_t)bytes;
        uint64_t from = now();
        uint16_t done = rte_vhost_enqueue_burst(m.vid, RX, p, (uint16_t)k);
        ns += now() - from;
        if (done != k)
            die("rte_vhost_enqueue_burst");
        rte_pktmbuf_free_bulk(p, k);
    }
    return ns;
}

/* ---- lib/virtqueue ---- */

/* As far apart as mbufs are: a multiple of ROOM would alias the driver's buffers. */
static uint8_t buffers[BUFFERS][ROOM + 448] __attribute__((aligned(64)));
static uint32_t next_buffer;

static uint64_t ours_out(struct vq *q, uint32_t n, uint32_t bytes)
{
    static const uint32_t none[BURST];
    uint64_t ns = 0;
    while (n) {
        void *els[BURST];
        uint64_t from = now();
        uint32_t k = vq_pop_some(q, els, BURST);
        for (uint32_t i = 0; i < k; i++) {
            struct vq_elem *el = els[i];
            struct virtio_net_hdr_mrg_rxbuf h;
            uint8_t *to = buffers[next_buffer++ % BUFFERS];
            vq_read(vq_out(el), el->nout, 0, &h, HEADER);
            if (el->out_len != HEADER + bytes)
                die("a packet");
            vq_read(vq_out(el), el->nout, HEADER, to, el->out_len - HEADER);
        }
        vq_push_some(q, els, none, k);
        vq_publish(q);
        ns += now() - from;
        if (!k)
            die("vq_pop_some");
        n -= k;
    }
    return ns;
}

static uint64_t ours_in(struct vq *q, uint32_t n, uint32_t bytes)
{
    static const struct virtio_net_hdr_mrg_rxbuf h = {.num_buffers = 1};
    uint64_t ns = 0;
    while (n) {
        void *els[BURST];
        uint32_t written[BURST];
        uint64_t from = now();
        uint32_t k = vq_pop_some(q, els, BURST);
        for (uint32_t i = 0; i < k; i++) {
            struct vq_elem *el = els[i];
            vq_write(vq_in(el), el->nin, 0, &h, HEADER);
            vq_write(vq_in(el), el->nin, HEADER, buffers[next_buffer++ % BUFFERS], bytes);
            written[i] = HEADER + bytes;
        }
        vq_push_some(q, els, written, k);
        vq_publish(q);
        ns += now() - from;
        if (!k)
            die("vq_pop_some");
        n -= k;
    }
    return ns;
}

/* ---- cells ---- */

struct cell {
    const char *format, *direction;
    uint32_t bytes;
    double ours, dpdk; /* ns for each packet */
};

static double best_of(bool in, uint32_t bytes, struct vq *q)
{
    struct drv *d = &m.drv[in ? RX : TX];
    double best = 1e9;
    for (uint32_t pass = 0; pass < PASSES; pass++) {
        uint64_t ns = 0, packets = 0;
        for (uint32_t i = 0; i < ROUNDS / 8; i++) {
            uint32_t n = fill(d, bytes, in);
            if (q)
                ns += in ? ours_in(q, n, bytes) : ours_out(q, n, bytes);
            else
                ns += in ? dpdk_in(n, bytes) : dpdk_out(n, bytes);
            reap(d);
            packets += n;
        }
        double each = (double)ns / (double)packets;
        best = each < best ? each : best;
    }
    return best;
}

static void measure_dpdk(struct cell *c, uint32_t flags)
{
    uint64_t features = (uint64_t)1 << 32 | (flags & TN_VQ_PACKED ? (uint64_t)1 << 34 : 0) |
                        1 << VIRTIO_NET_F_MRG_RXBUF;
    begin_queues(flags);
    int s = plug(features);
    wait_for_device(true);
    for (uint32_t q = 0; q < QUEUES; q++)
        rte_vhost_enable_guest_notification(m.vid, (uint16_t)q, 0);
    for (uint32_t i = 0; i < 4; i++)
        c[i].dpdk = best_of(i / 2, c[i].bytes, NULL);
    close(s);
    wait_for_device(false);
    end_queues();
}

static void measure_ours(struct cell *c, uint32_t flags)
{
    for (uint32_t i = 0; i < 4; i++) {
        struct vq q;
        begin_queues(flags);
        vq_init(&q, sizeof(struct vq_elem), 2);
        if (vq_start(&q, &m.drv[i / 2 ? RX : TX].c, &rig_dma, rig_as(&m.rig), NULL, NULL) < 0)
            die("vq_start");
        vq_kicks(&q, false);
        c[i].ours = best_of(i / 2, c[i].bytes, &q);
        vq_stop(&q);
        vq_fini(&q);
        end_queues();
    }
}

static int print(const struct cell *c, uint32_t n, const char *path)
{
    FILE *f = path ? fopen(path, "we") : NULL;
    printf("%-7s %-13s %6s %9s %9s %9s\n", "format", "direction", "bytes", "ours ns", "dpdk ns",
           "dpdk/ours");
    for (uint32_t i = 0; i < n; i++)
        printf("%-7s %-13s %6u %9.1f %9.1f %9.2f\n", c[i].format, c[i].direction, c[i].bytes,
               c[i].ours, c[i].dpdk, c[i].dpdk / c[i].ours);
    for (uint32_t i = 0; f && i < n; i++)
        fprintf(f,
                "%s  {\"format\": \"%s\", \"direction\": \"%s\", \"bytes\": %u, \"ns\": %.2f, "
                "\"dpdk_ns\": %.2f}%s\n",
                i ? "" : "[\n", c[i].format, c[i].direction, c[i].bytes, c[i].ours, c[i].dpdk,
                i + 1 < n ? "," : "\n]");
    return f ? fclose(f) != 0 : path != NULL;
}

int main(int argc, char **argv)
{
    struct cell c[8];
    for (uint32_t i = 0; i < 8; i++)
        c[i] = (struct cell){.format = i < 4 ? "split" : "packed",
                             .direction = i / 2 % 2 ? "to the guest" : "from the guest",
                             .bytes = i % 2 ? 1500 : 64};
    share_memory();
    start_dpdk();
    for (uint32_t f = 0; f < 2; f++) {
        measure_dpdk(c + 4 * f, f ? TN_VQ_PACKED : 0);
        measure_ours(c + 4 * f, f ? TN_VQ_PACKED : 0);
    }
    rte_vhost_driver_unregister(m.path);
    return print(c, 8, argc > 1 ? argv[1] : NULL);
}
