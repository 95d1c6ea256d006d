/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices: sockets. */
#include "chardev_rig.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- sockets ---- */

TEST(socket_client_fails_as_qemu_does)
{
    rig_begin();
    CHECK(!rig_chardev("socket,id=c,path=@/x.sock"));
    CHECK_STR(rig_error(), rig_path("Failed to connect to '@/x.sock': No such file or directory"));
    CHECK(!rig_chardev("socket,id=c,host=127.0.0.1,port=1"));
    CHECK_STR(rig_error(), "Failed to connect to '127.0.0.1:1': Connection refused");
}

TEST(socket_client_carries_both_ways)
{
    rig_begin();
    char buf[8] = "";
    AUTO_CLOSE int l = rig_listen("@/s");
    CHECK(rig_chardev("socket,id=c,path=@/s"));
    AUTO_CLOSE int peer = accept(l, NULL, NULL);
    struct front *f = rig_front("c", NULL, 100);
    CHECK_EQ(write(peer, "ping", 4), 4);
    RIG_UNTIL(f->ngot == 4);
    CHECK(rig_got(f, "ping"));
    rig_write(f, "pong", 4);
    CHECK_EQ(rig_read(peer, buf, 4), 4);
    CHECK_STR(buf, "pong");
    close(peer);
    peer = -1;
    RIG_UNTIL(f->nevents == 2);
    CHECK_STR(f->events, "OC");
    for (int i = 0; i < 5; i++)
        CHECK_EQ(rig_write(f, "void", 4), 4);
    CHECK(rig_quiet());
    CHECK(rig_sane(f));
}

TEST(socket_client_connects_again)
{
    rig_begin();
    CHECK(rig_chardev("socket,id=c,path=@/s,reconnect-ms=20"));
    struct front *f = rig_front("c", NULL, 100);
    rig_settle();
    CHECK_STR(f->events, "");
    AUTO_CLOSE int l = rig_listen("@/s");
    RIG_UNTIL(f->nevents);
    int peer = accept(l, NULL, NULL);
    close(peer);
    RIG_UNTIL(f->nevents == 3);
    CHECK_STR(f->events, "OCO");
    peer = accept(l, NULL, NULL);
    CHECK_EQ(write(peer, "back", 4), 4);
    RIG_UNTIL(f->ngot == 4);
    CHECK(rig_got(f, "back"));
    close(peer);
}

TEST(socket_server_takes_one_client_after_the_other)
{
    rig_begin();
    char buf[8] = "";
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 100);
    int a = rig_connect("@/s"), b = rig_connect("@/s");
    CHECK(a >= 0 && b >= 0);
    RIG_UNTIL(f->nevents);
    CHECK_EQ(write(b, "second", 6), 6);
    CHECK_EQ(write(a, "first ", 6), 6);
    RIG_UNTIL(f->ngot == 6);
    CHECK(rig_quiet()); /* though the second one waits */
    CHECK(rig_got(f, "first "));
    close(a);
    RIG_UNTIL(f->ngot == 12);
    CHECK(rig_got(f, "first second"));
    CHECK_STR(f->events, "OCO");
    rig_write(f, "hi", 2);
    CHECK_EQ(rig_read(b, buf, 2), 2);
    close(b);
    RIG_UNTIL(f->nevents == 4);
    CHECK_STR(f->events, "OCOC");
    CHECK(rig_sane(f));
}

TEST(socket_server_waits_for_its_client)
{
    rig_begin();
    pthread_t t;
    int peer = -1;
    pthread_create(&t, NULL, rig_connect_late, &peer);
    struct device *d = rig_chardev("socket,id=c,path=@/s,server=on");
    pthread_join(t, NULL);
    CHECK(d && peer >= 0);
    struct front *f = rig_front("c", NULL, 1);
    RIG_UNTIL(f->nevents);
    CHECK_STR(f->events, "O");
    close(peer);
}

TEST(socket_server_replaces_a_socket_but_no_file)
{
    rig_begin();
    close(rig_listen("@/s"));
    struct device *d = rig_chardev("socket,id=c,path=@/s,server=on,wait=off");
    CHECK(d);
    device_free(d);
    CHECK(access(rig_path("@/s"), F_OK) < 0);
    rig_put_file("@/s", "precious");
    CHECK(!rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    CHECK_STR(rig_error(), rig_path("Failed to bind socket to @/s: Address already in use"));
    CHECK_STR(rig_file("@/s"), "precious");
}

TEST(the_last_words_of_a_peer_arrive_and_the_next_is_served)
{
    rig_begin();
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 0);
    int a = rig_connect("@/s");
    rig_settle();
    CHECK_EQ(write(a, "bye", 3), 3);
    close(a);
    CHECK(rig_quiet());
    int b = rig_connect("@/s");
    rig_settle();
    CHECK_EQ(write(b, "hi", 2), 2);
    CHECK_STR(f->events, "O"); /* no room: its end keeps its place behind its bytes */
    rig_room(f, 100);
    RIG_UNTIL(f->ngot == 5);
    CHECK(rig_got(f, "byehi"));
    CHECK_STR(f->events, "OCO");
    close(b);
}

TEST(more_last_words_than_are_read_ahead_arrive_too)
{
    rig_begin();
    static uint8_t data[150000];
    for (uint32_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 3 + i / 256);
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 0);
    int fd = rig_connect("@/s");
    rig_settle();
    CHECK_EQ(send(fd, data, sizeof data, MSG_DONTWAIT), sizeof data);
    close(fd);
    CHECK(rig_quiet());
    while (f->nevents < 2 && f->ngot < sizeof data) {
        uint32_t before = f->ngot;
        rig_room(f, 10000);
        RIG_UNTIL(!f->room || f->ngot == sizeof data);
        CHECK(f->ngot != before);
    }
    RIG_UNTIL(f->nevents == 2);
    CHECK_EQ(f->ngot, sizeof data);
    CHECK(memcmp(f->got, data, sizeof data) == 0);
    CHECK_STR(f->events, "OC");
}

/* 50 connections while the front end takes nothing; the newest is left open. */
static int storm(void)
{
    int last = -1;
    for (int i = 0; i < 50; i++) {
        int fd = rig_connect("@/s");
        CHECK(fd >= 0);
        CHECK_EQ(write(fd, "spam", 4), 4);
        if (last >= 0)
            close(last);
        last = fd;
        rig_settle();
    }
    return last;
}

TEST(a_storm_of_connections_ends_in_the_right_state)
{
    rig_begin();
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 0);
    rig_settle();
    int last = storm();
    CHECK_EQ(write(last, "ham", 3), 3);
    rig_room(f, 10000);
    RIG_UNTIL(f->ngot >= 7 && memcmp(f->got + f->ngot - 7, "spamham", 7) == 0);
    CHECK(memcmp(f->got + f->ngot - 7, "spamham", 7) == 0);
    CHECK_EQ(f->events[f->nevents - 1], 'O');
    for (uint32_t i = 1; i < f->nevents; i++)
        CHECK(f->events[i] != f->events[i - 1]);
    rig_room(f, 0);
    close(last);
    RIG_UNTIL(f->events[f->nevents - 1] == 'C');
    last = storm();
    close(last);
    CHECK(rig_quiet());
    rig_room(f, 10000);
    rig_settle();
    CHECK_EQ(f->events[f->nevents - 1], 'C');
    CHECK(rig_quiet());
}

TEST(clients_without_a_front_end_do_not_block_the_next)
{
    rig_begin();
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    for (int i = 0; i < 5; i++) {
        int fd = rig_connect("@/s");
        CHECK_EQ(write(fd, "x", 1), 1);
        rig_settle();
        close(fd);
        CHECK(rig_quiet());
    }
    int fd = rig_connect("@/s");
    CHECK_EQ(write(fd, "early", 5), 5);
    rig_settle();
    struct front *f = rig_front("c", NULL, 100);
    RIG_UNTIL(f->ngot == 5);
    CHECK(rig_got(f, "early"));
    CHECK_STR(f->events, "O");
    close(fd);
}

TEST(input_of_an_old_front_end_is_not_the_next_ones)
{
    rig_begin();
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 2);
    int fd = rig_connect("@/s");
    CHECK_EQ(write(fd, "abcdef", 6), 6);
    rig_settle();
    CHECK(rig_got(f, "ab"));
    rig_unplug(f);
    f = rig_front("c", NULL, 100);
    rig_settle();
    CHECK(rig_got(f, ""));
    CHECK_EQ(write(fd, "new", 3), 3);
    RIG_UNTIL(f->ngot == 3);
    CHECK(rig_got(f, "new"));
    CHECK_STR(f->events, "O");
    close(fd);
}

TEST(bulk_input_arrives_whole_in_small_pieces)
{
    rig_begin();
    static uint8_t data[512 << 10];
    for (uint32_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i ^ i >> 9);
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 61);
    f->refill = 61;
    int fd = rig_connect("@/s");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (uint32_t sent = 0; sent < sizeof data;) {
        ssize_t r = write(fd, data + sent, sizeof data - sent);
        sent += r > 0 ? (uint32_t)r : 0;
        loop_once(rig_vm(), 1000000u);
    }
    RIG_UNTIL(f->ngot == sizeof data);
    CHECK_EQ(f->ngot, sizeof data);
    CHECK(memcmp(f->got, data, sizeof data) == 0);
    CHECK(rig_sane(f));
    close(fd);
}

TEST(a_front_end_in_an_iothread_gets_its_input_there)
{
    struct rig *r = rig_begin();
    static uint8_t data[256 << 10];
    memset(data, 'x', sizeof data);
    struct tn_ctx *io = loop_new(&r->vm->clock, "io");
    CHECK_EQ(loop_start_thread(io, NULL, NULL), 0);
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", io, 50);
    domain_lock(device_of(f->dev)->domain);
    f->refill = 50;
    domain_unlock(device_of(f->dev)->domain);
    int fd = rig_connect("@/s");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (uint32_t sent = 0; sent < sizeof data;) {
        ssize_t n = write(fd, data + sent, sizeof data - sent);
        sent += n > 0 ? (uint32_t)n : 0;
        loop_once(rig_vm(), 1000000u);
    }
    RIG_UNTIL(__atomic_load_n(&f->ngot, __ATOMIC_ACQUIRE) == sizeof data);
    loop_stop_thread(io);
    CHECK_EQ(f->ngot, sizeof data);
    CHECK_EQ(f->wrong_thread, 0);
    CHECK_EQ(f->wrong_lock, 0);
    close(fd);
    rig_end();
    loop_free(io);
}

TEST(a_peer_that_leaves_in_the_middle_of_output_is_survived)
{
    rig_begin();
    static char data[300000];
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 10);
    for (int round = 0; round < 3; round++) {
        int fd = rig_connect("@/s");
        RIG_UNTIL(f->nevents == 2 * (uint32_t)round + 1);
        for (int i = 0; i < 20; i++) {
            rig_write(f, data, sizeof data);
            loop_once(rig_vm(), 0);
        }
        close(fd);
        RIG_UNTIL(f->nevents == 2 * (uint32_t)round + 2);
        rig_settle();
        CHECK_EQ(rig_write(f, "x", 1), 1);
    }
    CHECK_STR(f->events, "OCOCOC");
    CHECK(rig_quiet());
}

static uint16_t port_of(struct vm *vm, const char *id)
{
    AUTO_FREE char *name = chardev_filename(chardev_find(vm, id));
    const char *tcp = strstr(name, "tcp:127.0.0.1:");
    return tcp ? (uint16_t)atoi(tcp + strlen("tcp:127.0.0.1:")) : 0;
}

TEST(tcp_server_and_client_meet)
{
    struct rig *r = rig_begin();
    CHECK(rig_chardev("socket,id=s,host=127.0.0.1,port=0,server=on,wait=off"));
    uint16_t port = port_of(r->vm, "s");
    CHECK(port);
    AUTO_FREE char *text = xasprintf("socket,id=c,host=127.0.0.1,port=%u,nodelay=on", port);
    CHECK(rig_chardev(text));
    struct front *f = rig_front("s", NULL, 100), *g = rig_front("c", NULL, 100);
    rig_write(f, "to client", 9);
    rig_write(g, "to server", 9);
    RIG_UNTIL(f->ngot == 9 && g->ngot == 9);
    CHECK(rig_got(f, "to server"));
    CHECK(rig_got(g, "to client"));
    AUTO_FREE char *clash =
        xasprintf("socket,id=t,host=127.0.0.1,port=%u,server=on,wait=off", port);
    CHECK(!rig_chardev(clash));
    CHECK(strstr(rig_error(), "Failed to bind socket to 127.0.0.1:"));
    AUTO_FREE char *range =
        xasprintf("socket,id=t,host=127.0.0.1,port=%u,to=65535,server=on,wait=off", port);
    CHECK(rig_chardev(range));
    CHECK(port_of(r->vm, "t") > port);
}

TEST(socket_uses_an_inherited_descriptor)
{
    rig_begin();
    int fd[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    AUTO_FREE char *text = xasprintf("socket,id=c,fd=%d", fd[0]);
    CHECK(rig_chardev(text));
    struct front *f = rig_front("c", NULL, 100);
    CHECK_EQ(write(fd[1], "abc", 3), 3);
    RIG_UNTIL(f->ngot == 3);
    CHECK(rig_got(f, "abc"));
    close(fd[1]);
    RIG_UNTIL(f->nevents == 2);
    CHECK_STR(f->events, "OC");
    CHECK(!rig_chardev("socket,id=d,fd=987"));
    CHECK_STR(rig_error(), "File descriptor '987' is not a socket");
    CHECK(!rig_chardev("socket,id=d,fd=foo"));
    CHECK_STR(rig_error(), "Unable to parse FD number foo");
    CHECK(!rig_chardev("socket,id=d,fd=0"));
    int l = rig_listen("@/l");
    AUTO_FREE char *server = xasprintf("socket,id=e,fd=%d,server=on,wait=off", l);
    CHECK(rig_chardev(server));
    struct front *g = rig_front("e", NULL, 100);
    int peer = rig_connect("@/l");
    RIG_UNTIL(g->nevents);
    CHECK_STR(g->events, "O");
    close(peer);
}

TEST(abstract_names_work)
{
    rig_begin();
    AUTO_FREE char *text =
        xasprintf("socket,id=s,path=tenon-test-%d,abstract=on,server=on,wait=off", getpid());
    AUTO_FREE char *peer = xasprintf("socket,id=c,path=tenon-test-%d,abstract=on", getpid());
    CHECK(rig_chardev(text));
    CHECK(rig_chardev(peer));
    struct front *f = rig_front("s", NULL, 100), *g = rig_front("c", NULL, 100);
    rig_write(g, "abc", 3);
    RIG_UNTIL(f->ngot == 3);
    CHECK(rig_got(f, "abc"));
}

TEST(socket_options_that_contradict_are_refused)
{
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"socket,id=c", "one of 'path', 'fd' and 'host' is needed"},
        {"socket,id=c,path=@/s,host=a,port=1", "'path', 'fd' or 'host'"},
        {"socket,id=c,host=localhost", "no port given"},
        {"socket,id=c,path=@/s,wait=off", "'wait' option is incompatible"},
        {"socket,id=c,path=@/s,server=on,reconnect=1", "'reconnect' option is incompatible"},
        {"socket,id=c,path=@/s,reconnect=1,reconnect-ms=5", "mutually exclusive"},
        {"socket,id=c,path=@/s,server=on,telnet=on", "'telnet' is not supported"},
        {"socket,id=c,path=@/s,server=on,websocket=on", "'websocket' is not supported"},
        {"socket,id=c,path=@/s,tls-creds=t0", "'tls-creds' is not supported"},
        {"socket,id=c,host=h,port=1,ipv4=off,ipv6=off", "Cannot disable IPv4 and IPv6"},
        {"socket,id=c,path=/no/such/dir/s,server=on",
         "Failed to bind socket to /no/such/dir/s: No such file or directory"},
    };
    rig_begin();
    uint32_t fds = rig_open_fds();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK(!rig_chardev(bad[i].text));
        CHECK(strstr(rig_error(), bad[i].error));
    }
    CHECK_EQ(rig_open_fds(), fds);
    char longer[200] = "socket,id=c,path=";
    memset(longer + strlen(longer), 'a', 150);
    CHECK(!rig_chardev(longer));
    CHECK(strstr(rig_error(), "is too long"));
}

int main(void)
{
    RUN(socket_client_fails_as_qemu_does);
    RUN(socket_client_carries_both_ways);
    RUN(socket_client_connects_again);
    RUN(socket_server_takes_one_client_after_the_other);
    RUN(socket_server_waits_for_its_client);
    RUN(socket_server_replaces_a_socket_but_no_file);
    RUN(the_last_words_of_a_peer_arrive_and_the_next_is_served);
    RUN(more_last_words_than_are_read_ahead_arrive_too);
    RUN(a_storm_of_connections_ends_in_the_right_state);
    RUN(clients_without_a_front_end_do_not_block_the_next);
    RUN(input_of_an_old_front_end_is_not_the_next_ones);
    RUN(bulk_input_arrives_whole_in_small_pieces);
    RUN(a_front_end_in_an_iothread_gets_its_input_there);
    RUN(a_peer_that_leaves_in_the_middle_of_output_is_survived);
    RUN(tcp_server_and_client_meet);
    RUN(socket_uses_an_inherited_descriptor);
    RUN(abstract_names_work);
    RUN(socket_options_that_contradict_are_refused);
    rig_end();
    return tap_done();
}
