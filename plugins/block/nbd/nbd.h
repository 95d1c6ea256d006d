/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk that an NBD server exports
 * (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md), through libnbd. One
 * connection serves all queues; a server that can (NBD_FLAG_CAN_MULTI_CONN) gets one for each. A
 * connection that is lost is made again, and what was under way is sent again. */
#ifndef TN_NBD_H
#define TN_NBD_H
#include "../req_list.h"
#include <libnbd.h>
#include <pthread.h>
#include <sys/socket.h>
#include <tenon/core.h>
#include <tenon/loop.h>

struct nbd_queue;
struct conn;

/* What a server says of an export. */
struct export
{
    uint64_t size;                        /* bytes */
    uint32_t flags;                       /* TN_BLKF_* */
    uint32_t minimum, preferred, maximum; /* bytes of a block; of a request */
    uint32_t can_flush, multi;            /* NBD_FLAG_SEND_FLUSH, NBD_FLAG_CAN_MULTI_CONN */
};

enum { ADDRESSES_MAX = 8 };
struct address {
    struct sockaddr_storage a;
    socklen_t len;
};

/* A realize that waits for the first connection. */
struct opening {
    struct tn_err *e; /* the caller's: alive until core->realized() */
    uint64_t until;   /* ns of TN_CLK_REAL: attempts go on */
    uint32_t pending; /* realize has returned TN_PENDING and has not been answered */
};

struct nbd {
    struct tn_dev *dev;
    const struct tn_loop *loop;
    const struct tn_blk_feed *feed;
    /* properties */
    struct tn_blk_open open;
    const char *type, *host, *port, *path; /* server.* */
    const char *old_host, *old_port, *old_path;
    const char *export, *tls_creds, *tls_hostname;
    uint32_t reconnect_delay, open_timeout; /* seconds */
    /* from realize */
    struct address address[ADDRESSES_MAX]; /* of one server: tried in this order */
    uint32_t naddresses;
    char *where; /* the address for messages; owned */
    struct export export_is;
    struct opening opening;
    struct conn *first;        /* made at open */
    struct nbd_queue *home_of; /* whose context the first one is in; NULL: main */
    struct conn *all;          /* freed with the disk: an event of one may be under way */
};

enum conn_state {
    CONN_IDLE,   /* not asked to connect yet */
    CONN_MAKING, /* connects and negotiates */
    CONN_READY,
    CONN_WAITING, /* for the next attempt */
    CONN_CLOSED   /* for good */
};

struct conn {
    struct nbd *disk;
    struct conn *next;    /* of disk->all */
    pthread_mutex_t lock; /* leaf: all below */
    struct tn_ctx *ctx;
    enum conn_state state;
    struct nbd_handle *h;
    struct tn_watch *watch;          /* of h's socket, by fd */
    int fd;                          /* ours, or -1 */
    struct tn_timer *timer;          /* the next attempt, the end of this one or of patience */
    struct tn_bh *bh;                /* whatever a call has found, and the wish to connect */
    uint32_t lost;                   /* since the connection was, it has not been back */
    uint32_t address;                /* that is tried, or is connected to */
    uint32_t attempts;               /* that failed meanwhile */
    uint64_t made_at, patient_until; /* ns: connected; requests wait */
    uint64_t retry_at, give_up_at;   /* ns: the next attempt; the end of this one */
    struct req_list waiting;         /* for a connection, oldest first */
    struct req_list ended;           /* to be told */
};

struct nbd_queue {
    struct nbd *disk;
    struct conn *conn;
    struct tn_ctx *ctx;
    struct tn_bh *bh;
    struct req_list returned; /* from a connection in another context; conn->lock */
};

/* tn_blk_req.own while a request is here. */
struct nbd_req {
    struct nbd_queue *q;
    char *bounce; /* one buffer for the many of the request; ours */
    int64_t result;
    uint64_t next; /* req_list.h */
};
_Static_assert(sizeof(struct nbd_req) == sizeof(((struct tn_blk_req *)0)->own), "own[4]");
_Static_assert(offsetof(struct nbd_req, next) == REQ_NEXT * sizeof(uint64_t), "own[REQ_NEXT]");

static inline struct nbd_req *nbd_req_of(struct tn_blk_req *r)
{
    return (struct nbd_req *)(void *)r->own;
}

/* ---- nbd_addr.c ---- */

/* Resolves the server.* properties: disk->address[], disk->where. 0 or -errno with e. Before the
 * sandbox closes. */
int nbd_resolve(struct nbd *s, struct tn_err *e);

/* ---- nbd_conn.c ---- */

/* A connection in context c, idle; NULL without memory. [main] */
struct conn *conn_new(struct nbd *s, struct tn_ctx *c);
/* Connects, soon, in its context. Any thread. */
void conn_begin(struct conn *c);
/* Its events come in context ctx from here on. 0 or -ENOMEM: then they stay where they are. [main]
 */
int conn_move(struct conn *c, struct tn_ctx *ctx);
/* Says goodbye; no request is in flight nor comes again. [main] */
void conn_close(struct conn *c);
void conn_free(struct conn *c); /* [main] no callback runs any more */
/* Sends r, or keeps it until there is a connection. In the queue's context. */
void conn_submit(struct conn *c, struct tn_blk_req *r);
/* r, if it waits for a connection, ends with -ECANCELED. In the queue's context. */
void conn_cancel(struct conn *c, struct tn_blk_req *r);

/* ---- nbd_open.c ---- */

/* A handle for the export, which connects to address a: 0, or -ENOMEM. */
int open_handle(struct nbd *s, const struct address *a, struct nbd_handle **h);
/* What the server says, to x. 0 or -errno with the reason in why, of n bytes. */
int open_export(const struct nbd *s, struct nbd_handle *h, struct export *x, char *why, size_t n);

/* ---- nbd_io.c: all with conn.lock held ---- */

/* Hands r to libnbd. 0; -EAGAIN: the connection is not there any more; or -errno. */
int io_send(struct conn *c, struct tn_blk_req *r);
/* r has ended: to be told when the lock is free. */
void io_end(struct conn *c, struct tn_blk_req *r, int err);

#endif
