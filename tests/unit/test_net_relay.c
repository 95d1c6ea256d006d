/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes between two sockets, with a loop that is poll(2). */
#include "relay.h"
#include "tap.h"

#include "util/alloc.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WATCHES = 8, MUCH = 20000000 };

struct tn_watch {
    int fd;
    uint32_t events;
    void (*fn)(void *, uint32_t);
    void *s;
};
static struct tn_watch watches[WATCHES];
static struct relay *relay;
static int out[2]; /* the other ends */
static unsigned done;

/* ---- the loop ---- */

static struct tn_watch *add(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, int fd, uint32_t ev,
                            void (*fn)(void *, uint32_t), void *s)
{
    (void)d;
    (void)c;
    (void)flags;
    for (struct tn_watch *w = watches; w < watches + WATCHES; w++)
        if (!w->fn) {
            *w = (struct tn_watch){.fd = fd, .events = ev, .fn = fn, .s = s};
            return w;
        }
    return NULL;
}

static void mask(struct tn_watch *w, uint32_t ev)
{
    w->events = ev;
}

static void del(struct tn_watch *w)
{
    w->fn = NULL;
}

static const struct tn_loop loop = {
    .struct_size = sizeof loop, .fd = add, .fd_mask = mask, .fd_del = del};

/* Returns the number of calls. */
static unsigned turn(void)
{
    unsigned calls = 0;
    for (struct tn_watch *w = watches; w < watches + WATCHES; w++) {
        if (!w->fn)
            continue;
        struct pollfd p = {
            w->fd,
            (short)((w->events & TN_FD_IN ? POLLIN : 0) | (w->events & TN_FD_OUT ? POLLOUT : 0)),
            0};
        if (poll(&p, 1, 0) <= 0)
            continue;
        calls++;
        w->fn(w->s, (p.revents & POLLIN ? TN_FD_IN : 0u) | (p.revents & POLLOUT ? TN_FD_OUT : 0u) |
                        (p.revents & (POLLERR | POLLHUP) ? TN_FD_ERR : 0u));
    }
    return calls;
}

/* Until there is nothing to do: a relay that is at rest is not called. */
static void settle(void)
{
    for (int i = 0; turn(); i++)
        CHECK(i < 10000);
}

/* ---- the relay ---- */

static void ended(void *s, struct relay *r)
{
    CHECK(s == out && r == relay);
    relay_free(r);
    relay = NULL;
    done++;
}

static void begin(void)
{
    int a[2], b[2];
    memset(watches, 0, sizeof watches);
    done = 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) == 0 && tcp_pair(b) == 0);
    fcntl(b[1], F_SETFL, O_NONBLOCK);
    relay = relay_new(NULL, &loop, a[1], b[0], ended, out);
    CHECK(relay);
    out[0] = a[0];
    out[1] = b[1];
}

static void end(void)
{
    relay_free(relay);
    relay = NULL;
    close_fd(&out[0]);
    close_fd(&out[1]);
}

static uint8_t byte(uint32_t i)
{
    return (uint8_t)(i * 7 + (i >> 8) + (i >> 16));
}

/* Sends what fits of MUCH bytes from at on; the new at. */
static uint32_t send_some(int fd, uint32_t at)
{
    uint8_t b[30000];
    uint32_t n = MUCH - at < sizeof b ? MUCH - at : sizeof b;
    for (uint32_t i = 0; i < n; i++)
        b[i] = byte(at + i);
    ssize_t r = n ? send(fd, b, n, MSG_NOSIGNAL) : 0;
    return at + (r > 0 ? (uint32_t)r : 0);
}

static uint32_t take_some(int fd, uint32_t at, uint32_t most)
{
    static uint8_t b[100000];
    ssize_t r = recv(fd, b, most, 0);
    for (ssize_t i = 0; i < r; i++)
        CHECK_EQ(b[i], byte(at + (uint32_t)i));
    return at + (r > 0 ? (uint32_t)r : 0);
}

static int is_end(int fd)
{
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

TEST(all_of_it_both_ways)
{
    begin();
    uint32_t sent[2] = {0}, got[2] = {0};
    while (got[0] < MUCH || got[1] < MUCH)
        for (unsigned i = 0; i < 2; i++) {
            sent[i] = send_some(out[i], sent[i]);
            turn();
            got[!i] = take_some(out[!i], got[!i], i ? 100000 : 7000);
        }
    settle();
    CHECK_EQ(done, 0);
    end();
}

TEST(who_does_not_read_stops_the_other)
{
    begin();
    uint32_t sent = 0, before;
    do {
        before = sent;
        sent = send_some(out[0], sent);
        settle();
    } while (sent != before);
    CHECK(sent < MUCH);
    for (uint32_t got = 0; got < sent; settle())
        got = take_some(out[1], got, 100000);
    end();
}

TEST(one_way_ends_before_the_other)
{
    begin();
    uint32_t sent = send_some(out[0], 0);
    shutdown(out[0], SHUT_WR);
    settle();
    CHECK_EQ(take_some(out[1], 0, 100000), sent);
    CHECK(is_end(out[1]));
    CHECK_EQ(done, 0);
    sent = send_some(out[1], 0);
    settle();
    CHECK_EQ(take_some(out[0], 0, 100000), sent);
    shutdown(out[1], SHUT_WR);
    settle();
    CHECK(is_end(out[0]));
    CHECK_EQ(done, 1);
    end();
}

/* More than is on its way within the relay. */
TEST(what_was_sent_before_a_close_arrives)
{
    for (unsigned i = 0; i < 2; i++) {
        begin();
        uint32_t sent = 0, got = 0, before;
        do {
            before = sent;
            sent = send_some(out[i], sent);
            settle();
        } while (sent != before);
        close_fd(&out[i]);
        out[i] = -1;
        for (; got < sent; settle())
            got = take_some(out[!i], got, 100000);
        CHECK(is_end(out[!i]));
        CHECK_EQ(done, !i); /* TCP tells only of one way's end */
        shutdown(out[!i], SHUT_WR);
        settle();
        CHECK_EQ(done, 1);
        end();
    }
}

TEST(nobody_is_left_to_read)
{
    for (unsigned i = 0; i < 2; i++) {
        begin();
        send_some(out[!i], 0);
        close_fd(&out[i]);
        out[i] = -1;
        send_some(out[!i], 0);
        settle();
        shutdown(out[!i], SHUT_WR);
        settle();
        CHECK_EQ(done, 1);
        end();
    }
}

TEST(freed_in_the_middle)
{
    begin();
    send_some(out[0], 0);
    turn();
    relay_free(relay);
    relay = NULL;
    CHECK_EQ(turn(), 0);
    CHECK_EQ(done, 0);
    end();
    relay_free(NULL);
}

TEST(a_pair_is_one_connection)
{
    int p[2];
    struct sockaddr_in a, b;
    socklen_t n = sizeof a, m = sizeof b;
    CHECK_EQ(tcp_pair(p), 0);
    CHECK(getsockname(p[0], (struct sockaddr *)&a, &n) == 0 &&
          getpeername(p[1], (struct sockaddr *)&b, &m) == 0);
    CHECK(a.sin_family == AF_INET && a.sin_port == b.sin_port &&
          a.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    close(p[0]);
    CHECK(is_end(p[1]));
    close(p[1]);
}

int main(void)
{
    RUN(all_of_it_both_ways);
    RUN(who_does_not_read_stops_the_other);
    RUN(one_way_ends_before_the_other);
    RUN(what_was_sent_before_a_close_arrives);
    RUN(nobody_is_left_to_read);
    RUN(freed_in_the_middle);
    RUN(a_pair_is_one_connection);
    return tap_done();
}
