/* SPDX-License-Identifier: BSD-2-Clause */
/* Built virtio devices in a machine: ports of virtio-serial come and go while a driver runs;
 * virtio-serial and virtio-rng are saved with data under way and loaded into another machine. The
 * driver is this file, by the legacy interface of PCI (VIRTIO 1.3, 4.1.4.10). TENON_PLUGIN_DIR says
 * where the plugins are. */
#include "../../plugins/virtio/virtio-serial/control.h"
#include "cli/kvtree.h"
#include "virtio_saved.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
    /* 5.3 */
    F_MULTIPORT = 1 << 1,
    CONTROL_RX = 2,
    CONTROL_TX = 3,
    TX_1 = 5,
    QUEUES = 6,
    BUFFER = 0x4000,
    FILLED = 0x3f00, /* bytes: a character device's room ends within a buffer */
    TOP = 0x600000,
};

static char dir[] = "/tmp/virtio-life-XXXXXX";
static int listener = -1, peer = -1;

/* ---- a machine ---- */

static void listen_at(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    unlink(path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_EQ(listen(listener, 1), 0);
}

static void start(void)
{
    AUTO_FREE char *path = xasprintf("%s/socket", dir),
                   *chardev = xasprintf("socket,id=c,path=%s", path);
    listen_at(path);
    machine_up((const char *const[]){"-chardev", chardev, "-device",
                                     "virtio-serial-pci,id=s,addr=4,max_ports=4", "-device",
                                     "virtserialport,id=p,chardev=c,name=one", NULL});
    peer = accept(listener, NULL, NULL);
    CHECK(peer >= 0);
}

static void end(void)
{
    machine_down();
    close_fd(&peer);
    close_fd(&listener);
}

/* ---- a driver ---- */

static uint32_t next_buffer;
static uint16_t next_avail[QUEUES];

/* One descriptor for each buffer, used once. Returns where the buffer is. */
static uint64_t add(uint32_t q, uint32_t len, int device_writes)
{
    uint64_t at = BUFFERS + next_buffer++ * (uint64_t)BUFFER;
    uint16_t i = next_avail[q]++;
    uint64_t desc = RINGS + q * RING_BYTES + 16u * i, avail = avail_ring(q);
    CHECK(at < TOP && i < queue_size(q));
    put(desc, at, 8);
    put(desc + 8, len, 4);
    put(desc + 12, device_writes ? 2 : 0, 2);
    put(avail + 4 + 2u * i, i, 2);
    put(avail + 2, next_avail[q], 2);
    return at;
}

static void start_driver(uint32_t features, uint32_t queues)
{
    next_buffer = 0;
    memset(next_avail, 0, sizeof next_avail);
    place_device();
    out(STATUS, 0, 1);
    out(STATUS, 3, 1);
    out(GUEST_FEATURES, features, 4);
    for (uint32_t q = 0; q < queues; q++) {
        out(QUEUE_SELECT, q, 2);
        out(QUEUE_PFN, (RINGS + q * RING_BYTES) >> 12, 4);
    }
    out(STATUS, 7, 1);
    turns(5);
}

static void tell(uint32_t id, uint16_t event, uint16_t value)
{
    uint64_t at = add(CONTROL_TX, CONTROL_LEN, 0);
    put(at + CONTROL_ID, id, 4);
    put(at + CONTROL_EVENT, event, 2);
    put(at + CONTROL_VALUE, value, 2);
    kick(CONTROL_TX);
}

/* The n-th control message of the device since the driver started, event << 16 | port; 0: there is
 * none. */
static uint32_t heard(uint32_t n)
{
    turns(5);
    if (used(CONTROL_RX) <= n)
        return 0;
    uint64_t at = BUFFERS + n * (uint64_t)BUFFER; /* given first of all */
    return (uint32_t)(get(at + CONTROL_EVENT, 2) << 16 | get(at + CONTROL_ID, 4));
}

static void set_up(void)
{
    start_driver(F_MULTIPORT, QUEUES);
    for (int i = 0; i < 16; i++)
        add(CONTROL_RX, 64, 1);
    kick(CONTROL_RX);
    tell(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
    CHECK_EQ(heard(0), VIRTIO_CONSOLE_DEVICE_ADD << 16 | 1);
    tell(1, VIRTIO_CONSOLE_PORT_READY, 1);
    CHECK_EQ(heard(1), VIRTIO_CONSOLE_PORT_NAME << 16 | 1);
    CHECK_EQ(heard(2), VIRTIO_CONSOLE_PORT_OPEN << 16 | 1);
    tell(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* Buffers of counted words, until the device takes no more; how many words there are in all. */
static uint32_t fill(void)
{
    uint32_t word = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t at = add(TX_1, FILLED, 0);
        for (uint32_t k = 0; k < FILLED / 4; k++)
            put(at + 4 * k, word++, 4);
    }
    kick(TX_1);
    turns(20);
    CHECK(used(TX_1) < 100);
    return word;
}

/* ---- the peer ---- */

static uint8_t got[2 << 20];
static size_t ngot;

/* Reads until size bytes have come in all, while the machine runs; false if they do not. */
static int read_peer(size_t size)
{
    for (int idle = 0; idle < 50 && ngot < size;) {
        ssize_t n = recv(peer, got + ngot, size - ngot, MSG_DONTWAIT);
        ngot += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        turns(1);
    }
    return ngot == size;
}

/* Reads what has left the device of the old machine. */
static void drain_peer(void)
{
    for (int idle = 0; idle < 50;) {
        ssize_t n = recv(peer, got + ngot, sizeof got - ngot, MSG_DONTWAIT);
        ngot += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        turns(1);
    }
}

static void check_words(uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        CHECK_EQ(get_le32(got + 4 * (size_t)i), i);
}

/* ---- cases ---- */

TEST(a_port_leaves_a_running_driver_and_another_takes_its_number)
{
    ERR_AUTO e = {0};
    start();
    set_up();
    fill();
    CHECK_EQ(device_unplug(device_find(vm, TN_K_DEVICE, "p"), &e), 0);
    CHECK_EQ(heard(3), VIRTIO_CONSOLE_DEVICE_REMOVE << 16 | 1);
    CHECK(!device_find(vm, TN_K_DEVICE, "p"));
    turns(20);
    CHECK_EQ(used(TX_1), 100); /* nobody will take what was under way */
    KV_AUTO *dict = kv_new(KV_DICT);
    kv_add(dict, "driver", kv_scalar(KV_STRING, "virtserialport"));
    kv_add(dict, "id", kv_scalar(KV_STRING, "new"));
    CHECK_EQ(device_add(vm, TN_K_DEVICE, dict, NULL, &e), 0);
    CHECK_EQ(heard(4), VIRTIO_CONSOLE_DEVICE_ADD << 16 | 1);
    CHECK_EQ(heard(5), 0);
    end();
}

TEST(the_device_leaves_with_its_ports_while_data_is_under_way)
{
    start();
    set_up();
    fill();
    struct device *s = device_find(vm, TN_K_DEVICE, "s");
    ERR_AUTO e = {0};
    CHECK_EQ(device_quiesce(s, TN_Q_UNPLUG, &e), 0);
    device_free(s);
    CHECK(!device_find(vm, TN_K_DEVICE, "p"));
    end();
}

TEST(data_under_way_goes_on_in_another_machine)
{
    struct saved saved = {0};
    start();
    set_up();
    uint32_t words = fill();
    ngot = 0;
    save(&saved);
    drain_peer();
    size_t before = ngot;
    CHECK(before && before < 4 * (size_t)words);
    save_memory();
    end();

    start();
    place_device();
    load_memory();
    CHECK_EQ(load(&saved), 0);
    devices_resume(vm);
    CHECK(read_peer(4 * (size_t)words));
    check_words(words);
    turns(20);
    CHECK_EQ(used(TX_1), 100);
    CHECK_EQ(heard(3), 0); /* the driver knows the port, and that it is open */
    end();
    buf_free(&saved.outer);
    buf_free(&saved.inner);
}

TEST(a_machine_without_the_port_refuses_the_state)
{
    struct saved saved = {0};
    ERR_AUTO e = {0};
    start();
    set_up();
    save(&saved);
    end();
    start();
    CHECK_EQ(device_unplug(device_find(vm, TN_K_DEVICE, "p"), &e), 0);
    turns(5);
    CHECK(load(&saved) < 0);
    end();
    buf_free(&saved.outer);
    buf_free(&saved.inner);
}

/* ---- virtio-rng ---- */

static int fifo = -1;

/* 16 bytes of the FIFO in each period; the writer is there. */
static void start_rng(void)
{
    AUTO_FREE char *path = xasprintf("%s/fifo", dir),
                   *object = xasprintf("rng-random,id=r,filename=%s", path);
    mkfifo(path, 0600);
    machine_up((const char *const[]){"-object", object, "-device",
                                     "virtio-rng-pci,id=s,addr=4,rng=r,max-bytes=16", NULL});
    fifo = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fifo >= 0);
}

static void end_rng(void)
{
    close_fd(&fifo);
    end();
}

static void give_entropy(const char *text)
{
    CHECK_EQ(write(fifo, text, strlen(text)), strlen(text));
    turns(10);
}

static uint32_t used_len(uint32_t i)
{
    return (uint32_t)get(used_ring(0) + 4 + 8 * i + 4, 4);
}

TEST(an_entropy_device_goes_on_with_its_buffer_and_its_quota)
{
    struct saved saved = {0};
    start_rng();
    start_driver(0, 1);
    add(0, 64, 1);
    add(0, 64, 1);
    kick(0);
    give_entropy("0123456789");
    CHECK_EQ(used(0), 1);
    CHECK_EQ(used_len(0), 10);
    save(&saved);
    save_memory();
    end_rng();

    start_rng();
    place_device();
    load_memory();
    CHECK_EQ(load(&saved), 0);
    devices_resume(vm);
    give_entropy("abcdefghij");
    CHECK_EQ(used(0), 2);
    CHECK_EQ(used_len(1), 6); /* the rest of the period */
    add(0, 64, 1);
    kick(0);
    turns(10);
    CHECK_EQ(used(0), 2);
    end_rng();
    buf_free(&saved.outer);
    buf_free(&saved.inner);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    RUN(a_port_leaves_a_running_driver_and_another_takes_its_number);
    RUN(the_device_leaves_with_its_ports_while_data_is_under_way);
    RUN(data_under_way_goes_on_in_another_machine);
    RUN(a_machine_without_the_port_refuses_the_state);
    RUN(an_entropy_device_goes_on_with_its_buffer_and_its_quota);
    AUTO_FREE char *path = xasprintf("%s/socket", dir), *pipe = xasprintf("%s/fifo", dir);
    unlink(path);
    unlink(pipe);
    rmdir(dir);
    return tap_done();
}
