/* SPDX-License-Identifier: BSD-2-Clause */
/* An NBD server of one export, of any name: the fixed newstyle handshake, simple replies, in
 * another order than the requests.
 * https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md */
#include "peer.h"
#include "util/bytes.h"
#include <errno.h>
#include <linux/nbd.h>
#include <poll.h>
#include <sys/socket.h>

enum {
    FLAG_FIXED_NEWSTYLE = 1, /* handshake flags, of both sides */
    FLAG_NO_ZEROES = 2,
    OPT_EXPORT_NAME = 1,
    OPT_ABORT = 2,
    OPT_INFO = 6,
    OPT_GO = 7,
    REP_ACK = 1,
    REP_INFO = 3,
    INFO_EXPORT = 0,
    FLAG_WRITE_ZEROES = 1 << 6, /* transmission flags that linux/nbd.h has not */
    CMD_WRITE_ZEROES = 6,
    OPTION_MAX = 8192, /* bytes of an option's data; a name has 4096 at most */
    REQUEST_BYTES = 28,
    AT_ONCE = 4,
};
#define NBD_MAGIC     0x4e42444d41474943u /* "NBDMAGIC" */
#define I_HAVE_OPT    0x49484156454f5054u
#define OPT_REPLY     0x0003e889045565a9u
#define REP_ERR_UNSUP (1u << 31 | 1)
#define EXPORT_FLAGS                                                                     \
    (NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM | \
     NBD_FLAG_CAN_MULTI_CONN | FLAG_WRITE_ZEROES)

struct client {
    int fd;
    uint32_t flags; /* of its handshake */
    uint8_t *disk;
    uint64_t size;
};
struct request {
    uint32_t type, len, err;
    uint64_t cookie, off;
};

static int get(const struct client *c, void *p, size_t n)
{
    return recv(c->fd, p, n, MSG_WAITALL) == (ssize_t)n ? 0 : -EPIPE;
}

static int put(const struct client *c, const void *p, size_t n, int more)
{
    return send(c->fd, p, n, MSG_NOSIGNAL | more) == (ssize_t)n ? 0 : -EPIPE;
}

/* ---- handshake ---- */

static int greet(struct client *c)
{
    uint8_t b[18], flags[4];
    put_be64(b, NBD_MAGIC);
    put_be64(b + 8, I_HAVE_OPT);
    put_be16(b + 16, FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES);
    int r = put(c, b, sizeof b, 0);
    if (r == 0)
        r = get(c, flags, sizeof flags);
    c->flags = get_be32(flags);
    return r;
}

static int option_reply(const struct client *c, uint32_t option, uint32_t type, const void *data,
                        uint32_t len)
{
    uint8_t b[20];
    put_be64(b, OPT_REPLY);
    put_be32(b + 8, option);
    put_be32(b + 12, type);
    put_be32(b + 16, len);
    int r = put(c, b, sizeof b, len ? MSG_MORE : 0);
    return r == 0 && len ? put(c, data, len, 0) : r;
}

static int tell_export(const struct client *c, uint32_t option)
{
    uint8_t b[12];
    put_be16(b, INFO_EXPORT);
    put_be64(b + 2, c->size);
    put_be16(b + 10, EXPORT_FLAGS);
    int r = option_reply(c, option, REP_INFO, b, sizeof b);
    return r < 0 ? r : option_reply(c, option, REP_ACK, NULL, 0);
}

/* NBD_OPT_EXPORT_NAME: no reply but the export itself. */
static int begin_old(const struct client *c)
{
    uint8_t b[10 + 124] = {0};
    put_be64(b, c->size);
    put_be16(b + 8, EXPORT_FLAGS);
    return put(c, b, c->flags & FLAG_NO_ZEROES ? 10 : sizeof b, 0);
}

/* 0: the next one, 1: requests follow; -errno. */
static int one_option(const struct client *c)
{
    uint8_t b[16], data[OPTION_MAX];
    if (get(c, b, sizeof b) < 0 || get_be64(b) != I_HAVE_OPT || get_be32(b + 12) > sizeof data)
        return -EPROTO;
    uint32_t option = get_be32(b + 8), len = get_be32(b + 12);
    if (len && get(c, data, len) < 0)
        return -EPIPE;
    switch (option) {
    case OPT_EXPORT_NAME:
        return begin_old(c) < 0 ? -EPIPE : 1;
    case OPT_INFO:
    case OPT_GO:
        return tell_export(c, option) < 0 ? -EPIPE : option == OPT_GO;
    case OPT_ABORT:
        option_reply(c, option, REP_ACK, NULL, 0);
        return -ECONNRESET;
    default:
        return option_reply(c, option, REP_ERR_UNSUP, NULL, 0);
    }
}

/* ---- transmission ---- */

static int has_data(const struct request *r)
{
    return r->type == NBD_CMD_READ && !r->err;
}

static uint32_t judge(const struct client *c, const struct request *r)
{
    if (r->type == NBD_CMD_FLUSH)
        return 0;
    if (r->off > c->size || r->len > c->size - r->off)
        return r->type == NBD_CMD_WRITE ? ENOSPC : EINVAL;
    return r->type > CMD_WRITE_ZEROES ? EINVAL : 0;
}

/* What a request that was refused carries is taken all the same. */
static int take_data(const struct client *c, const struct request *r)
{
    uint8_t b[4096];
    if (!r->err)
        return get(c, c->disk + r->off, r->len);
    for (uint32_t left = r->len, n; left; left -= n) {
        n = left < sizeof b ? left : (uint32_t)sizeof b;
        if (get(c, b, n) < 0)
            return -EPIPE;
    }
    return 0;
}

static int take_request(const struct client *c, struct request *r)
{
    uint8_t b[REQUEST_BYTES];
    if (get(c, b, sizeof b) < 0 || get_be32(b) != NBD_REQUEST_MAGIC)
        return -EPROTO;
    *r = (struct request){.type = get_be16(b + 6),
                          .len = get_be32(b + 24),
                          .cookie = get_be64(b + 8),
                          .off = get_be64(b + 16)};
    r->err = judge(c, r);
    if (r->type == NBD_CMD_DISC)
        return -ECONNRESET;
    if (r->type == NBD_CMD_WRITE && r->len)
        return take_data(c, r);
    if (r->type == NBD_CMD_TRIM || r->type == CMD_WRITE_ZEROES)
        memset(c->disk + r->off, 0, r->err ? 0 : r->len);
    return 0;
}

static int reply(const struct client *c, const struct request *r)
{
    uint8_t b[16];
    put_be32(b, NBD_REPLY_MAGIC);
    put_be32(b + 4, r->err);
    put_be64(b + 8, r->cookie);
    int got = put(c, b, sizeof b, has_data(r) ? MSG_MORE : 0);
    return got == 0 && has_data(r) ? put(c, c->disk + r->off, r->len, 0) : got;
}

static int more_input(const struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* As many requests as are there, the last one answered first. */
static int some_requests(const struct client *c)
{
    struct request r[AT_ONCE];
    int n = 0, got;
    do
        got = take_request(c, &r[n]);
    while (got == 0 && ++n < AT_ONCE && more_input(c));
    while (got == 0 && n)
        got = reply(c, &r[--n]);
    return got;
}

void nbd_serve(int fd, uint8_t *disk, uint64_t size)
{
    struct client c = {.fd = fd, .disk = disk, .size = size};
    int r = greet(&c);
    while (r == 0)
        r = one_option(&c);
    while (r >= 0)
        r = some_requests(&c);
}
