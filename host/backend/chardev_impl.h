/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies between a front end and a back end.
 *
 *   front end  --write()-->  [out ring]  --back_bh-->   be->write()      in the back end's context,
 * with its lock front end <--input()--   <--front_bh--  [in ring]  <-- chr_commit()   in the front
 * end's context, with its lock
 *
 * The two devices are two lock domains and may live in two threads. Neither calls the other: each
 * puts bytes into a ring and kicks the other's bottom half, so no thread ever holds both locks (but
 * for take(), which has to answer at once: main thread or front end's context, always front end
 * first). A byte is copied once on its way out, as the writer's buffer is not ours to keep, and
 * never on its way in: a back end reads from its descriptor into the ring, and input() gets a
 * pointer into it.
 *
 * Flow control: a back end reads ahead at most one ring, and only while the front end takes input
 * (credit). If it finds no room it stops watching its descriptor; once the front end takes again
 * and half the ring is free, room() tells it.
 *
 * What is not a byte (an event, a break, line parameters) is a mark at a position of the stream, so
 * it keeps its place among the bytes. */
#ifndef TN_HOST_CHARDEV_IMPL_H
#define TN_HOST_CHARDEV_IMPL_H
#include "chardev.h"
#include "chardev_ring.h"
#include "util/buf.h"
#include <sys/types.h>

enum {
    CHR_RING = 32768,
    CHR_FRONTS = 4, /* of a mux; any other chardev has one */
    CHR_MARKS = 16,
    CHR_FDS = 16, /* that wait for getfd */
    CHR_MARK_FOCUS =
        0x100 /* a mark of the host's own: value is the front end that gets input from here on */
};

struct chr_mark {
    uint32_t at, what; /* position in the ring; TN_CHR_* or CHR_MARK_FOCUS */
    union {
        uint32_t value;
        struct tn_chr_params params;
    };
};
struct chr_marks {
    struct chr_mark v[CHR_MARKS];
    uint32_t n;
};

struct chr_front {
    struct managed m; /* of dev; else unused */
    struct tn_chr *c;
    struct device *dev; /* NULL: the host */
    const struct tn_chr_ops *ops;
    void *s;
    struct tn_bh *bh;
    uint32_t gen;      /* 0 = nobody; of the attachment */
    struct buf kept;   /* of a mux: typed for it, and not read when the focus went elsewhere */
    uint32_t kept_at;  /* how much of that has been read since */
    uint32_t pending;  /* 1 << event: told as soon as possible, in no place of the stream */
    uint32_t writable; /* owed: a call of writable() */
};

struct tn_chr {
    struct managed m;     /* of back: the last that it releases */
    pthread_mutex_t lock; /* leaf: all below but for the rings' own sides */
    uint32_t refs;        /* the back end, each front end, and each bottom half that runs */
    struct device *back;  /* NULL once it is gone: writes are swallowed then */
    const struct tn_chr_backend *be;
    struct tn_bh *back_bh;
    struct chr_front front[CHR_FRONTS];
    uint32_t nfronts, last_gen, focus;
    uint32_t session, told_session; /* session: counts the times that a first front end came */
    struct chr_ring out, in;        /* out: producer under lock */
    struct chr_marks settings;      /* of out: what set() asked for */
    struct chr_marks events;        /* of in */
    uint32_t discard_to,
        discard;        /* input below that position is dropped: its connection is long gone */
    uint32_t open;      /* the back end said OPENED last */
    uint32_t peer_left; /* ... and the front end has not heard of another one yet */
    uint32_t credit;    /* the front end took input when it was last asked */
    uint32_t accepts;   /* calls of accept() */
    uint32_t starved;   /* the back end found no room and waits for room() */
    uint32_t tell_room;
    uint32_t out_short;   /* a write() was short: writable() is owed when there is space */
    uint32_t out_blocked; /* be->write() was short: nothing more until feed->writable(); back end's
                             side */
    uint32_t modem, modem_state, look_modem; /* state: 0 not asked yet, 1 known, 2 there is none */
    uint32_t unsupported;                    /* 1 << TN_CHR_SET_*: what the back end has refused */
    struct tn_chr_size size;  /* of the terminal at the other side; 0: unknown, or there is none */
    uint32_t mux, mux_escape; /* mux_escape: the byte before was Ctrl-A */
    uint32_t takes_fds, nfds; /* descriptors that came with the input, if a monitor takes them */
    int fds[CHR_FDS];
    uint64_t stamps_since; /* of a mux: lines begin with the time since then; 0: they do not */
    uint32_t line_begins;  /* ... and the next byte begins one */
    int log_fd;            /* logfile=, or -1 */
    char *filename;        /* for query-chardev; main thread only */
};

/* ---- chardev_feed.c: for back ends. All [ctx][dev] of the back end ---- */
/* Room for input: bytes at *p (may be NULL) in one piece. 0: stop reading, room() follows. */
uint32_t chr_room(struct tn_chr *c, uint8_t **p);
/* The same without asking whether the front end takes input now: for what a peer that has left sent
 * last. */
uint32_t chr_space(struct tn_chr *c, uint8_t **p);
void chr_commit(struct tn_chr *c, uint32_t n); /* n bytes were read to where chr_room() pointed */
void chr_event(struct tn_chr *c, uint32_t ev); /* TN_CHR_OPENED, CLOSED, BREAK */
/* Before CLOSED, of a peer that hears no more: what was written for it is not the next one's. */
void chr_peer_left(struct tn_chr *c);
void chr_writable(struct tn_chr *c);                         /* after a short be->write() */
void chr_resized(struct tn_chr *c, struct tn_chr_size size); /* front ends are told */
int chr_attached(struct tn_chr *c);

/* Moves settings and bytes of the out ring to the back end, as far as it takes them. The back end's
 * bottom half. */
void back_run(void *c);

/* ---- chardev_fds.c ---- */
/* As recv() that does not wait; descriptors that came along are kept. */
ssize_t chr_recv(struct tn_chr *c, int fd, void *p, size_t n);
void chr_drop_fds(struct tn_chr *c); /* nobody asks for them any more */

/* ---- chardev_front.c ---- */
/* Gives a front end its events, and as much input as it takes; p is its struct chr_front. Its
 * bottom half. */
void front_run(void *p);

/* ---- chardev.c ---- */
void chr_ref(struct tn_chr *c);
void chr_unref(struct tn_chr *c);
void chr_set_filename(struct tn_chr *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* main thread */
void chr_make_back_bh(struct tn_chr *c);   /* for a back end that takes another's place */
void chr_back_changed(struct tn_chr *c);   /* it is told who is there, soon */
void chr_kick_front(struct tn_chr *c, uint32_t which);     /* lock held */
void chr_kick_back(struct tn_chr *c);                      /* lock held */
void chr_add_mark(struct chr_marks *m, struct chr_mark k); /* lock held; there is room */

/* ---- chardev_mux.c: mux=on ---- */
/* Takes Ctrl-A and what follows out of n bytes at p; what stays is moved together. Returns how
 * many. [ctx][dev] back end */
uint32_t mux_filter(struct tn_chr *c, uint8_t *p, uint32_t n);
/* Puts n bytes of p into the out ring, with the time in front of lines if that is wanted; returns
 * how many. c->lock is held. */
uint32_t mux_put(struct tn_chr *c, const uint8_t *p, uint64_t n);

#endif
