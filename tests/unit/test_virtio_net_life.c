/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to a built virtio-net device in a machine: it is saved and loaded into another one,
 * it leaves while a packet is on its way, its cable is pulled. The driver is this file, by the
 * legacy interface of PCI (VIRTIO 1.3, 4.1.4.10); the world is a datagram socket. TENON_PLUGIN_DIR
 * says where the plugins are. */
#include "backend/net.h"
#include "core/state_format.h"
#include "monitor/qtest_impl.h"
#include "virtio_saved.h"
#include <sys/socket.h>
#include <sys/un.h>

#include "../../plugins/virtio/virtio-net/net_spec.h"

enum {
    RX = 0,
    TX = 1,
    CTRL = 2,
    QUEUES = 3,
    HDR = NET_HDR_V1_LEN,
    BUFFER = 0x800,
    TOP = 0x400000,
    MS = 1000000,
};

static const uint8_t broadcast[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t moved[ETH_ALEN] = {0x52, 0x54, 1, 2, 3, 4};
static const uint8_t stranger[ETH_ALEN] = {0x52, 0x54, 9, 9, 9, 9};

static char dir[] = "/tmp/vnet-life-XXXXXX";
static struct sockaddr_un world_name = {.sun_family = AF_UNIX}, vm_name = {.sun_family = AF_UNIX};
static int world = -1;

/* ---- a machine ---- */

static void open_world(void)
{
    snprintf(world_name.sun_path, sizeof world_name.sun_path, "%s/world", dir);
    snprintf(vm_name.sun_path, sizeof vm_name.sun_path, "%s/vm", dir);
    unlink(world_name.sun_path);
    world = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK_EQ(bind(world, (struct sockaddr *)&world_name, sizeof world_name), 0);
}

static void start(void)
{
    open_world();
    AUTO_FREE char *netdev =
        xasprintf("dgram,id=n,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s",
                  vm_name.sun_path, world_name.sun_path);
    machine_up((const char *const[]){"-netdev", netdev, "-device",
                                     "virtio-net-pci,id=s,netdev=n,addr=4", NULL});
}

static void end(void)
{
    machine_down();
    close_fd(&world);
}

/* ---- a driver ---- */

static uint32_t next_buffer;
static uint16_t next_avail[QUEUES];

/* A buffer of two descriptors, used once: nout bytes to read, nin to write. Returns where it is. */
static uint64_t add(uint32_t q, uint32_t nout, uint32_t nin)
{
    uint64_t at = BUFFERS + next_buffer++ * (uint64_t)BUFFER, avail = avail_ring(q);
    uint32_t n = next_avail[q]++, i = 2 * n;
    CHECK(at < TOP && i + 1 < queue_size(q));
    if (nout)
        describe(q, i, at, nout, nin ? 1 : 0);
    if (nin)
        describe(q, nout ? i + 1 : i, at + nout, nin, 2);
    put(avail + 4 + 2u * n, i, 2);
    put(avail + 2, next_avail[q], 2);
    return at;
}

static void start_driver(void)
{
    static const uint8_t empty[QUEUES * RING_BYTES];
    const uint32_t features = 1u << NET_F_MAC | 1u << NET_F_MRG_RXBUF | 1u << NET_F_STATUS |
                              1u << NET_F_CTRL_VQ | 1u << NET_F_CTRL_RX |
                              1u << NET_F_CTRL_MAC_ADDR | 1u << NET_F_GUEST_ANNOUNCE;
    next_buffer = 0;
    memset(next_avail, 0, sizeof next_avail);
    place_device();
    CHECK_EQ(memory_write(vm, RINGS, empty, sizeof empty), 0);
    out(STATUS, 0, 1);
    out(STATUS, 3, 1);
    out(GUEST_FEATURES, features, 4);
    for (uint32_t q = 0; q < QUEUES; q++) {
        out(QUEUE_SELECT, q, 2);
        out(QUEUE_PFN, (RINGS + q * RING_BYTES) >> 12, 4);
    }
    out(STATUS, 7, 1);
    turns(5);
}

/* A control command; its ack. */
static uint32_t command(uint8_t class, uint8_t cmd, const uint8_t *data, uint32_t len)
{
    uint64_t at = add(CTRL, 2 + len, 1);
    put(at, class, 1);
    put(at + 1, cmd, 1);
    CHECK_EQ(memory_write(vm, at + 2, data, len), 0);
    put(at + 2 + len, 0x55, 1);
    kick(CTRL);
    return (uint32_t)get(at + 2 + len, 1);
}

static void send_frame(uint32_t len)
{
    uint64_t at = add(TX, HDR + len, 0);
    CHECK_EQ(memory_write(vm, at + HDR, broadcast, ETH_ALEN), 0);
    kick(TX);
}

/* ---- the world ---- */

static void deliver(const uint8_t *dst)
{
    uint8_t frame[60] = {0};
    memcpy(frame, dst, ETH_ALEN);
    CHECK_EQ(sendto(world, frame, sizeof frame, 0, (struct sockaddr *)&vm_name, sizeof vm_name),
             sizeof frame);
    turns(5);
}

/* Bytes of the next packet, 0 if none came. */
static size_t heard(uint8_t *frame, size_t size)
{
    turns(3);
    ssize_t n = recv(world, frame, size, MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}

/* ---- cases ---- */

static void set_up(void)
{
    const uint8_t off = 0;
    start();
    start_driver();
    CHECK_EQ(command(NET_CTRL_RX, NET_RX_PROMISC, &off, 1), NET_OK);
    CHECK_EQ(command(NET_CTRL_MAC, NET_MAC_ADDR_SET, moved, ETH_ALEN), NET_OK);
    for (int i = 0; i < 4; i++)
        add(RX, 0, BUFFER);
    kick(RX);
    deliver(moved);
    CHECK_EQ(used(RX), 1);
    deliver(stranger);
    CHECK_EQ(used(RX), 1);
}

static void move_on(void)
{
    struct saved saved = {0};
    save(&saved);
    save_memory();
    end();
    start();
    place_device();
    load_memory();
    CHECK_EQ(load(&saved), 0);
    devices_resume(vm);
    turns(5);
    buf_free(&saved.outer);
    buf_free(&saved.inner);
}

TEST(filters_and_rings_go_on_in_another_machine)
{
    set_up();
    move_on();
    CHECK_EQ(in(CONFIG + 5, 1), moved[5]);
    deliver(stranger);
    CHECK_EQ(used(RX), 1);
    deliver(moved);
    CHECK_EQ(used(RX), 2);
    uint8_t frame[100];
    send_frame(60);
    CHECK_EQ(heard(frame, sizeof frame), 60);
    CHECK_EQ(used(TX), 1);
    end();
}

/* 5.1.6.5.4: the host says where the device is now, and the device asks the driver to. */
TEST(a_device_that_has_moved_is_announced)
{
    uint8_t frame[100] = {0};
    set_up();
    move_on();
    CHECK_EQ(heard(frame, sizeof frame), 0);
    CHECK_EQ(in(CONFIG + NET_CFG_STATUS, 1), NET_S_LINK_UP);
    in(ISR, 1);
    net_announce(vm, &(struct net_announce_params){.rounds = 1, .id = ""});
    CHECK_EQ(heard(frame, sizeof frame), 60);
    CHECK_EQ(memcmp(frame, broadcast, ETH_ALEN), 0);
    CHECK_EQ(memcmp(frame + ETH_ALEN, moved, ETH_ALEN), 0); /* which the driver has given it */
    CHECK_EQ(get_be16(frame + ETH_TYPE), ETH_P_RARP);
    CHECK_EQ(in(ISR, 1), 3); /* a configuration change */
    CHECK_EQ(in(CONFIG + NET_CFG_STATUS, 1), NET_S_LINK_UP | NET_S_ANNOUNCE);
    CHECK_EQ(command(NET_CTRL_ANNOUNCE, NET_ANNOUNCE_ACK, NULL, 0), NET_OK);
    CHECK_EQ(in(CONFIG + NET_CFG_STATUS, 1), NET_S_LINK_UP);
    end();
}

TEST(a_state_that_makes_no_sense_is_refused)
{
    struct saved saved = {0};
    set_up();
    save(&saved);
    save_memory();
    end();
    uint8_t *at = memmem(saved.inner.data, saved.inner.len, "nuni", 5);
    CHECK(at);
    at[5 + 4] = 65; /* behind the number of elements */
    size_t n = saved.inner.len - STATE_CRC_LEN;
    put_le32(saved.inner.data + n, state_crc(saved.inner.data, n));
    start();
    CHECK(load(&saved) < 0);
    end();
    buf_free(&saved.outer);
    buf_free(&saved.inner);
}

/* More packets than the socket and the queues between take. */
static void stuff(void)
{
    for (int i = 0; i < 100; i++)
        add(TX, HDR + 1400, 0);
    kick(TX);
}

TEST(a_packet_on_its_way_does_not_hold_up_a_reset)
{
    uint8_t frame[2000];
    set_up();
    stuff();
    out(STATUS, 0, 1);
    turns(10);
    CHECK_EQ(in(STATUS, 1), 0);
    start_driver();
    send_frame(61);
    size_t n = 0;
    for (int idle = 0; idle < 20 && n != 61; idle++)
        while (n != 61 && (n = heard(frame, sizeof frame)))
            idle = 0;
    CHECK_EQ(n, 61);
    end();
}

TEST(nothing_is_lost_while_the_world_is_slow)
{
    uint8_t frame[2000];
    uint32_t n = 0;
    set_up();
    stuff();
    for (int idle = 0; idle < 20; idle++)
        while (heard(frame, sizeof frame))
            n++, idle = 0;
    CHECK_EQ(n, 100);
    CHECK_EQ(used(TX), 100);
    end();
}

TEST(the_device_leaves_while_a_packet_is_on_its_way)
{
    ERR_AUTO e = {0};
    set_up();
    stuff();
    struct device *s = device_find(vm, TN_K_DEVICE, "s");
    CHECK_EQ(device_quiesce(s, TN_Q_UNPLUG, &e), 0);
    device_free(s);
    CHECK(!device_find(vm, TN_K_DEVICE, "s"));
    end();
}

/* 5.1.4: the bottom bit of status; set_link */
TEST(a_pulled_cable_shows_in_status)
{
    ERR_AUTO e = {0};
    uint8_t frame[100];
    set_up();
    in(ISR, 1);
    CHECK_EQ(net_set_link(vm, "n", 0, &e), 0);
    turns(5);
    CHECK_EQ(in(ISR, 1), 3);
    CHECK_EQ(in(CONFIG + NET_CFG_STATUS, 1), 0);
    send_frame(60);
    CHECK_EQ(used(TX), 1); /* it is lost */
    CHECK_EQ(heard(frame, sizeof frame), 0);
    CHECK_EQ(net_set_link(vm, "n", 1, &e), 0);
    turns(5);
    CHECK_EQ(in(CONFIG + NET_CFG_STATUS, 1), NET_S_LINK_UP);
    send_frame(60);
    CHECK_EQ(heard(frame, sizeof frame), 60);
    end();
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    RUN(filters_and_rings_go_on_in_another_machine);
    RUN(a_device_that_has_moved_is_announced);
    RUN(a_state_that_makes_no_sense_is_refused);
    RUN(a_packet_on_its_way_does_not_hold_up_a_reset);
    RUN(nothing_is_lost_while_the_world_is_slow);
    RUN(the_device_leaves_while_a_packet_is_on_its_way);
    RUN(a_pulled_cable_shows_in_status);
    unlink(world_name.sun_path);
    unlink(vm_name.sun_path);
    rmdir(dir);
    return tap_done();
}
