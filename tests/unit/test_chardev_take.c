/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices: connections handed over. */
#include "chardev_rig.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- take ---- */

TEST(take_hands_an_untouched_connection_over)
{
    rig_begin();
    char buf[8] = "";
    int fd = -1;
    AUTO_CLOSE int l = rig_listen("@/s");
    CHECK(rig_chardev("socket,id=c,path=@/s"));
    struct front *f = rig_front("c", NULL, 0);
    int peer = accept(l, NULL, NULL);
    CHECK_EQ(write(peer, "hello", 5), 5);
    rig_settle();
    CHECK_EQ(chardev_table.take(f->chr, f->dev, &fd, 0, NULL), 0);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(read(fd, buf, 5), 5);
    CHECK_STR(buf, "hello");
    close(fd);
    close(peer);
    CHECK(rig_quiet());
    /* the other side is up again: the next connection is made on demand */
    CHECK_EQ(chardev_table.take(f->chr, f->dev, &fd, 1000, NULL), 0);
    close(fd);
}

TEST(take_waits_for_a_client_and_no_longer_than_said)
{
    rig_begin();
    int fd = -1, peer = -1;
    pthread_t t;
    ERR_AUTO e = {0};
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 0);
    CHECK(chardev_table.take(f->chr, f->dev, &fd, 30, &e) == -ETIMEDOUT);
    CHECK(strstr(err_text(&e), "nobody has connected to unix:"));
    CHECK_EQ((uint32_t)fd, (uint32_t)-1);
    pthread_create(&t, NULL, rig_connect_late, &peer);
    CHECK_EQ(chardev_table.take(f->chr, f->dev, &fd, 2000, NULL), 0);
    pthread_join(t, NULL);
    CHECK(fd >= 0 && peer >= 0);
    int other = rig_connect("@/s");
    rig_settle();
    close(fd);
    close(peer);
    rig_unplug(f); /* who had taken it is gone: the server serves again */
    rig_settle();
    f = rig_front("c", NULL, 10);
    CHECK_EQ(write(other, "x", 1), 1);
    RIG_UNTIL(f->ngot);
    CHECK(rig_got(f, "x"));
    close(other);
}

TEST(take_refuses_a_connection_that_has_been_read_from)
{
    rig_begin();
    int fd = -1;
    ERR_AUTO e = {0};
    CHECK(rig_chardev("socket,id=c,path=@/s,server=on,wait=off"));
    struct front *f = rig_front("c", NULL, 2);
    int peer = rig_connect("@/s");
    CHECK_EQ(write(peer, "abcdef", 6), 6);
    RIG_UNTIL(f->ngot);
    CHECK(chardev_table.take(f->chr, f->dev, &fd, 0, &e) == -EBUSY);
    CHECK_STR(err_text(&e), "chardev 'c' has read from its connection already");
    rig_room(f, 100);
    RIG_UNTIL(f->ngot == 6);
    CHECK(rig_got(f, "abcdef")); /* nothing was lost */
    close(peer);
}

TEST(take_fails_clearly)
{
    rig_begin();
    int fd = -1;
    ERR_AUTO e = {0};
    CHECK(rig_chardev("null,id=n"));
    struct front *f = rig_front("n", NULL, 0);
    CHECK(chardev_table.take(f->chr, f->dev, &fd, 0, &e) == -ENOTSUP);
    CHECK_STR(err_text(&e), "chardev 'n' is not a socket");
    CHECK(rig_chardev("socket,id=c,path=@/s,reconnect=1"));
    struct front *g = rig_front("c", NULL, 0);
    err_clear(&e);
    CHECK(chardev_table.take(g->chr, g->dev, &fd, 60, &e) == -ENOENT);
    CHECK_STR(err_text(&e), rig_path("Failed to connect to '@/s': No such file or directory"));
}

int main(void)
{
    RUN(take_hands_an_untouched_connection_over);
    RUN(take_waits_for_a_client_and_no_longer_than_said);
    RUN(take_refuses_a_connection_that_has_been_read_from);
    RUN(take_fails_clearly);
    rig_end();
    return tap_done();
}
