/* SPDX-License-Identifier: BSD-2-Clause */
/* A TAP interface: what tap.c, tap_open.c, tap_script.c and tap_vhost.c share. */
#ifndef TN_NET_TAP_H
#define TN_NET_TAP_H
#include <net/if.h>
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/net.h>
#include <tenon/os.h>

enum { TAP_QUEUES_MAX = 64, TAP_PACKET_MAX = 65536 + 4096, TAP_HDR_MAX = 12 };

struct tap;
struct tap_queue {
    struct tap *t;
    struct tn_watch *watch;
    int fd; /* -1: none */
    uint32_t index;
    uint8_t *buf;  /* TAP_PACKET_MAX bytes */
    uint32_t held; /* bytes in buf that the front end has no room for; 0 = none */
    uint32_t wants_out;
};

struct tap {
    struct tn_dev *d;
    const struct tn_loop *loop;
    const struct tn_os *os;
    const struct tn_net_feed *feed;
    /* options */
    const char *ifname, *fd, *fds, *script, *downscript, *br, *helper, *vhostfd, *vhostfds;
    uint32_t queues, vnet_hdr, poll_us;
    uint64_t sndbuf;
    uint32_t vhost; /* TN_AUTO, TN_ON, TN_OFF */
    uint8_t vhostforce;
    /* state */
    char name[IFNAMSIZ]; /* of the interface */
    struct tap_queue q[TAP_QUEUES_MAX];
    uint32_t nq;
    uint32_t has_hdr;     /* the kernel puts a virtio_net_hdr before each packet */
    uint32_t host_hdr;    /* bytes of it; 0 without */
    uint32_t peer_hdr;    /* bytes of it that the front end wants to see */
    uint32_t peer;        /* there is a front end */
    uint32_t lent;        /* it reads the descriptors itself */
    int down_pipe;        /* the one that waits to run downscript reads from it; -1 */
    int down_program;     /* itself: of os->run(); -1 */
    struct tap_vhost *vh; /* NULL: packets go through this process */
};

/* ---- tap_open.c; all in realize, 0 or -errno with e ---- */
int tap_open(struct tap *t, struct tn_err *e);
/* Numbers "3:4:5" of open descriptors, as duplicates that the caller owns: how many, or -errno. */
int tap_numbers(struct tap *t, const char *key, const char *text, int *fd, uint32_t max,
                struct tn_err *e);
/* Length of the header and TN_NET_* for packets to the guest. -ENOTSUP: the kernel cannot. */
int tap_set_offload(struct tap *t, uint32_t hdr_len, uint64_t to_guest);

/* Of several queues, those that are attached get packets. */
void tap_attach_queue(struct tap *t, uint32_t q, uint32_t on);

/* ---- tap_script.c ---- */
/* Runs path with the interface's name, and waits. */
int tap_run_script(struct tap *t, const char *path, struct tn_err *e);
/* Starts a process that runs path when this one ends, however that happens. */
int tap_await_end(struct tap *t, const char *path, struct tn_err *e);
/* Runs what tap_await_end() has started, and waits; nothing without. In unrealize. */
void tap_end_script(struct tap *t);
/* An open TAP from a helper program that may make one and put it on bridge br. */
int tap_ask_helper(struct tap *t, const char *helper, const char *br, struct tn_err *e);

/* ---- tap_vhost.c ---- */
/* vhost=on: a kernel worker for each queue. 0 also if there is none and packets may as well go
 * through this process. */
int tap_vhost_open(struct tap *t, struct tn_err *e);
void tap_vhost_free(struct tap *t);
int tap_vhost_owns(const struct tap *t); /* a front end has opened it */
const void *tap_vhost_iface(struct tap *t, const char *id);

#endif
